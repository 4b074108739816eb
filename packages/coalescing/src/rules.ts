/** The rules that need no option: of two origins, of an engine, of addresses, and of the client's own check. */

import type { Address, Certificate, Connection, Dial, Origin, Route, Target } from '@unshard/core'
import { includesAddress } from '@unshard/core/internal'
import { isDnsName } from './host-name.js'
import { isLocalAddress } from './local-address.js'
import type { RefusalReason } from './reasons.js'

/** @param connectedPort what the socket is connected to; through a proxy, the port of `other`: there is nothing to compare. */
export function namesRefusal(own: Origin, other: Origin, connectedPort: number | undefined): RefusalReason | undefined {
  // 2. Both https, both DNS names, and one port: that which the socket is connected to.
  if (own.scheme !== 'https' || other.scheme !== 'https') return 'not-https'
  if (own.isAddress || other.isAddress) return 'ip-literal'
  if (!hasDnsName(own) || !hasDnsName(other)) return 'not-a-dns-name'
  if (connectedPort !== other.port || own.port !== other.port) return 'port-differs'
  return undefined
}

/** An origin on a Unix socket is called `localhost`, but that is not where it is. */
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
  // 3. HTTP/2 that the peer has confirmed with its SETTINGS, and it takes requests: now, or when one of those in flight has ended, or
  // when it has made sure of its peer. Busy is no reason for another connection. Its age is the pool's affair: one that is too old is draining.
  if (protocol !== 'h2') return 'not-h2'
  if (!confirmed) return 'settings-outstanding'
  if (state !== 'open') return 'draining'
  if (capacity <= 0 && active === 0 && !verifying) return 'no-capacity'
  return undefined
}

/**
 * RFC 9113 §9.1.1: "any checks that the client would perform when forming a new TLS connection". As there, any falsy answer is a pass
 * (callers' own functions return `null` too). One that throws has not passed.
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
  // 8. The host's fresh DNS answer has the address that the socket is connected to.
  if (remoteAddress === undefined || addresses === undefined || addresses.length === 0) return 'addresses-unknown'
  if (!includesAddress(addresses, remoteAddress)) return 'address-differs'
  if (!isLocalAddress({ address: remoteAddress })) return undefined
  return includesAddress(route.addresses, remoteAddress) && leadsToLocalOnly(addresses) ? undefined : 'private-address'
}

/** Whether it is worth waiting for a dial: it tries one of the host's addresses, and one that may be shared. */
export function dialAddressRefusal(dial: Dial, addresses: Target['addresses']): RefusalReason | undefined {
  if (addresses === undefined || addresses.length === 0) return 'addresses-unknown'
  const shared = dial.addresses.filter(({ address }) => includesAddress(addresses, address))
  if (shared.length === 0) return 'address-differs'
  return shared.every(isLocalAddress) && !leadsToLocalOnly(addresses) ? 'private-address' : undefined
}

/**
 * A stranger's name that leads to a private address, by DNS rebinding, mostly leads to its own public one as well. A name of this
 * network has no reason to.
 */
function leadsToLocalOnly(addresses: readonly Address[]): boolean {
  return addresses.every(isLocalAddress)
}
