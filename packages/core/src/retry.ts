/** May this request be sent again? The one place that answers (RFC 9110 §9.2.2, RFC 9113 §8.7). */

import { ConnectionError, TransportError } from './errors.js'
import { type HttpRequest, isIdempotent } from './message/request.js'

/** Attempts in all. */
const MAX_ATTEMPTS = 2

/** RFC 9113 §7. */
const HTTP_1_1_REQUIRED = 0xd

/** Whether the server wants to be asked over HTTP/1.1. */
export function requiresHttp1(error: Error): boolean {
  return error instanceof TransportError && error.initiator === 'peer' && error.errorCode === HTTP_1_1_REQUIRED
}

/** Whether the content, if there is any, can be sent once more. */
export function canResend(request: HttpRequest): boolean {
  return request.content === undefined || request.content.replayable
}

/**
 * Whether to send again after `error`, which came before any part of a response.
 *
 * 1. Content that is gone is not sent again.
 * 2. Certainly unprocessed: whatever the method.
 * 3. The connection was lost and nobody knows: once, and only where twice means the same as once.
 * 4. Everything else is an answer of a kind, and the caller's.
 */
export function mayReplay(error: Error, request: HttpRequest, attempts: number): boolean {
  if (!canResend(request)) return false
  if (!(error instanceof TransportError) || error.initiator === 'local') return false
  if (attempts >= MAX_ATTEMPTS) return false
  return error.processed === 'no' || (error instanceof ConnectionError && isIdempotent(request.method))
}
