/** Options of an HTTP/2 connection, and the stream limits that follow from them. */

import type { Duplex } from 'node:stream'
import type { Clock } from '../runtime/clock.js'
import type { ResolvedPoolSettings } from '../settings/pool-settings.js'
import type { Http2Record } from '../transport/target.js'
import type { LocalSettings, StreamLimits } from './protocol/settings.js'
import { ASSUMED_MAX_CONCURRENT_STREAMS } from './protocol/settings.js'
import type { WindowBudget } from './protocol/window.js'

/** A socket with `ref` and `unref`: it can stop keeping the process alive. */
export interface H2Socket extends Duplex {
  ref?(): unknown
  unref?(): unknown
}

/** Default of `H2Options.refillMs`. */
export const REFILL_MS = 1_000

/** Options of one connection. */
export interface H2Options {
  readonly settings: LocalSettings
  readonly budget: WindowBudget
  readonly clock: Clock
  readonly pool: ResolvedPoolSettings
  /** Record of the origin that this connection is opened for. */
  readonly record: Http2Record
  /** Reads the socket without its stream interface; `bytes` is only valid during the call. */
  readonly reads?: { start(sink: (bytes: Buffer) => void): void } | undefined
  /** Interval between two calls of `Protocol.refillLimits`, in milliseconds. */
  readonly refillMs?: number
}

/**
 * Returns the stream limits of a new connection: the settings, lowered after an overload of the
 * origin.
 */
export function streamLimits({ pool, record: { overload }, clock }: H2Options): StreamLimits {
  const { maxConcurrentRequests, maxRequestsPerConnection, waitForSettings } = pool
  const isOverloaded = overload !== undefined && clock.now() - overload.atMs < OVERLOAD_MS
  return {
    concurrent: isOverloaded ? Math.min(maxConcurrentRequests, overload.streams) : maxConcurrentRequests,
    total: maxRequestsPerConnection === 0 ? Number.POSITIVE_INFINITY : maxRequestsPerConnection,
    assumed: waitForSettings ? 0 : ASSUMED_MAX_CONCURRENT_STREAMS,
  }
}

/** Time for which an overload of the origin limits new connections, in milliseconds. */
const OVERLOAD_MS = 300_000
