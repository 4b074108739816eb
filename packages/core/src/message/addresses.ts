/** Whether two addresses are the same: resolvers and sockets write one address in several ways (RFC 4291 §2.2). */

import { isIPv4, isIPv6 } from 'node:net'

/** IPv4-mapped IPv6 in the canonical form of URLs. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/

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
  // URLs have no zones, but the same link-local address on another interface is another machine
  // (RFC 4007 §6).
  const percent = address.indexOf('%')
  const zone = percent === -1 ? '' : address.slice(percent)
  // Every runtime parses URLs by the same standard. `SocketAddress` of Bun keeps the text as written.
  const text = new URL(`http://[${percent === -1 ? address : address.slice(0, percent)}]`).hostname.slice(1, -1)
  const [, high, low] = MAPPED.exec(text) ?? []
  return high === undefined ? text + zone : dotted(Number.parseInt(high, 16), Number.parseInt(low!, 16))
}

/** Returns the IPv4 address of two groups of an IPv6 address. */
export function dotted(high: number, low: number): string {
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}
