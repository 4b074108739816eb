/**
 * The events of one request on `node:diagnostics_channel`: ours, and those of undici. Made only if
 * a channel of requests has a subscriber. Must not change the request, but for added fields.
 */

import { isDiscard } from '../errors/errors.js'
import type { HttpRequest } from '../message/request.js'
import type { Content } from '../message/request-content.js'
import type { ConnectionInfo, ResponseSource } from '../message/response.js'
import { captureContext } from '../runtime/async-context.js'
import type { Connection } from '../transport/connection.js'
import { CHANNELS, isWatched, OPERATIONS, UNDICI } from './channels.js'
import { isDialTraced } from './dial-trace.js'
import type { BodyEvent, ClientEvent, QueueEvent, ReceiveEvent, RequestEvent, SendEvent } from './events.js'
import { Operation } from './operation.js'
import { socketView } from './socket-view.js'
import { UndiciRequest } from './undici-request.js'

let lastRequestId = 0

const DISCARDED = { name: 'AbortError', code: 'UND_ERR_ABORTED' }

/** Whether a channel of requests has a subscriber. */
export function isCallTraced(): boolean {
  const { create, bodySent, headers, trailers, error, sendHeaders } = UNDICI
  if (create.hasSubscribers || sendHeaders.hasSubscribers || bodySent.hasSubscribers) return true
  if (headers.hasSubscribers || trailers.hasSubscribers || error.hasSubscribers) return true
  if (CHANNELS.replay.hasSubscribers || CHANNELS.reused.hasSubscribers || CHANNELS.content.hasSubscribers) return true
  const { request, queue, send, receive, body } = OPERATIONS
  return isWatched(request) || isWatched(queue) || isWatched(send) || isWatched(receive) || isWatched(body)
}

/** Bytes of content that one request has moved. */
interface ContentBytes {
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** The result of the current attempt. */
type AttemptResult = Pick<ResponseSource, 'status' | 'fields' | 'reason' | 'timings' | 'body'> & { connection(): ConnectionInfo }

/** The events of one request. */
export class CallTrace {
  readonly #client: ClientEvent
  readonly #origin: string
  readonly #undici: UndiciRequest
  readonly #id: number = ++lastRequestId
  readonly #call: Operation<RequestEvent> | undefined
  #inContext: (<Result>(run: () => Result) => Result) | undefined
  #queue: Operation<QueueEvent> | undefined
  #send: Operation<SendEvent> | undefined
  #receive: Operation<ReceiveEvent> | undefined
  #body: Operation<BodyEvent> | undefined
  #attempts = 0
  #connection: Connection | undefined
  #response: AttemptResult | undefined
  #isSent = false
  #over = false
  /** The request with the fields that subscribers have added. */
  readonly request: HttpRequest

