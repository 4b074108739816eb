/** Responses that an interceptor makes: without a connection, or from another response. */

import { Readable } from 'node:stream'
import { UsageError } from '../errors/errors.js'
import { isFieldValue, isToken } from '../field-syntax.js'
import { setImmediate } from '../runtime/event-loop.js'
import { shownValue } from '../schema/option-checks.js'
import { Fields, type FieldsInit } from './fields.js'
import { expectErrors, leave, openSource } from './request-content.js'
import type { ConnectionInfo, ResponseSource, Timings } from './response.js'
import { ResponseBody } from './response-body.js'

/** Content of a response made by an interceptor. */
export type MadeBody = string | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** A response made by an interceptor. */
export interface MadeResponse {
  /** 200 to 999. @default 200 */
  readonly status?: number
  /** Reason phrase. @default empty */
  readonly statusText?: string
  /** */
  readonly headers?: FieldsInit
  /** Content, read only as the caller reads it. */
  readonly body?: MadeBody | null
  /** Trailers, known when the content is complete. */
  readonly trailers?: FieldsInit
}

/** The connection of a response that no server sent. */
const NO_TIMINGS: Timings = { queuedMs: 0, dnsMs: 0, connectMs: 0, tlsMs: 0, sentMs: 0, headersMs: 0, endMs: undefined }
const NO_CONNECTION: ConnectionInfo = Object.freeze({
  ...{ id: 0, protocol: 'h2', remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined },
  ...{ proxy: undefined, tls: undefined, coalesced: false, because: 'intercepted' },
} as const)

/**
 * Makes the parts of a response. What `made` omits comes from `base`, and so do connection and timings.
 * @throws UsageError `ERR_INVALID_OPTION` for an invalid status or body.
 */
export function sourceOf(made: MadeResponse, base: ResponseSource | undefined): ResponseSource {
  const { status = base?.status ?? 200, statusText, headers, body, trailers } = made
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new UsageError(
      'ERR_INVALID_OPTION',
      `a response made by an interceptor has a status from 200 to 999, not ${String(status)}`,
    )
  }
  const trailerList = trailers === undefined ? undefined : checkedLines(trailers)
  if (statusText !== undefined && !isFieldValue(statusText)) {
    throw new UsageError('ERR_INVALID_OPTION', `statusText ${shownValue(statusText)} has invalid characters`)
  }
  return {
    status,
    reason: statusText ?? base?.reason,
    fields: headers === undefined ? (base?.fields ?? []) : checkedLines(headers),
    body: body === undefined && base !== undefined ? base.body : bodyOf(body ?? undefined, base?.body),
    isMade: body !== undefined || base === undefined || base.isMade === true,
    trailers: () => trailerList ?? base?.trailers(),
    reprioritize: (priority) => base?.reprioritize(priority) ?? false,
    connection: () => base?.connection() ?? NO_CONNECTION,
    get timings() {
      return base?.timings ?? NO_TIMINGS
    },
    get receivedBytes() {
      return base?.receivedBytes ?? 0
    },
    get sentBytes() {
      return base?.sentBytes ?? 0
    },
    totalSince: base?.totalSince ?? 0,
    url: () => base?.url() ?? '',
    maxBodyBytes: base?.maxBodyBytes ?? Number.POSITIVE_INFINITY,
  }
}

/** Returns checked fields as a list. @throws UsageError naming the field. */
function checkedLines(init: FieldsInit): readonly string[] {
  if (typeof init !== 'object' || init === null)
    throw new UsageError('ERR_INVALID_OPTION', `headers must be an object, not ${shownValue(init)}`)
  const list = linesOf(init)
  for (let i = 0; i < list.length; i += 2) {
    const [name, text] = [list[i]!, list[i + 1]!]
    if (!isToken(name)) throw new UsageError('ERR_INVALID_FIELD_NAME', `field name ${shownValue(name)} is not a token`)
    if (!isFieldValue(text)) throw new UsageError('ERR_INVALID_FIELD_VALUE', `the value of field ${name} has invalid characters`)
  }
  return list
}

