/**
 * Closes idle HTTP/1.1 connections before the server does: a request that crosses the server's
 * close is lost. One timer per connection, which requests do not restart.
 */

import type { Clock, ClockTimer } from '../runtime/clock.js'

/** Idle time without a `keep-alive` field, in milliseconds. */
const DEFAULT_MS = 4_000
/** Maximum idle time accepted from a `keep-alive` field, in milliseconds. */
const MAX_MS = 600_000
/** Margin for a request to arrive before the server closes, in milliseconds. */
const MARGIN_MS = 2_000

/** The idle timer of one connection. */
export class IdleTimer {
  readonly #clock: Clock
  readonly #onIdle: () => void
  #timer: ClockTimer | undefined
  #dueAt = 0
  #limitMs = DEFAULT_MS
  #since = 0
  #wallSince = Number.POSITIVE_INFINITY

  /** @param onIdle called when the timer fires; the connection may be busy again. */
  constructor(clock: Clock, onIdle: () => void) {
    this.#clock = clock
    this.#onIdle = onIdle
  }

  /**
   * Sets the server's idle time, or -1 if not given. Returns whether it leaves time for another
   * request.
   */
  allows(keepAliveMs: number): boolean {
    this.#limitMs = keepAliveMs === -1 ? DEFAULT_MS : Math.min(MAX_MS, keepAliveMs - MARGIN_MS)
    return this.#limitMs > 0
  }

  /** Starts the idle time. */
  start(): void {
    const now = this.#clock.now()
    this.#since = now
    this.#wallSince = this.#clock.wallNow()
    if (this.#timer !== undefined && this.#dueAt <= now + this.#limitMs) return
    this.#timer?.cancel()
    this.#schedule(now, this.#limitMs)
  }

  /**
   * Whether the idle time has passed by the wall clock: the server closed while the machine was
   * suspended.
   */
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
