/**
 * Limits the requests sent before the first response (RFC 9112 §9.3.2), and detects peers with
 * broken pipelining.
 */

import { type HttpRequest, isIdempotent } from '../message/request.js'
import type { Clock } from '../runtime/clock.js'
import type { Http1Record } from '../transport/target.js'

/**
 * Time for which a peer with broken pipelining gets lower limits, in milliseconds. It may be fixed
 * later.
 */
const BROKEN_TTL_MS = 300_000

/** The current limits for connections of an origin. */
export interface PipelineLimit {
  /** Maximum requests in flight on one connection. */
  readonly depth: number
  /** Whether each connection carries only one request. */
  readonly once: boolean
}

/** One request at a time, with reuse of the connection. */
export const NOT_PIPELINED: PipelineLimit = { depth: 1, once: false }

/**
 * Returns the limit for a wanted `depth`. After one violation: one request at a time; after two:
 * one per connection.
 */
export function pipelineLimit({ brokenPipelining }: Http1Record, depth: number, nowMs: number): PipelineLimit {
  if (depth === 1 || brokenPipelining === undefined || nowMs - brokenPipelining.atMs >= BROKEN_TTL_MS)
    return { depth, once: false }
  return { depth: 1, once: brokenPipelining.step === 2 }
}

/** Records that a peer failed within the given limit. */
export function noteBroken(record: Http1Record, limit: PipelineLimit, nowMs: number): void {
  record.brokenPipelining = { step: limit.depth > 1 ? 1 : 2, atMs: nowMs }
}

/**
 * Whether a request may be pipelined: it must be idempotent and have no content. HEAD may not,
 * because content that a broken server sends for it would be taken for the next response.
 */
export function mayPipeline({ method, content, close }: HttpRequest): boolean {
  return isIdempotent(method) && method !== 'HEAD' && content === undefined && !close
}

/** The parts of a request that pipelining needs. */
export interface PipelinedRequest {
  /** Whether the request was written to the socket. */
  readonly written: boolean
  /** Whether the response is complete, or no response will come. */
  readonly over: boolean
  /** Whether no part of a final response has arrived. */
  readonly unanswered: boolean
}

/**
 * The pipelining of one connection: its limit, and whether the peer ended the connection because of
 * it.
 */
export class Pipeline {
  readonly #record: Http1Record
  readonly #depth: number
  readonly #clock: Clock
  /** Requests that were sent behind unanswered ones. */
  readonly #behind = new WeakSet<PipelinedRequest>()
  /** Number of responses that have begun, and whether one was for a pipelined request. */
  #answered = 0
  #answeredBehind = false

  /** @param depth wanted maximum of requests in flight. */
  constructor(record: Http1Record, depth: number, clock: Clock) {
    this.#record = record
    this.#depth = depth
    this.#clock = clock
  }

  get limit(): PipelineLimit {
    return this.#depth === 1 ? NOT_PIPELINED : pipelineLimit(this.#record, this.#depth, this.#clock.now())
  }

  /** Whether a request may be pipelined now. */
  takes(request: HttpRequest): boolean {
    return this.#depth > 1 && mayPipeline(request)
  }

  /** Records that a request is sent behind unanswered ones. */
  noteBehind(request: PipelinedRequest): void {
    this.#behind.add(request)
  }

  /** Records that the response to a request has begun. */
  noteAnswered(request: PipelinedRequest): void {
    this.#answered++
    if (this.#depth > 1) this.#answeredBehind ||= this.#behind.has(request)
  }

  /**
   * Records a violation if the peer ended the connection because of pipelining (it answered no
   * pipelined request), or, without pipelining, because of a second request on the connection.
   */
  judge(requests: readonly PipelinedRequest[]): void {
    if (this.#depth === 1) return
    const { limit } = this
    const left = requests.filter((request) => request.written && !request.over)
    const behind = left.some((request) => this.#behind.has(request)) && !this.#answeredBehind
    const second = left.length === 1 && left[0]!.unanswered && !this.#behind.has(left[0]!) && this.#answered > 0
    if (limit.depth > 1 ? behind : second && !limit.once) noteBroken(this.#record, limit, this.#clock.now())
  }
}
