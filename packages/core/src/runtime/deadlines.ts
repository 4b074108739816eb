/** Deadlines of one client, with one coarse timer. Must not know requests. */

import type { Abortable } from './abort.js'
import type { Clock, ClockTimer } from './clock.js'

/** Maximum delay until a passed deadline is noticed, in milliseconds. */
export const TICK_MS = 50

/**
 * Starts a deadline for a response of the peer. If the timer fires late because the process was
 * busy, the deadline is extended once by the same amount: the response may have arrived in time.
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

/** Jump of the wall clock between two ticks that counts as a suspend, in milliseconds. */
const SUSPENDED_MS = 5_000

/** An operation with a deadline. */
export interface Deadline extends Abortable {
  /**
   * Called on every tick: decides whether the deadline has passed.
   * @returns whether it needs the next tick. If not, it calls {@link Deadlines.wake} once it does.
   */
  onTick(nowMs: number): boolean
  /** Links of the list, used only by {@link Deadlines}. */
  previousDeadline: Deadline | undefined
  nextDeadline: Deadline | undefined
}

/**
 * All deadlines of one client: an intrusive list, so that a request costs four assignments. One
 * timer runs, and keeps the process alive, while an operation needs a tick: an open event stream
 * does not wake the process.
 */
export class Deadlines {
  readonly #clock: Clock
  #first: Deadline | undefined
  #timer: ClockTimer | undefined
  /** Time at which the timer is due. */
  #dueAt = 0
  #lateMs = 0
  /** Wall clock minus monotonic clock when last read, in milliseconds. If it grows, the machine was suspended. */
  #wallAheadMs: number | undefined
  readonly #onAwake: (() => void) | undefined

  /** @param onAwake called when the machine was suspended, or its wall clock was set forward: on the next tick, or with the next deadline. */
  constructor(clock: Clock, onAwake?: () => void) {
    this.#clock = clock
    this.#onAwake = onAwake
  }

  /** Delay of the current tick, in milliseconds, if it is longer than one tick; else 0. */
  get lateMs(): number {
    return this.#lateMs
  }

  get clock(): Clock {
    return this.#clock
  }

  /** Adds a deadline: calls its `onTick` on every tick. */
  add(deadline: Deadline): void {
    const first = this.#first
    if (first !== undefined) first.previousDeadline = deadline
    deadline.previousDeadline = undefined
    deadline.nextDeadline = first
    this.#first = deadline
    if (first === undefined || this.#timer === undefined) this.#start()
  }

  /** Starts the ticks again for an operation that needed none. */
  wake(): void {
    if (this.#timer === undefined && this.#first !== undefined) this.#start()
  }

  /** Removes a deadline. Call once, and only for an added one. */
  delete(deadline: Deadline): void {
    const { previousDeadline: previous, nextDeadline: next } = deadline
    if (previous === undefined) this.#first = next
    else previous.nextDeadline = next
    if (next !== undefined) next.previousDeadline = previous
    deadline.previousDeadline = undefined
    if (this.#first === undefined) this.#timer?.unref()
  }

  /** Whether the list is empty. */
  get empty(): boolean {
    return this.#first === undefined
  }

  /** Returns all deadlines, newest first. */
  all(): Deadline[] {
    const all: Deadline[] = []
    for (let deadline = this.#first; deadline !== undefined; deadline = deadline.nextDeadline) all.push(deadline)
    return all
  }

  /** Stops the timer permanently. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#first = undefined
  }

  /** Starts the timer. Reuses a running one, which is cheaper than a new one. */
  #start(): void {
    if (this.#timer !== undefined) return this.#timer.ref()
    const now = this.#clock.now()
    this.#dueAt = now + TICK_MS
    this.#timer = this.#clock.startTimer(TICK_MS, () => this.#tick())
    this.#noteSuspend(now)
  }

  #noteSuspend(now: number): void {
    const wallAheadMs = this.#clock.wallNow() - now
    const jumpMs = wallAheadMs - (this.#wallAheadMs ?? wallAheadMs)
    this.#wallAheadMs = wallAheadMs
    if (jumpMs >= SUSPENDED_MS) this.#onAwake?.()
  }

  /**
   * Runs one tick. A busy process runs its timers before it reads, so a late tick first reads the
   * sockets.
   */
  #tick(): void {
    this.#timer = undefined
    const now = this.#clock.now()
    this.#noteSuspend(now)
    const lateMs = now - this.#dueAt
    if (lateMs <= TICK_MS) return this.#look()
    this.#clock.afterTurn(() => {
      this.#lateMs = lateMs
      this.#look()
      this.#lateMs = 0
    })
  }

  #look(): void {
    const now = this.#clock.now()
    let isNeeded = false
    let deadline = this.#first
    while (deadline !== undefined) {
      // Get the next one first: a passed deadline removes itself from the list.
      const next = deadline.nextDeadline
      if (deadline.onTick(now)) isNeeded = true
      deadline = next
    }
    if (isNeeded && this.#first !== undefined) this.#start()
  }
}
