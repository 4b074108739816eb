/**
 * Refuses connections that the address policy of a target forbids, before anything is sent. Judges addresses, so a target whose address
 * cannot be known is refused.
 */

import { ConnectError } from '../errors/errors.js'
import { socketPathOf } from '../settings/pool-settings.js'
import type { Connection } from '../transport/connection.js'
import type { Address } from '../transport/route.js'
import type { PoolTarget } from '../transport/target.js'
import { type ProxyServer, schemeOf } from './proxy/proxy-options.js'

/** Maximum number of addresses in an error. */
const MAX_SHOWN = 3

/** Options of a client that hide addresses. */
export interface HiddenAddresses {
  /** Whether the caller connects the sockets. */
  readonly sockets: unknown
  /** Whether names that a proxy resolves are trusted. */
  readonly proxyResolves: 'refused' | 'trusted'
}

/**
 * Refuses a target whose address the policy forbids or cannot judge. The addresses of names that are resolved here are judged by
 * {@link allowedAddresses}.
 * @throws ConnectError `ERR_ADDRESS_FORBIDDEN`, phase `resolve`.
 */
export function checkTarget(target: PoolTarget, { sockets, proxyResolves }: HiddenAddresses): void {
  const { addressPolicy, origin, proxy } = target
  if (addressPolicy === undefined) return
  if (socketPathOf(target) !== undefined) throw forbidden(target, 'a Unix socket has no address')
  if (proxy === undefined && sockets !== undefined) throw forbidden(target, 'the caller connects the sockets')
  if (origin.isAddress) return void allowedAddresses(target, [{ address: origin.host }])
  if (proxy === undefined || proxyResolves === 'trusted' || schemeOf(proxy as ProxyServer).resolves === true) return
  throw forbidden(target, `proxy ${proxy.name} resolves the name, and proxyResolves is not 'trusted'`)
}

/**
 * Returns the addresses that may be connected to.
 * @throws ConnectError `ERR_ADDRESS_FORBIDDEN`, phase `resolve`, if none of them may be.
 */
export function allowedAddresses<A extends Pick<Address, 'address'>>(target: PoolTarget, addresses: readonly A[]): readonly A[] {
  const { addressPolicy } = target
  if (addressPolicy === undefined) return addresses
  const allowed = addresses.filter(({ address }) => addressPolicy.allows(address))
  if (allowed.length > 0) return allowed
  throw forbidden(target, `addressPolicy does not allow ${shown(addresses)}`)
}

/** Whether the policy of a target forbids an open connection. A tunnel is judged by {@link checkTarget}: its address is the proxy's. */
export function isForbidden({ addressPolicy }: PoolTarget, { route }: Connection): boolean {
  if (addressPolicy === undefined || route.proxy !== undefined) return false
  return route.remoteAddress === undefined || !addressPolicy.allows(route.remoteAddress)
}

/** The error for a target that must not be connected to. */
export function forbidden({ origin }: PoolTarget, reason: string): ConnectError {
  const message = `connecting to ${JSON.stringify(origin.host)} is forbidden: ${reason}`
  return new ConnectError('resolve', message, { code: 'ERR_ADDRESS_FORBIDDEN', origin: origin.serialized })
}

function shown(addresses: readonly Pick<Address, 'address'>[]): string {
  const list = addresses.slice(0, MAX_SHOWN).map(({ address }) => address)
  return addresses.length > MAX_SHOWN ? `${list.join(', ')} and ${addresses.length - MAX_SHOWN} more` : list.join(', ')
}
