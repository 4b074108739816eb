/**
 * One request on one stream: turns protocol events into a response and its body, and sends the
 * request content.
 */

import type { UnshardCode } from '../errors/codes.js'
import { ConnectionError, ResponseError, StreamError, TimeoutError, textOf, UsageError } from '../errors/errors.js'
import { CONTINUE_WAIT_MS, ContentSender, type ContentSink } from '../message/content-sender.js'
import type { HttpRequest } from '../message/request.js'
import { type Content, wrongWhileSent } from '../message/request-content.js'
import { type BodySource, ResponseBody } from '../message/response-body.js'
import type { Clock, ClockTimer } from '../runtime/clock.js'
import type { Exchange, ExchangeObserver, Loss } from '../transport/exchange.js'
import { ErrorCode, errorCodeName } from './protocol/error-code.js'
import type { FieldSection } from './protocol/field-section.js'
import type { Protocol } from './protocol/protocol.js'
import type { Stream, StreamEnd, StreamOwner } from './protocol/stream.js'

/** The connection of an exchange. */
export interface ExchangeHost {
  readonly clock: Clock
  /** Schedules a write of the pending output. */
  flush(): void
  /** A request timed out: checks whether the peer is alive. */
  suspect(): void
  /**
   * Returns the connection loss that explains the end of a stream; `undefined` if only the stream
   * ended.
   */
  lostBy(streamId: number, end: StreamEnd): ConnectionLoss | undefined
  /** The server reset this stream because it is overloaded: later requests use another connection. */
  overloaded(streamId: number): void
}

/** The loss of a connection, as reported to one of its requests. */
export interface ConnectionLoss {
  readonly reason: Error
  readonly loss: Loss
}

/** The owner of a stream. */
export class H2Exchange implements Exchange, BodySource, ContentSink, StreamOwner {
  readonly #engine: Protocol<H2Exchange>
  readonly #request: HttpRequest
  readonly #observer: ExchangeObserver
  readonly #host: ExchangeHost
  #stream: Stream<H2Exchange> | undefined
  #body: ResponseBody | undefined
  #sender: ContentSender | undefined
  /**
   * Timer while content waits for 100 (RFC 9110 §10.1.1). Stays set after a final status: the
   * content is never sent.
   */
  #wait: ClockTimer | undefined
  #trailers: readonly string[] | undefined
  /** Whether the observer was notified of the end, or caused it. */
  #settled = false

  constructor(engine: Protocol<H2Exchange>, request: HttpRequest, observer: ExchangeObserver, host: ExchangeHost) {
    this.#engine = engine
    this.#request = request
    this.#observer = observer
    this.#host = host
  }

  /** Opens the stream. Sends content that is in memory at once, and starts to read a source. */
  start(): void {
    const { content } = this.#request
    this.#stream = this.#engine.openStream(this, this.#request, content === undefined)
    if (content === undefined) return
    if (this.#request.expectsContinue === true) this.#wait = this.#host.clock.startTimer(CONTINUE_WAIT_MS, () => this.#goOn())
    else this.#send(content)
  }

  #send(content: Content): void {
    this.#sender = new ContentSender(this.#request, content, this)
    this.#sender.start()
  }

  /** Sends the content: the server sent 100, or the wait timed out. */
  #goOn(): void {
    if (this.#wait === undefined) return
    this.#wait.cancel()
    this.#wait = undefined
    this.#send(this.#request.content!)
  }

  get streamId(): number {
    return this.#stream!.id
  }

  get trailers(): readonly string[] | undefined {
    return this.#trailers
  }

  get sentBytes(): number {
    return this.#sender?.sentBytes ?? 0
  }

  get sending(): boolean {
    const { endQueued, queue } = this.#stream!
    return !endQueued || queue.length > 0
  }

  get unwrittenBytes(): number {
    const { queue, queueOffset } = this.#stream!
    return queue.reduce((bytes, { length }) => bytes + length, -queueOffset)
  }

  /** Counter that grows with every byte of this stream, in either direction. */
  get progress(): number {
    const { receivedBytes, sectionBytes } = this.#stream!
    return receivedBytes + sectionBytes + this.sentBytes - this.unwrittenBytes
  }

  /** Whether the response has begun, is incomplete, and has no reader yet. */
  get unread(): boolean {
    return this.#body !== undefined && !this.#body.complete && !this.#body.used
  }

