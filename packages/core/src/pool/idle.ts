/** Closes connections that have carried nothing for a while. One timer, for the one that has been idle longest. */

import type { Connection } from '../connection.js'
import type { Clock, ClockTimer } from '../deadlines.js'

/** The idle connections of one pool. */
export class IdleConnections {
  readonly #clock: Clock
  readonly #timeoutMs: number
  /** In the order in which they became idle. */
  readonly #since = new Map<Connection, number>()
  #timer: ClockTimer | undefined

  /** @param timeoutMs 0 keeps them for ever. */
  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** The connection carries nothing now: its time counts from here, however often that was said before. */
  add(connection: Connection): void {
    if (this.#timeoutMs === 0) return
    // Out first: the order is that of the times.
    this.#since.delete(connection)
    this.#since.set(connection, this.#clock.now())
    this.#schedule(this.#timeoutMs)
  }

  /** It carries something again, or is gone. */
  delete(connection: Connection): void {
    this.#since.delete(connection)
  }

  /** Ends the timer. */
  stop(): void {
    this.#since.clear()
    this.#timer?.cancel()
  }

  /** Never keeps the process alive. A timer that is running is left: it looks again when it fires. */
  #schedule(delayMs: number): void {
    if (this.#timer !== undefined) return
    this.#timer = this.#clock.startTimer(delayMs, () => this.#reap())
    this.#timer.unref()
  }

  #reap(): void {
    this.#timer = undefined
    const now = this.#clock.now()
    for (const [connection, since] of this.#since) {
      const left = since + this.#timeoutMs - now
      if (left > 0) return this.#schedule(left)
      this.#since.delete(connection)
      // Nobody says when a request begins. When that one is over it comes back.
      if (connection.active > 0) continue
      // Resolves when the socket is gone; nobody waits for it here, and it cannot reject.
      void connection.close()
    }
  }
}
