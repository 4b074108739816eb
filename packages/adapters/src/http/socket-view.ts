/** The members of `request.socket` that libraries read: the addresses and TLS of the connection. The socket itself serves other requests as well. */

import type { EventEmitter } from 'node:events'
import { isIP } from 'node:net'
import type { ConnectionInfo } from '@unshard/core'

/** A socket that can be read about, not written to. Its events are those of the request's stream. */
export class SocketView {
  readonly #events: EventEmitter
  readonly encrypted: boolean
  /** A connection is chosen for each request: to its caller it is always open. */
  readonly connecting = false
  readonly authorized: boolean
  readonly authorizationError = null
  /** Set with the response. */
  connection: ConnectionInfo | undefined

  constructor(events: EventEmitter, url: string) {
    this.#events = events
    this.encrypted = url.startsWith('https')
    // A certificate that is not valid ends the request.
    this.authorized = this.encrypted
  }

  get remoteAddress(): string | undefined {
    return this.connection?.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.connection?.remotePort
  }

  get remoteFamily(): string | undefined {
    const address = this.remoteAddress
    return address === undefined ? undefined : `IPv${isIP(address)}`
  }

  get localAddress(): string | undefined {
    return this.connection?.localAddress
  }

  get localPort(): number | undefined {
    return this.connection?.localPort
  }

  get alpnProtocol(): string | false {
    const { connection } = this
    if (connection?.protocol === 'h2') return 'h2'
    return connection?.tls === undefined ? false : 'http/1.1'
  }

  address(): object {
    const address = this.localAddress
    return address === undefined ? {} : { address, port: this.localPort, family: `IPv${isIP(address)}` }
  }

  /** Returns the protocol version, as `tls.TLSSocket` does. */
  getProtocol(): string | null {
    return this.connection?.tls?.version ?? null
  }

  isSessionReused(): boolean {
    return this.connection?.tls?.resumed ?? false
  }

  // The connection sets these for all of its requests: see the options of the client.
  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
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
