/**
 * Responses with 421 on shared connections (RFC 9110 §15.5.20): which of them count, and which
 * requests may be replayed.
 */

import { type HttpRequest, isRepeatable } from '../message/request.js'
import type { Member } from '../pool/member.js'
import type { Pool } from '../pool/pool.js'
import type { PoolTarget } from '../transport/target.js'
import { canResend } from './replay.js'

const MISDIRECTED_REQUEST = 421

/**
 * Maximum replays of one request after 421. Each one ends sharing at one address only, so another
 * shared connection may answer the replay while the connections of the origin itself are full.
 */
export const MAX_MISDIRECTIONS = 4

/**
 * Records a response on a shared connection. A misdirected one keeps later requests of the origin
 * off that connection; any other ends a trial. Returns whether the request may be replayed on
 * another connection: after 421 for any method, after a suspected status only if it is repeatable,
 * and never if its body is consumed.
 */
export function noteMisdirected(pool: Pool, target: PoolTarget, member: Member, request: HttpRequest, status: number): boolean {
  if (status !== MISDIRECTED_REQUEST && !(isRepeatable(request) && pool.outcomes.suspects(status))) {
    if (member.trial !== undefined) pool.outcomes.answered(target, member)
    return false
  }
  pool.outcomes.misdirected(target, member.connection, status)
  return canResend(request)
}
