/** Origins that have answered HTTP/2 with HTTP_1_1_REQUIRED (RFC 9113 §7): asked over HTTP/1.1 from then on, for a while. */

import { BoundedCache } from '../runtime/bounded-cache.js'
import type { Clock } from '../runtime/clock.js'
import type { PoolTarget } from '../transport/target.js'

/** Origins remembered, and for how long: a server that learns better is met in time. */
const MAX_ORIGINS = 4_096
const TTL_MS = 300_000

/** The memory of one client. */
export class Http1Origins {
  readonly #targets: BoundedCache<PoolTarget>

  constructor(clock: Clock) {
    this.#targets = new BoundedCache({ max: MAX_ORIGINS, ttl: TTL_MS, ttlResolution: 0, perf: clock })
  }

  /** What to ask for, where `target` was meant. */
  resolve(target: PoolTarget): PoolTarget {
    return this.#targets.size === 0 ? target : (this.#targets.get(target.dialKey) ?? target)
  }

  /** Remembers that `target` wants HTTP/1.1; returns the target that stands for it. Its keys are its own: no HTTP/2 connection fits. */
  add(target: PoolTarget): PoolTarget {
    const http1: PoolTarget = {
      ...target,
      reuseKey: `${target.reuseKey}|http/1.1`,
      dialKey: `${target.dialKey}|http/1.1`,
      http1Only: true,
      originPool: undefined,
    }
    this.#targets.set(target.dialKey, http1)
    return http1
  }
}
