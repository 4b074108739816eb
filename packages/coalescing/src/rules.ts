/**
 * Rules that need no option: those about two origins, an engine, addresses, and the client's own
 * check.
 */

import type { Address, Certificate, Connection, Dial, Origin, Route, Target } from '@unshard/core'
import { includesAddress, isSpecialPurpose } from '@unshard/core/internal'
import { isDnsName } from './host-name.js'
import type { RefusalReason } from './reasons.js'

/**
 * @param connectedPort remote port of the socket; through a proxy, the port of `other`, because
 * there is nothing to compare.
 */
export function namesRefusal(own: Origin, other: Origin, connectedPort: number | undefined): RefusalReason | undefined {
  // 2. Both origins are https with DNS names, and use one port, to which the socket is connected.
  if (own.scheme !== 'https' || other.scheme !== 'https') return 'not-https'
  if (own.isAddress || other.isAddress) return 'ip-literal'
  if (!hasDnsName(own) || !hasDnsName(other)) return 'not-a-dns-name'
  if (connectedPort !== other.port || own.port !== other.port) return 'port-differs'
  return undefined
}

/** An origin on a Unix socket is named `localhost`, but that name does not locate it. */
function hasDnsName({ host, socketPath }: Origin): boolean {
  return socketPath === undefined && isDnsName(host)
}

export function engineRefusal({
  protocol,
  confirmed,
  state,
  capacity,
  active,
  verifying,
}: Connection): RefusalReason | undefined {
  // 3. HTTP/2, confirmed by the peer's SETTINGS, and it accepts requests: now, when one of those in
  //    flight has ended, or when it has been verified. A busy connection does not justify a dial.
  //    The pool enforces the maximum age: a connection that is too old is draining.
  if (protocol !== 'h2') return 'not-h2'
  if (!confirmed) return 'settings-outstanding'
  if (state !== 'open') return 'draining'
  if (capacity <= 0 && active === 0 && !verifying) return 'no-capacity'
  return undefined
}

/**
 * RFC 9113 §9.1.1: "any checks that the client would perform when forming a new TLS connection". As
 * there, any falsy result passes (user-supplied functions return `null` too). A check that throws
 * has failed.
 */
export function passesOwnCheck(target: Target, certificate: Certificate): boolean {
  try {
    return !target.verify(certificate)
  } catch {
    return false
  }
}

export function addressRefusal(route: Route, addresses: Target['addresses']): RefusalReason | undefined {
  const { remoteAddress } = route
  // 8. The current DNS answer for the host contains the address that the socket is connected to.
  if (remoteAddress === undefined || addresses === undefined || addresses.length === 0) return 'addresses-unknown'
  if (!includesAddress(addresses, remoteAddress)) return 'address-differs'
  if (!isSpecialPurpose(remoteAddress)) return undefined
  return includesAddress(route.addresses, remoteAddress) && leadsToLocalOnly(addresses) ? undefined : 'private-address'
}

/** Whether to wait for a dial: it tries one of the host's addresses, and one that may be shared. */
export function dialAddressRefusal(dial: Dial, addresses: Target['addresses']): RefusalReason | undefined {
  if (addresses === undefined || addresses.length === 0) return 'addresses-unknown'
  const shared = dial.addresses.filter(({ address }) => includesAddress(addresses, address))
  if (shared.length === 0) return 'address-differs'
  return shared.every(isLocalAddress) && !leadsToLocalOnly(addresses) ? 'private-address' : undefined
}

/**
 * A foreign name that leads to a private address by DNS rebinding usually resolves to its own
 * public address as well; a name of this network does not.
 */
function leadsToLocalOnly(addresses: readonly Address[]): boolean {
  return addresses.every(isLocalAddress)
}

/** Whether an address means something else on another network. */
function isLocalAddress({ address }: Address): boolean {
  return isSpecialPurpose(address)
}
