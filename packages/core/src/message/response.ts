/** The public response. Everything except status and fields is created lazily. */

import { Readable } from 'node:stream'
import { ResponseError, UsageError } from '../errors/errors.js'
import { inContext } from './context.js'
import { fieldValue } from './field-lines.js'
import { Fields } from './fields.js'
import { type MadeResponse, sourceOf } from './made-response.js'
import { join } from './memory/copies.js'
import { type Priority, serializePriority } from './priority.js'
import type { ReuseReason } from './reasons.js'
import type { ResponseBody } from './response-body.js'
import type { TlsInfo } from './tls-info.js'

/** The connection that carried a response, and the reason. */
export interface ConnectionInfo {
  /** Unique in the process. */
  readonly id: number
  readonly protocol: 'h2' | 'http/1.1'
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /**
   * The proxy of the connection, without credentials, such as `http://proxy.example:3128`; the
   * addresses are then those of the proxy connection.
   */
  readonly proxy: string | undefined
  /** The results of the TLS handshake; `undefined` without TLS, and for mocks. */
  readonly tls: TlsInfo | undefined
  /** Whether the connection was opened for another origin. */
  readonly coalesced: boolean
  /** The named reason why this connection served the request: see docs/reference/reasons.md. */
  readonly because: ReuseReason
}

/** Times of events, in milliseconds since the request was made. */
export interface Timings {
  /** Duration of the wait for a connection, without the three that follow. */
  readonly queuedMs: number
  /** Duration of the lookup of the dial that the request waited for; 0 without one, or for a cached answer. */
  readonly dnsMs: number
  /** Duration until TCP, or the tunnel of a proxy, was connected; 0 on a connection that was open. */
  readonly connectMs: number
  /** Duration of the TLS handshake; 0 without TLS, and on a connection that was open. */
  readonly tlsMs: number
  /** Time at which the request was passed to a connection. */
  readonly sentMs: number
  /** Time at which the fields of the final response arrived. */
  readonly headersMs: number
  /** Time at which the last byte of the content arrived; `undefined` before. */
  readonly endMs: number | undefined
}

/** Shared empty list: the fields of a pending response. */
export const NO_FIELDS: readonly string[] = []

/** The parts of a response. */
export interface ResponseSource {
  readonly status: number
  /** The reason phrase of HTTP/1.1. */
  readonly reason?: string | undefined
  readonly fields: readonly string[]
  readonly body: ResponseBody
  readonly trailers: () => readonly string[] | undefined
  readonly reprioritize: (priority: string) => boolean
  readonly connection: () => ConnectionInfo
  readonly timings: Timings
  /** Bytes of content received so far. */
  readonly receivedBytes: number
  /** Bytes of content sent so far. */
  readonly sentBytes: number
  /** Start of `timeouts.total`, by the client's clock; 0 without that deadline. */
  readonly totalSince: number
  /** Whether an interceptor made the body, which then ends with the request. */
  readonly isMade?: boolean
  /** URL of the request, without fragment. */
  url(): string
  /** Maximum size of a body that is read as a whole. */
  readonly maxBodyBytes: number
}

/** The response to one request. Its body can be read once, with one of the methods. */
export class HttpResponse {
  /** Status, 200 to 999 (RFC 9110 §15). No status is treated as an error. */
  readonly status: number
  readonly #parts: ResponseSource
  #headers: Fields | undefined

  constructor(parts: ResponseSource) {
    this.status = parts.status
    this.#parts = parts
  }

  /**
   * Makes a response without asking a server, for interceptors. Its connection has id 0 and the reason `intercepted`.
   * @throws UsageError `ERR_INVALID_OPTION`, `ERR_INVALID_BODY`.
   */
  static from(made: MadeResponse): HttpResponse {
    return responseOf(sourceOf(made, undefined))
  }

