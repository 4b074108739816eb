/** Decides when requests of a measurement start. */

import type { BenchOptions } from './options.js'

/** Start times, in milliseconds since the measurement began. */
export class Schedule {
  readonly #options: Pick<BenchOptions, 'requests' | 'durationMs' | 'rate'>
  #started = 0

  constructor(options: Pick<BenchOptions, 'requests' | 'durationMs' | 'rate'>) {
    this.#options = options
  }

  /**
   * Returns the time of the next request; `undefined` if none is left. With a rate it is the time at which the
   * request is due, which may be past: its latency counts from there, so that requests that had to wait for
   * earlier ones do not look fast.
   */
  next(nowMs: number): number | undefined {
    const { requests, durationMs, rate } = this.#options
    if (requests !== undefined && this.#started >= requests) return undefined
    const dueMs = rate === undefined ? nowMs : (this.#started * 1_000) / rate
    if (durationMs !== undefined && Math.max(dueMs, nowMs) >= durationMs) return undefined
    this.#started++
    return dueMs
  }
}
