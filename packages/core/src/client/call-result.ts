/**
 * A call as the reader of its response sees it, and as it is counted and reported. A base class of
 * `Call` only to save an object per request. The next step is up to the call.
 */

import type { CallTrace } from '../diagnostics/call-trace.js'
import { isDiscard } from '../errors/errors.js'
import type { HttpRequest } from '../message/request.js'
import { type ConnectionInfo, NO_FIELDS, type ResponseSource, type Timings } from '../message/response.js'
import type { ResponseBody } from '../message/response-body.js'
import { connectionInfo, type Member } from '../pool/member.js'
import type { InContext } from '../pool/request-queue.js'
import type { CallLimits, CallOwner } from './call-owner.js'
import { CallPhases } from './call-phases.js'

/** The request, the response and the times of a call. */
export abstract class CallResult extends CallPhases implements ResponseSource {
  protected readonly request: HttpRequest
  /** Publishes the events of the request; `undefined` without subscribers. */
  protected readonly trace: CallTrace | undefined
  protected member: Member | undefined
  /** Microseconds since the start, rounded: V8 stores small integers without an allocation. */
  protected sentMicros = 0
  protected headersMicros = 0
  #endMicros = 0
  status = 0
  fields: readonly string[] = NO_FIELDS
  reason: string | undefined

  constructor(
    owner: CallOwner,
    request: HttpRequest,
    limits: CallLimits,
    totalSince: number | undefined,
    trace: CallTrace | undefined,
  ) {
    super(owner, limits, totalSince)
    this.request = request
    this.trace = trace
  }

  get body(): ResponseBody {
    return this.content!
  }

  get timings(): Timings {
    const { startedAt, sentMicros, headersMicros } = this
    const sentMs = sentMicros / 1000
    const dialed = this.member?.connection.dialed
    // A dial that was over before the request began is not part of it.
    const doneMs = dialed === undefined ? 0 : dialed.startedAt + dialed.connectMs + dialed.tlsMs - startedAt
    const { dnsMs, connectMs, tlsMs } = dialed !== undefined && doneMs > 0 ? dialed : NO_DIAL
    const queuedMs = Math.max(0, sentMs - dnsMs - connectMs - tlsMs)
    const endMs = this.#endMicros === 0 ? undefined : this.#endMicros / 1000
    return { queuedMs, dnsMs, connectMs, tlsMs, sentMs, headersMs: headersMicros / 1000, endMs }
  }

  /** See {@link CallTrace.inContext}. */
  get inContext(): InContext | undefined {
    return this.trace?.inContext
  }

  get receivedBytes(): number {
    return this.content?.received ?? 0
  }

  get sentBytes(): number {
    return this.exchange?.sentBytes ?? 0
  }

  get maxBodyBytes(): number {
    return this.limits.maxBodyBytes
  }

  url(): string {
    return this.request.origin.serialized + this.request.path
  }

  trailers(): readonly string[] | undefined {
    return this.exchange?.trailers
  }

  reprioritize(priority: string): boolean {
    return this.exchange?.reprioritize(priority) ?? false
  }

  connection(): ConnectionInfo {
    return connectionInfo(this.member!)
  }

  /**
   * Counts and reports the end of the call, and returns whether it has succeeded.
   * @param reason why it was rejected or aborted.
   */
  protected report(reason: unknown): boolean {
    const { content, owner, member } = this
    const isWhole = reason === undefined && content?.complete === true
    // The time of the last byte costs no look at the clock.
    const endedAt = (isWhole ? member?.connection.receivedAt : undefined) ?? owner.deadlines.clock.now()
    // Fields and content may arrive in one read, and the fields are counted after it.
    this.#endMicros = Math.max(this.headersMicros, Math.round((endedAt - this.startedAt) * 1000))
    const error = isWhole ? undefined : (reason ?? content?.failure ?? new Error('the request was ended'))
    const isFinished = isWhole || isDiscard(error)
    if (isWhole) owner.durations.finished(this.headersMicros, this.#endMicros)
    if (isFinished) owner.metrics.finished++
    else owner.metrics.fail(error)
    this.trace?.over(error, this, this.trailers())
    return isFinished
  }
}

const NO_DIAL = { dnsMs: 0, connectMs: 0, tlsMs: 0 }
