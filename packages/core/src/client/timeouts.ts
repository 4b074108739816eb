/** Deadlines of requests: defaults, and merging those of a request or a pool over those of its client. */

import { TIMEOUT_OPTIONS, type Timeouts } from '../message/request-options.js'
import { DURATION_RANGE, inRange, refuseUnknown } from '../schema/option-checks.js'
import { namesOf } from '../schema/schema.js'

/** Default deadlines, milliseconds; 0 is no deadline. */
export const DEFAULT_TIMEOUTS: Required<Timeouts> = Object.fromEntries(
  Object.entries(TIMEOUT_OPTIONS).map(([name, row]) => [name, row.default]),
) as unknown as Required<Timeouts>

const NAMES = namesOf(TIMEOUT_OPTIONS)

/**
 * Merges deadlines over others. Returns `base` itself if there is nothing to merge.
 * @param prefix stands in front of the names in errors.
 * @throws UsageError naming an unknown or invalid one.
 */
export function mergeTimeouts<Base extends Timeouts>(base: Base, given: Timeouts | undefined, prefix = 'timeouts.'): Base {
  if (given === undefined) return base
  refuseUnknown(given, NAMES, prefix)
  const merged = { ...base } as Record<string, unknown>
  for (const name of Object.keys(given) as (keyof Timeouts)[]) {
    if (given[name] !== undefined) merged[name] = inRange(prefix + name, given[name], 0, ...DURATION_RANGE)
  }
  return merged as Base
}
