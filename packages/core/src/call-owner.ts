/** What one call is given: the client's pool and deadlines, whom it tells, what it may do by itself. */

import type { PoolTarget } from './connection.js'
import type { Deadlines } from './deadlines.js'
import type { Timeouts } from './message/request.js'
import type { Pool } from './pool/pool.js'
import type { ResolvedRetryPolicy } from './retry-policy.js'

/** What a call needs of its client. */
export interface CallOwner {
  readonly pool: Pool
  readonly deadlines: Deadlines
  /** The request was sent once more. */
  onReplay(): void
  /** The origin wants HTTP/1.1: the target to ask instead; `undefined` where this client does not speak it. */
  onHttp1Required(target: PoolTarget): PoolTarget | undefined
  /** The target that stands for `target` where a request has to be alone on its connection. */
  apart(target: PoolTarget): PoolTarget
  /** The request goes over a connection that was made for another origin. */
  onCoalesced(): void
  /** Nothing of the call is left. */
  onOver(): void
}

/** What a call may do by itself. */
export interface CallLimits {
  readonly timeouts: Required<Timeouts>
  /** Replays of a request whose outcome nobody knows. */
  readonly replay: number
  readonly retry: ResolvedRetryPolicy | undefined
}
