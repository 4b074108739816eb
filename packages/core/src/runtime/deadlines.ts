/** Deadlines of one client, kept by one coarse timer. Knows no request. */

import type { Abortable } from './abort.js'
import type { Clock, ClockTimer } from './clock.js'

/** How late a deadline may be noticed, in milliseconds. */
export const TICK_MS = 50

/**
 * A deadline for something that the peer may have answered in time: where the timer is noticed late, because the process was busy, as
 * much time again is granted as it was late, once.
 */
export function startDeadline(clock: Clock, delayMs: number, callback: () => void): ClockTimer {
  const dueAt = clock.now() + delayMs
  let timer = clock.startTimer(delayMs, () => {
    const lateMs = clock.now() - dueAt
    if (lateMs <= TICK_MS) return callback()
    timer = clock.startTimer(lateMs, callback)
    if (!referenced) timer.unref()
  })
  let referenced = true
  return {
    ref() {
      referenced = true
      timer.ref()
    },
    unref() {
      referenced = false
      timer.unref()
    },
    cancel: () => timer.cancel(),
  }
}

/** Something with a deadline. It is asked on every tick; it knows itself whether it is late. */
export interface Deadline extends Abortable {
  onTick(nowMs: number): void
  /** Links of the list, used by {@link Deadlines} alone. */
  previousDeadline: Deadline | undefined
  nextDeadline: Deadline | undefined
}

/**
 * All deadlines of one client: an intrusive list, so that a request costs four assignments, and one timer that runs while the list
 * is not empty. It keeps the process alive exactly as long.
 */
export class Deadlines {
  readonly #clock: Clock
  #first: Deadline | undefined
  #timer: ClockTimer | undefined
  /** When it is due. */
  #dueAt = 0
  #lateMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** By how much the tick that asks now is late, where that is more than a tick; else 0. */
  get lateMs(): number {
    return this.#lateMs
  }

  get clock(): Clock {
    return this.#clock
  }

  /** Asks `deadline` on every tick from now on. */
  add(deadline: Deadline): void {
    if (this.#first === undefined) this.#start()
    else this.#first.previousDeadline = deadline
    deadline.previousDeadline = undefined
    deadline.nextDeadline = this.#first
    this.#first = deadline
  }

  /** Stops asking. Only for what was added, once. */
  delete(deadline: Deadline): void {
    const { previousDeadline: previous, nextDeadline: next } = deadline
    if (previous === undefined) this.#first = next
    else previous.nextDeadline = next
    if (next !== undefined) next.previousDeadline = previous
    deadline.previousDeadline = undefined
    if (this.#first === undefined) this.#timer?.unref()
  }

  /** Whether nothing is under way. */
  get empty(): boolean {
    return this.#first === undefined
  }

  /** Everything under way, the latest first. */
  all(): Deadline[] {
    const all: Deadline[] = []
    for (let deadline = this.#first; deadline !== undefined; deadline = deadline.nextDeadline) all.push(deadline)
    return all
  }

  /** Ends the timer for good. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#first = undefined
  }

  /** A timer that is still running is taken up again: starting one costs more than keeping one. */
  #start(): void {
    if (this.#timer !== undefined) return this.#timer.ref()
    this.#dueAt = this.#clock.now() + TICK_MS
    this.#timer = this.#clock.startTimer(TICK_MS, () => this.#tick())
  }

  /** A process that was busy runs its timers before it reads: what has arrived meanwhile is in time. */
  #tick(): void {
    this.#timer = undefined
    const lateMs = this.#clock.now() - this.#dueAt
    if (lateMs <= TICK_MS) return this.#look()
    this.#clock.afterTurn(() => {
      this.#lateMs = lateMs
      this.#look()
      this.#lateMs = 0
    })
  }

  #look(): void {
    const now = this.#clock.now()
    let deadline = this.#first
    while (deadline !== undefined) {
      // Read first: a deadline that has passed takes itself out of the list.
      const next = deadline.nextDeadline
      deadline.onTick(now)
      deadline = next
    }
    if (this.#first !== undefined) this.#start()
  }
}
