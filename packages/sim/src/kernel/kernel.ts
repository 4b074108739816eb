/**
 * Virtual time, and the event loop of the one process that runs in it. World events (network,
 * servers) always run; the callbacks of the process wait while it is stalled or its machine is
 * suspended. Must not know sockets.
 */

import { drain } from './drain.js'
import { EventQueue, type QueuedEvent } from './event-queue.js'

/** Wall clock at the beginning of each run: 2026-03-01T00:00:00Z. */
export const EPOCH_MS: number = Date.UTC(2026, 2, 1)

/** Steps without time passing, beyond which something runs forever. */
const MAX_STEPS_AT_ONCE = 1_000_000

/** A timer of the process, like Node's: it may keep the process alive, or not. */
export class ProcessTimer implements QueuedEvent {
  at: number
  sequence = 0
  callback: (() => void) | undefined
  #counts: TimerCounts
  #referenced = true

  constructor(at: number, callback: () => void, counts: TimerCounts) {
    this.at = at
    this.callback = callback
    this.#counts = counts
    counts.pending++
    counts.referenced++
  }

  ref(): void {
    if (!this.#referenced && this.callback !== undefined) this.#counts.referenced++
    this.#referenced = true
  }

  unref(): void {
    if (this.#referenced && this.callback !== undefined) this.#counts.referenced--
    this.#referenced = false
  }

  cancel(): void {
    if (this.callback === undefined) return
    this.callback = undefined
    this.#counts.pending--
    if (this.#referenced) this.#counts.referenced--
  }
}

/** Numbers of timers that are neither called nor canceled. */
interface TimerCounts {
  pending: number
  /** Those that would keep the process alive. */
  referenced: number
}

export class Kernel {
  #now = 0
  #stepMs = 0
  #stepsNow = 0
  #suspendedMs = 0
  #busyUntil = 0
  #asleepUntil = 0
  #asleepSince = 0
  /** Time for which the process was late or asleep in all, in milliseconds. */
  stalledMs = 0
  /** Number of callbacks of the process. */
  turns = 0
  readonly #world = new EventQueue()
  readonly #timers = new EventQueue()
  readonly #timerCounts: TimerCounts = { pending: 0, referenced: 0 }
  #inbox: (() => void)[] = []
  #immediates: (() => void)[] = []
  readonly #onCrash: (error: unknown) => void

  /** @param onCrash called when a callback of the process throws. */
  constructor(onCrash: (error: unknown) => void) {
    this.#onCrash = onCrash
  }

  /** Time of the world, in milliseconds since its beginning. */
  get now(): number {
    return this.#now
  }

  /** Monotonic clock of the machine: stops while it is suspended. */
  get monotonic(): number {
    return this.asleep ? this.#asleepSince - this.#suspendedMs : this.#now - this.#suspendedMs
  }

  /** Wall clock of the machine. */
  get wall(): number {
    return EPOCH_MS + this.#now + this.#stepMs
  }

  /** Whether the machine is suspended. */
  get asleep(): boolean {
    return this.#now < this.#asleepUntil
  }

  /** How long the machine was suspended within the time since `since`, at most; in milliseconds. */
  sleptSince(since: number): number {
    return Math.max(0, Math.min(this.#now, this.#asleepUntil) - Math.max(since, this.#asleepSince))
  }

  /** Number of timers of the process. */
  get timerCount(): number {
    return this.#timerCounts.pending
  }

  /** Number of timers that would keep the process alive. */
  get referencedTimers(): number {
    return this.#timerCounts.referenced
  }

  /** Callbacks of the process that wait for its next turn. */
  get waiting(): number {
    return this.#inbox.length + this.#immediates.length
  }

  /** Calls `callback` in the world after `delayMs`. */
  after(delayMs: number, callback: () => void): QueuedEvent {
    return this.#world.add(this.#now + delayMs, callback)
  }

  at(at: number, callback: () => void): QueuedEvent {
    return this.#world.add(Math.max(at, this.#now), callback)
  }

  /** Starts a timer of the process, which counts whole milliseconds like Node's. */
  startTimer(delayMs: number, callback: () => void): ProcessTimer {
    const delay = delayMs >= 1 && delayMs <= 0x7fff_ffff ? Math.trunc(delayMs) : 1
    const timer = new ProcessTimer(this.monotonic + delay, callback, this.#timerCounts)
    this.#timers.push(timer)
    return timer
  }

  /** Calls `callback` in the poll phase of the process: its machine has received something. */
  deliver(callback: () => void): void {
    this.#inbox.push(callback)
  }

  /** `setImmediate` of the process. */
  immediate(callback: () => void): void {
    this.#immediates.push(callback)
  }

  /** The process runs nothing for `ms`, as in a garbage collection. Its machine goes on. */
  stall(ms: number): void {
    const until = Math.max(this.#busyUntil, this.#now + ms)
    this.stalledMs += until - Math.max(this.#busyUntil, this.#now)
    this.#busyUntil = until
  }

  /** The machine is suspended for `ms`. */
  suspend(ms: number): void {
    if (this.asleep) return
    this.#asleepSince = this.#now
    this.#asleepUntil = this.#now + ms
    this.stalledMs += ms
    this.at(this.#asleepUntil, () => {
      this.#suspendedMs += ms
    })
  }

  /** The wall clock is set to another time. */
  stepWall(ms: number): void {
    this.#stepMs += ms
  }

  /** Grows with each event of the world, and with each callback of the process. */
  get activity(): number {
    return this.#world.added + this.#timers.added + this.turns + this.waiting
  }

  /** When something happens next. */
  get nextAt(): number {
    return Math.min(this.#world.nextAt, this.#processAt())
  }

  /** Runs everything that happens until `until`, or until `done` returns true. */
  run(until: number, done: () => boolean = () => false): void {
    while (!done()) {
      const worldAt = this.#world.nextAt
      const processAt = this.#processAt()
      const next = Math.min(worldAt, processAt)
      if (next > until) break
      if (next > this.#now) {
        this.#now = next
        this.#stepsNow = 0
      } else this.#countStep()
      if (worldAt <= processAt) this.#runWorld()
      else this.#turn()
    }
    if (this.#now < until && !done()) this.#now = until
  }

  #runWorld(): void {
    for (let event = this.#world.take(this.#now); event !== undefined; event = this.#world.take(this.#now)) {
      const { callback } = event
      event.callback = undefined
      callback?.()
      this.#countStep()
    }
  }

  /** @throws Error if time stands still. */
  #countStep(): void {
    if (++this.#stepsNow > MAX_STEPS_AT_ONCE) throw new Error(`the world does not leave ${this.#now} ms`)
  }

  /** When the process runs next. */
  #processAt(): number {
    const freeAt = Math.max(this.#busyUntil, this.#asleepUntil, this.#now)
    if (this.waiting > 0) return freeAt
    return Math.max(freeAt, this.#timers.nextAt + this.#suspendedMs)
  }

  /** One turn of the event loop: timers, then what was received, then immediates. */
  #turn(): void {
    const { monotonic } = this
    for (let timer = this.#timers.take(monotonic); timer !== undefined; timer = this.#timers.take(monotonic)) {
      const callback = timer.callback!
      ;(timer as ProcessTimer).cancel()
      this.#call(callback)
    }
    if (this.#inbox.length > 0) this.#receive()
    if (this.#immediates.length === 0) return
    const immediates = this.#immediates
    this.#immediates = []
    for (const callback of immediates) this.#call(callback)
  }

  #receive(): void {
    const inbox = this.#inbox
    this.#inbox = []
    for (const callback of inbox) this.#call(callback)
  }

  #call(callback: () => void): void {
    this.turns++
    try {
      callback()
      drain()
    } catch (error) {
      this.#onCrash(error)
      drain()
    }
  }
}
