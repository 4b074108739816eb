// A clock that stands still until a test advances it: timeouts without waiting and without races.

import type { Clock, ClockTimer } from '@unshard/core'

interface PendingTimer {
  readonly due: number
  readonly callback: () => void
  referenced: boolean
}

export class FakeClock implements Clock {
  #now: number
  // In the order in which they were started, which is the order among timers due at the same moment.
  readonly #timers = new Set<PendingTimer>()

  constructor(startMs: number = 0) {
    this.#now = startMs
  }

  now(): number {
    return this.#now
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

  #nextDue(end: number): PendingTimer | undefined {
    let next: PendingTimer | undefined
    for (const timer of this.#timers) {
      if (timer.due <= end && (next === undefined || timer.due < next.due)) next = timer
    }
    return next
  }
}
