/** Clock of a client. Tests and the simulation pass their own. */

import { setImmediate, unfaked } from './event-loop.js'

/** A running timer. */
export interface ClockTimer {
  /** Keeps the process alive until it fires. A new timer does. */
  ref(): void
  unref(): void
  cancel(): void
}

/** The time source of a client. */
export interface Clock {
  /** Monotonic time, in milliseconds. Stops while the machine is suspended. */
  now(): number
  /**
   * Wall-clock time, in milliseconds. Continues while the machine is suspended, and may be changed.
   */
  wallNow(): number
  startTimer(delayMs: number, callback: () => void): ClockTimer
  /** Calls `callback` in the next event-loop turn, after pending socket data has been read. */
  afterTurn(callback: () => void): void
}

// Copied when this module loads, as in event-loop.ts. Fake timers replace `performance.now` on the
// object, not on its prototype. In Bun the object itself has it.
const timers = process.getBuiltinModule('node:timers')
const startTimeout = unfaked('setTimeout', timers.setTimeout)
const cancelTimeout = unfaked('clearTimeout', timers.clearTimeout)
const { performance: monotonic } = process.getBuiltinModule('node:perf_hooks')
const { now: monotonicMs = monotonic.now } = Object.getPrototypeOf(monotonic) as Partial<typeof monotonic>
const monotonicNow = monotonicMs.bind(monotonic)
const { now: wallClockNow } = unfaked('Date', Date)

/** The clock of the machine. */
export const systemClock: Clock = {
  now: monotonicNow,
  wallNow: wallClockNow,
  startTimer(delayMs, callback) {
    const timer = startTimeout(callback, delayMs)
    return { ref: () => timer.ref(), unref: () => timer.unref(), cancel: () => cancelTimeout(timer) }
  },
  afterTurn: (callback) => void setImmediate(callback),
}
