/** A response as the caller sees it. Everything beyond status and fields is made when it is asked for. */

import { Readable } from 'node:stream'
import { ResponseError, UsageError } from '../errors/errors.js'
import { inContext } from './context.js'
import { Fields } from './fields.js'
import { join } from './memory/copies.js'
import { type Priority, serializePriority } from './priority.js'
import type { ReuseReason } from './reasons.js'
import type { ResponseBody } from './response-body.js'

/** Which connection carried a response, and why that one. */
export interface ConnectionInfo {
  /** Unique in the process. */
  readonly id: number
  readonly protocol: 'h2' | 'http/1.1'
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** The proxy it led through, without credentials, such as `http://proxy.example:3128`; the addresses are those of that connection. */
  readonly proxy: string | undefined
  /** Whether the connection was opened for another origin. */
  readonly coalesced: boolean
  /** The named reason why this connection served the request: see docs/reference/reasons.md. */
  readonly because: ReuseReason
}

/** When things happened, milliseconds since the request was made. */
export interface Timings {
  /** A connection was there and the request was handed to it. */
  readonly sentMs: number
  /** The final response's fields had arrived. */
  readonly headersMs: number
}

/** The fields of a response that has not come: shared. */
export const NO_FIELDS: readonly string[] = []

/** What a response is made of. */
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
  /** When `timeouts.total` began to count, by the client's clock; 0 where nothing counts it. */
  readonly totalSince: number
}

/** The answer to one request. Its body can be read once, in one of the ways offered. */
export class HttpResponse {
  /** 200 to 999 (RFC 9110 §15); any status is an answer, none is an error. */
  readonly status: number
  readonly #parts: ResponseSource
  #headers: Fields | undefined

  constructor(parts: ResponseSource) {
    this.status = parts.status
    this.#parts = parts
  }

  /** HTTP/1.1's reason phrase (RFC 9112 §4), which means nothing; empty over HTTP/2, which has none (RFC 9113 §8.3.2). */
  get statusText(): string {
    return this.#parts.reason ?? ''
  }

  /** The response's fields. */
  get headers(): Fields {
    this.#headers ??= new Fields(this.#parts.fields)
    return this.#headers
  }

  /** The trailers, once the whole content has arrived; `undefined` before that, empty where there are none. */
  get trailers(): Fields | undefined {
    return this.complete ? new Fields(this.#parts.trailers() ?? []) : undefined
  }

  /** Which connection carried it, and why. */
  get connection(): ConnectionInfo {
    return this.#parts.connection()
  }

  /** When it was sent and answered. */
  get timings(): Timings {
    return this.#parts.timings
  }

  /** @internal For the next request of a redirect: see `RequestOptions.totalSince`. */
  get totalSince(): number {
    return this.#parts.totalSince
  }

  /** Whether somebody has begun to read the body. */
  get bodyUsed(): boolean {
    return this.#parts.body.used
  }

  /** Whether the whole content has arrived. */
  get complete(): boolean {
    return this.#parts.body.complete
  }

  /** @internal The next part of a body that the caller reads in parts, or its end, where it has arrived. */
  takePart(): IteratorResult<Uint8Array> | undefined {
    return this.#parts.body.takeNext()
  }

  /** The content in parts, as they arrive. Leaving the loop early resets the stream. @throws UsageError when read before. */
  get body(): AsyncIterableIterator<Uint8Array> {
    this.#parts.body.claim()
    return this.#parts.body.iterate()
  }

  /** The whole content, in memory of its own. */
  bytes(): Promise<Uint8Array> {
    return this.#collect(join)
  }

  /** The whole content, in memory of its own. */
  async arrayBuffer(): Promise<ArrayBuffer> {
    return (await this.bytes()).buffer as ArrayBuffer
  }

  /** The content as UTF-8, without a byte order mark; malformed sequences become U+FFFD. */
  text(): Promise<string> {
    return this.#collect(decodeUtf8)
  }

  /** The content as JSON. @throws ResponseError `ERR_INVALID_JSON` where it is none. */
  json(): Promise<unknown> {
    return this.#collect(parseJson)
  }

  /** The content as a Node stream. Destroying it resets the HTTP stream. */
  nodeStream(): Readable {
    return Readable.from(this.body, { objectMode: false, highWaterMark: 0 })
  }

  /** The content as a web byte stream. Cancelling it resets the HTTP stream. */
  webStream(): ReadableStream<Uint8Array> {
    this.#parts.body.claim()
    return toWebStream(this.#parts.body)
  }

  /**
   * Tells the server that the rest of this response has become more or less urgent (PRIORITY_UPDATE, RFC 9218 §7.1). Returns whether it
   * was told: over HTTP/1.1, to a server that does not schedule so, and when everything has arrived, there is nothing to tell.
   * @throws UsageError `ERR_INVALID_PRIORITY`.
   */
  reprioritize(priority: Priority): boolean {
    const value = serializePriority(priority)
    return !this.complete && this.#parts.reprioritize(value)
  }

  /** Drops the content: resets the stream where it has not ended. Who reads it gets `reason`, or a {@link UsageError} `ERR_BODY_CANCELLED`. */
  discard(reason?: unknown): void {
    this.#parts.body.cancel(reason ?? new UsageError('ERR_BODY_CANCELLED', 'the body was discarded'))
  }

  /**
   * Calls `listener` when the content breaks off, or is ended by an abort, while nothing of it waits to be read: streams over it are told at
   * once, and not with their next read. One listener; what has failed before is told by reading.
   */
  onBroken(listener: (reason: unknown) => void): void {
    this.#parts.body.onBroken = inContext(listener)
  }

  #collect<T>(finish: (parts: Uint8Array[]) => T): Promise<T> {
    try {
      this.#parts.body.claim()
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#parts.body.collect(finish)
  }
}

/** A byte stream over a body, with no queue of its own: the body's is the only one. */
export function toWebStream(body: ResponseBody): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      body.onBroken = (error) => controller.error(error)
    },
    async pull(controller) {
      const { done, value } = await body.next()
      if (done !== true) {
        // The stream takes the memory away from whoever holds it: that of a part is its own.
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

/** UTF-8 decode (Encoding standard): a leading byte order mark is dropped. */
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
