/**
 * Which origins a server has disowned with 421 (RFC 9110 §15.5.20), by what was shown and where: not by connection, so that the next
 * one to the same place is not tried again at once.
 */

import type { Connection, Origin } from '@unshard/core'
import { canonicalAddress } from '@unshard/core/internal'
import { LRUCache } from 'lru-cache'

/** How long nothing is sent after a 421, milliseconds. Then one request tries. */
export const DENY_TTL_MS = 300_000

/** An origin that nobody has asked for since is as good as new, milliseconds after its 421. */
export const FORGET_AFTER_MS = 3_600_000

/** The oldest are forgotten first: each costs one misdirected request to learn again. */
const MAX_DENIED = 4_096

/** `due`: denied for long enough that one request may try again. */
export type Denial = 'none' | 'denied' | 'due'

/** Bounded in number and in time. Asking changes nothing: who only explains must not use up the trial. */
export class DenyMemory {
  readonly #clock: { now(): number }
  /** When each was denied. Made at the first 421: most clients never see one. */
  #denied: LRUCache<string, number> | undefined

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  stateOf(connection: Connection, origin: Origin): Denial {
    if (this.#denied === undefined) return 'none'
    const key = keyOf(connection, origin)
    // Not `get`, which would make it the youngest.
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

  /** A trial went well. One that was denied anew meanwhile, over another connection, stays denied: the 421 is the later news. */
  settle(connection: Connection, origin: Origin): void {
    if (this.stateOf(connection, origin) === 'due') this.#denied!.delete(keyOf(connection, origin)!)
  }
}

/** `undefined` without a certificate or a place: nothing is shared on such a connection anyway. */
function keyOf({ route }: Connection, origin: Origin): string | undefined {
  const { certificate } = route
  const place = placeOf(route)
  return certificate === undefined || place === undefined
    ? undefined
    : `${certificate.peer.fingerprint256} ${place} ${origin.serialized}`
}

/** Behind a proxy the address is the proxy's, and what it leads to is decided by the proxy and the options, which the reuse key has. */
function placeOf({ proxy, reuseKey, remoteAddress, remotePort }: Connection['route']): string | undefined {
  if (proxy !== undefined) return `proxy ${reuseKey}`
  return remoteAddress === undefined ? undefined : `${canonicalAddress(remoteAddress) ?? remoteAddress} ${remotePort}`
}
