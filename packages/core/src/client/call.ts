/** One call of `Client.request`: acquire → send → replay. Owns its deadlines and its signal, and settles exactly once. */

import type { CallTrace } from '../diagnostics/call-trace.js'
import type { UnshardCode } from '../errors/codes.js'
import { afterAttempt, ConnectionError, type Processed, UnshardError } from '../errors/errors.js'
import { inContext } from '../message/context.js'
import type { HttpRequest } from '../message/request.js'
import type { RequestOptions } from '../message/request-options.js'
import { HttpResponse } from '../message/response.js'
import type { ResponseBody } from '../message/response-body.js'
import type { Strategy } from '../message/strategy.js'
import type { Member } from '../pool/member.js'
import type { QueuedRequest } from '../pool/request-queue.js'
import { link, unlink } from '../runtime/abort.js'
import type { ClockTimer } from '../runtime/clock.js'
import { queueMicrotask } from '../runtime/event-loop.js'
import type { ListNode } from '../runtime/linked-list.js'
import { newestConnectionId } from '../transport/connection.js'
import type { ExchangeObserver, Loss } from '../transport/exchange.js'
import type { PoolTarget } from '../transport/target.js'
import type { CallLimits, CallOwner } from './call-owner.js'
import { CallResult } from './call-result.js'
import { requireHttp2 } from './http2-required.js'
import { MAX_MISDIRECTIONS, noteMisdirected } from './misdirected.js'
import { ReplayState, requiresHttp1, tookRequests } from './replay.js'

/** One request in flight. */
export class Call extends CallResult implements QueuedRequest, ExchangeObserver {
  readonly affinity: string | undefined
  readonly strategy: Strategy | undefined
  #target: PoolTarget
  readonly #signal: AbortSignal | undefined
  readonly #onInformational: RequestOptions['onInformational']
  /** Id of the newest connection when the call started. */
  readonly #newestBefore: number = newestConnectionId()
  #resolve!: (response: HttpResponse) => void
  #reject!: (reason: unknown) => void

  #attempts = 0
  /** The current attempt had to wait for a connection. */
  #waited = false
  /** Number of responses from the origin when the last attempt was sent. */
  #answersBefore = 0
  #replays: ReplayState | undefined
  /** Delay timer between two attempts. */
  #pause: ClockTimer | undefined
  /** Number of responses with 421 on shared connections. */
  #misdirections = 0
  /** Whether an earlier attempt ended with an unknown outcome. */
  #maybeActed = false
  /** The reason of the rejection, for the source of the content. */
  #endReason: unknown
  /** Whether the promise is settled. */
  #settled = false
  #over = false
  queueNode: ListNode<QueuedRequest> | undefined

  constructor(
    owner: CallOwner,
    request: HttpRequest,
    target: PoolTarget,
    options: RequestOptions,
    limits: CallLimits,
    trace?: CallTrace,
  ) {
    super(owner, request, limits, options.totalSince, trace)
    this.affinity = options.affinity
    this.strategy = options.strategy
    this.#target = target
    this.#signal = options.signal ?? undefined
    this.#onInformational = inContext(options.onInformational)
  }

