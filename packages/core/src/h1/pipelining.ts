/** How many requests a peer is sent before it has answered the first (RFC 9112 §9.3.2), and what becomes of a peer that breaks that. */

import { type HttpRequest, isIdempotent } from '../message/request.js'
import type { Clock } from '../runtime/clock.js'
import type { Http1Record } from '../transport/target.js'

/** How long a peer is asked with more care: one that learns better is met in time. */
const BROKEN_TTL_MS = 300_000

/** What holds for the connections of an origin now. */
export interface PipelineLimit {
  /** Requests in flight on one connection. */
  readonly depth: number
  /** Each connection carries one request and is closed. */
  readonly once: boolean
}

/** One after the other, as long as both sides like. */
export const NOT_PIPELINED: PipelineLimit = { depth: 1, once: false }

/** The limit where `depth` is wanted. After a break it is one at a time; after a second, one for each connection. */
export function pipelineLimit({ brokenPipelining }: Http1Record, depth: number, nowMs: number): PipelineLimit {
  if (depth === 1 || brokenPipelining === undefined || nowMs - brokenPipelining.atMs >= BROKEN_TTL_MS)
    return { depth, once: false }
  return { depth: 1, once: brokenPipelining.step === 2 }
}

/** A peer has broken what {@link pipelineLimit} allowed. */
export function noteBroken(record: Http1Record, limit: PipelineLimit, nowMs: number): void {
  record.brokenPipelining = { step: limit.depth > 1 ? 1 : 2, atMs: nowMs }
}

/**
 * Whether a request may stand behind another, and another behind it: sending it twice means the same, and it is all in its head. HEAD may not:
 * content that a wrong server sends with its answer would be taken for the next answer.
 */
export function mayPipeline({ method, content, close }: HttpRequest): boolean {
  return isIdempotent(method) && method !== 'HEAD' && content === undefined && !close
}

/** A request on a connection, as far as pipelining is concerned. */
export interface PipelinedRequest {
  /** It is on the wire. */
  readonly written: boolean
  /** Its whole response is there, or none will come. */
  readonly over: boolean
  /** No part of a final response has come. */
  readonly unanswered: boolean
}

/** The pipelining of one connection: what is allowed, and whether the peer has ended the connection because of it. */
export class Pipeline {
  readonly #record: Http1Record
  readonly #depth: number
  readonly #clock: Clock
  /** Requests that were sent while others were unanswered. */
  readonly #behind = new WeakSet<PipelinedRequest>()
  /** Responses that have begun, and whether one of them was to a request behind another. */
  #answered = 0
  #answeredBehind = false

  /** @param depth requests in flight that are wanted at most. */
  constructor(record: Http1Record, depth: number, clock: Clock) {
    this.#record = record
    this.#depth = depth
    this.#clock = clock
  }

  get limit(): PipelineLimit {
    return this.#depth === 1 ? NOT_PIPELINED : pipelineLimit(this.#record, this.#depth, this.#clock.now())
  }

  /** Whether a request may be one of several. */
  takes(request: HttpRequest): boolean {
    return this.#depth > 1 && mayPipeline(request)
  }

  /** A request is sent while others are unanswered. */
  noteBehind(request: PipelinedRequest): void {
    this.#behind.add(request)
  }

  /** The response to a request has begun. */
  noteAnswered(request: PipelinedRequest): void {
    this.#answered++
    if (this.#depth > 1) this.#answeredBehind ||= this.#behind.has(request)
  }

  /**
   * Notes it where the peer has ended the connection because of what {@link limit} allows: requests behind others, of which it has answered
   * none; or, once that was given up, a second request on a connection.
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
