/**
 * Connections opened without a request, by `warm()` and `connect()`. Requests have their own
 * deadlines; these use the client's connect timeout.
 */

import { TimeoutError } from '../errors/errors.js'
import type { Clock } from '../runtime/clock.js'
import { startDeadline } from '../runtime/deadlines.js'
import type { Member } from './member.js'
import type { QueuedRequest } from './request-queue.js'

/** The time limits for opening a connection. */
export interface OpeningLimit {
  /** `timeouts.connect`, in milliseconds; 0 is forever. Begins again after a wait for the limit of connections. */
  readonly connectMs: number
  /** `timeouts.queue`, for that wait. */
  readonly queueMs: number
  /** Whether it waits for the limit of connections. */
  waits(): boolean
  readonly clock: Clock
  readonly origin: string
}

/** Interval at which the kind of wait is looked at, in milliseconds. */
const LOOK_MS = 50

/**
 * Creates a queue entry that settles a promise. At a time limit `onTimeout` is called first, then
 * the promise rejects.
 */
export function queuedOpening(
  resolve: (member: Member) => void,
  reject: (error: Error) => void,
  limit: OpeningLimit,
  onTimeout: (reason: TimeoutError) => void,
): QueuedRequest {
  const timer = new OpeningTimer(limit, (reason) => {
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

/** Measures the time that an opening waits for the limit of connections, and the time since then. */
class OpeningTimer {
  readonly #limit: OpeningLimit
  readonly #onTimeout: (reason: TimeoutError) => void
  readonly #startedAt: number
  /** When it last waited for the limit. */
  #waitedAt: number
  #timer: { cancel(): void } | undefined

  constructor(limit: OpeningLimit, onTimeout: (reason: TimeoutError) => void) {
    this.#limit = limit
    this.#onTimeout = onTimeout
    this.#startedAt = limit.clock.now()
    this.#waitedAt = this.#startedAt
    this.#start(limit.connectMs)
  }

  cancel(): void {
    this.#timer?.cancel()
  }

  #start(ms: number): void {
    if (ms > 0) this.#timer = startDeadline(this.#limit.clock, ms, () => this.#look())
  }

  #look(): void {
    const { connectMs, queueMs, waits, clock, origin } = this.#limit
    const now = clock.now()
    if (waits()) {
      this.#waitedAt = now
      if (queueMs === 0 || now - this.#startedAt < queueMs) return this.#start(LOOK_MS)
      return this.#onTimeout(new TimeoutError('queue', queueMs, { origin, processed: 'no' }))
    }
    if (now - this.#waitedAt < connectMs) return this.#start(connectMs - (now - this.#waitedAt))
    this.#onTimeout(new TimeoutError('connect', connectMs, { origin, processed: 'no' }))
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
