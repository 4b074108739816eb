/** Responses that an interceptor makes: without a connection, or from another response. */

import { UsageError } from '../errors/errors.js'
import { Fields, type FieldsInit } from './fields.js'
import { leave } from './request-content.js'
import type { ConnectionInfo, ResponseSource } from './response.js'
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
const NO_CONNECTION: ConnectionInfo = Object.freeze({
  ...{ id: 0, protocol: 'h2', remoteAddress: undefined, remotePort: undefined, localAddress: undefined, localPort: undefined },
  ...{ proxy: undefined, coalesced: false, because: 'intercepted' },
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
  const trailerList = trailers === undefined ? undefined : linesOf(trailers)
  return {
    status,
    reason: statusText ?? base?.reason,
    fields: headers === undefined ? (base?.fields ?? []) : linesOf(headers),
    body: body === undefined && base !== undefined ? base.body : bodyOf(body ?? undefined, base?.body),
    trailers: () => trailerList ?? base?.trailers(),
    reprioritize: (priority) => base?.reprioritize(priority) ?? false,
    connection: () => base?.connection() ?? NO_CONNECTION,
    timings: base?.timings ?? { sentMs: 0, headersMs: 0 },
    totalSince: base?.totalSince ?? 0,
  }
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

/** @param replaced the content that this one replaces, which ends with it: it has no other reader. */
function bodyOf(content: MadeBody | undefined, replaced: ResponseBody | undefined): ResponseBody {
  if (typeof content === 'string' || content instanceof Uint8Array || content === undefined) {
    const body = new ResponseBody({ consumed: () => undefined, cancel: () => undefined })
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    if (bytes !== undefined && bytes.length > 0) body.push(bytes)
    body.end()
    if (replaced !== undefined) leaveUnread(replaced)
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

function leaveUnread(body: ResponseBody): void {
  if (!body.used) body.cancel(new UsageError('ERR_BODY_CANCELLED', 'the body was replaced'))
}

/** Moves content from an iterable into a body, one part at a time, as the reader takes them. */
class Pump {
  readonly body: ResponseBody = new ResponseBody(this)
  readonly #source: AsyncIterable<Uint8Array>
  readonly #replaced: ResponseBody | undefined
  #iterator: AsyncIterator<Uint8Array> | undefined
  /** Bytes handed over and not yet read. */
  #unread = 0
  #isReading = false
  #isOver = false

  constructor(source: AsyncIterable<Uint8Array>, replaced: ResponseBody | undefined) {
    this.#source = source
    this.#replaced = replaced
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
    // A generator that waits for the next part of it cannot be left before that arrives.
    this.#replaced?.cancel(reason)
    this.body.fail(reason)
  }

  #read(): void {
    if (this.#isReading || this.#isOver) return
    this.#isReading = true
    this.#next().catch((error: unknown) => {
      this.#replaced?.cancel(error)
      this.#finish(() => this.body.fail(error))
    })
  }

  async #next(): Promise<void> {
    this.#iterator ??= this.#source[Symbol.asyncIterator]()
    const { done, value } = await this.#iterator.next()
    this.#isReading = false
    if (this.#isOver) return
    if (done === true) return this.#finish(() => this.body.end())
    this.#unread += value.length
    if (value.length > 0) this.body.push(value)
    else this.#read()
  }

  #finish(settle: () => void): void {
    this.#isReading = false
    if (this.#isOver) return
    this.#isOver = true
    if (this.#replaced !== undefined) leaveUnread(this.#replaced)
    settle()
  }
}
