// A clock that only advances when a test says so: timeouts without waiting and without races.

import type { Clock, ClockTimer } from '@unshard/core'

interface PendingTimer {
  readonly due: number
  readonly callback: () => void
  referenced: boolean
}

export class FakeClock implements Clock {
  #now: number
  #wallAheadMs = 0
  // In starting order, which is the order of timers due at the same time.
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

  /** Changes the wall clock only, like a suspended machine or a corrected clock. */
  moveWall(ms: number): void {
    this.#wallAheadMs += ms
  }

  /** Uses the real event loop: data that has arrived is read first. */
  afterTurn(callback: () => void): void {
    setImmediate(callback)
  }

  /** Number of timers that have neither run nor been canceled. */
  get pending(): number {
    return this.#timers.size
  }

  /** Number of those that would keep a real process alive. */
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

  /**
   * Advances the time by `ms` and runs due timers, earliest first, each at its own time; timers
   * started in the meantime count too.
   */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let timer = this.#nextDue(end); timer !== undefined; timer = this.#nextDue(end)) {
      this.#timers.delete(timer)
      this.#now = Math.max(this.#now, timer.due)
      timer.callback()
    }
    this.#now = Math.max(this.#now, end)
  }

  /**
   * Advances the time by `ms`, one second at a time, with event-loop turns in between: due timers
   * run at their own second.
   */
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

/** Returns the clock as seen by a process that was blocked for `lateMs()`. */
export function lateBy(clock: FakeClock, lateMs: () => number): Clock {
  return {
    now: () => clock.now() + lateMs(),
    wallNow: () => clock.wallNow() + lateMs(),
    startTimer: (delayMs, callback) => clock.startTimer(delayMs, callback),
    afterTurn: (callback) => clock.afterTurn(callback),
  }
}

/** Lets pending writes finish and due timers run. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}
