/**
 * The deadlines of one call: which phase it is in, since when, and what counts as progress. A base class of `Call` for one reason alone: a
 * request must not cost another object. The phases themselves are the call's.
 */

import { type Processed, TimeoutError } from '../errors/errors.js'
import type { Timeouts } from '../message/request.js'
import type { ResponseBody } from '../message/response-body.js'
import type { Abortable, Aborter } from '../runtime/abort.js'
import type { Deadline } from '../runtime/deadlines.js'
import type { Exchange } from '../transport/exchange.js'
import type { CallLimits, CallOwner } from './call-owner.js'

/** Where a call is: each of {@link Timeouts}, and `pause` between two attempts, which only `total` limits. */
export type Phase = keyof Timeouts | 'pause'

/** The phases and deadlines of a call. */
export abstract class CallPhases implements Deadline, Abortable {
  protected readonly owner: CallOwner
  protected readonly limits: CallLimits
  protected readonly startedAt: number
  /** When `total` began to count: with this request, or with one that was redirected to it. */
  readonly totalSince: number
  protected exchange: Exchange | undefined
  protected content: ResponseBody | undefined
  #phase: Phase = 'connect'
  #phaseStartedAt: number
  /** Its connect deadline was noticed late, and has been moved by that. */
  #granted = false
  /** Since when it has waited for a place, on one connection after the other. */
  #queuedAt: number | undefined
  /** Bytes moved either way at the last look: progress restarts the body deadline. */
  #movedBytes = 0
  previousDeadline: Deadline | undefined
  nextDeadline: Deadline | undefined
  aborters: Aborter | undefined

  constructor(owner: CallOwner, limits: CallLimits, totalSince: number | undefined) {
    this.owner = owner
    this.limits = limits
    this.startedAt = owner.deadlines.clock.now()
    this.#phaseStartedAt = this.startedAt
    this.totalSince = totalSince ?? this.startedAt
  }

  /** Ends the call. */
  abstract abort(reason: unknown): void
  /** Whether the server may have acted. */
  abstract readonly processed: Processed
  /** The phase it is in while it has no connection. */
  protected abstract waitingPhase(): 'queue' | 'connect'
  /** For errors. */
  protected abstract originName(): string

  onTick(now: number): void {
    const { total } = this.limits.timeouts
    if (total > 0 && now - this.totalSince >= total) return this.#expire('total')
    this.#look(now)
    if (this.#phase === 'pause') return
    const phase = this.#phase === 'headers' && this.exchange?.sending === true ? 'body' : this.#phase
    const limit = this.limits.timeouts[phase]
    if (limit > 0 && now - this.#phaseStartedAt >= limit && !this.#grantsTime()) this.#expire(phase)
  }

  protected enter(phase: Phase, now: number): void {
    this.#phase = phase
    this.#phaseStartedAt = now
  }

  /** The request has a connection: the next time that it waits for one is a new time. */
  protected leaveQueue(): void {
    this.#queuedAt = undefined
  }

  /** Notices changes since the last look that have no event of their own. */
  #look(now: number): void {
    if (this.#phase === 'pause') return
    if (this.#phase === 'body' || this.#phase === 'headers') return this.#noteProgress(now)
    // A connection has come, and has no room; or the one that had none has gone.
    const phase = this.waitingPhase()
    if (phase === this.#phase) return
    // A new connection without room does not begin the time again: a server that closes often enough would keep a request forever.
    if (phase === 'queue') this.#queuedAt ??= now
    this.enter(phase, phase === 'queue' ? this.#queuedAt! : now)
  }

  /** Content that moves, or that waits for its reader, keeps the deadline away. */
  #noteProgress(now: number): void {
    const { content, exchange } = this
    const moved = (content?.received ?? 0) + (exchange?.sentBytes ?? 0) - (exchange?.unwrittenBytes ?? 0)
    if (moved === this.#movedBytes && (content?.buffered ?? 0) === 0) return
    this.#movedBytes = moved
    this.#phaseStartedAt = now
  }

  /** A process that was busy has had no time for a handshake that the server answered: it is given as much again, once. */
  #grantsTime(): boolean {
    const { lateMs } = this.owner.deadlines
    if (this.#phase !== 'connect' || lateMs === 0 || this.#granted) return false
    this.#granted = true
    this.#phaseStartedAt += lateMs
    return true
  }

  #expire(phase: keyof Timeouts): void {
    const { processed } = this
    this.abort(new TimeoutError(phase, this.limits.timeouts[phase], { origin: this.originName(), processed }))
  }
}
