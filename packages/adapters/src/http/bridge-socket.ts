/** Two sockets in memory, each of which reads what the other writes. */

import { Duplex } from 'node:stream'
import type { ConnectionInfo } from '@unshard/core'
import { IdleTimer } from './idle-timer.js'

/** One end, with the members of a socket that Node's client and libraries use. */
export class BridgeSocket extends Duplex {
  readonly encrypted: boolean
  readonly authorized: boolean
  readonly connecting = false
  /** The connection of the response, once it has arrived. */
  connection: ConnectionInfo | undefined
  readonly #idle = new IdleTimer(() => this.emit('timeout'))
  #peer!: BridgeSocket
  /** Completes the peer's last write, once this end is read again. */
  #taken: (() => void) | undefined

  /** Returns two ends. */
  static pair(encrypted: boolean): readonly [near: BridgeSocket, far: BridgeSocket] {
    const near = new BridgeSocket(encrypted)
    const far = new BridgeSocket(encrypted)
    near.#peer = far
    far.#peer = near
    return [near, far]
  }

  private constructor(encrypted: boolean) {
    super()
    this.encrypted = encrypted
    // A certificate that is not valid ends the request.
    this.authorized = encrypted
  }

  get remoteAddress(): string | undefined {
    return this.connection?.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.connection?.remotePort
  }

  /** Emits `timeout` after a time without progress, in milliseconds; 0 turns it off. */
  setTimeout(ms: number, callback?: () => void): this {
    if (callback !== undefined && ms > 0) this.once('timeout', callback)
    this.#idle.start(ms)
    return this
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

  override _write(chunk: Uint8Array, _encoding: string, taken: () => void): void {
    this.#touch()
    if (this.#peer.push(chunk)) taken()
    else this.#peer.#taken = taken
  }

  override _final(done: () => void): void {
    if (!this.#peer.destroyed) this.#peer.push(null)
    done()
  }

  override _read(): void {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#idle.stop()
    callback(error)
    // As a reset, unless the other end has got everything: it may still be reading.
    if (!this.writableFinished) process.nextTick(() => this.#peer.destroy())
  }

  #touch(): void {
    this.#idle.touch()
    this.#peer.#idle.touch()
  }
}
