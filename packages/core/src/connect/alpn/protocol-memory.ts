/** Remembers the protocol that each origin chose by ALPN, in a bounded cache. */

import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { Clock } from '../../runtime/clock.js'
import type { SecureSocket } from '../tls/tls-connector.js'

/** Limits of the memory. Entries expire, because a server may be upgraded to HTTP/2. */
const MAX_ORIGINS = 4_096
const TTL_MS = 300_000

/** The protocols known to one client. */
export class ProtocolMemory {
  readonly #cache: BoundedCache<string>

  constructor(clock: Clock) {
    this.#cache = new BoundedCache({ max: MAX_ORIGINS, ttl: TTL_MS, ttlResolution: 0, perf: clock })
  }

  /** The protocol that `dialKey` chose last, until it expires. */
  known(dialKey: string): string | undefined {
    return this.#cache.get(dialKey)
  }

  /** Forgets the remembered protocol: it is outdated. */
  forget(dialKey: string): void {
    this.#cache.delete(dialKey)
  }

  /** Remembers the protocol of a connection that was offered every protocol. */
  async resolve(dialKey: string, secured: Promise<SecureSocket>): Promise<SecureSocket> {
    const result = await secured
    this.#cache.set(dialKey, result.protocol ?? 'http/1.1')
    return result
  }
}