  /** Whether received content has not been read yet. */
  get waitsForReader(): boolean {
    return (this.#body?.buffered ?? 0) > 0
  }

  reprioritize(priority: string): boolean {
    const told = this.#engine.reprioritize(this.#stream!, priority)
    if (told) this.#host.flush()
    return told
  }

  abort(reason: unknown): void {
    this.#settled = true
    const body = this.#body
    this.#sender?.stop(reason)
    // Before the reset, because the reset calls `onClosed`, which must come last.
    body?.discard(reason)
    this.#engine.resetStream(this.#stream!, ErrorCode.CANCEL)
    if (reason instanceof TimeoutError) this.#host.suspect()
    this.#host.flush()
  }

  /** Fails the exchange and resets its stream. */
  giveUp(end: StreamEnd): void {
    this.#fail(this.#errorOf(end))
    this.#engine.resetStream(this.#stream!, ErrorCode.CANCEL)
    this.#host.flush()
  }

  consumed(bytes: number): void {
    this.#engine.consumed(this.#stream!, bytes)
    if (this.#engine.hasOutput) this.#host.flush()
  }

  cancel(reason: unknown): void {
    this.abort(reason)
  }

  write(bytes: Uint8Array | undefined, end: boolean, trailers?: readonly string[]): boolean {
    if (trailers !== undefined && this.#engine.trailersExceedPeerLimit(trailers))
      throw fieldsTooLarge(this.#engine, this.#request)
    const ready = this.#engine.sendData(this.#stream!, bytes, end, trailers)
    this.#host.flush()
    return ready
  }

  contentFailed(cause: unknown): void {
    // Before the reset, because the reset calls `onClosed`, which must come last.
    this.#fail(this.#contentError(cause))
    this.#engine.resetStream(this.#stream!, ErrorCode.CANCEL)
    this.#host.flush()
  }

  onInformational(section: FieldSection): void {
    if (section.status === 100) this.#goOn()
    this.#observer.onInformational(section.status, section.fields)
  }

  onResponse(section: FieldSection): void {
    // A final response cancels content that waits for 100 (RFC 9110 §10.1.1).
    this.#wait?.cancel()
    this.#body = new ResponseBody(this, this.#stream!.expectedBytes)
    this.#observer.onResponse(section.status, section.fields, this.#body)
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#body!.push(bytes, start, end)
  }

  onEnd(trailers: readonly string[] | undefined): void {
    this.#settled = true
    this.#trailers = trailers
    this.#body!.end()
    if (this.#wait !== undefined) this.#engine.resetStream(this.#stream!, ErrorCode.NO_ERROR)
  }

  onSendable(stopped: boolean): void {
    if (stopped) this.#sender?.stop()
    else this.#sender?.resume()
  }

  onStreamError(end: StreamEnd): void {
    const lost = this.#host.lostBy(this.streamId, end)
    if (lost !== undefined) return this.onConnectionLost(lost.reason, false, lost.loss)
    this.#fail(this.#errorOf(end))
    if (end.initiator === 'peer' && end.errorCode === ErrorCode.ENHANCE_YOUR_CALM) this.#host.overloaded(this.streamId)
  }

  /** The connection is lost. `unsent`: no byte of this request was written to the socket. */
  onConnectionLost(reason: Error, unsent: boolean, loss: Loss): void {
    this.#sender?.stop(reason)
    if (!(reason instanceof ConnectionError)) return this.#fail(reason)
    const processed = this.#body !== undefined ? 'yes' : unsent ? 'no' : 'unknown'
    const origin = this.#request.origin.serialized
    const { initiator, errorCode } = reason
    const code = reason.code as UnshardCode
    this.#fail(new ConnectionError(code, textOf(reason), { origin, initiator, errorCode, processed, cause: reason.cause }), loss)
  }

  onClosed(): void {
    this.#wait?.cancel()
    this.#observer.onClosed()
  }

  /** Returns a ResponseError for a malformed or oversized response, otherwise a StreamError. */
  #errorOf(end: StreamEnd): Error {
    const origin = this.#request.origin.serialized
    const { errorCode, initiator, reason } = end
    if (initiator === 'local') {
      const code = errorCode === ErrorCode.ENHANCE_YOUR_CALM ? 'ERR_RESPONSE_TOO_LARGE' : 'ERR_MALFORMED_RESPONSE'
      return new ResponseError(code, reason, { origin, cause: new Error(errorCodeName(errorCode)) })
    }
    const code = STREAM_ERROR_CODES.get(errorCode) ?? 'ERR_STREAM_RESET'
    const processed = end.unprocessed ? 'no' : this.#body === undefined ? 'unknown' : 'yes'
    return new StreamError(code, reason, { origin, initiator, errorCode, processed })
  }

  #contentError(cause: unknown): Error {
    const origin = this.#request.origin.serialized
    const processed = this.#body === undefined ? 'unknown' : 'yes'
    if (cause instanceof UsageError) return wrongWhileSent(cause, origin, processed)
    const message = `the body of the request failed: ${cause instanceof Error ? cause.message : String(cause)}`
    return new StreamError('ERR_REQUEST_BODY', message, {
      origin,
      initiator: 'local',
      errorCode: ErrorCode.CANCEL,
      cause,
      processed,
    })
  }

  #fail(error: Error, loss?: Loss): void {
    if (this.#settled) return
    this.#settled = true
    if (this.#body === undefined) this.#observer.onError(error, loss)
    else this.#body.fail(error)
  }
}

/**
 * The error of a request whose fields or trailers exceed the peer's limit. Checked here, since a
 * server may close the connection.
 */
export function fieldsTooLarge(engine: Protocol<H2Exchange>, { origin }: HttpRequest): UsageError {
  const limit = engine.peerSettings.maxFieldSectionBytes
  const message = `the request fields exceed the server's limit of ${limit} bytes (SETTINGS_MAX_HEADER_LIST_SIZE)`
  return new UsageError('ERR_REQUEST_FIELDS_TOO_LARGE', message, { origin: origin.serialized })
}

/** Codes of the resets that callers or the retry rules treat differently. */
const STREAM_ERROR_CODES: ReadonlyMap<number, UnshardCode> = new Map<number, UnshardCode>([
  [ErrorCode.REFUSED_STREAM, 'ERR_STREAM_REFUSED'],
  [ErrorCode.HTTP_1_1_REQUIRED, 'ERR_HTTP_1_1_REQUIRED'],
])
