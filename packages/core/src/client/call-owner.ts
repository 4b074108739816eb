/** The client as one call sees it: pool, deadlines, events and limits. */

import type { Timeouts } from '../message/request.js'
import type { Pool } from '../pool/pool.js'
import type { Deadlines } from '../runtime/deadlines.js'
import type { Metrics } from '../runtime/metrics.js'
import type { PoolTarget } from '../transport/target.js'
import type { ResolvedRetryPolicy } from './status-retry.js'

/** The client of a call. */
export interface CallOwner {
  readonly pool: Pool
  readonly deadlines: Deadlines
  readonly metrics: Metrics
  /** The origin wants HTTP/1.1: the target to ask instead; `undefined` where this client does not speak it. */
  onHttp1Required(target: PoolTarget): PoolTarget | undefined
  /** The target that stands for `target` where a request has to be alone on its connection. */
  apart(target: PoolTarget): PoolTarget
  /** Nothing of the call is left. */
  onOver(): void
}

/** Limits of one call. */
export interface CallLimits {
  readonly timeouts: Required<Timeouts>
  /** Replays of a request whose outcome is unknown. */
  readonly replay: number
  readonly retry: ResolvedRetryPolicy | undefined
}
