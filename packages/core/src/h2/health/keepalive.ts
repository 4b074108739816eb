/**
 * Sends the PINGs of the `keepalive` option while the connection receives no bytes (RFC 9113 §6.7).
 */

import type { Clock, ClockTimer } from '../../runtime/clock.js'
import type { KeepaliveOptions } from '../../settings/pool-settings.js'

/** Maximum keepalive interval, in milliseconds. */
const MAX_INTERVAL_MS = 0x7fff_ffff

/** The parts of the connection that its keepalive needs. */
export interface KeepaliveDeps {
  /** Time of the last received byte, by the client's clock. */
  receivedAt(): number
  /** Sends a PING. Rejects if no acknowledgment is received in time. */
  ping(timeoutMs: number): Promise<number>
  /** Requests in flight. */
  active(): number
  /** Called when no byte was received in time. */
  failed(): void
}

/**
 * The keepalive of one connection: one unref'd timer, which checks the last activity only when it
 * fires.
 */
export class Keepalive {
  readonly #clock: Clock
  readonly #options: Required<KeepaliveOptions>
  readonly #deps: KeepaliveDeps
  readonly #intervalMs: number
  #timer: ClockTimer | undefined
  #pinging = false
  #stopped = false

  /**
   * @param complaints number of `too_many_pings` errors from the origin; each doubles the interval.
   */
  constructor(clock: Clock, options: Required<KeepaliveOptions>, complaints: number, deps: KeepaliveDeps) {
    this.#clock = clock
    this.#options = options
    this.#deps = deps
    this.#intervalMs = Math.min(MAX_INTERVAL_MS, options.intervalMs * 2 ** complaints)
    this.#look()
  }

  /** Stops the timer: the connection is closed. */
  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #look(): void {
    if (this.#stopped) return
    const idleMs = this.#clock.now() - this.#deps.receivedAt()
    const due = idleMs >= this.#intervalMs
    if (due && !this.#pinging && (this.#options.whenIdle || this.#deps.active() > 0)) this.#ping()
    this.#timer = this.#clock.startTimer(due ? this.#intervalMs : this.#intervalMs - idleMs, () => this.#look())
    this.#timer.unref()
  }

  #ping(): void {
    const sentAt = this.#clock.now()
    this.#pinging = true
    this.#deps.ping(this.#options.timeoutMs).then(
      () => {
        this.#pinging = false
      },
      // A busy process runs its timers before it reads, so first read what has already arrived.
      () => this.#clock.afterTurn(() => this.#unanswered(sentAt)),
    )
  }

  #unanswered(sentAt: number): void {
    this.#pinging = false
    if (!this.#stopped && this.#deps.receivedAt() < sentAt) this.#deps.failed()
  }
}
