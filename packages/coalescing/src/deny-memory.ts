/**
 * Which origins a server has disowned with 421 (RFC 9110 §15.5.20), by what was shown and where: not by connection, so that the next
 * one to the same place is not tried again at once.
 */

import type { Connection, Origin } from '@unshard/core'
import { LRUCache } from 'lru-cache'
import { canonicalAddress } from './addresses.js'

/** How long a 421 is remembered, milliseconds. */
export const DENY_TTL_MS = 300_000

/** The oldest are forgotten first: each costs one misdirected request to learn again. */
const MAX_DENIED = 4_096

/** Bounded in number and in time. */
export class DenyMemory {
  readonly #clock: { now(): number }
  /** Made at the first 421: most clients never see one. */
  #denied: LRUCache<string, true> | undefined

  constructor(clock: { now(): number }) {
    this.#clock = clock
  }

  has(connection: Connection, origin: Origin): boolean {
    if (this.#denied === undefined) return false
    const key = keyOf(connection, origin)
    return key !== undefined && this.#denied.has(key)
  }

  add(connection: Connection, origin: Origin): void {
    const key = keyOf(connection, origin)
    if (key === undefined) return
    this.#denied ??= new LRUCache({ max: MAX_DENIED, ttl: DENY_TTL_MS, ttlResolution: 0, perf: this.#clock })
    this.#denied.set(key, true)
  }
}

/** `undefined` without a certificate or an address: nothing is shared on such a connection anyway. */
function keyOf({ route }: Connection, origin: Origin): string | undefined {
  const { certificate, remoteAddress, remotePort } = route
  if (certificate === undefined || remoteAddress === undefined) return undefined
  return `${certificate.peer.fingerprint256} ${canonicalAddress(remoteAddress) ?? remoteAddress} ${remotePort} ${origin.serialized}`
}
