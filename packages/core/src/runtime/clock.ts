/** Clock of a client. Tests and the simulation pass their own. */

import { setImmediate, unfaked } from './event-loop.js'

/** A timer under way. */
export interface ClockTimer {
  /** Keeps the process alive until it fires. A new timer does. */
  ref(): void
  unref(): void
  cancel(): void
}

/** Where a client gets time from. Tests bring their own. */
export interface Clock {
  /** Milliseconds, monotonic. Stands still while the machine is suspended. */
  now(): number
  /** Milliseconds of the wall clock. Goes on while the machine is suspended, and may be set to anything. */
  wallNow(): number
  startTimer(delayMs: number, callback: () => void): ClockTimer
  /** Calls back in the next turn of the event loop, after what lies in the sockets has been read. */
  afterTurn(callback: () => void): void
}

// Copied when this module loads, as in event-loop.ts. Fake timers set `now` on the `performance` object; its prototype keeps its own.
const timers = process.getBuiltinModule('node:timers')
const startTimeout = unfaked('setTimeout', timers.setTimeout)
const cancelTimeout = unfaked('clearTimeout', timers.clearTimeout)
const { performance: monotonic } = process.getBuiltinModule('node:perf_hooks')
const monotonicNow = (Object.getPrototypeOf(monotonic) as typeof monotonic).now.bind(monotonic)
const { now: wallClockNow } = unfaked('Date', Date)

/** The machine's clock. */
export const systemClock: Clock = {
  now: monotonicNow,
  wallNow: wallClockNow,
  startTimer(delayMs, callback) {
    const timer = startTimeout(callback, delayMs)
    return { ref: () => timer.ref(), unref: () => timer.unref(), cancel: () => cancelTimeout(timer) }
  },
  afterTurn: (callback) => void setImmediate(callback),
}
