// The rules again, in the simplest form, on plain data and by other means than the policy: no
// X509Certificate, no tldts, no SocketAddress, no BlockList, no regular expression over names.
// Anything unclear is a refusal.

export interface Facts {
  readonly ownUrl: string
  readonly otherUrl: string
  /** Names the certificate was issued for. */
  readonly names: readonly string[]
  readonly validFromMs: number
  readonly validToMs: number
  readonly nowMs: number
  readonly h2: boolean
  readonly confirmed: boolean
  readonly state: 'open' | 'draining' | 'closed'
  readonly capacity: number
  readonly sameKey: boolean
  readonly clientCertificate: boolean
  readonly authorized: boolean
  readonly lenient: boolean
  readonly ownCheckPasses: boolean
  readonly tunnel: boolean
  /** Bytes of the address, 4 or 16. */
  readonly connected: readonly number[]
  readonly remotePort: number
  /** Addresses that A's host had resolved to. */
  readonly ownResolved: readonly (readonly number[])[]
  /** `undefined` if the host was not resolved. */
  readonly resolved: readonly (readonly number[])[] | undefined
  readonly originSet: readonly string[] | undefined
  readonly mode: 'off' | 'origin-frame' | 'address'
  readonly allow: readonly (readonly string[])[]
  readonly deny: readonly string[]
  readonly wildcards: 'any' | 'declared'
  readonly trustOriginFrame: boolean
  readonly allowUnauthorized: boolean
  /** Time since the server answered 421, in milliseconds. */
  readonly misdirectedMs: number | undefined
}

const SUFFIXES = new Set(['com', 'test', 'uk', 'co.uk', 'example'])
const MINUTE = 60_000

/**
 * Returns the evidence for sharing, with `trial` if one request has to go first; `undefined` if the
 * connection must not serve the origin.
 */
export function mayServe(facts: Facts): { because: string; trial: boolean } | undefined {
  const own = new URL(facts.ownUrl)
  const other = new URL(facts.otherUrl)
  const ownPort = own.port === '' ? 443 : Number(own.port)
  const otherPort = other.port === '' ? 443 : Number(other.port)
  const declared = facts.allow.some((group) => inGroup(group, own.hostname) && inGroup(group, other.hostname))
  const named = facts.names.some((name) => !name.includes('*') && covers(name, other.hostname))
  const listed = facts.originSet?.includes(other.origin)
  const trusted = facts.trustOriginFrame && listed === true
  const age = facts.misdirectedMs ?? Number.POSITIVE_INFINITY
  const holds = [
    facts.mode !== 'off',
    !inGroup(facts.deny, own.hostname) && !inGroup(facts.deny, other.hostname),
    own.protocol === 'https:' && other.protocol === 'https:',
    isName(own.hostname) && isName(other.hostname),
    ownPort === otherPort && (facts.tunnel || facts.remotePort === otherPort),
    facts.h2 && facts.confirmed && facts.state === 'open' && facts.capacity > 0,
    facts.sameKey,
    !facts.clientCertificate,
    facts.allowUnauthorized || (facts.authorized && !facts.lenient),
    facts.validFromMs <= facts.nowMs && facts.nowMs <= facts.validToMs,
    facts.ownCheckPasses,
    facts.names.some((name) => covers(name, other.hostname)),
    facts.wildcards === 'any' || named || declared,
    trusted || (facts.tunnel ? declared : leadsThere(facts)),
    listed !== false,
    facts.mode !== 'origin-frame' || listed === true || declared,
    age >= 5 * MINUTE,
  ].every((rule) => rule)
  if (!holds) return undefined
  const word = trusted ? 'origin-set' : facts.tunnel ? 'declared' : 'address'
  return { because: `${word}-and-certificate`, trial: age < 60 * MINUTE }
}

function isName(host: string): boolean {
  const labels = host.split('.')
  return !host.startsWith('[') && labels.every((label) => label !== '') && Number.isNaN(Number(labels.at(-1)))
}

function inGroup(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('*') ? host.split('.').slice(1).join('.') === pattern.slice(2) && !host.startsWith('.') : pattern === host,
  )
}

function covers(pattern: string, host: string): boolean {
  const wanted = pattern.toLowerCase().split('.')
  const labels = host.split('.')
  if (wanted[0] !== '*') return !pattern.includes('*') && pattern.toLowerCase() === host
  const parent = wanted.slice(1).join('.')
  return wanted.length >= 3 && !parent.includes('*') && !SUFFIXES.has(parent) && labels.slice(1).join('.') === parent
}

function leadsThere({ resolved = [], connected, ownResolved }: Facts): boolean {
  if (!resolved.some((octets) => samePlace(octets, connected))) return false
  return (
    !isPrivate(connected) ||
    (ownResolved.some((octets) => samePlace(octets, connected)) && resolved.every((octets) => isPrivate(octets)))
  )
}

function samePlace(one: readonly number[], other: readonly number[]): boolean {
  const a = widen(one)
  const b = widen(other)
  return !isUnspecified(a) && a.every((byte, i) => byte === b[i])
}

/** For the addresses that the property uses. */
function isPrivate(octets: readonly number[]): boolean {
  const a = widen(octets)
  const mapped = a.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255'
  if (isUnspecified(a)) return false
  if (mapped) return [10, 127].includes(a[12]!) || a.slice(12, 15).join() === '192,0,2'
  return a[0] !== 0x20 || a.slice(0, 4).join() === '32,1,13,184'
}

/** `::` and `::ffff:0.0.0.0`, byte by byte. */
function isUnspecified(octets: readonly number[]): boolean {
  const prefix = octets.slice(0, 12).join()
  return (
    octets.slice(12).join() === '0,0,0,0' && (prefix === '0,0,0,0,0,0,0,0,0,0,0,0' || prefix === '0,0,0,0,0,0,0,0,0,0,255,255')
  )
}

function widen(octets: readonly number[]): readonly number[] {
  return octets.length === 16 ? octets : [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...octets]
}