  /** Starts the call. Exactly one of the callbacks is invoked, once. */
  start(resolve: (response: HttpResponse) => void, reject: (reason: unknown) => void): void {
    this.request.content?.hold?.()
    this.#resolve = resolve
    this.#reject = reject
    if (this.#signal !== undefined) link(this.#signal, this)
    this.owner.deadlines.add(this)
    if (this.trace === undefined) this.#acquire()
    else this.trace.run(() => this.#acquire())
  }

  /** Whether the call is for this target or for its replacement: both share one origin record. */
  isFor(target: PoolTarget): boolean {
    return this.#target.record === target.record
  }

  /** Ends the call in any phase: aborted by the caller, by a deadline, or by the client. */
  abort(reason: unknown): void {
    if (this.#over) return
    this.#endReason = reason
    this.#settle(reason)
    // An exchange that has ended by itself is cleared by `onError`.
    if (this.exchange !== undefined) return this.exchange.abort(reason)
    this.owner.pool.leave(this.#target, this, reason)
    this.#finish()
  }

  onMember(member: Member): void {
    if (this.#over) {
      if (this.request.close) void member.connection.close()
      return
    }
    this.#send(member)
  }

  onUnavailable(error: Error): void {
    if (this.#over) return
    this.#settle(error)
    this.#finish()
  }

  onInformational(status: number, fields: readonly string[]): void {
    if (this.#onInformational === undefined) return
    // An error in a caller's callback fails only its own request.
    try {
      // Copy the list: other responses that repeat these fields may share it.
      this.#onInformational(status, Object.freeze([...fields]))
    } catch (error) {
      this.abort(error)
    }
  }

  onResponse(status: number, fields: readonly string[], body: ResponseBody, reason?: string): void {
    this.status = status
    this.reason = reason
    this.fields = fields
    this.content = body
    if (this.member!.coalesced && this.#isMisdirected(status)) return this.#redirect()
    this.#target.record.answered++
    if (this.member!.proved !== true) this.owner.pool.outcomes.proved(this.member!, this.#target)
    const now = this.owner.deadlines.clock.now()
    this.headersMicros = Math.round((now - this.startedAt) * 1000)
    this.enter('body', now)
    this.trace?.answered(status, fields, reason)
    this.#settled = true
    this.#resolve(new HttpResponse(this))
  }

  onError(error: Error, loss?: Loss): void {
    this.exchange = undefined
    this.#maybeActed ||= !(error instanceof UnshardError && error.processed === 'no')
    // Deferred: the connection is still notifying its other requests.
    queueMicrotask(() => this.#failed(error, loss))
  }

  onClosed(): void {
    if (this.request.close) void this.member?.connection.close()
    this.#endTrial()
    // If the promise is pending, a replay follows: only an attempt has ended, not the call.
    if (this.#settled) this.#finish()
  }

  protected waitingPhase(): 'queue' | 'connect' {
    return this.owner.pool.isQueued(this.#target, this) ? 'queue' : 'connect'
  }

  protected unanswered(): void {
    if (this.exchange !== undefined && this.status === 0) this.owner.pool.outcomes.timedOut(this.member!)
  }

  protected originName(): string {
    return this.#target.origin.serialized
  }

  /** Whether nothing of the call is left. */
  get isOver(): boolean {
    return this.#over
  }

  /** Ends the call because its client ends. */
  end(code: UnshardCode, message: string): void {
    const { processed } = this
    const origin = this.#target.origin.serialized
    this.abort(new ConnectionError(code, message, { origin, initiator: 'local', processed }))
  }

  /** Whether the server may have processed anything sent so far. */
  get processed(): Processed {
    if (this.content !== undefined) return 'yes'
    return this.exchange !== undefined || this.#maybeActed ? 'unknown' : 'no'
  }

  /** Handles an attempt that failed before any part of a response. */
  #failed(error: Error, loss: Loss | undefined): void {
    this.owner.pool.outcomes.failed(this.member!, error, this.#target)
    if (this.#over) return
    const required = requiresHttp1(error) && this.#target.http1Only !== true
    const http1 = required && this.request.http2Only !== true ? this.owner.onHttp1Required(this.#target) : undefined
    this.#replays ??= new ReplayState(this.limits.replay)
    // If the server requires HTTP/1.1 and the client does not speak it, a replay would fail again.
    const again = required === (http1 !== undefined)
    const how = again ? this.#replays.next(error, this.request, this.#originAnswered(), loss) : 'none'
    if (how === 'none') {
      this.#settle(error)
      return this.#finish()
    }
    this.request.content?.rewind?.()
    if (http1 !== undefined) this.#target = http1
    if (how === 'apart') this.#target = this.owner.apart(this.#target)
    this.owner.metrics.replayed++
    const delayMs = this.#replays.delayMs(error)
    this.trace?.replayed(error, delayMs)
    if (delayMs === 0) this.#acquire()
    else this.#pauseFor(delayMs)
  }

  #originAnswered(): boolean {
    const { answered } = this.#target.record
    return answered > this.#answersBefore || tookRequests(this.member?.connection, this.#newestBefore)
  }

  #pauseFor(delayMs: number): void {
    const { clock } = this.owner.deadlines
    this.enter('pause', clock.now())
    this.#pause = clock.startTimer(delayMs, () => {
      this.#pause = undefined
      this.#acquire()
    })
  }

  #acquire(): void {
    if (this.#over) return
    if (this.request.close) {
      this.enter('connect', this.owner.deadlines.clock.now())
      return this.owner.pool.acquireDedicated(this.#target, this)
    }
    const member = this.#tryAcquire()
    if (member !== undefined) return this.#send(member)
    if (this.#over) return
    this.#waited = true
    this.trace?.queued()
    this.enter(this.waitingPhase(), this.owner.deadlines.clock.now())
  }

  /** A user-supplied strategy may throw, which fails its request. */
  #tryAcquire(): Member | undefined {
    try {
      return this.owner.pool.acquire(this.#target, this, this.#attempts === 0 ? this.startedAt : undefined)
    } catch (error) {
      this.#settle(error)
      this.#finish()
      return undefined
    }
  }

  #send(member: Member): void {
    this.member = member
    this.leaveQueue()
    this.#attempts++
    this.#answersBefore = this.#target.record.answered
    if (member.coalesced) this.owner.metrics.coalesced++
    try {
      if (this.request.http2Only === true) requireHttp2(member.connection, this.#target.origin)
      this.trace?.sending(member.connection, this.owner.pool.idleMs(member.connection), this)
      this.exchange = member.connection.request(this.request, this)
      this.trace?.passedOn()
    } catch (error) {
      this.#settle(error)
      this.#finish()
      this.#endTrial()
      if (this.request.close) void member.connection.close()
      return
    }
    // The caller's `trailers` function may have ended the call during `request()`.
    if (this.#over) return this.exchange.abort(new Error('the request was ended'))
    const now = this.owner.deadlines.clock.now()
    this.sentMicros = Math.round((now - this.startedAt) * 1000)
    if (this.#waited) {
      this.#waited = false
      this.owner.durations.record('queue', now - this.startedAt)
    }
    this.enter('headers', now)
  }

  /** Whether the request is sent again on another connection (RFC 9110 §15.5.20). */
  #isMisdirected(status: number): boolean {
    const mayReplay = noteMisdirected(this.owner.pool, this.#target, this.member!, this.request, status)
    return mayReplay && this.#misdirections < MAX_MISDIRECTIONS
  }

  /** Ends a trial without a result: it was aborted, reset or timed out. */
  #endTrial(): void {
    const member = this.member
    if (member?.trial === 'sent') this.owner.pool.outcomes.unanswered(this.#target, member)
  }

  /** Replays on a connection made for this origin. The shared connection stays open. */
  #redirect(): void {
    this.#misdirections++
    this.request.content?.rewind?.()
    const exchange = this.exchange
    this.exchange = undefined
    this.content = undefined
    this.owner.metrics.replayed++
    this.trace?.replayed(undefined, 0)
    this.status = 0
    // Deferred: aborting the exchange inside its own callback would destroy the stream in use.
    queueMicrotask(() => {
      exchange?.abort(new Error('misdirected'))
      this.#acquire()
    })
  }

  #settle(reason: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.#endReason = reason
    this.#reject(this.#maybeActed && reason instanceof Error ? afterAttempt(reason) : reason)
  }

  /** Releases everything that references the call. No callback follows. */
  #finish(): void {
    if (this.#over) return
    this.#over = true
    this.#pause?.cancel()
    const reason = this.#endReason
    if (!this.report(reason)) this.#target.record.failed++
    this.request.content?.release?.(reason, reason !== undefined && !(reason instanceof UnshardError))
    this.owner.deadlines.delete(this)
    if (this.#signal !== undefined) unlink(this.#signal, this)
    this.owner.onOver()
  }
}
