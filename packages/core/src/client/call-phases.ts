/**
 * The deadlines of one call: its current phase, when that began, and what counts as progress. A
 * base class of `Call` only to save an object per request. Which phase follows is up to the call.
 */

import { type Processed, TimeoutError } from '../errors/errors.js'
import type { Timeouts } from '../message/request-options.js'
import type { ResponseBody } from '../message/response-body.js'
import type { Abortable, Aborter } from '../runtime/abort.js'
import type { Deadline } from '../runtime/deadlines.js'
import type { Exchange } from '../transport/exchange.js'
import type { CallLimits, CallOwner } from './call-owner.js'

/**
 * The phase of a call: each of {@link Timeouts}, and `pause` between attempts, which only `total`
 * limits.
 */
export type Phase = keyof Timeouts | 'pause'

/** The phases and deadlines of a call. */
export abstract class CallPhases implements Deadline, Abortable {
  protected readonly owner: CallOwner
  protected readonly limits: CallLimits
  protected readonly startedAt: number
  /** When `total` started: with this request, or with the request that redirected to it. */
  readonly totalSince: number
  protected exchange: Exchange | undefined
  protected content: ResponseBody | undefined
  #phase: Phase = 'connect'
  #phaseStartedAt: number
  /** The connect deadline fired late and was extended. */
  #granted = false
  /** Since when the request has waited for a stream, across connections. */
  #queuedAt: number | undefined
  /** Bytes sent and received at the last tick: progress restarts the body deadline. */
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

  abstract abort(reason: unknown): void
  /** Whether the server may have processed the request. */
  abstract readonly processed: Processed
  /** The phase of the call while it has no connection. */
  protected abstract waitingPhase(): 'queue' | 'connect'
  /** The origin, for error details. */
  protected abstract originName(): string
  /** Called when the request ends because no response has come. */
  protected abstract unanswered(): void

  onTick(now: number): boolean {
    const { total } = this.limits.timeouts
    if (total > 0 && now - this.totalSince >= total) {
      this.#expire('total')
      return false
    }
    this.#look(now)
    if (this.#phase === 'pause') return total > 0
    const phase = this.#phase === 'headers' && this.exchange?.sending === true ? 'body' : this.#phase
    const limit = this.limits.timeouts[phase]
    if (limit > 0 && now - this.#phaseStartedAt >= limit && !this.#grantsTime()) this.#expire(phase)
    return this.#isTimed()
  }

  /** Whether a deadline may pass without another call of {@link enter}. */
  #isTimed(): boolean {
    const { total, headers, body } = this.limits.timeouts
    return total > 0 || headers > 0 || body > 0 || (this.#phase !== 'headers' && this.#phase !== 'body')
  }

  protected enter(phase: Phase, now: number): void {
    this.#phase = phase
    this.#phaseStartedAt = now
    this.owner.deadlines.wake()
  }

  /** Called when the request gets a connection: the next wait starts a new `queue` deadline. */
  protected leaveQueue(): void {
    this.#queuedAt = undefined
  }

  /** Updates the phase from changes that produced no callback since the last tick. */
  #look(now: number): void {
    if (this.#phase === 'pause') return
    if (this.#phase === 'body' || this.#phase === 'headers') return this.#noteProgress(now)
    // Either a connection without capacity came up, or the last one closed.
    const phase = this.waitingPhase()
    if (phase === this.#phase) return
    // A new connection without capacity does not restart the deadline: a server that closes often
    // enough would keep the request waiting forever.
    if (phase === 'queue') this.#queuedAt ??= now
    this.enter(phase, phase === 'queue' ? this.#queuedAt! : now)
  }

  /** Restarts the body deadline while content moves, or waits for its reader. */
  #noteProgress(now: number): void {
    const { content, exchange } = this
    const moved = (content?.received ?? 0) + (exchange?.sentBytes ?? 0) - (exchange?.unwrittenBytes ?? 0)
    if (moved === this.#movedBytes && (content?.buffered ?? 0) === 0) return
    this.#movedBytes = moved
    this.#phaseStartedAt = now
  }

  /**
   * Extends the connect deadline once, by its own length, if a busy process could not finish the
   * handshake in time.
   */
  #grantsTime(): boolean {
    const { lateMs } = this.owner.deadlines
    if (this.#phase !== 'connect' || lateMs === 0 || this.#granted) return false
    this.#granted = true
    this.#phaseStartedAt += lateMs
    return true
  }

  #expire(phase: keyof Timeouts): void {
    const { processed } = this
    if (phase === 'headers' || phase === 'total') this.unanswered()
    this.abort(new TimeoutError(phase, this.limits.timeouts[phase], { origin: this.originName(), processed }))
  }
}
