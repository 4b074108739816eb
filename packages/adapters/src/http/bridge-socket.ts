/** Two sockets in memory, each of which reads what the other writes. */

import { Duplex } from 'node:stream'
import { IdleTimer } from './idle-timer.js'
import { SocketMembers } from './socket-members.js'

/** A class has one base: the members of a socket are copied into that of the streams. */
const SocketDuplex: new () => Duplex & SocketMembers = (() => {
  class Base extends Duplex {}
  const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(SocketMembers.prototype)
  Object.defineProperties(Base.prototype, members)
  return Base as never
})()

/** One end, with the members of a socket that Node's client and libraries use. */
export class BridgeSocket extends SocketDuplex {
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
    this.connection = undefined
  }

  /** Emits `timeout` after a time without progress, in milliseconds; 0 turns it off. */
  setTimeout(ms: number, callback?: () => void): this {
    if (callback !== undefined && ms > 0) this.once('timeout', callback)
    this.#idle.start(ms)
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
