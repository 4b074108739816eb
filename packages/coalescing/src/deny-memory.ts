/**
 * Remembers the origins for which a server has answered 421 (RFC 9110 §15.5.20), by certificate and
 * address rather than by connection, so that the next connection to the same server is not tried at
 * once.
 */

import type { Connection, Origin } from '@unshard/core'
import { canonicalAddress } from '@unshard/core/internal'
import { LRUCache } from 'lru-cache'

/** Time after a 421 in which nothing is sent, in milliseconds. Afterwards one request may try. */
export const DENY_TTL_MS = 300_000

/**
 * Time after a 421 after which an origin that was not tried since is forgotten, in milliseconds.
 */
export const FORGET_AFTER_MS = 3_600_000

/** The oldest are forgotten first: learning one again costs one misdirected request. */
const MAX_DENIED = 4_096

/** `due`: denied long enough that one request may try again. */
export type Denial = 'none' | 'denied' | 'due'

/** Bounded in number and in time. Asking changes nothing: `explain` must not use up the trial. */
export class DenyMemory {
  readonly #clock: { now(): number }
  /** Time of each denial. Created with the first 421: most clients never see one. */
  #denied: LRUCache<string, number> | undefined

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  stateOf(connection: Connection, origin: Origin): Denial {
    if (this.#denied === undefined) return 'none'
    const key = keyOf(connection, origin)
    // `get` would make the entry the most recent one.
    const deniedAt = key === undefined ? undefined : this.#denied.peek(key)
    if (deniedAt === undefined) return 'none'
    const age = this.#clock.now() - deniedAt
    if (age < DENY_TTL_MS) return 'denied'
    return age < FORGET_AFTER_MS ? 'due' : 'none'
  }

  add(connection: Connection, origin: Origin): void {
    const key = keyOf(connection, origin)
    if (key === undefined) return
    this.#denied ??= new LRUCache({ max: MAX_DENIED })
    this.#denied.set(key, this.#clock.now())
  }

  /**
   * Ends a successful trial. An origin that another connection has denied again in the meantime
   * stays denied, because that 421 is newer.
   */
  settle(connection: Connection, origin: Origin): void {
    if (this.stateOf(connection, origin) === 'due') this.#denied!.delete(keyOf(connection, origin)!)
  }
}

/**
 * Returns `undefined` without a certificate or a server address: such a connection is never shared.
 */
function keyOf({ route }: Connection, origin: Origin): string | undefined {
  const { certificate } = route
  const place = serverAddressOf(route)
  return certificate === undefined || place === undefined
    ? undefined
    : `${certificate.peer.fingerprint256} ${place} ${origin.serialized}`
}

/**
 * Behind a proxy the address is the proxy's; the proxy and the options, which the reuse key
 * contains, determine the server.
 */
function serverAddressOf({ proxy, reuseKey, remoteAddress, remotePort }: Connection['route']): string | undefined {
  if (proxy !== undefined) return `proxy ${reuseKey}`
  return remoteAddress === undefined ? undefined : `${canonicalAddress(remoteAddress) ?? remoteAddress} ${remotePort}`
}