/** Returns fields as a list: name in lower case, value, name, value… */
export function linesOf(init: FieldsInit): readonly string[] {
  if (init instanceof Fields) return init.list
  const isPairs = typeof (init as Iterable<unknown>)[Symbol.iterator] === 'function'
  const pairs = isPairs ? [...(init as Iterable<readonly [string, string]>)] : Object.entries(init)
  const list: string[] = []
  for (const [name, value] of pairs as [string, unknown][]) {
    for (const line of Array.isArray(value) ? value : [value])
      if (line !== undefined) list.push(String(name).toLowerCase(), String(line))
  }
  return list
}

/** @param replaced the body that this one replaces: it ends with it, or at once if nothing can read it any more. */
function bodyOf(content: MadeBody | undefined, replaced: ResponseBody | undefined): ResponseBody {
  if (typeof content === 'string' || content instanceof Uint8Array || content === undefined) {
    if (replaced?.used === false) replaced.cancel(new UsageError('ERR_BODY_CANCELLED', 'an interceptor replaced the body'))
    const body = new ResponseBody({ consumed: () => undefined, cancel: () => undefined })
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    if (bytes !== undefined && bytes.length > 0) body.push(bytes)
    body.end()
    return body
  }
  if (typeof content !== 'object' || content === null || !(Symbol.asyncIterator in content)) {
    throw new UsageError(
      'ERR_INVALID_BODY',
      'the body of a response made by an interceptor is text, bytes, a stream or an async iterable',
    )
  }
  return new Pump(content as AsyncIterable<Uint8Array>, replaced).body
}

/** After this many parts in one turn of the event loop the pump yields: a fast source must not stop timers and sockets. */
const PARTS_PER_TURN = 64

/** Moves content from an iterable into a body, one part at a time, as the reader takes them. */
class Pump {
  readonly body: ResponseBody = new ResponseBody(this)
  readonly #source: AsyncIterable<Uint8Array>
  readonly #replaced: ResponseBody | undefined
  #iterator: AsyncIterator<unknown> | undefined
  /** Bytes handed over and not yet read. */
  #unread = 0
  #parts = 0
  #isReading = false
  #isOver = false

  constructor(source: AsyncIterable<Uint8Array>, replaced: ResponseBody | undefined) {
    this.#source = source
    this.#replaced = replaced
    if (source instanceof Readable) expectErrors(source)
    this.#read()
  }

  consumed(bytes: number): void {
    this.#unread -= bytes
    if (this.#unread <= 0) this.#read()
  }

  cancel(reason: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#iterator !== undefined) leave(this.#iterator, reason)
    // A generator that waits for the replaced body only ends when that body does.
    this.#replaced?.cancel(reason)
    this.body.fail(reason)
  }

  #read(): void {
    if (this.#isReading || this.#isOver) return
    this.#isReading = true
    this.#next().catch((error: unknown) => this.#fail(error))
  }

  async #next(): Promise<void> {
    if (++this.#parts % PARTS_PER_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve))
    if (this.#isOver) return
    this.#iterator ??= openSource(this.#source)
    const { done, value } = await this.#iterator.next()
    this.#isReading = false
    if (this.#isOver) return
    if (done === true) return this.#end()
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    if (!(bytes instanceof Uint8Array)) {
      const error = new UsageError('ERR_INVALID_BODY', `a part of a body is text or bytes, not ${shownValue(value)}`)
      leave(this.#iterator, error)
      throw error
    }
    this.#unread += bytes.length
    if (bytes.length > 0) this.body.push(bytes)
    else this.#read()
  }

  #end(): void {
    this.#isOver = true
    this.body.end()
  }

  #fail(error: unknown): void {
    this.#isReading = false
    if (this.#isOver) return
    this.#isOver = true
    this.#replaced?.cancel(error)
    this.body.fail(error)
  }
}
