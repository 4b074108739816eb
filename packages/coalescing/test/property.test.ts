// For random hosts, certificates and addresses the policy grants exactly what a simple model of the
// rules grants.
import { checkServerIdentity } from 'node:tls'
import { coalescing } from '@unshard/coalescing'
import { type Certificate, parseOrigin } from '@unshard/core'
import fc from 'fast-check'
import { certificateFor, connectionTo, dialTo, targetFor } from './fixtures.js'
import { type Facts, mayServe } from './reference-model.js'

const NOW = Date.now()
const DAY = 86_400_000
const HOSTS = [
  'a.example.com',
  'b.example.com',
  'a.b.example.com',
  'example.com',
  'b.test',
  'c.b.test',
  'a.co.uk',
  'www.a.co.uk',
  'xn--bcher-kva.example.com',
  'a.example.com.',
  '192.0.2.1',
  '[2001:db8::1]',
  'B.EXAMPLE.com',
]
const USUAL = ['a.example.com', 'b.example.com', 'a.b.example.com']
const CERTIFICATES: { names: string[]; from: number; to: number }[] = [
  { names: ['*.example.com'], from: -DAY, to: DAY },
  { names: ['a.example.com', 'b.example.com', '*.b.example.com'], from: -DAY, to: DAY },
  { names: ['*.co.uk', 'www.a.co.uk'], from: -DAY, to: DAY },
  { names: ['*.co.uk', '*.a.co.uk', 'a.co.uk', '*.test'], from: -DAY, to: DAY },
  { names: ['*.com', '*.*.example.com', 'a*.example.com', 'B.Test', '*.B.test'], from: -DAY, to: DAY },
  { names: ['*.example.com'], from: -2 * DAY, to: -DAY },
  { names: ['*.example.com', '*.b.test'], from: DAY, to: 2 * DAY },
]
/** Bytes of addresses, and ways to write them. */
const PLACES: { octets: number[]; texts: string[] }[] = [
  { octets: [93, 184, 216, 1], texts: ['93.184.216.1', '::ffff:93.184.216.1', '::FFFF:5db8:D801', '0:0:0:0:0:ffff:5db8:d801'] },
  { octets: [93, 184, 216, 2], texts: ['93.184.216.2'] },
  { octets: [0x20, 1, 0x48, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], texts: ['2001:4860::1', '2001:4860:0:0::0:1'] },
  { octets: [10, 0, 0, 1], texts: ['10.0.0.1', '::ffff:a00:1'] },
  { octets: [127, 0, 0, 1], texts: ['127.0.0.1'] },
  { octets: [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], texts: ['fd00::1', 'FD00:0::1'] },
  { octets: [192, 0, 2, 1], texts: ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:c000:0201'] },
  { octets: [192, 0, 2, 2], texts: ['192.0.2.2', '::ffff:192.0.2.2'] },
  { octets: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], texts: ['2001:db8::1', '2001:DB8:0:0::0:1'] },
  { octets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1], texts: ['::192.0.2.1', '::c000:201'] },
  { octets: [0, 0, 0, 0], texts: ['0.0.0.0', '::ffff:0.0.0.0'] },
  { octets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], texts: ['::', '0:0::0'] },
]

const issued: Certificate[] = []

beforeAll(async () => {
  for (const { names, from, to } of CERTIFICATES) {
    issued.push(await certificateFor(...names, { notBefore: new Date(NOW + from), notAfter: new Date(NOW + to) }))
  }
})

/** Usually the value that passes, so that later rules are reached. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 30, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
const url = fc
  .tuple(mostly('https', 'http'), fc.oneof(fc.constantFrom(...HOSTS), fc.constantFrom(...USUAL)), mostly('', ':443', ':8443'))
  .map(([scheme, host, port]) => `${scheme}://${host}${port}`)
const place = fc
  .constantFrom(...PLACES)
  .chain(({ octets, texts }) => fc.record({ octets: fc.constant(octets), text: fc.constantFrom(...texts) }))
/** Usually nothing has been misdirected. */
const NEVER: (number | undefined)[] = Array(15).fill(undefined)
const scenario = fc.record({
  own: url,
  other: url,
  certificate: fc.oneof(fc.constantFrom(0, 1), fc.nat(CERTIFICATES.length - 1)),
  connected: place,
  resolved: fc.array(place, { maxLength: 4 }),
  includeConnected: mostly(true, false),
  ownResolved: fc.array(place, { maxLength: 2 }),
  includeConnectedInOwn: mostly(true, false),
  known: mostly(true, false),
  tunnel: fc.constantFrom(false, false, true),
  remotePort: mostly<number | undefined>(undefined, 443, 8443),
  h2: mostly(true, false),
  confirmed: mostly(true, false),
  state: mostly<'open' | 'draining' | 'closed'>('open', 'draining', 'closed'),
  capacity: mostly(100, 1, 0),
  sameKey: mostly(true, false),
  clientCertificate: mostly(false, true),
  authorized: mostly(true, false),
  lenient: mostly(false, true),
  permissiveOwnCheck: fc.boolean(),
  originSet: fc.constantFrom<(string[] | undefined)[]>(
    undefined,
    undefined,
    [],
    HOSTS.slice(0, 2).map((host) => `https://${host}`),
    [...HOSTS.slice(0, 9), 'b.test:8443'].map((host) => `https://${host}`),
  ),
  mode: fc.constantFrom<('off' | 'origin-frame' | 'address')[]>(
    'address',
    'address',
    'address',
    'origin-frame',
    'origin-frame',
    'off',
  ),
  allow: fc.subarray([
    ['*.example.com'],
    ['a.example.com', 'b.test'],
    ['*.b.test', 'www.a.co.uk', 'a.co.uk'],
    ['*.b.example.com'],
  ]),
  deny: mostly<string[]>([], ['a.example.com'], ['b.test', 'www.a.co.uk'], ['*.b.example.com', '*.test']),
  wildcards: fc.constantFrom<('any' | 'declared')[]>('any', 'declared'),
  trust: fc.boolean(),
  allowUnauthorized: fc.boolean(),
  misdirectedMs: fc.constantFrom(...NEVER, 0, 299_999, 300_000, 3_599_999, 3_600_000),
})
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

