/**
 * How long an HTTP/1.1 connection stays without requests. Servers close theirs after a few seconds, and a request that is on its way just
 * then is lost. One timer for each connection, which is not touched when requests come and go.
 */

import type { Clock, ClockTimer } from '../runtime/clock.js'

/** Where the server does not say, in milliseconds. */
const DEFAULT_MS = 4_000
/** A server that says when it closes is believed so far, in milliseconds. */
const MAX_MS = 600_000
/** The request has to arrive before that, in milliseconds. */
const MARGIN_MS = 2_000

/** The idle time of one connection. */
export class IdleTimer {
  readonly #clock: Clock
  readonly #onIdle: () => void
  #timer: ClockTimer | undefined
  #dueAt = 0
  #limitMs = DEFAULT_MS
  #since = 0
  #wallSince = Number.POSITIVE_INFINITY

  /** @param onIdle called when it has been idle for long enough, or is busy again. */
  constructor(clock: Clock, onIdle: () => void) {
    this.#clock = clock
    this.#onIdle = onIdle
  }

  /** Notes how long the server keeps an idle connection; -1 where it does not say. Returns whether that leaves time for another request. */
  allows(keepAliveMs: number): boolean {
    this.#limitMs = keepAliveMs === -1 ? DEFAULT_MS : Math.min(MAX_MS, keepAliveMs - MARGIN_MS)
    return this.#limitMs > 0
  }

  /** It is idle from now on. */
  start(): void {
    const now = this.#clock.now()
    this.#since = now
    this.#wallSince = this.#clock.wallNow()
    if (this.#timer !== undefined && this.#dueAt <= now + this.#limitMs) return
    this.#timer?.cancel()
    this.#schedule(now, this.#limitMs)
  }

  /** Whether the time is over by the wall clock: the machine was suspended, and the server has closed since. */
  get expired(): boolean {
    return this.#clock.wallNow() - this.#wallSince >= this.#limitMs
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(now: number, delayMs: number): void {
    this.#dueAt = now + delayMs
    this.#timer = this.#clock.startTimer(delayMs, this.#look)
    this.#timer.unref()
  }

  readonly #look = (): void => {
    this.#timer = undefined
    const now = this.#clock.now()
    const leftMs = this.#since + this.#limitMs - now
    if (leftMs > 0) this.#schedule(now, leftMs)
    else this.#onIdle()
  }
}