  /**
   * Makes a response with other parts, for interceptors; what `changes` omits stays, and so do connection, timings and priority. Without
   * a `body` the content of this response moves to the new one.
   * @throws UsageError `ERR_INVALID_OPTION`, `ERR_INVALID_BODY`.
   */
  with(changes: MadeResponse): HttpResponse {
    return responseOf(sourceOf(changes, this.#parts))
  }

  /**
   * Reason phrase of HTTP/1.1, without meaning (RFC 9112 §4); empty over HTTP/2 (RFC 9113 §8.3.2).
   */
  get statusText(): string {
    return this.#parts.reason ?? ''
  }

  /** URL of the request that got this response, without fragment: after redirects, that of the last one. */
  get url(): string {
    return this.#parts.url()
  }

  /** The fields of the response. */
  get headers(): Fields {
    this.#headers ??= new Fields(this.#parts.fields)
    return this.#headers
  }

  /** The trailers; `undefined` until the whole content has arrived, then possibly empty. */
  get trailers(): Fields | undefined {
    return this.complete ? new Fields(this.#parts.trailers() ?? []) : undefined
  }

  /** The connection that carried the response, and the reason. */
  get connection(): ConnectionInfo {
    return this.#parts.connection()
  }

  /** When the request was sent and answered, and how long its connection took. */
  get timings(): Timings {
    return this.#parts.timings
  }

  /** Bytes of content received so far, before decoding. */
  get receivedBytes(): number {
    return this.#parts.receivedBytes
  }

  /** Bytes of the request's content sent so far. */
  get sentBytes(): number {
    return this.#parts.sentBytes
  }

  /** @internal Whether an interceptor made the body. */
  get isMade(): boolean {
    return this.#parts.isMade === true
  }

  /** @internal Whether two responses have one body: `with()` moves it to its copy. */
  sharesBody(other: HttpResponse): boolean {
    return this.#parts.body === other.#parts.body
  }

  /** @internal For the next request of a redirect: see `RequestOptions.totalSince`. */
  get totalSince(): number {
    return this.#parts.totalSince
  }

  /** Whether a reader has begun to read the body. */
  get bodyUsed(): boolean {
    return this.#parts.body.used
  }

  /** Whether the whole content has arrived. */
  get complete(): boolean {
    return this.#parts.body.complete
  }

  /**
   * @internal Returns the next part of a body that is read in parts, or its end, if it has arrived.
   */
  takePart(): IteratorResult<Uint8Array> | undefined {
    return this.#parts.body.takeNext()
  }

  /**
   * @internal Passes the content to `sink` part by part, without a copy: the memory of a part is valid only during the call.
   * @throws UsageError if already read.
   */
  async pour(sink: (bytes: Uint8Array) => void): Promise<void> {
    this.#parts.body.claim()
    await this.#parts.body.pour(sink)
  }

  /**
   * The content in parts, as they arrive. Leaving the loop early resets the stream.
   * @throws UsageError if already read.
   */
  get body(): AsyncIterableIterator<Uint8Array> {
    this.#parts.body.claim()
    return this.#parts.body.iterate()
  }

  /** Reads the whole content, into exclusive memory. */
  bytes(): Promise<Uint8Array> {
    return this.#collect(join)
  }

  /** Reads the whole content, into exclusive memory. */
  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer as ArrayBuffer
  }

  /** Reads the content as UTF-8, without a byte order mark; malformed sequences become U+FFFD. */
  text(): Promise<string> {
    return this.#collect(decodeUtf8)
  }

  /**
   * Reads the content as JSON.
   * @throws ResponseError `ERR_INVALID_JSON` if it is not valid JSON.
   */
  json(): Promise<unknown> {
    return this.#collect(parseJson)
  }

  /** Returns the content as a Node stream. Destroying it resets the HTTP stream. */
  nodeStream(): Readable {
    return Readable.from(this.body, { objectMode: false, highWaterMark: 0 })
  }

  /** Returns the content as a web byte stream. Canceling it resets the HTTP stream. */
  webStream(): ReadableStream<Uint8Array> {
    this.#parts.body.claim()
    return toWebStream(this.#parts.body)
  }

  /**
   * Sends a new priority for the rest of this response (PRIORITY_UPDATE, RFC 9218 §7.1). Returns
   * whether it was sent: not over HTTP/1.1, to a server without RFC 9218 priorities, or after the
   * end.
   * @throws UsageError `ERR_INVALID_PRIORITY`.
   */
  reprioritize(priority: Priority): boolean {
    const value = serializePriority(priority)
    return !this.complete && this.#parts.reprioritize(value)
  }

  /**
   * Drops the content: resets the stream unless it has ended. Readers get `reason`, or a {@link
   * UsageError} `ERR_BODY_CANCELLED`.
   */
  discard(reason?: unknown): void {
    this.#parts.body.cancel(reason ?? new UsageError('ERR_BODY_CANCELLED', 'the body was discarded'))
  }

  /**
   * Calls `listener` when the content fails or is aborted while no received part is unread, so that
   * streams over it fail at once and not at their next read. Only one listener; an earlier failure
   * is reported by reading.
   */
  onBroken(listener: (reason: unknown) => void): void {
    this.#parts.body.onBroken = inContext(listener)
  }

  /** @internal Calls `listener` once the content has ended, failed or been discarded; at once if it has. */
  onOver(listener: () => void): void {
    const { body } = this.#parts
    if (!body.open) return listener()
    const before = body.onOver
    body.onOver = () => {
      before?.()
      listener()
    }
  }

  #collect<T>(finish: (parts: Uint8Array[]) => T): Promise<T> {
    try {
      this.#parts.body.claim()
    } catch (error) {
      return Promise.reject(error)
    }
    const { body, maxBodyBytes } = this.#parts
    if (maxBodyBytes !== Number.POSITIVE_INFINITY) {
      const declared = body.complete ? 0 : Number(fieldValue(this.#parts.fields, 'content-length') ?? 0)
      body.limit(maxBodyBytes, declared, this.#parts.url())
    }
    return body.collect(finish)
  }
}

/** Outside of the class: bundlers rename a class that names itself. */
function responseOf(parts: ResponseSource): HttpResponse {
  return new HttpResponse(parts)
}

/** Creates a byte stream over a body, without a second queue. */
export function toWebStream(body: ResponseBody): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      body.onBroken = (error) => controller.error(error)
    },
    async pull(controller) {
      const { done, value } = await body.next()
      if (done !== true) {
        // `enqueue` transfers the memory. This is safe, because a part has exclusive memory.
        controller.enqueue(value)
        return
      }
      controller.close()
      controller.byobRequest?.respond(0)
    },
    cancel(reason) {
      body.cancel(reason)
    },
  }) as ReadableStream<Uint8Array>
}

/** Decodes UTF-8 and drops a leading byte order mark (UTF-8 decode, Encoding standard). */
export function decodeUtf8(parts: Uint8Array[]): string {
  const only = parts.length === 1 ? parts[0]! : join(parts)
  const bytes = only instanceof Buffer ? only : Buffer.from(only.buffer, only.byteOffset, only.byteLength)
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  return bytes.toString('utf8', start)
}

function parseJson(parts: Uint8Array[]): unknown {
  try {
    return JSON.parse(decodeUtf8(parts))
  } catch (cause) {
    throw new ResponseError('ERR_INVALID_JSON', `the content is not JSON: ${(cause as Error).message}`, { cause })
  }
}
