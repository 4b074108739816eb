/** One request over HTTP/1.1 and its response: what its connection reads becomes a response and its body. Same surface as an HTTP/2 exchange. */

import { ConnectionError, type Processed, ResponseError, StreamError, UnshardError, UsageError } from '../errors/errors.js'
import type { HttpRequest } from '../message/request.js'
import { wrongWhileSent } from '../message/request-content.js'
import { type BodySource, ResponseBody } from '../message/response-body.js'
import type { Clock } from '../runtime/clock.js'
import type { Exchange, ExchangeObserver } from '../transport/exchange.js'
import type { Carrier } from '../transport/route.js'
import { RequestWriter, type WriterHost } from './request-writer.js'
import type { ResponseFault } from './response-parser.js'

/** Bytes that may wait for a reader before the socket is paused: HTTP/1.1 has no window. */
const BUFFER_BYTES = 131_072

/**
 * Interim responses of one request that no caller has asked for, in bytes of their heads: so many at once, and so many more for each
 * millisecond since the first. A server may report progress for hours; it may not send them without end.
 */
const INTERIM_BYTES = 65_536
const INTERIM_BYTES_PER_MS = 1

/** The connection, as an exchange sees it. */
export interface H1Host {
  readonly socket: Carrier
  readonly clock: Clock
  /** Fields for the proxy that forwards the request; `undefined` where the origin itself is asked. */
  readonly forwarding: readonly string[] | undefined
  /** The final response has begun. */
  answered(exchange: H1Exchange): void
  /** It is over before its time: the caller has ended it, or `error` has. A request that is on the wire takes the connection along. */
  ended(exchange: H1Exchange, reason: unknown): void
  pauseReading(): void
  resumeReading(): void
}

/** How a request is sent. */
export interface H1Sending {
  /** Others may be in flight with it. */
  readonly pipelined: boolean
  /** No other request follows on this connection. */
  readonly close: boolean
}

/** One exchange. Its connection knows the order of several. */
export class H1Exchange implements Exchange, BodySource, WriterHost {
  readonly #request: HttpRequest
  readonly #observer: ExchangeObserver
  readonly #host: H1Host
  readonly #sending: H1Sending
  #writer: RequestWriter | undefined
  #body: ResponseBody | undefined
  #paused = false
  #interimBytes = 0
  #firstInterimAt = 0
  #settled = false
  /** Its whole response is there, or none will come. */
  over = false
  trailers: readonly string[] | undefined

  constructor(request: HttpRequest, observer: ExchangeObserver, host: H1Host, sending: H1Sending) {
    this.#request = request
    this.#observer = observer
    this.#host = host
    this.#sending = sending
  }

  get pipelined(): boolean {
    return this.#sending.pipelined
  }

  get headOnly(): boolean {
    return this.#request.method === 'HEAD'
  }

  /** It is on the wire, or has been. */
  get written(): boolean {
    return this.#writer !== undefined
  }

  /** All of it is on the wire. */
  get sent(): boolean {
    return this.#writer?.done === true
  }

  get sentBytes(): number {
    return this.#writer?.sentBytes ?? 0
  }

  get sending(): boolean {
    return this.#writer !== undefined && (!this.#writer.done || this.#host.socket.writableLength > 0)
  }

  get unwrittenBytes(): number {
    return this.#host.socket.writableLength
  }

  /** No part of a final response has come. */
  get unanswered(): boolean {
    return this.#body === undefined
  }

  /** Its response has begun, is not complete, and no reader has come for it. */
  get unread(): boolean {
    return this.#body !== undefined && !this.over && !this.#body.used
  }

  /** Puts the request on the wire. */
  send(): void {
    const { socket, forwarding, clock } = this.#host
    this.#writer = new RequestWriter(this.#request, socket, this)
    this.#writer.start(forwarding, this.#sending.close, clock)
  }

  onWritten(): void {
    // The connection asks when the response is complete.
  }

  /** The socket takes more. */
  onDrain(): void {
    this.#writer?.resume()
  }

  /** HTTP/1.1 has no frame for it. */
  reprioritize(): boolean {
    return false
  }

  abort(reason: unknown): void {
    this.#settled = true
    this.#body?.discard(reason)
    if (this.over) return
    this.#stop(reason)
    this.#host.ended(this, reason)
  }

