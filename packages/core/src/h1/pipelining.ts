/** How many requests a peer is sent before it has answered the first (RFC 9112 §9.3.2), and what becomes of a peer that breaks that. */

import type { OriginProgress } from '../connection.js'
import { type HttpRequest, isIdempotent } from '../message/request.js'

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
export function pipelineLimit({ brokenPipelining }: OriginProgress, depth: number, nowMs: number): PipelineLimit {
  if (depth === 1 || brokenPipelining === undefined || nowMs - brokenPipelining.atMs >= BROKEN_TTL_MS)
    return { depth, once: false }
  return { depth: 1, once: brokenPipelining.step === 2 }
}

/** A peer has broken what {@link pipelineLimit} allowed. */
export function noteBroken(progress: OriginProgress, limit: PipelineLimit, nowMs: number): void {
  progress.brokenPipelining = { step: limit.depth > 1 ? 1 : 2, atMs: nowMs }
}

/**
 * Whether a request may stand behind another, and another behind it: sending it twice means the same, and it is all in its head. HEAD may not:
 * content that a wrong server sends with its answer would be taken for the next answer.
 */
export function mayPipeline({ method, content, close }: HttpRequest): boolean {
  return isIdempotent(method) && method !== 'HEAD' && content === undefined && !close
}
