/**
 * Connections opened without a request, by `warm()` and `connect()`. Requests have their own
 * deadlines; these use the client's connect timeout.
 */

import { TimeoutError } from '../errors/errors.js'
import type { Clock } from '../runtime/clock.js'
import { startDeadline } from '../runtime/deadlines.js'
import type { Member } from './member.js'
import type { QueuedRequest } from './request-queue.js'

/** The time limit for opening a connection. */
export interface OpeningLimit {
  /** Milliseconds; 0 is forever. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly origin: string
}

/**
 * Creates a queue entry that settles a promise. At the time limit `onTimeout` is called first, then
 * the promise rejects.
 */
export function queuedOpening(
  resolve: (member: Member) => void,
  reject: (error: Error) => void,
  { timeoutMs, clock, origin }: OpeningLimit,
  onTimeout: (reason: TimeoutError) => void,
): QueuedRequest {
  if (timeoutMs === 0) return { affinity: undefined, onMember: resolve, onUnavailable: reject }
  const timer = startDeadline(clock, timeoutMs, () => {
    const reason = new TimeoutError('connect', timeoutMs, { origin, processed: 'no' })
    onTimeout(reason)
    reject(reason)
  })
  return {
    affinity: undefined,
    onMember: (member) => {
      timer.cancel()
      resolve(member)
    },
    onUnavailable: (error) => {
      timer.cancel()
      reject(error)
    },
  }
}

/**
 * Resolves when `settled` does, or after `timeoutMs` milliseconds; 0 is forever. Late SETTINGS are
 * not a failure.
 */
export function settledWithin(settled: Promise<void> | undefined, timeoutMs: number, clock: Clock): Promise<void> {
  if (settled === undefined || timeoutMs === 0) return settled ?? Promise.resolve()
  return new Promise((resolve) => {
    const timer = startDeadline(clock, timeoutMs, resolve)
    void settled.then(() => {
      timer.cancel()
      resolve()
    })
  })
}
