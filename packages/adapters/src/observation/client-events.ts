/** The diagnostics channels as one client, or all, publish to them. All clients of a process share the channels. */

import type { AsyncLocalStorage } from 'node:async_hooks'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientEvent, RequestEvent } from '@unshard/core'

/** A request as `undici:request:create` publishes it. */
export interface CreatedRequest {
  /** Name, value, name, value… */
  readonly headers: readonly string[]
  readonly method: string
  /** Such as `https://a.example`. */
  readonly origin: string
  /** With the query. */
  readonly path: string
  /** Absent for a request of undici itself. */
  readonly unshard?: { readonly clientId: number; readonly request: number }
  addHeader(name: string, value: string): unknown
}

/** Subscriptions to the events of one client, or of all. */
export class ClientEvents {
  readonly #clientId: number | undefined
  readonly #ends: (() => void)[] = []

  /** @param clientId see `ClientStats.id`; `undefined` for all clients of the process. */
  constructor(clientId: number | undefined) {
    this.#clientId = clientId
  }

  /** Calls a function for each event of the client on a channel. Returns a function that ends that. */
  on<Message extends ClientEvent>(name: string, listener: (message: Message) => void): () => void {
    return this.#subscribe(name, (message) => {
      const event = message as Message
      if (this.#clientId === undefined || event.clientId === this.#clientId) listener(event)
    })
  }

  /** Calls a function for each request of the client on a channel of undici. Returns a function that ends that. */
  onUndici(name: string, listener: (request: CreatedRequest, id: number, error: unknown) => void): () => void {
    return this.#subscribe(name, (message) => {
      const { request, error } = message as { request: CreatedRequest; error?: unknown }
      const { unshard } = request
      if (unshard === undefined || (this.#clientId !== undefined && unshard.clientId !== this.#clientId)) return
      listener(request, unshard.request, error)
    })
  }

  /** Keeps the event of a request in a store while its operations begin: lookups and dials that it causes see it there. */
  bind(store: AsyncLocalStorage<RequestEvent>): void {
    const start = channel('tracing:unshard:request:start')
    start.bindStore(store, (message) => message as RequestEvent)
    this.#ends.push(() => start.unbindStore(store))
  }

  /** Ends all subscriptions. */
  stop(): void {
    for (const end of this.#ends.splice(0)) end()
  }

  #subscribe(name: string, listener: (message: unknown) => void): () => void {
    subscribe(name, listener)
    const end = (): void => void unsubscribe(name, listener)
    this.#ends.push(end)
    return end
  }
}
