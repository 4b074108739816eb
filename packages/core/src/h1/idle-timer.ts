/**
 * Closes idle HTTP/1.1 connections before the server does: a request that crosses the server's
 * close is lost. One timer per connection, which requests do not restart.
 */

import type { Clock, ClockTimer } from '../runtime/clock.js'

/** Idle time without a `keep-alive` field and without a setting, in milliseconds. */
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
  readonly #ownMs: number
  readonly #isDefault: boolean
  #limitMs: number
  #since = 0
  #wallSince = Number.POSITIVE_INFINITY

  /**
   * @param ownMs idle time that the caller set, in milliseconds; `Infinity` is never.
   * @param onIdle called when the timer fires; the connection may be busy again.
   */
  constructor(clock: Clock, ownMs: number | undefined, onIdle: () => void) {
    this.#clock = clock
    this.#ownMs = ownMs ?? DEFAULT_MS
    this.#isDefault = ownMs === undefined
    this.#limitMs = this.#ownMs
    this.#onIdle = onIdle
  }

  /**
   * Sets the server's idle time, or -1 if not given. Returns whether it leaves time for another
   * request.
   */
  allows(keepAliveMs: number): boolean {
    this.#limitMs = this.#limitOf(keepAliveMs)
    return this.#limitMs > 0
  }

  /** The server closes after its own idle time, unless the caller keeps the connection until the server does. */
  #limitOf(keepAliveMs: number): number {
    if (keepAliveMs === -1 || this.#ownMs === Number.POSITIVE_INFINITY) return this.#ownMs
    const announcedMs = Math.min(MAX_MS, keepAliveMs - MARGIN_MS)
    return this.#isDefault ? announcedMs : Math.min(this.#ownMs, announcedMs)
  }

  /** Starts the idle time. */
  start(): void {
    const now = this.#clock.now()
    this.#since = now
    this.#wallSince = this.#clock.wallNow()
    if (this.#timer !== undefined && this.#dueAt <= now + this.#limitMs) return
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#limitMs !== Number.POSITIVE_INFINITY) this.#schedule(now, this.#limitMs)
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
