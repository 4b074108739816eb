/** Collects the attempts of requests, of one client or of all, from the channels of diagnostics. Must not change a request, and never throws into one. */

import type { ContentEvent, ReceiveEvent, RequestEvent, SendEvent } from '@unshard/core'
import { ClientEvents } from '../observation/client-events.js'
import { Attempt } from './attempt.js'

/** Receives the attempts of a client, or of all clients of the process, as they end. */
export class RequestWatch {
  readonly #maxBodyBytes: number | undefined
  readonly #onAttempt: (attempt: Attempt) => void
  readonly #onProgress: ((attempt: Attempt) => void) | undefined
  /** The last attempt of each request in flight, by the id of the request. */
  readonly #open = new Map<number, Attempt>()
  readonly #events: ClientEvents

  /**
   * @param clientId `clientId` of the events; `undefined` for those of all clients.
   * @param maxBodyBytes maximum size of a recorded body; `undefined` to record none.
   * @param onAttempt called when an attempt has ended. Must not throw.
   * @param onProgress called when an attempt begins, finds a connection, and gets the fields of its response. Must not throw.
   */
  constructor(
    clientId: number | undefined,
    maxBodyBytes: number | undefined,
    onAttempt: (attempt: Attempt) => void,
    onProgress?: (attempt: Attempt) => void,
  ) {
    this.#maxBodyBytes = maxBodyBytes
    this.#onAttempt = onAttempt
    this.#onProgress = onProgress
    const events = new ClientEvents(clientId)
    this.#events = events
    events.on<RequestEvent>('tracing:unshard:request:start', (event) => this.#begin(event, performance.now()))
    events.on<ReceiveEvent>('tracing:unshard:receive:start', (event) => this.#sending(event))
    events.on<SendEvent>('tracing:unshard:send:asyncEnd', (event) => this.#sent(event))
    events.on<ReceiveEvent>('tracing:unshard:receive:asyncEnd', (event) => this.#received(event))
    events.on<RequestEvent>('tracing:unshard:request:asyncEnd', (event) => this.#over(event))
    if (maxBodyBytes !== undefined) events.on<ContentEvent>('unshard:content', (event) => this.#content(event))
  }

  /** Ends the watch. Returns the attempts in flight. */
  stop(): Attempt[] {
    this.#events.stop()
    const left = [...this.#open.values()]
    this.#open.clear()
    return left
  }

  #begin(event: RequestEvent, startedMs: number): Attempt {
    const attempt = new Attempt(event, startedMs, this.#maxBodyBytes)
    this.#open.set(event.request, attempt)
    this.#onProgress?.(attempt)
    return attempt
  }

  #sending(event: ReceiveEvent): void {
    let attempt = this.#open.get(event.request)
    if (attempt === undefined) return
    const now = performance.now()
    if (attempt.receive !== undefined) {
      attempt.isReplayed = true
      attempt.endedMs ??= now
      this.#onAttempt(attempt)
      attempt = this.#begin(attempt.request, attempt.endedMs)
    }
    attempt.receive = event
    attempt.sendingMs = now
    this.#onProgress?.(attempt)
  }

  #sent({ request, attempt: number }: SendEvent): void {
    const attempt = this.#open.get(request)
    if (attempt?.receive?.attempt === number) attempt.sentMs ??= performance.now()
  }

  #received(event: ReceiveEvent): void {
    const attempt = this.#open.get(event.request)
    if (attempt?.receive !== event) return
    if (event.status !== undefined) attempt.answeredMs = performance.now()
    else attempt.endedMs = performance.now()
    attempt.error = event.error
    this.#onProgress?.(attempt)
  }

  #content({ request, bytes }: ContentEvent): void {
    this.#open.get(request)?.body?.add(bytes)
  }

  #over({ request, error, receivedBytes = 0 }: RequestEvent): void {
    const attempt = this.#open.get(request)
    if (attempt === undefined) return
    this.#open.delete(request)
    attempt.endedMs = performance.now()
    attempt.error = error
    attempt.receivedBytes = receivedBytes
    this.#onAttempt(attempt)
  }
}
