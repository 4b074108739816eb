// For random hosts, certificates and addresses the policy says yes exactly where a plain model of the rules does.
import { checkServerIdentity } from 'node:tls'
import { coalescing } from '@unshard/coalescing'
import { type Certificate, parseOrigin } from '@unshard/core'
import fc from 'fast-check'
import { certificateFor, connectionTo, dialTo, targetFor } from './fixtures.js'
import { mayServe, type World } from './reference-model.js'

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
const CERTIFICATES: { names: string[]; from: number; to: number }[] = [
  { names: ['*.example.com'], from: -DAY, to: DAY },
  { names: ['a.example.com', 'b.example.com', '*.b.example.com'], from: -DAY, to: DAY },
  { names: ['*.co.uk', 'www.a.co.uk'], from: -DAY, to: DAY },
  { names: ['*.co.uk', '*.a.co.uk', 'a.co.uk', '*.test'], from: -DAY, to: DAY },
  { names: ['*.com', '*.*.example.com', 'a*.example.com', 'B.Test', '*.B.test'], from: -DAY, to: DAY },
  { names: ['*.example.com'], from: -2 * DAY, to: -DAY },
  { names: ['*.example.com', '*.b.test'], from: DAY, to: 2 * DAY },
]
/** Octets, and ways to write them. */
const PLACES: { octets: number[]; texts: string[] }[] = [
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

/** Mostly what lets a request through, so that the later rules are reached. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })
const url = fc
  .tuple(mostly('https', 'http'), fc.constantFrom(...HOSTS), mostly('', ':443', ':8443'))
  .map(([scheme, host, port]) => `${scheme}://${host}${port}`)
const place = fc
  .constantFrom(...PLACES)
  .chain(({ octets, texts }) => fc.record({ octets: fc.constant(octets), text: fc.constantFrom(...texts) }))
const scenario = fc.record({
  own: url,
  other: url,
  certificate: fc.nat(CERTIFICATES.length - 1),
  connected: place,
  resolved: fc.array(place, { maxLength: 4 }),
  includeConnected: mostly(true, false),
  remotePort: mostly<number | undefined>(undefined, 443, 8443),
  h2: mostly(true, false),
  state: mostly<'open' | 'draining' | 'closed'>('open', 'draining', 'closed'),
  capacity: mostly(100, 1, 0),
  sameKey: mostly(true, false),
  clientCertificate: mostly(false, true),
  authorized: mostly(true, false),
  permissiveOwnCheck: fc.boolean(),
  originSet: mostly<string[] | undefined>(
    undefined,
    [],
    HOSTS.slice(0, 2).map((host) => `https://${host}`),
    ['https://b.test:8443'],
  ),
  deny: mostly<string[]>([], ['a.example.com'], ['b.test', 'www.a.co.uk']),
  misdirected: mostly(false, true),
})

test('no random connection serves an origin that the plain model refuses, and none is refused that it grants', () => {
  let granted = 0
  fc.assert(
    fc.property(scenario, (s) => {
      const certificate = issued[s.certificate]!
      const { names, from, to } = CERTIFICATES[s.certificate]!
      const { hostname: otherHost } = new URL(s.other)
      const ownCheck = (host: string) => (s.permissiveOwnCheck ? undefined : checkServerIdentity(host, certificate.peer))
      const resolved = s.includeConnected ? [...s.resolved, s.connected] : s.resolved
      const remotePort = s.remotePort ?? parseOrigin(s.own).port
      const world: World = {
        ...s,
        ownUrl: s.own,
        otherUrl: s.other,
        names,
        validFromMs: Math.floor((NOW + from) / 1_000) * 1_000,
        validToMs: Math.floor((NOW + to) / 1_000) * 1_000,
        nowMs: NOW,
        ownCheckPasses: ownCheck(otherHost) === undefined,
        connected: s.connected.octets,
        remotePort,
        resolved: resolved.map(({ octets }) => octets),
      }
      const k = connectionTo(certificate, {
        origin: s.own,
        protocol: s.h2 ? 'h2' : 'http/1.1',
        state: s.state,
        capacity: s.capacity,
        clientCertificate: s.clientCertificate,
        authorized: s.authorized,
        remoteAddress: s.connected.text,
        remotePort,
        ...(s.originSet === undefined ? {} : { originSet: s.originSet }),
      })
      const target = targetFor(s.other, {
        reuseKey: s.sameKey ? 'key' : 'another',
        addresses: resolved.map(({ text }) => text),
        verify: ownCheck,
      })
      const policy = coalescing({ deny: s.deny, clock: { now: () => NOW } })
      if (s.misdirected) policy.misdirected(k, target.origin)
      const verdict = policy.verdict(k, target)
      expect('use' in verdict && verdict.use).toBe(mayServe(world))
      if ('use' in verdict && verdict.use) granted++
      // Whoever may be served by the connection would have waited for its dial.
      const dial = dialTo({ origin: s.own, addresses: [s.connected.text], port: remotePort })
      const waits = 'wait' in policy.verdict(dial, target)
      if ('use' in verdict && verdict.use) expect(waits).toBe(true)
    }),
    { numRuns: 10_000 },
  )
  expect(granted).toBeGreaterThan(100)
})
