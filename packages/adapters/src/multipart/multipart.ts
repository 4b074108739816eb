/**
 * Splits a response's content into parts (RFC 2046 §5.1: `multipart/mixed`, `multipart/byteranges`,
 * `multipart/form-data`, …) as they arrive; each part is a stream. Dicer finds boundaries and part
 * fields; this file controls pace, order and ends.
 */

import type { Readable } from 'node:stream'
import { Dicer } from '@fastify/busboy'
import { Fields, ResponseError, UsageError } from '@unshard/core'
import { type AnyResponse, type ContentReader, checkResponse, leave, nameOf, originOf, readerOf } from '../fetch/any-response.js'
import { quoted } from '../fetch/location.js'
import { extractMimeType } from '../fetch/mime-type.js'
import { type Disposition, parseDisposition } from './disposition.js'

/**
 * Iterates over the parts of a response, in order. Asking for the next part skips the unread rest
 * of the previous one; leaving the loop ends the response. Only content that the part's reader has
 * not taken yet is buffered, a chunk or two.
 * @param response of `fetch` or of `client.request`.
 * @throws ResponseError `ERR_MULTIPART` for a response that is not multipart, has an invalid
 * boundary, or ends before its last boundary; UsageError `ERR_BODY_USED`.
 */
export async function* multipart(response: AnyResponse): AsyncGenerator<Part, void> {
  checkResponse(response, 'multipart()')
  const boundary = boundaryOf(response)
  if (!isBoundary(boundary)) {
    await leave(response)
    throw badBoundary(response, boundary)
  }
  const reader = readerOf(response)
  const parts = new Parts(boundary, originOf(response))
  // Never rejects: a failure is reported to the reader of the parts or of one part.
  void pump(reader, parts)
  try {
    for (let part = await parts.next(); part !== undefined; part = await parts.next()) yield part
  } finally {
    // Content may follow the last part: read it, so that the connection can be reused.
    if (!parts.over) {
      parts.fail(new UsageError('ERR_BODY_CANCELLED', 'the iteration over the parts was left before its end'))
      await reader.leave()
    }
  }
}

/** Maximum epilogue, in bytes: meaningless content after the last boundary (RFC 2046 §5.1.1). */
const MAX_EPILOGUE_BYTES = 65_536

/** Feeds the content to the parser at the pace of the part reader. */
async function pump(reader: ContentReader, parts: Parts): Promise<void> {
  let epilogueBytes = 0
  try {
    for (;;) {
      const bytes = await reader.next()
      if (bytes === undefined) return parts.end()
      if (parts.over) epilogueBytes += bytes.length
      else await parts.write(bytes)
      if (epilogueBytes > MAX_EPILOGUE_BYTES) return await reader.leave()
    }
  } catch (error) {
    parts.fail(error)
  }
}

/** Returns the boundary. @throws ResponseError if the content type has no valid one. */
function boundaryOf(response: AnyResponse): string {
  const type = response.headers.get('content-type') ?? undefined
  const parsed = extractMimeType(type)
  const boundary = parsed?.parameters.get('boundary')
  if (parsed?.essence.startsWith('multipart/') === true && boundary) return boundary
  const message = `${nameOf(response)} is not multipart: its type is ${quoted(type ?? '')}`
  throw new ResponseError('ERR_MULTIPART', message, { origin: originOf(response) })
}

/** RFC 2046 §5.1.1: "Boundary delimiters ... must be no longer than 70 characters, not counting the two leading hyphens". */
const MAX_BOUNDARY = 70

/**
 * Rejects only characters that cannot appear in a line of content: servers use more characters than
 * RFC 2046 allows.
 */
function isBoundary(boundary: string): boolean {
  return boundary.length <= MAX_BOUNDARY && /^[\x20-\x7e\x80-\xff]+$/.test(boundary) && !boundary.endsWith(' ')
}

function badBoundary(response: AnyResponse, boundary: string): ResponseError {
  const what =
    boundary.length > MAX_BOUNDARY
      ? `has ${boundary.length} characters, at most 70 are allowed`
      : 'contains characters that are not allowed'
  return new ResponseError('ERR_MULTIPART', `the boundary of ${nameOf(response)} ${what}`, { origin: originOf(response) })
}

