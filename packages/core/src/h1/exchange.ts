/**
 * One HTTP/1.1 request and its response: turns parser events into a response and its body. Same
 * interface as an HTTP/2 exchange.
 */

import { ConnectionError, type Processed, ResponseError, StreamError, UnshardError, UsageError } from '../errors/errors.js'
import type { HttpRequest } from '../message/request.js'
import { wrongWhileSent } from '../message/request-content.js'
import { type BodySource, ResponseBody } from '../message/response-body.js'
import type { Clock } from '../runtime/clock.js'
import type { Exchange, ExchangeObserver } from '../transport/exchange.js'
import type { Carrier } from '../transport/route.js'
import { RequestWriter, type WriterHost } from './request-writer.js'
import type { ResponseFault } from './response-parser.js'

/** Unread bytes above which the socket is paused, because HTTP/1.1 has no flow control. */
const BUFFER_BYTES = 131_072

/**
 * Maximum size of unwanted interim responses of one request, in bytes of their heads, plus an
 * allowance per millisecond since the first: a server may report its progress for hours.
 */
const INTERIM_BYTES = 65_536
const INTERIM_BYTES_PER_MS = 1

/** The parts of the connection that an exchange needs. */
export interface H1Host {
  readonly socket: Carrier
  readonly clock: Clock
  /** Fields for the proxy that forwards the request; `undefined` without a forwarding proxy. */
  readonly forwarding: readonly string[] | undefined
  /** Called when the final response has begun. */
  answered(exchange: H1Exchange): void
  /** Called when an exchange ends early. If its request was written, the connection ends too. */
  ended(exchange: H1Exchange, reason: unknown): void
  pauseReading(): void
  resumeReading(): void
}

/** Options for sending a request. */
export interface H1Sending {
  /** Whether other requests may be in flight with it. */
  readonly pipelined: boolean
  /** Whether this is the last request of the connection. */
  readonly close: boolean
}

/** One exchange. The connection owns the order of its exchanges. */
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
  /** Whether the response is complete, or no response will come. */
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

  /** Whether the request asks for another protocol (RFC 9110 §7.8). */
  get upgrades(): boolean {
    return this.#request.protocol !== undefined
  }

  /** Whether the request was written to the socket, at least in part. */
  get written(): boolean {
    return this.#writer !== undefined
  }

  /** Whether the whole request was written to the socket. */
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

  /** Whether no part of a final response has arrived. */
  get unanswered(): boolean {
    return this.#body === undefined
  }

  /** Whether the response has begun, is incomplete, and has no reader yet. */
  get unread(): boolean {
    return this.#body !== undefined && !this.over && !this.#body.used
  }

  /** Writes the request. */
  send(): void {
    const { socket, forwarding, clock } = this.#host
    this.#writer = new RequestWriter(this.#request, socket, this)
    this.#writer.start(forwarding, this.#sending.close, clock)
  }

  onWritten(): void {
    // The connection checks `sent` when the response is complete.
  }

  /** Called when the socket's buffer is empty again. */
  onDrain(): void {
    this.#writer?.resume()
  }

  /** Returns false: HTTP/1.1 cannot change the priority of a response. */
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

  /** Called with an interim response. @returns a fault if there are too many. */
  onInterim(status: number, fields: readonly string[], bytes: number): ResponseFault | undefined {
    // RFC 9110 §15.2: a client must accept 1xx responses, even if it did not expect one.
    if (status === 100 && !this.upgrades) this.#writer!.goOn()
    if (this.#request.wantsInformational !== true && this.#isFlooded(bytes))
      return { code: 'ERR_RESPONSE_TOO_LARGE', message: `${this.#interimBytes} bytes of interim responses` }
    this.#observer.onInformational(status, fields)
    return undefined
  }

  onHead(status: number, fields: readonly string[], reason: string, expectedBytes: number): void {
    if (status === 101) this.#writer!.goOn()
    else this.#writer!.answered()
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

  /** Called when the whole response has arrived. */
  complete(trailers: readonly string[] | undefined): void {
    this.#settled = true
    this.over = true
    this.trailers = trailers ?? []
    this.#writer!.stop()
    this.#body!.end()
  }

  /** Called when the exchange no longer occupies a slot. */
  closed(): void {
    this.#observer.onClosed()
  }

  /** Fails the exchange: this client ends the connection. */
  destroyed(reason: Error): void {
    this.#end(reason)
  }

  /**
   * Fails the exchange: the connection has ended. An unwritten request, or one behind another, did
   * not cause this (RFC 9112 §9.3.2).
   * @param begun whether a part of this response had arrived.
   */
  lost(message: string, cause: Error | undefined, { first, begun }: { readonly first: boolean; readonly begun: boolean }): void {
    const { written } = this
    const origin = this.#request.origin.serialized
    const details = { origin, cause, initiator: 'peer' } as const
    if (!written) {
      return this.#end(new ConnectionError('ERR_CONNECTION_LOST', message, { ...details, processed: 'no' }))
    }
    if (!first) {
      const behind = 'the connection was lost while earlier requests were unanswered'
      return this.#end(new ConnectionError('ERR_PIPELINE_LOST', behind, details))
    }
    if (cause instanceof UnshardError) return this.#end(cause)
    const processed = begun ? 'yes' : this.#processed
    this.#end(new ConnectionError('ERR_CONNECTION_LOST', message, { ...details, processed }))
  }

  /** Fails the exchange: the response is invalid. */
  refused({ code, message }: ResponseFault): void {
    const origin = this.#request.origin.serialized
    this.#end(new ResponseError(code, message, { origin }))
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
