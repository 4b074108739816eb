/** PINGs that a caller has asked for with the option `keepalive`, while nothing is received (RFC 9113 §6.7). */

import type { Clock, ClockTimer } from '../../runtime/clock.js'
import type { KeepaliveOptions } from '../../settings/pool-settings.js'

/** A keepalive interval is never stretched beyond this, milliseconds. */
const MAX_INTERVAL_MS = 0x7fff_ffff

/** The connection, as its keepalive sees it. */
export interface KeepaliveDeps {
  /** When the last byte was received, by the client's clock. */
  receivedAt(): number
  /** Sends a PING. Rejects where no acknowledgement is received in time. */
  ping(timeoutMs: number): Promise<number>
  /** Requests in flight. */
  active(): number
  /** No byte was received in time. */
  failed(): void
}

/** The keepalive of one connection: one timer, which never keeps the process alive. Activity only moves what it finds when it fires. */
export class Keepalive {
  readonly #clock: Clock
  readonly #options: Required<KeepaliveOptions>
  readonly #deps: KeepaliveDeps
  readonly #intervalMs: number
  #timer: ClockTimer | undefined
  #pinging = false
  #stopped = false

  /** @param complaints how often the origin has sent `too_many_pings`: the interval is doubled as often. */
  constructor(clock: Clock, options: Required<KeepaliveOptions>, complaints: number, deps: KeepaliveDeps) {
    this.#clock = clock
    this.#options = options
    this.#deps = deps
    this.#intervalMs = Math.min(MAX_INTERVAL_MS, options.intervalMs * 2 ** complaints)
    this.#look()
  }

  /** The connection is closed. */
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
      // A process that was busy runs its timers before it reads: what has arrived by then counts.
      () => this.#clock.afterTurn(() => this.#unanswered(sentAt)),
    )
  }

  #unanswered(sentAt: number): void {
    this.#pinging = false
    if (!this.#stopped && this.#deps.receivedAt() < sentAt) this.#deps.failed()
  }
}
