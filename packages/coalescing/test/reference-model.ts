// The rules once more, as plain as they can be said, on plain data and by other means than the policy: no X509Certificate, no tldts,
// no SocketAddress, no regular expression over names. Anything unclear is a refusal.

export interface World {
  readonly ownUrl: string
  readonly otherUrl: string
  /** What the certificate was issued for. */
  readonly names: readonly string[]
  readonly validFromMs: number
  readonly validToMs: number
  readonly nowMs: number
  readonly h2: boolean
  readonly state: 'open' | 'draining' | 'closed'
  readonly capacity: number
  readonly sameKey: boolean
  readonly clientCertificate: boolean
  readonly authorized: boolean
  readonly ownCheckPasses: boolean
  /** As octets, 4 or 16. */
  readonly connected: readonly number[]
  readonly remotePort: number
  readonly resolved: readonly (readonly number[])[]
  readonly originSet: readonly string[] | undefined
  readonly deny: readonly string[]
  readonly misdirected: boolean
}

const SUFFIXES = new Set(['com', 'test', 'uk', 'co.uk', 'example'])

export function mayServe(world: World): boolean {
  const own = new URL(world.ownUrl)
  const other = new URL(world.otherUrl)
  const ownPort = own.port === '' ? 443 : Number(own.port)
  const otherPort = other.port === '' ? 443 : Number(other.port)
  return [
    !world.misdirected,
    own.protocol === 'https:' && other.protocol === 'https:',
    isName(own.hostname) && isName(other.hostname),
    ownPort === otherPort && world.remotePort === otherPort,
    world.h2 && world.state === 'open' && world.capacity > 0,
    world.sameKey,
    !world.clientCertificate && world.authorized,
    world.validFromMs <= world.nowMs && world.nowMs <= world.validToMs,
    world.ownCheckPasses,
    world.names.some((name) => covers(name, other.hostname)),
    world.resolved.some((octets) => samePlace(octets, world.connected)),
    world.originSet === undefined || world.originSet.includes(other.origin),
    !world.deny.includes(own.hostname) && !world.deny.includes(other.hostname),
  ].every((rule) => rule)
}

function isName(host: string): boolean {
  const labels = host.split('.')
  return !host.startsWith('[') && labels.every((label) => label !== '') && Number.isNaN(Number(labels.at(-1)))
}

function covers(pattern: string, host: string): boolean {
  const wanted = pattern.toLowerCase().split('.')
  const labels = host.split('.')
  if (wanted[0] !== '*') return !pattern.includes('*') && pattern.toLowerCase() === host
  const parent = wanted.slice(1).join('.')
  return wanted.length >= 3 && !parent.includes('*') && !SUFFIXES.has(parent) && labels.slice(1).join('.') === parent
}

function samePlace(one: readonly number[], other: readonly number[]): boolean {
  const a = widen(one)
  const b = widen(other)
  return !isUnspecified(a) && a.every((octet, i) => octet === b[i])
}

/** `::` and `::ffff:0.0.0.0`, octet by octet. */
function isUnspecified(octets: readonly number[]): boolean {
  const prefix = octets.slice(0, 12).join()
  return (
    octets.slice(12).join() === '0,0,0,0' && (prefix === '0,0,0,0,0,0,0,0,0,0,0,0' || prefix === '0,0,0,0,0,0,0,0,0,0,255,255')
  )
}

function widen(octets: readonly number[]): readonly number[] {
  return octets.length === 16 ? octets : [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...octets]
}
