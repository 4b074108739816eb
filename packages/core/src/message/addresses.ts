/** Whether two addresses are the same: resolvers and sockets write one address in several ways (RFC 4291 §2.2). */

import { isIPv4, isIPv6, SocketAddress } from 'node:net'

const MAPPED = '::ffff:'

/**
 * Maximum size of the memory; beyond it, everything is dropped: recomputing an address takes a
 * microsecond. IPv4 is not stored.
 */
const MAX_KNOWN_ADDRESSES = 4_096
const known = new Map<string, string>()

/**
 * Returns the canonical text of an address: dotted for IPv4 and for IPv4-mapped IPv6 (RFC 4291
 * §2.5.5.2), RFC 5952 for other IPv6, with its zone. `undefined` for invalid text and for the
 * unspecified addresses `0.0.0.0` and `::`, which identify no peer.
 */
export function canonicalAddress(address: string): string | undefined {
  const text = isIPv4(address) ? address : canonicalIPv6(address)
  return text === '' || text === '0.0.0.0' || text === '::' ? undefined : text
}

/**
 * Whether `connected` is one of `addresses`. Unspecified addresses and invalid text match nothing.
 */
export function includesAddress(addresses: readonly { readonly address: string }[], connected: string): boolean {
  const wanted = canonicalAddress(connected)
  if (wanted === undefined) return false
  for (const { address } of addresses) {
    if (canonicalAddress(address) === wanted) return true
  }
  return false
}

function canonicalIPv6(address: string): string {
  let text = known.get(address)
  if (text !== undefined) return text
  text = parseIPv6(address)
  if (known.size >= MAX_KNOWN_ADDRESSES) known.clear()
  known.set(address, text)
  return text
}

/** Returns the empty string for text that is not an IPv6 address. */
function parseIPv6(address: string): string {
  if (!isIPv6(address)) return ''
  // SocketAddress drops the zone, but the same link-local address on another interface is another
  // machine (RFC 4007 §6).
  const percent = address.indexOf('%')
  const zone = percent === -1 ? '' : address.slice(percent)
  const text = new SocketAddress({ address: percent === -1 ? address : address.slice(0, percent), family: 'ipv6' }).address
  const dotted = text.startsWith(MAPPED) ? text.slice(MAPPED.length) : ''
  return isIPv4(dotted) ? dotted : text + zone
}
