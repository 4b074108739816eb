/** Pending PINGs and their acknowledgments (RFC 9113 §6.7). */

import { TimeoutError } from '../../errors/errors.js'
import type { Clock, ClockTimer } from '../../runtime/clock.js'

interface Pending {
  readonly sentAt: number
  readonly timer: ClockTimer
  resolve(roundTripMs: number): void
  reject(reason: Error): void
}

/** The pending PINGs of one connection, identified by a number in their eight bytes. */
export class Pings {
  readonly #clock: Clock
  readonly #write: (opaque: Uint8Array) => void
  /** `undefined` until a PING is sent: most connections send none. */
  #pending: Map<number, Pending> | undefined
  #last = 0

  constructor(clock: Clock, write: (opaque: Uint8Array) => void) {
    this.#clock = clock
    this.#write = write
  }

  /** Sends a PING; resolves with the round-trip time in milliseconds. */
  send(timeoutMs: number): Promise<number> {
    const number = ++this.#last
    return new Promise((resolve, reject) => {
      const timer = this.#clock.startTimer(timeoutMs, () => {
        this.#pending!.delete(number)
        reject(new TimeoutError('ping', timeoutMs))
      })
      this.#pending ??= new Map()
      this.#pending.set(number, { sentAt: this.#clock.now(), timer, resolve, reject })
      const opaque = Buffer.alloc(8)
      opaque.writeUInt32BE(number, 4)
      this.#write(opaque)
    })
  }

  /** Resolves the PING of an acknowledgment; ignores an unsolicited one. @returns its round-trip time in milliseconds. */
  received(opaque: Buffer): number | undefined {
    const pending = opaque.readUInt32BE(0) === 0 ? this.#take(opaque.readUInt32BE(4)) : undefined
    if (pending === undefined) return undefined
    const roundTripMs = this.#clock.now() - pending.sentAt
    pending.resolve(roundTripMs)
    return roundTripMs
  }

  /** Rejects all pending PINGs: the connection has ended. */
  fail(reason: Error): void {
    for (const number of [...(this.#pending?.keys() ?? [])]) this.#take(number)?.reject(reason)
  }

  #take(number: number): Pending | undefined {
    const pending = this.#pending?.get(number)
    this.#pending?.delete(number)
    pending?.timer.cancel()
    return pending
  }
}
