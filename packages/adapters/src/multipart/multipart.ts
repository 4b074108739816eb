/**
 * A response's content in parts (RFC 2046 §5.1: `multipart/mixed`, `multipart/byteranges`, `multipart/form-data`, …), one after the other
 * as they arrive, each a stream of its own. Boundaries and part fields are Dicer's to find; pace, order and ends are kept here.
 */

import type { Readable } from 'node:stream'
import { Dicer } from '@fastify/busboy'
import { Fields, ResponseError, UsageError } from '@unshard/core'
import { type AnyResponse, type ContentReader, checkResponse, leave, nameOf, originOf, readerOf } from '../fetch/any-response.js'
import { quoted } from '../fetch/location.js'
import { extractMimeType } from '../fetch/mime-type.js'
import { type Disposition, parseDisposition } from './disposition.js'

/**
 * The parts of a response, in order. Asking for the next one passes over what was not read of the one before; leaving the loop ends the
 * response. Only as much is kept in memory as a part's reader has not taken yet, a chunk or two.
 * @param response of `fetch`, or of `client.request`.
 * @throws ResponseError `ERR_MULTIPART` for a response that is not multipart, has a boundary that is not valid, or ends before its last boundary;
 * UsageError `ERR_BODY_USED`.
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
  // Never rejects: what goes wrong is told to the reader of the parts, or of one.
  void pump(reader, parts)
  try {
    for (let part = await parts.next(); part !== undefined; part = await parts.next()) yield part
  } finally {
    // The end of the parts is not the end of the content: what follows is read, so that the connection may be used again.
    if (!parts.over) {
      parts.fail(new UsageError('ERR_BODY_CANCELLED', 'the parts are no longer asked for'))
      await reader.leave()
    }
  }
}

/** What may follow the last boundary (RFC 2046 §5.1.1: the epilogue, which means nothing), bytes. */
const MAX_EPILOGUE_BYTES = 65_536

/** Moves the content in, at the pace of the reader of the parts. */
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

/** @throws ResponseError where there is none, and so nothing to find parts by. */
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

/** What could not stand in a line of content is not a boundary; beyond that servers use more characters than they may, and are understood. */
function isBoundary(boundary: string): boolean {
  return boundary.length <= MAX_BOUNDARY && /^[\x20-\x7e\x80-\xff]+$/.test(boundary) && !boundary.endsWith(' ')
}

function badBoundary(response: AnyResponse, boundary: string): ResponseError {
  const what =
    boundary.length > MAX_BOUNDARY
      ? `has ${boundary.length} characters, at most 70 are allowed`
      : 'has characters that it cannot have'
  return new ResponseError('ERR_MULTIPART', `the boundary of ${nameOf(response)} ${what}`, { origin: originOf(response) })
}

/** One part of a response. */
export class Part {
  /** Its fields, names in lower case. */
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

  /** `name` of its `content-disposition`, if it has one (RFC 7578 §4.2). */
  get name(): string | undefined {
    return this.#disposition.name
  }

  /** `filename` of its `content-disposition`, as it was sent: the peer's choice, and never a path to write to. */
  get filename(): string | undefined {
    return this.#disposition.filename
  }

  /** Its content, as it arrives. @throws UsageError `ERR_BODY_USED` where it was read before. */
  get body(): AsyncIterableIterator<Uint8Array> {
    if (this.#used) throw new UsageError('ERR_BODY_USED', 'the part was read before')
    this.#used = true
    return this.#read()
  }

  /** All of its content, in memory of its own. */
  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.body) chunks.push(chunk)
    return new Uint8Array(Buffer.concat(chunks))
  }

  /** All of its content as UTF-8. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes())
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    try {
      // Who leaves early has not ended the response: the rest of the part is passed over.
      yield* this.#stream.iterator({ destroyOnReturn: false })
    } catch (error) {
      throw this.#failure(error)
    }
  }
}

/** The parts between the octets that arrive and the one who reads them. */
class Parts {
  readonly #dicer: Dicer
  readonly #origin: string | undefined
  /** Begun, and not asked for yet. */
  readonly #waiting: { readonly part: Part; readonly stream: Readable }[] = []
  /** Of every part that is not over. */
  readonly #streams = new Set<Readable>()
  /** Of the part that was handed out last. */
  #current: Readable | undefined
  /** The last boundary has come, and every part has been taken. */
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

  /** The next part, when it has begun. */
  async next(): Promise<Part | undefined> {
    // What nobody reads must not hold back what follows.
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
    // Whoever reads it hears of it there.
    stream.on('error', () => undefined)
    stream.once('end', () => this.#streams.delete(stream))
    stream.once('header', (header: Record<string, string[]>) => {
      const list = Object.entries(header).flatMap(([name, values]) => values.flatMap((value) => [name, value]))
      const part = new Part(new Fields(list), stream, (error) => (this.#failed ? this.#reason : this.#typed(error)))
      this.#waiting.push({ part, stream })
      this.#wake?.()
    })
  }

  /** Resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#dicer.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** There is no more: an error, unless the last boundary was there. */
  end(): void {
    if (!this.#dicer.destroyed) this.#dicer.end()
  }

  /** The first reason is the one that counts; after the end there is none. */
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
