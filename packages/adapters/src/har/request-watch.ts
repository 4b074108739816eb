/** Collects the attempts of one client's requests from the channels of diagnostics. Must not change a request, and never throws into one. */

import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'
import type { ContentEvent, ReceiveEvent, RequestEvent, SendEvent } from '@unshard/core'
import { Attempt } from './attempt.js'

const REQUEST = tracingChannel('unshard:request')
const SEND = tracingChannel('unshard:send')
const RECEIVE = tracingChannel('unshard:receive')
const CONTENT = channel('unshard:content')

type Listener = (message: unknown) => void

/** Receives the attempts of a client, as they end. */
export class RequestWatch {
  readonly #clientId: number
  readonly #maxBodyBytes: number | undefined
  readonly #onAttempt: (attempt: Attempt) => void
  /** The last attempt of each request in flight, by the id of the request. */
  readonly #open = new Map<number, Attempt>()
  readonly #listeners: readonly (readonly [Channel, Listener])[]

  /**
   * @param clientId `clientId` of the events.
   * @param maxBodyBytes maximum size of a recorded body; `undefined` to record none.
   * @param onAttempt must not throw.
   */
  constructor(clientId: number, maxBodyBytes: number | undefined, onAttempt: (attempt: Attempt) => void) {
    this.#clientId = clientId
    this.#maxBodyBytes = maxBodyBytes
    this.#onAttempt = onAttempt
    const listeners: [Channel, Listener][] = [
      [startOf(REQUEST), (message) => this.#begun(message as RequestEvent)],
      [startOf(RECEIVE), (message) => this.#sending(message as ReceiveEvent)],
      [endOf(SEND), (message) => this.#sent(message as SendEvent)],
      [endOf(RECEIVE), (message) => this.#received(message as ReceiveEvent)],
      [endOf(REQUEST), (message) => this.#over(message as RequestEvent)],
    ]
    if (maxBodyBytes !== undefined) listeners.push([CONTENT, (message) => this.#content(message as ContentEvent)])
    this.#listeners = listeners
    for (const [source, listener] of this.#listeners) source.subscribe(listener)
  }

  /** Ends the watch. Returns the attempts in flight. */
  stop(): Attempt[] {
    for (const [source, listener] of this.#listeners) source.unsubscribe(listener)
    const left = [...this.#open.values()]
    this.#open.clear()
    return left
  }

  #begun(event: RequestEvent): void {
    if (event.clientId === this.#clientId) this.#begin(event, performance.now())
  }

  #begin(event: RequestEvent, startedMs: number): Attempt {
    const attempt = new Attempt(event, startedMs, this.#maxBodyBytes)
    this.#open.set(event.request, attempt)
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

function startOf({ start }: TracingChannel): Channel {
  return start as Channel
}

function endOf({ asyncEnd }: TracingChannel): Channel {
  return asyncEnd as Channel
}