/** The scenario as input of the model. */
function factsOf(s: Scenario): Facts {
  const certificate = issued[s.certificate]!
  const { names, from, to } = CERTIFICATES[s.certificate]!
  const octets = (places: Scenario['resolved'], include: boolean) =>
    [...places, ...(include ? [s.connected] : [])].map((each) => each.octets)
  return {
    ...s,
    ownUrl: s.own,
    otherUrl: s.other,
    names,
    validFromMs: Math.floor((NOW + from) / 1_000) * 1_000,
    validToMs: Math.floor((NOW + to) / 1_000) * 1_000,
    nowMs: NOW,
    ownCheckPasses: ownCheck(s, certificate)(new URL(s.other).hostname) === undefined,
    connected: s.connected.octets,
    remotePort: s.remotePort ?? parseOrigin(s.own).port,
    ownResolved: octets(s.ownResolved, s.includeConnectedInOwn),
    resolved: s.known ? octets(s.resolved, s.includeConnected) : undefined,
    trustOriginFrame: s.trust && s.mode === 'origin-frame',
  }
}

const ownCheck = (s: Scenario, certificate: Certificate) => (host: string) =>
  s.permissiveOwnCheck ? undefined : checkServerIdentity(host, certificate.peer)

/** The scenario as input of the policy. */
function askedOf(s: Scenario, { remotePort, trustOriginFrame }: Facts) {
  const certificate = issued[s.certificate]!
  const texts = (places: Scenario['resolved'], include: boolean) =>
    [...places, ...(include ? [s.connected] : [])].map((each) => each.text)
  const k = connectionTo(certificate, {
    ...{ origin: s.own, protocol: s.h2 ? 'h2' : 'http/1.1', confirmed: s.confirmed, state: s.state, capacity: s.capacity },
    ...{ clientCertificate: s.clientCertificate, authorized: s.authorized, lenient: s.lenient },
    ...{ remoteAddress: s.connected.text, remotePort, resolved: texts(s.ownResolved, s.includeConnectedInOwn) },
    ...(s.originSet === undefined ? {} : { originSet: s.originSet }),
    ...(s.tunnel ? { proxy: 'http://proxy.test' } : {}),
  })
  const target = targetFor(s.other, {
    reuseKey: s.sameKey ? 'key' : 'another',
    addresses: s.known ? texts(s.resolved, s.includeConnected) : undefined,
    verify: ownCheck(s, certificate),
    ...(s.tunnel ? { proxy: 'http://proxy.test' } : {}),
  })
  let now = NOW - (s.misdirectedMs ?? 0)
  const { mode, allow, deny, wildcards, allowUnauthorized } = s
  const clock = { now: () => now }
  const policy = coalescing({ mode, allow, deny, wildcards, allowUnauthorized, trustOriginFrame, clock })
  if (s.misdirectedMs !== undefined) policy.misdirected(k, target.origin)
  now = NOW
  return { policy, k, target }
}

test('on random connections the policy grants exactly what the reference model grants', () => {
  /** How often each grant reason occurred: a property that never reaches one proves nothing. */
  const granted = new Map<string, number>()
  fc.assert(
    fc.property(scenario, (s) => {
      const facts = factsOf(s)
      const { policy, k, target } = askedOf(s, facts)
      const verdict = policy.verdict(k, target)
      const used = 'use' in verdict && verdict.use ? { because: verdict.because, trial: verdict.trial ?? false } : undefined
      expect(used).toEqual(mayServe(facts))
      // Asking changes nothing.
      expect(policy.verdict(k, target)).toBe(verdict)
      if (used === undefined) return
      const name = used.trial ? 'trial' : used.because
      granted.set(name, (granted.get(name) ?? 0) + 1)
      // An origin that may use the connection would have waited for its dial, except by ORIGIN,
      // which is unknown until then.
      const dial = dialTo({ origin: s.own, addresses: [s.connected.text], port: facts.remotePort })
      if (used.because !== 'origin-set-and-certificate') expect('wait' in policy.verdict(dial, target)).toBe(true)
    }),
    { numRuns: 10_000 },
  )
  const all = ['address-and-certificate', 'declared-and-certificate', 'origin-set-and-certificate', 'trial']
  expect(all.filter((name) => (granted.get(name) ?? 0) < 10)).toEqual([])
}, 60_000)
