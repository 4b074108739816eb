/**
 * Which addresses a client may connect to. Judges addresses, not names, and the IPv4 address inside IPv6: mapped, compatible,
 * NAT64 with the well-known prefix, and 6to4. Must not know how connections are made.
 */

import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { BoundedCache } from '../runtime/bounded-cache.js'
import { invalidOption, ownOptions } from '../schema/option-checks.js'
import { namesOf, type OptionSchema, value } from '../schema/schema.js'
import { canonicalAddress, dotted } from './addresses.js'
import { isSpecialPurpose } from './special-purpose.js'

/**
 * Addresses that a client may connect to. `any` is all of them; `public` is those that are globally reachable by the IANA special-purpose
 * registries (RFC 6890), without multicast and without the metadata services of clouds.
 */
export type AddressPolicyOption = 'any' | 'public' | AddressRules

/** Ranges in CIDR notation, such as `10.0.0.0/8`, single addresses, or `public`. */
export interface AddressRules {
  /** Addresses that are allowed. @default all */
  readonly allow?: readonly string[]
  /** Addresses that are not allowed, even if `allow` contains them. */
  readonly deny?: readonly string[]
}

/** Options of `addressPolicy`. */
export const ADDRESS_RULES: OptionSchema<AddressRules> = {
  allow: value('a list of CIDR ranges, addresses, `public`', 'all'),
  deny: value('a list of CIDR ranges, addresses, `public`', 'none'),
}

const NAMES = namesOf(ADDRESS_RULES)
const PUBLIC = 'public'

/** Maximum number of addresses whose verdict one policy remembers. */
const MAX_REMEMBERED = 4_096

/** Globally reachable by the registries, but a metadata service inside Azure. */
const CLOUD_SERVICES: ReadonlySet<string> = new Set(['168.63.129.16'])

/** A checked policy. */
export class AddressPolicy {
  /** Equal keys mean equal policies. */
  readonly key: string
  readonly #allow: Ranges | undefined
  readonly #deny: Ranges
  readonly #verdicts = new BoundedCache<boolean>({ max: MAX_REMEMBERED })

  constructor(key: string, allow: Ranges | undefined, deny: Ranges) {
    this.key = key
    this.#allow = allow
    this.#deny = deny
  }

  /** Whether the client may connect to `address`. Unspecified addresses (`0.0.0.0`, `::`), which lead to this host, are never allowed. */
  allows(address: string): boolean {
    const text = canonicalAddress(withoutZone(address))
    if (text === undefined) return false
    let verdict = this.#verdicts.get(text)
    if (verdict === undefined) {
      verdict = this.#judge(text)
      this.#verdicts.set(text, verdict)
    }
    return verdict
  }

  #judge(text: string): boolean {
    const embedded = embeddedIPv4(text)
    // Denied is what contains either address; allowed by `public` is what has two public ones.
    if (this.#deny.contains(text, undefined) || (embedded !== undefined && this.#deny.contains(embedded, undefined))) return false
    return this.#allow === undefined || this.#allow.contains(text, embedded)
  }
}

/** A list of ranges. */
class Ranges {
  // Two lists: in one, Node matches IPv4 addresses against ranges of IPv6.
  readonly #ipv4: BlockList = new BlockList()
  readonly #ipv6: BlockList = new BlockList()
  #hasPublic = false

  /** @throws UsageError `ERR_INVALID_OPTION` for an entry that is not a range. */
  constructor(entries: readonly string[], name: string) {
    for (const entry of entries) {
      if (entry === PUBLIC) this.#hasPublic = true
      else if (!this.#add(entry)) throw invalidOption(name, 'CIDR ranges such as "10.0.0.0/8", addresses or "public"', entry)
    }
  }

  /** @param text a canonical address. @param embedded the IPv4 address inside, which `public` requires to be public as well. */
  contains(text: string, embedded: string | undefined): boolean {
    if (this.#hasPublic && isPublic(text) && (embedded === undefined || isPublic(embedded))) return true
    return this.#lists(text) || (embedded !== undefined && this.#lists(embedded))
  }

  #lists(text: string): boolean {
    return isIPv4(text) ? this.#ipv4.check(text) : this.#ipv6.check(text, 'ipv6')
  }

  #add(entry: unknown): boolean {
    if (typeof entry !== 'string') return false
    const slash = entry.indexOf('/')
    const given = slash === -1 ? entry : entry.slice(0, slash)
    const written = isIPv4(given) ? 4 : isIPv6(given) && !given.includes('%') ? 6 : 0
    if (written === 0) return false
    const bits = written === 4 ? 32 : 128
    const prefix = slash === -1 ? bits : prefixOf(entry.slice(slash + 1), bits)
    if (prefix === undefined) return false
    // Mapped ranges such as ::ffff:10.0.0.0/104 are ranges of IPv4, as mapped addresses are.
    const mapped = written === 6 && prefix >= 96 ? canonicalAddress(given) : undefined
    if (mapped !== undefined && isIPv4(mapped)) this.#ipv4.addSubnet(mapped, prefix - 96, 'ipv4')
    else if (written === 4) this.#ipv4.addSubnet(given, prefix, 'ipv4')
    else this.#ipv6.addSubnet(given, prefix, 'ipv6')
    return true
  }
}

