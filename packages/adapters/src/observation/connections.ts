/** Protocol and address of the open connections of one client, by id: events of requests have only the id. */

import type { Client, ClosedEvent, NegotiateEvent } from '@unshard/core'
import type { ClientEvents } from './client-events.js'

/** An open connection. */
export interface KnownConnection {
  readonly protocol: 'h2' | 'http/1.1'
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** The dial that made it; `undefined` for a connection that was open before. */
  readonly dial: number | undefined
}

/** The open connections of one client. */
export class Connections {
  readonly #known = new Map<number, KnownConnection>()

  constructor(client: Client, events: ClientEvents) {
    for (const { id, protocol, remoteAddress, remotePort } of client.stats().connections)
      this.#known.set(id, { protocol, remoteAddress, remotePort, dial: undefined })
    events.on<NegotiateEvent>('unshard:negotiate', (event) => this.#known.set(event.connection, event))
  }

  /** Forgets connections once they are closed, after the listener was called. */
  onClosed(events: ClientEvents, listener: (event: ClosedEvent, known: KnownConnection | undefined) => void): void {
    events.on<ClosedEvent>('unshard:closed', (event) => {
      listener(event, this.#known.get(event.connection))
      this.#known.delete(event.connection)
    })
  }

  get(id: number): KnownConnection | undefined {
    return this.#known.get(id)
  }
}
