/**
 * The pause after failed dials: many requests to a dead server must not be many dials. Remembered per origin and isolation, because an
 * origin pool without connections is forgotten.
 */

import type { UnshardCode } from '../errors/codes.js'
import { ConnectError, textOf } from '../errors/errors.js'
import type { Clock } from '../runtime/clock.js'
import type { PoolTarget } from '../transport/target.js'

/** The pause varies by this fraction, so that many clients do not dial at once. */
const JITTER = 0.2

/** Rest of the pause, in milliseconds; 0 without one. */
export function backoffMs({ record, settings }: PoolTarget, clock: Clock): number {
  if (record.backoff === undefined || settings.reconnectBackoff === false) return 0
  return Math.max(0, record.backoff.untilMs - clock.now())
}

/**
 * Starts or lengthens the pause after a failed dial. The first one causes none: a server that restarts is dialed again at once. A name that cannot be resolved and a forbidden address are no failures of a server.
 */
export function noteFailedDial({ record, settings }: PoolTarget, error: Error, clock: Clock): void {
  const { reconnectBackoff } = settings
  if (reconnectBackoff === false || !(error instanceof ConnectError) || error.phase === 'resolve') return
  const { baseMs, maxMs } = reconnectBackoff
  const now = clock.now()
  const before = record.backoff
  if (before === undefined || now - before.untilMs > maxMs) {
    record.backoff = { untilMs: now, delayMs: 0, error }
    return
  }
  const delayMs = Math.min(maxMs, before.delayMs === 0 ? baseMs : before.delayMs * 2)
  const jitter = 1 + JITTER * (2 * Math.random() - 1)
  record.backoff = { untilMs: now + delayMs * jitter, delayMs, error }
}

/** Ends the pause: a connection was made. */
export function endBackoff({ record }: PoolTarget): void {
  if (record.backoff !== undefined) record.backoff = undefined
}

/** The error of a request during the pause: that of the last dial. Nothing was sent. */
export function backoffError({ record, origin }: PoolTarget, leftMs: number): Error {
  const error = record.backoff!.error as ConnectError
  const message = `${textOf(error)}; the next dial is in ${Math.ceil(leftMs)} ms`
  const { phase, status, cause } = error
  return new ConnectError(phase, message, { code: error.code as UnshardCode, status, cause, origin: origin.serialized })
}