/** Returns the number after the slash, 0 to `most`. */
function prefixOf(text: string, most: number): number | undefined {
  if (text.length === 0 || text.length > 3) return undefined
  for (const digit of text) if (digit < '0' || digit > '9') return undefined
  const prefix = Number(text)
  return prefix <= most ? prefix : undefined
}

function isPublic(text: string): boolean {
  return !isSpecialPurpose(text) && !CLOUD_SERVICES.has(text)
}

function withoutZone(address: string): string {
  const percent = address.indexOf('%')
  return percent === -1 ? address : address.slice(0, percent)
}

/**
 * Returns the IPv4 address that packets to an IPv6 address lead to: through NAT64 (RFC 6052 §2.1) and 6to4 (RFC 3056 §2), or as
 * IPv4-compatible (RFC 4291 §2.5.5.1).
 */
function embeddedIPv4(text: string): string | undefined {
  if (!text.includes(':')) return undefined
  const groups = groupsOf(text)
  const leading = groups.slice(0, 6)
  const isCompatible = leading.every((group) => group === 0) && groups[6]! !== 0
  const isNat64 = leading[0] === 0x64 && leading[1] === 0xff9b && leading.slice(2).every((group) => group === 0)
  if (isCompatible || isNat64) return dotted(groups[6]!, groups[7]!)
  return groups[0] === 0x2002 ? dotted(groups[1]!, groups[2]!) : undefined
}

/** Returns the eight groups of a canonical IPv6 address. */
function groupsOf(text: string): number[] {
  const [head = '', tail] = text.split('::')
  const first = parseGroups(head)
  const last = tail === undefined ? [] : parseGroups(tail)
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
}

function parseGroups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

const PUBLIC_POLICY = 'public'
/** Policies by key: requests with equal rules share one object. */
const known = new BoundedCache<AddressPolicy>({ max: 1_024 })

/**
 * Checks the option; returns `undefined` for `any`.
 * @param name name of the option in errors.
 * @throws UsageError `ERR_INVALID_OPTION`, `ERR_UNKNOWN_OPTION`.
 */
export function resolveAddressPolicy(given: AddressPolicyOption | undefined, name: string): AddressPolicy | undefined {
  if (given === undefined || given === 'any') return undefined
  if (given === 'public') return remembered(PUBLIC_POLICY, () => [new Ranges([PUBLIC], name), new Ranges([], name)])
  if (typeof given !== 'object' || given === null)
    throw invalidOption(name, '"any", "public" or an object with allow and deny', given)
  const { allow, deny } = ownOptions(given, NAMES, `${name}.`)
  const [allowed, denied] = [listOf(allow, `${name}.allow`), listOf(deny, `${name}.deny`)]
  return remembered(JSON.stringify([allowed, denied]), () => [
    allowed === undefined ? undefined : new Ranges(allowed, `${name}.allow`),
    new Ranges(denied ?? [], `${name}.deny`),
  ])
}

function listOf(given: readonly string[] | undefined, name: string): readonly string[] | undefined {
  if (given === undefined || Array.isArray(given)) return given
  throw invalidOption(name, 'a list of CIDR ranges, addresses or "public"', given)
}

function remembered(key: string, make: () => [allow: Ranges | undefined, deny: Ranges]): AddressPolicy {
  let policy = known.get(key)
  if (policy === undefined) {
    policy = new AddressPolicy(key, ...make())
    known.set(key, policy)
  }
  return policy
}
