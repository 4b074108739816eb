// A clock that stands still until a test advances it: timeouts without waiting and without races.

import type { Clock, ClockTimer } from '@unshard/core'

interface PendingTimer {
  readonly due: number
  readonly callback: () => void
  referenced: boolean
}

export class FakeClock implements Clock {
  #now: number
  #wallAheadMs = 0
  // In the order in which they were started, which is the order among timers due at the same moment.
  readonly #timers = new Set<PendingTimer>()

  constructor(startMs: number = 0) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
  }

  wallNow(): number {
    return this.#now + this.#wallAheadMs
  }

  /** Moves the wall clock alone, as a suspended machine or a corrected clock does. */
  moveWall(ms: number): void {
    this.#wallAheadMs += ms
  }

  /** The event loop is the real one: what has arrived is read first. */
  afterTurn(callback: () => void): void {
    setImmediate(callback)
  }

  /** Timers that have neither run nor been cancelled. */
  get pending(): number {
    return this.#timers.size
  }

  /** Those of them that would keep a real process alive. */
  get referenced(): number {
    return [...this.#timers].filter((timer) => timer.referenced).length
  }

  startTimer(delayMs: number, callback: () => void): ClockTimer {
    const timer: PendingTimer = { due: this.#now + Math.max(0, delayMs), callback, referenced: true }
    this.#timers.add(timer)
    return {
      ref: () => {
        timer.referenced = true
      },
      unref: () => {
        timer.referenced = false
      },
      cancel: () => {
        this.#timers.delete(timer)
      },
    }
  }

  /** Moves time by `ms` and runs what is due, earliest first, each at its own moment; timers started meanwhile count too. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let timer = this.#nextDue(end); timer !== undefined; timer = this.#nextDue(end)) {
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, timer.due)
      timer.callback()
    }
    this.#now = Math.max(this.#now, end)
  }

  /** Moves time by `ms`, a second at a time, with turns of the event loop in between: what is due is noticed at its own second. */
  async pass(ms: number): Promise<void> {
    await turns()
    for (let left = ms; left > 0; left -= 1_000) {
      this.advance(Math.min(1_000, left))
      await turns()
    }
  }

  #nextDue(end: number): PendingTimer | undefined {
    let next: PendingTimer | undefined
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer
    }
    return next
  }
}

/** The same clock as a process sees it that was busy for `lateMs()`. */
export function lateBy(clock: FakeClock, lateMs: () => number): Clock {
  return {
    now: () => clock.now() + lateMs(),
    wallNow: () => clock.wallNow() + lateMs(),
    startTimer: (delayMs, callback) => clock.startTimer(delayMs, callback),
    afterTurn: (callback) => clock.afterTurn(callback),
  }
}

/** What was begun is written, and what is due is noticed. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}
