/**
 * Defaults for tests below the client: pool settings, the record of a new origin, a plain target.
 */

import { DEFAULT_TIMEOUTS, type Origin } from '../src/index.js'
import { type PoolSettings, type ResolvedPoolSettings, resolvePoolSettings } from '../src/settings/pool-settings.js'
import type { OriginRecord, PoolTarget } from '../src/transport/target.js'

export const POOL: ResolvedPoolSettings = resolvePoolSettings({})

export function originRecord(): OriginRecord {
  return { answered: 0, failed: 0, connections: 0, tooManyPings: 0 }
}

/** A target whose certificate checks all pass. */
export function plainTarget(origin: Origin, reuseKey = 'key', settings: PoolSettings = {}): PoolTarget {
  return {
    origin,
    isolation: undefined,
    settings: resolvePoolSettings(settings),
    timeouts: DEFAULT_TIMEOUTS,
    currentLimits: () => [],
    addressPolicy: undefined,
    reuseKey,
    proxy: undefined,
    dialKey: `${origin.serialized}|${reuseKey}`,
    record: originRecord(),
    verify: () => undefined,
  }
}
