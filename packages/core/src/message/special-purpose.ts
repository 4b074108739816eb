/**
 * Addresses that mean something else on another network: private, loopback, link-local, shared
 * (CGNAT), unique local, and everything else that the IANA special-purpose registries do not call
 * globally reachable (RFC 6890, RFC 8190).
 * Implemented with `net.BlockList` and the registries' tables. `ipaddr.js` would replace a table of
 * twenty lines by a dependency, and it reports the kind of an address, not whether it is globally
 * reachable, so the table would still be needed.
 */

import { BlockList, isIPv4 } from 'node:net'
import { canonicalAddress } from './addresses.js'

/**
 * Not globally reachable, plus multicast (RFC 5771), which has no connections. 192.0.0.0/24 is
 * listed whole: its few reachable anycast addresses (RFC 7723, RFC 8155) are not web servers.
 */
const LOCAL_IPV4 = [
  ...[
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
  ],
  ...['192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]

/**
 * Ranges of the Internet's unicast addresses (RFC 4291 §2.4, RFC 6052 §2.1); everything else is
 * local.
 */
const GLOBAL_IPV6 = ['2000::/3', '64:ff9b::/96']

/**
 * Local addresses inside those ranges: protocol assignments with Teredo (RFC 2928), documentation
 * (RFC 3849, RFC 9637), 6to4 (RFC 3056; it may embed a private IPv4 address).
 */
const LOCAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

/**
 * Maximum size of the memory; beyond it, everything is dropped: recomputing an address takes a few
 * microseconds.
 */
const MAX_KNOWN_ADDRESSES = 4_096
const known = new Map<string, boolean>()

interface BlockLists {
  readonly ipv4: BlockList
  readonly global: BlockList
  readonly ipv6: BlockList
}

/** Created on first use, i.e. not before a connection could be shared. */
let lists: BlockLists | undefined

/**
 * Whether `address` is not globally reachable. `false` for invalid text and for unspecified
 * addresses.
 */
export function isSpecialPurpose(address: string): boolean {
  const text = canonicalAddress(address)
  if (text === undefined) return false
  let local = known.get(text)
  if (local !== undefined) return local
  local = ask(text)
  if (known.size >= MAX_KNOWN_ADDRESSES) known.clear()
  known.set(text, local)
  return local
}

function ask(canonical: string): boolean {
  lists ??= makeLists()
  const { ipv4, global, ipv6 } = lists
  if (isIPv4(canonical)) return ipv4.check(canonical)
  return !global.check(canonical, 'ipv6') || ipv6.check(canonical, 'ipv6')
}

function makeLists(): BlockLists {
  return {
    ipv4: blockList('ipv4', LOCAL_IPV4),
    global: blockList('ipv6', GLOBAL_IPV6),
    // NAT64 with the well-known prefix leads to the embedded IPv4 address (RFC 6052 §2.2).
    ipv6: blockList('ipv6', [...LOCAL_IPV6, ...LOCAL_IPV4.map(behindNat64)]),
  }
}

function blockList(family: 'ipv4' | 'ipv6', subnets: readonly string[]): BlockList {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [net, prefix] = subnet.split('/') as [string, string]
    list.addSubnet(net, Number(prefix), family)
  }
  return list
}

function behindNat64(subnet: string): string {
  const [net, prefix] = subnet.split('/') as [string, string]
  return `64:ff9b::${net}/${96 + Number(prefix)}`
}