  cancel(reason: unknown): void {
    this.abort(reason)
  }

  consumed(): void {
    if (!this.#paused || this.#body!.buffered >= BUFFER_BYTES) return
    this.#paused = false
    if (!this.over) this.#host.resumeReading()
  }

  /** An interim response. @returns why the response is not read any further. */
  onInterim(status: number, fields: readonly string[], bytes: number): ResponseFault | undefined {
    // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final response, even if the client
    // does not expect one."
    if (status === 100) this.#writer!.goOn()
    if (this.#request.wantsInformational !== true && this.#isFlooded(bytes))
      return { code: 'ERR_RESPONSE_TOO_LARGE', message: `${this.#interimBytes} bytes of interim responses` }
    this.#observer.onInformational(status, fields)
    return undefined
  }

  onHead(status: number, fields: readonly string[], reason: string, expectedBytes: number): void {
    this.#writer!.answered()
    this.#host.answered(this)
    this.#body = new ResponseBody(this, expectedBytes)
    this.#observer.onResponse(status, fields, this.#body, reason)
  }

  onContent(bytes: Buffer, start: number, end: number): void {
    const body = this.#body!
    body.push(bytes, start, end)
    if (this.#paused || body.buffered < BUFFER_BYTES) return
    this.#paused = true
    this.#host.pauseReading()
  }

  /** All of the response has arrived. */
  complete(trailers: readonly string[] | undefined): void {
    this.#settled = true
    this.over = true
    this.trailers = trailers ?? []
    this.#writer!.stop()
    this.#body!.end()
  }

  /** It holds no place any more. */
  closed(): void {
    this.#observer.onClosed()
  }

  /** The connection ends for this side's reason. */
  destroyed(reason: Error): void {
    this.#end(reason)
  }

  /**
   * The connection has ended. That is not the error of a request that was not on the wire, or stood behind another (RFC 9112 §9.3.2).
   * @param begun a part of this response had arrived.
   */
  lost(message: string, cause: Error | undefined, { first, begun }: { readonly first: boolean; readonly begun: boolean }): void {
    const { written } = this
    const origin = this.#request.origin.serialized
    const details = { origin, cause, initiator: 'peer' } as const
    if (!written) {
      return this.#end(new ConnectionError('ERR_CONNECTION_LOST', `${message} (${origin})`, { ...details, processed: 'no' }))
    }
    if (!first) {
      const behind = `the connection was lost while others were to be answered first (${origin})`
      return this.#end(new ConnectionError('ERR_PIPELINE_LOST', behind, details))
    }
    if (cause instanceof UnshardError) return this.#end(cause)
    const processed = begun ? 'yes' : this.#processed
    this.#end(new ConnectionError('ERR_CONNECTION_LOST', `${message} (${origin})`, { ...details, processed }))
  }

  /** Its response cannot be read. */
  refused({ code, message }: ResponseFault): void {
    const origin = this.#request.origin.serialized
    this.#end(new ResponseError(code, `${message} (${origin})`, { origin }))
  }

  contentFailed(cause: unknown): void {
    if (this.over) return
    const error = this.#contentError(cause)
    this.#end(error)
    this.#host.ended(this, error)
  }

  get #processed(): Processed {
    return this.#body === undefined ? 'unknown' : 'yes'
  }

  #contentError(cause: unknown): Error {
    const origin = this.#request.origin.serialized
    const processed = this.#processed
    if (cause instanceof UsageError) return wrongWhileSent(cause, origin, processed)
    const message = `the body of the request failed: ${cause instanceof Error ? cause.message : String(cause)}`
    return new StreamError('ERR_REQUEST_BODY', message, { origin, initiator: 'local', cause, processed })
  }

  #isFlooded(bytes: number): boolean {
    const now = this.#host.clock.now()
    if (this.#interimBytes === 0) this.#firstInterimAt = now
    this.#interimBytes += bytes
    return this.#interimBytes > INTERIM_BYTES + (now - this.#firstInterimAt) * INTERIM_BYTES_PER_MS
  }

  #stop(reason: unknown): void {
    this.over = true
    this.#writer?.stop(reason)
  }

  #end(error: Error): void {
    this.#stop(error)
    if (this.#settled) return
    this.#settled = true
    if (this.#body === undefined) this.#observer.onError(error)
    else this.#body.fail(error)
  }
}
