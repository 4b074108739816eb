/** Options of an HTTP/2 connection, and the stream limits that follow from them. */

import type { Duplex } from 'node:stream'
import type { Clock } from '../runtime/clock.js'
import type { ResolvedPoolSettings } from '../settings/pool-settings.js'
import type { Http2Record } from '../transport/target.js'
import type { LocalSettings, StreamLimits } from './protocol/settings.js'
import { ASSUMED_MAX_CONCURRENT_STREAMS } from './protocol/settings.js'
import type { WindowBudget } from './protocol/window.js'

/** A socket that can be told not to keep the process alive. */
export interface H2Socket extends Duplex {
  ref?(): unknown
  unref?(): unknown
}

/** Options of one connection. */
export interface H2Options {
  readonly settings: LocalSettings
  readonly budget: WindowBudget
  readonly clock: Clock
  readonly pool: ResolvedPoolSettings
  /** Record of the origin that this connection is made for. */
  readonly record: Http2Record
  /** How the socket is read, where not as a stream: into memory that is lent for a call. */
  readonly reads?: { start(sink: (bytes: Buffer) => void): void } | undefined
  /** Forgiven budgets: see `Protocol.refillLimits`. Milliseconds. */
  readonly refillMs?: number
}

/** Limits on the streams of a new connection: the pool's settings, lower for a while where the origin was overloaded. */
export function streamLimits({ pool, record: { overload }, clock }: H2Options): StreamLimits {
  const { maxConcurrentRequests, maxRequestsPerConnection, waitForSettings } = pool
  const isOverloaded = overload !== undefined && clock.now() - overload.atMs < OVERLOAD_MS
  return {
    concurrent: isOverloaded ? Math.min(maxConcurrentRequests, overload.streams) : maxConcurrentRequests,
    total: maxRequestsPerConnection === 0 ? Number.POSITIVE_INFINITY : maxRequestsPerConnection,
    assumed: waitForSettings ? 0 : ASSUMED_MAX_CONCURRENT_STREAMS,
  }
}

/** How long new connections keep to what an overloaded server has taken, milliseconds. */
const OVERLOAD_MS = 300_000
