/**
 * Remembers origins that answered HTTP_1_1_REQUIRED (RFC 9113 §7). They are requested over HTTP/1.1
 * for a while.
 */

import { BoundedCache } from '../runtime/bounded-cache.js'
import type { Clock } from '../runtime/clock.js'
import type { PoolTarget } from '../transport/target.js'

/** Limits of the memory. Entries expire, because a server may be upgraded. */
const MAX_ORIGINS = 4_096
const TTL_MS = 300_000

/** A target, and its replacement. */
interface Replacement {
  readonly of: PoolTarget
  readonly http1: PoolTarget
}

/** The memory of one client. */
export class Http1RequiredOrigins {
  readonly #targets: BoundedCache<Replacement>

  constructor(clock: Clock) {
    this.#targets = new BoundedCache({ max: MAX_ORIGINS, ttl: TTL_MS, ttlResolution: 0, perf: clock })
  }

  /** The replacement of `target` if its origin requires HTTP/1.1, else `target`. */
  resolve(target: PoolTarget): PoolTarget {
    if (this.#targets.size === 0) return target
    const known = this.#targets.get(target.dialKey)
    if (known === undefined) return target
    // The settings may have changed since.
    return known.of === target ? known.http1 : this.add(target)
  }

  /**
   * Remembers that `target` requires HTTP/1.1, and returns its replacement, whose keys match no
   * HTTP/2 connection.
   */
  add(target: PoolTarget): PoolTarget {
    const http1: PoolTarget = {
      ...target,
      reuseKey: `${target.reuseKey}|http/1.1`,
      dialKey: `${target.dialKey}|http/1.1`,
      http1Only: true,
      originPool: undefined,
    }
    this.#targets.set(target.dialKey, { of: target, http1 })
    return http1
  }
}