/** One part of a response. */
export class Part {
  /** Part fields, names in lower case. */
  readonly headers: Fields
  readonly #stream: Readable
  readonly #failure: (error: unknown) => unknown
  readonly #disposition: Disposition
  #used = false

  constructor(headers: Fields, stream: Readable, failure: (error: unknown) => unknown) {
    this.headers = headers
    this.#stream = stream
    this.#failure = failure
    this.#disposition = parseDisposition(headers.get('content-disposition'))
  }

  /** `name` parameter of `content-disposition` (RFC 7578 §4.2), if present. */
  get name(): string | undefined {
    return this.#disposition.name
  }

  /**
   * `filename` parameter of `content-disposition`, as sent. The peer chooses it: never use it as a
   * path to write to.
   */
  get filename(): string | undefined {
    return this.#disposition.filename
  }

  /** Content as it arrives. @throws UsageError `ERR_BODY_USED` if it was already read. */
  get body(): AsyncIterableIterator<Uint8Array> {
    if (this.#used) throw new UsageError('ERR_BODY_USED', 'the part has already been read')
    this.#used = true
    return this.#read()
  }

  /** Reads the whole content into memory that nothing else refers to. */
  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.body) chunks.push(chunk)
    return new Uint8Array(Buffer.concat(chunks))
  }

  /** Reads the whole content as UTF-8. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes())
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      // Leaving early must not end the response: the rest of the part is skipped.
      yield* this.#stream.iterator({ destroyOnReturn: false })
    } catch (error) {
      throw this.#failure(error)
    }
  }
}

/** Queue of parts between the parser and the reader. */
class Parts {
  readonly #dicer: Dicer
  readonly #origin: string | undefined
  /** Parts that have begun and were not requested yet. */
  readonly #waiting: { readonly part: Part; readonly stream: Readable }[] = []
  /** Streams of all unfinished parts. */
  readonly #streams = new Set<Readable>()
  /** Stream of the part handed out last. */
  #current: Readable | undefined
  /** The last boundary has arrived and every part has been taken. */
  over = false
  #failed = false
  #reason: unknown
  #wake: (() => void) | undefined

  constructor(boundary: string, origin: string | undefined) {
    this.#origin = origin
    this.#dicer = new Dicer({ boundary })
    this.#dicer.on('part', (stream) => this.#begin(stream as unknown as Readable))
    this.#dicer.on('error', (error) => this.fail(this.#typed(error)))
    this.#dicer.on('finish', () => {
      this.over = true
      this.#wake?.()
    })
  }

  /** Resolves with the next part once it has begun; `undefined` at the end. */
  async next(): Promise<Part | undefined> {
    // Unread content must not hold back the parts behind it.
    this.#current?.resume()
    for (;;) {
      const next = this.#waiting.shift()
      if (next !== undefined) {
        this.#current = next.stream
        return next.part
      }
      if (this.#failed) throw this.#reason
      if (this.over) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  #begin(stream: Readable): void {
    this.#streams.add(stream)
    // The reader of the part gets the error.
    stream.on('error', () => undefined)
    stream.once('end', () => this.#streams.delete(stream))
    stream.once('header', (header: Record<string, string[]>) => {
      const list = Object.entries(header).flatMap(([name, values]) => values.flatMap((value) => [name, value]))
      const part = new Part(new Fields(list), stream, (error) => (this.#failed ? this.#reason : this.#typed(error)))
      this.#waiting.push({ part, stream })
      this.#wake?.()
    })
  }

  /** Writes content. Resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#dicer.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** Marks the end of the content: an error unless the last boundary has arrived. */
  end(): void {
    if (!this.#dicer.destroyed) this.#dicer.end()
  }

  /** Fails all parts. Only the first reason counts; ignored after the end. */
  fail(reason: unknown): void {
    if (this.#failed || this.over) return
    this.#failed = true
    this.#reason = reason
    this.#dicer.destroy()
    for (const stream of this.#streams) stream.destroy(reason instanceof Error ? reason : new Error(String(reason)))
    this.#wake?.()
  }

  #typed(cause: unknown): ResponseError {
    const message = `the content is not multipart: ${cause instanceof Error ? cause.message : String(cause)}`
    return new ResponseError('ERR_MULTIPART', message, { origin: this.#origin, cause })
  }
}
