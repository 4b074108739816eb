/** The `socket` of a request of `createHttp()`. */

import type { EventEmitter } from 'node:events'
import { SocketMembers } from './socket-members.js'

/** A socket that can be read about, not written to. Its events are those of the request's stream. */
export class SocketView extends SocketMembers {
  readonly #events: EventEmitter

  constructor(events: EventEmitter, url: string) {
    super()
    this.#events = events
    this.encrypted = url.startsWith('https')
    this.connection = undefined
  }

  addListener(name: string, listener: (...args: unknown[]) => void): this {
    this.#events.on(name, listener)
    return this
  }

  prependListener(name: string, listener: (...args: unknown[]) => void): this {
    this.#events.prependListener(name, listener)
    return this
  }

  removeListener(name: string, listener: (...args: unknown[]) => void): this {
    this.#events.removeListener(name, listener)
    return this
  }

  off(name: string, listener: (...args: unknown[]) => void): this {
    return this.removeListener(name, listener)
  }

  removeAllListeners(name?: string): this {
    // Without a name it would remove the listeners by which the request works.
    if (name !== undefined && name !== 'error') this.#events.removeAllListeners(name)
    return this
  }

  listeners(name: string): unknown[] {
    return this.#events.listeners(name)
  }

  listenerCount(name: string): number {
    return this.#events.listenerCount(name)
  }
}