  /** Publishes the creation of the request. Subscribers may add fields. */
  constructor(client: ClientEvent, request: HttpRequest) {
    this.#client = client
    this.#origin = request.origin.serialized
    this.#undici = new UndiciRequest(request, { clientId: client.clientId, request: this.#id })
    UNDICI.create.publish({ request: this.#undici })
    const added = this.#applied(request)
    const { content } = added
    const isSource = content !== undefined && content.bytes === undefined
    this.request = isSource ? { ...added, content: new WatchedContent(content, () => this.#sent()) } : added
    this.#call = Operation.prepare(OPERATIONS.request, () => {
      const { method, scheme, authority, path, fields: headers } = added
      const body = content === undefined ? undefined : { bytes: content.bytes, length: content.length }
      return { ...this.#base(), method, scheme, authority, path, headers, body, attempts: 0 }
    })
  }

  /** @throws UsageError for an added field that HTTP does not allow; the request is over then. */
  #applied(request: HttpRequest): HttpRequest {
    try {
      return this.#undici.applyTo(request)
    } catch (error) {
      throw this.refused(error)
    }
  }

  /** The request does not begin, because of a subscriber. Returns the error. */
  refused(error: unknown): unknown {
    this.#undici.aborted = true
    UNDICI.error.publish({ request: this.#undici, error })
    return error
  }

  /** Begins the request. */
  run(begin: () => void): void {
    if (this.#call === undefined) return begin()
    this.#call.run(() => {
      if (isDialTraced()) this.#inContext = captureContext()
      begin()
    })
  }

  /**
   * Runs a function in the context in which the request began, with the stores that are bound to it: a dial for a request may begin in a
   * callback of another one's socket. `undefined` without subscribers to both.
   */
  get inContext(): (<Result>(run: () => Result) => Result) | undefined {
    return this.#inContext
  }

  /** The request waits for a connection. */
  queued(): void {
    this.#queue ??= Operation.begin(OPERATIONS.queue, () => this.#base())
  }

  /**
   * The request is about to be sent on a connection.
   * @param idleMs time for which the connection has carried no request, in milliseconds;
   *   `undefined` if it carries others, or has never carried one.
   * @param result the response that follows.
   */
  sending(connection: Connection, idleMs: number | undefined, result: AttemptResult): void {
    const { id, route, protocol } = connection
    this.#connection = connection
    this.#response = result
    this.#attempts++
    this.#isSent = false
    this.#unqueued(id)
    if (idleMs !== undefined && CHANNELS.reused.hasSubscribers)
      CHANNELS.reused.publish({ ...this.#base(), origin: route.origin.serialized, connection: id, idleMs })
    const attempt = this.#attempts
    this.#send = Operation.begin(OPERATIONS.send, () => ({ ...this.#base(), connection: id, attempt }))
    this.#receive = Operation.begin(OPERATIONS.receive, () => {
      return { ...this.#base(), connection: id, attempt, carrier: result.connection() }
    })
    if (!UNDICI.sendHeaders.hasSubscribers) return
    const headers = headerText(this.request, protocol)
    UNDICI.sendHeaders.publish({ request: this.#undici, headers, socket: socketView(route, protocol) })
  }

  /** The request was passed to the connection, with content that is in memory. */
  passedOn(): void {
    const { content } = this.request
    if (content === undefined || content.bytes !== undefined) this.#sent()
  }

  /** The response has begun. */
  answered(status: number, fields: readonly string[], reason: string | undefined): void {
    this.#received(undefined, true)
    const call = this.#call?.message
    if (call !== undefined) call.status = status
    this.#body = Operation.begin(OPERATIONS.body, () => ({ ...this.#base(), connection: this.#connection!.id }))
    if (CHANNELS.content.hasSubscribers) this.#response!.body.onPart = (bytes) => this.#content(bytes)
    if (!UNDICI.headers.hasSubscribers) return
    const response = { statusCode: status, headers: buffersOf(fields), statusText: reason ?? '' }
    UNDICI.headers.publish({ request: this.#undici, response })
  }

  /**
   * The request is sent again.
   * @param error why the last attempt failed; `undefined` after 421.
   */
  replayed(error: Error | undefined, delayMs: number): void {
    this.#send?.finish(error)
    this.#received(error, error === undefined)
    if (!CHANNELS.replay.hasSubscribers) return
    CHANNELS.replay.publish({ ...this.#base(), attempt: this.#attempts + 1, error, delayMs })
  }

  /**
   * The request is over.
   * @param error `undefined` if the whole response was received.
   */
  over(error: unknown, bytes: ContentBytes, trailers: readonly string[] | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#operationsOver(isDiscard(error) ? undefined : error, bytes, isDiscard(error))
    if (error === undefined) {
      this.#undici.completed = true
      if (UNDICI.trailers.hasSubscribers) UNDICI.trailers.publish({ request: this.#undici, trailers: buffersOf(trailers ?? []) })
    } else {
      this.#undici.aborted = true
      if (!UNDICI.error.hasSubscribers) return
      // undici has an AbortError for this, which instrumentations do not count as a failure.
      const published = isDiscard(error) ? Object.assign(new Error('Request aborted', { cause: error }), DISCARDED) : error
      UNDICI.error.publish({ request: this.#undici, error: published })
    }
  }

  #operationsOver(error: unknown, bytes: ContentBytes, discarded: boolean): void {
    this.#unqueued(undefined, error)
    this.#send?.finish(error)
    this.#received(error, false)
    if (this.#body !== undefined) Object.assign(this.#body.message, { receivedBytes: bytes.receivedBytes, discarded })
    this.#body?.finish(error)
    this.#finish(error, bytes)
  }

  #finish(error: unknown, { receivedBytes, sentBytes }: ContentBytes): void {
    if (this.#call === undefined) return
    const { message } = this.#call
    message.attempts = this.#attempts
    message.receivedBytes = receivedBytes
    message.sentBytes = sentBytes
    if (this.#connection !== undefined) message.connection = this.#connection.id
    this.#call.finish(error)
  }

  /** The wait for a response is over. @param isAnswered whether there is one. */
  #received(error: unknown, isAnswered: boolean): void {
    const receive = this.#receive
    if (receive === undefined) return
    this.#receive = undefined
    const { status, fields, reason, timings } = this.#response!
    Object.assign(receive.message, isAnswered && { status, headers: fields, statusText: reason ?? '' }, { timings })
    receive.finish(error)
  }

  #content(bytes: Uint8Array): void {
    if (CHANNELS.content.hasSubscribers) CHANNELS.content.publish({ ...this.#base(), bytes })
  }

  /** The content was sent, and its source has ended. */
  #sent(): void {
    if (this.#isSent || this.#over || this.#connection === undefined) return
    this.#isSent = true
    this.#send?.finish()
    if (UNDICI.bodySent.hasSubscribers) UNDICI.bodySent.publish({ request: this.#undici })
  }

  #unqueued(connection: number | undefined, error?: unknown): void {
    const queue = this.#queue
    if (queue === undefined) return
    this.#queue = undefined
    if (connection !== undefined) queue.message.connection = connection
    queue.finish(error)
  }

  #base(): ClientEvent & { origin: string; request: number } {
    return { ...this.#client, origin: this.#origin, request: this.#id }
  }
}

/** Content from a source, with a callback for its end. */
class WatchedContent implements Content {
  readonly #content: Content
  readonly #onEnded: () => void
  readonly bytes: undefined

  constructor(content: Content, onEnded: () => void) {
    this.#content = content
    this.#onEnded = onEnded
  }

  get length(): number | undefined {
    return this.#content.length
  }

  get type(): string | undefined {
    return this.#content.type
  }

  get replayable(): boolean {
    return this.#content.replayable
  }

  open(): AsyncIterator<Uint8Array | string> {
    return this.#content.open()
  }

  hold(): void {
    this.#content.hold?.()
  }

  rewind(): void {
    this.#content.rewind?.()
  }

  ended(): void {
    this.#content.ended?.()
    this.#onEnded()
  }

  release(reason: unknown, aborted: boolean): void {
    this.#content.release?.(reason, aborted)
  }
}

/** The request line and fields, as undici writes them for each protocol. */
function headerText({ method, path, authority, scheme, fields }: HttpRequest, protocol: 'h2' | 'http/1.1'): string {
  const lines =
    protocol === 'h2'
      ? [`:method: ${method}`, `:authority: ${authority}`, `:scheme: ${scheme}`, `:path: ${path}`]
      : [`${method} ${path} HTTP/1.1`, `host: ${authority}`]
  for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`)
  return `${lines.join('\r\n')}\r\n`
}

function buffersOf(fields: readonly string[]): Buffer[] {
  return fields.map((text) => Buffer.from(text, 'latin1'))
}
