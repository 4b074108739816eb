/** The client as one call sees it: pool, deadlines, callbacks and limits. */

import type { Timeouts } from '../message/request-options.js'
import type { Pool } from '../pool/pool.js'
import type { Deadlines } from '../runtime/deadlines.js'
import type { Durations } from '../runtime/durations.js'
import type { Metrics } from '../runtime/metrics.js'
import type { PoolTarget } from '../transport/target.js'

export interface CallOwner {
  readonly pool: Pool
  readonly deadlines: Deadlines
  readonly metrics: Metrics
  readonly durations: Durations
  /**
   * The origin requires HTTP/1.1: returns the replacement target, or `undefined` if this client
   * does not speak HTTP/1.1.
   */
  onHttp1Required(target: PoolTarget): PoolTarget | undefined
  /** Returns the replacement of `target` that gives each request its own connection. */
  apart(target: PoolTarget): PoolTarget
  /** The call is over, and holds no resources. */
  onOver(): void
}

/** Limits of one call. */
export interface CallLimits {
  readonly timeouts: Required<Timeouts>
  /** Maximum number of replays of a request whose outcome is unknown. */
  readonly replay: number
  /** Maximum size of a body that is read as a whole. */
  readonly maxBodyBytes: number
}
