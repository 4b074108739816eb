// Rules 1 to 7 of the policy with each of their reasons, and dials. Rule 8 is in places.test.ts, 9
// in origin-frame.test.ts, 10 in deny-memory.test.ts.
import { checkServerIdentity } from 'node:tls'
import { type CoalescingOptions, coalescing } from '@unshard/coalescing'
import { type Certificate, type Connection, type Origin, parseOrigin, type ReusePolicy, type Target } from '@unshard/core'
import { type ConnectionSettings, certificateFor, connectionTo, dialTo, handshake, targetFor, theAuthority } from './fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const WAIT = { wait: true, because: 'handshake-under-way' }
const refuse = (because: string) => ({ use: false, because })

let certificate: Certificate
let manyNames: Certificate
let policy: Required<ReusePolicy>

beforeAll(async () => {
  certificate = await certificateFor('*.example.com', 'other.test')
  manyNames = await certificateFor('*.example.com', 'x.b.example.com', 'y.x.b.example.com', 'x.exact.test')
})
beforeEach(() => {
  policy = coalescing()
})

const connection = (settings?: ConnectionSettings): Connection => connectionTo(certificate, settings)
const withOrigin = (changes: Partial<Origin>): Origin => ({ ...parseOrigin(B), ...changes })

test('all rules hold: the connection is used', () => {
  expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
})

test('all rules hold for the certificate of a real TLS handshake', async () => {
  const credentials = await (await theAuthority()).issue({ names: ['a.example.com', 'b.example.com'] })
  const { authorized, ...shown } = await handshake(credentials, 'a.example.com')
  expect(authorized).toBe(true)
  const k = connectionTo(shown, { authorized })
  expect(policy.verdict(k, targetFor(B))).toEqual(USE)
  expect(policy.verdict(k, targetFor('https://c.example.com'))).toEqual(refuse('certificate-does-not-cover-host'))
  policy.misdirected(k, parseOrigin(B))
  expect(policy.verdict(k, targetFor(B))).toEqual(refuse('misdirected-before'))
})

describe('rule 1: the options', () => {
  test('coalescing-off: nothing is shared, and no dial is waited for', () => {
    policy = coalescing({ mode: 'off', allow: [['*.example.com']] })
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('coalescing-off'))
    expect(policy.verdict(dialTo(), targetFor(B))).toEqual(refuse('coalescing-off'))
  })

  test('address is the default mode', () => {
    policy = coalescing({ mode: 'address' })
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
  })

  test('denied-by-option: such a host neither joins another connection nor lets others join', () => {
    policy = coalescing({ deny: ['B.example.com', 'bücher.example.com'] })
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('denied-by-option'))
    expect(policy.verdict(connection({ origin: B }), targetFor(A))).toEqual(refuse('denied-by-option'))
    expect(policy.verdict(connection(), targetFor('https://xn--bcher-kva.example.com'))).toEqual(refuse('denied-by-option'))
    expect(policy.verdict(dialTo(), targetFor(B))).toEqual(refuse('denied-by-option'))
    expect(policy.verdict(dialTo({ origin: B }), targetFor(A))).toEqual(refuse('denied-by-option'))
    expect(policy.verdict(connection(), targetFor('https://c.example.com'))).toEqual(USE)
  })

  test('denied-by-option: a pattern matches exactly one label, on either side', () => {
    policy = coalescing({ deny: ['*.b.example.com', 'exact.test'] })
    const wide = connectionTo(manyNames, { origin: 'https://x.b.example.com' })
    expect(policy.verdict(wide, targetFor(B))).toEqual(refuse('denied-by-option'))
    expect(policy.verdict(connectionTo(manyNames), targetFor('https://x.b.example.com'))).toEqual(refuse('denied-by-option'))
    expect(policy.verdict(connectionTo(manyNames), targetFor(B))).toEqual(USE)
    expect(policy.verdict(connectionTo(manyNames), targetFor('https://y.x.b.example.com'))).toEqual(USE)
    expect(policy.verdict(connectionTo(manyNames), targetFor('https://x.exact.test'))).toEqual(USE)
  })

  test('allow adds and never restricts: hosts without a group are shared as before', () => {
    policy = coalescing({ allow: [['a.example.com', 'x.test']] })
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
    expect(policy.groupsOf(parseOrigin(B))).toEqual([])
  })

  test('allow replaces neither the certificate nor the address', () => {
    policy = coalescing({ allow: [['*.example.com', 'victim.test']] })
    expect(policy.verdict(connection(), targetFor('https://victim.test'))).toEqual(refuse('certificate-does-not-cover-host'))
    expect(policy.verdict(connection(), targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(refuse('address-differs'))
    expect(policy.verdict(connection(), targetFor(B, { addresses: undefined }))).toEqual(refuse('addresses-unknown'))
    expect(policy.verdict(dialTo(), targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(refuse('address-differs'))
  })
})

describe('rule 2: names and ports', () => {
  test.each([
    [A, 'http://b.example.com'],
    ['http://a.example.com', B],
    ['http://a.example.com', 'http://b.example.com'],
  ])('not-https: %s for %s', (own, other) => {
    expect(policy.verdict(connection({ origin: own }), targetFor(other))).toEqual(refuse('not-https'))
  })

  test.each([
    [A, 'https://93.184.216.1'],
    ['https://93.184.216.1', B],
    ['https://[2001:db8::1]', B],
    [A, 'https://[::ffff:93.184.216.1]'],
  ])('ip-literal: %s for %s', async (own, other) => {
    const covering = await certificateFor('*.example.com', { ips: ['93.184.216.1', '2001:db8::1'] })
    expect(policy.verdict(connectionTo(covering, { origin: own }), targetFor(other))).toEqual(refuse('ip-literal'))
  })

  test.each([
    'b.example.com.',
    'b..example.com',
    '.example.com',
    'B.example.com',
    'b!.example.com',
    '*.example.com',
    '',
    'x.5',
    '-.com',
  ])('not-a-dns-name: %j', (host) => {
    expect(policy.verdict(connection(), targetFor(withOrigin({ host })))).toEqual(refuse('not-a-dns-name'))
  })

  test.each([
    [A, 'https+unix://%2Frun%2Fb.sock/'],
    ['https+unix://%2Frun%2Fa.sock/', B],
  ])('not-a-dns-name: an origin on a Unix socket: %s for %s', async (own, other) => {
    const covering = connectionTo(await certificateFor('*.example.com', 'localhost'), { origin: own })
    expect(policy.verdict(covering, targetFor(other))).toEqual(refuse('not-a-dns-name'))
  })

  test('not-a-dns-name: a trailing dot on the connection', () => {
    expect(policy.verdict(connection({ origin: 'https://a.example.com.' }), targetFor(B))).toEqual(refuse('not-a-dns-name'))
  })

  test.each([
    ['the other origin', { origin: A }, 'https://b.example.com:8443'],
    ['the own origin', { origin: 'https://a.example.com:8443' }, B],
    ['the socket', { origin: A, remotePort: 8443 }, B],
    ['the own origin, although the socket agrees', { origin: A, remotePort: 8443 }, 'https://b.example.com:8443'],
    ['no socket', { origin: A, remotePort: undefined }, B],
  ])('port-differs: %s', (_, settings, other) => {
    expect(policy.verdict(connection(settings), targetFor(other))).toEqual(refuse('port-differs'))
  })

  test('a non-default port that both origins have is no obstacle', () => {
    expect(policy.verdict(connection({ origin: 'https://a.example.com:8443' }), targetFor('https://b.example.com:8443'))).toEqual(
      USE,
    )
  })
})

describe('rule 3: the engine', () => {
  test('not-h2', () => {
    expect(policy.verdict(connection({ protocol: 'http/1.1' }), targetFor(B))).toEqual(refuse('not-h2'))
  })

  test("settings-outstanding: the server's limits are not known yet", () => {
    expect(policy.verdict(connection({ confirmed: false }), targetFor(B))).toEqual(refuse('settings-outstanding'))
  })

  test.each(['draining', 'closed'] as const)('draining: %s', (state) => {
    expect(policy.verdict(connection({ state }), targetFor(B))).toEqual(refuse('draining'))
  })

  test('no-capacity: the server accepts no requests at all', () => {
    expect(policy.verdict(connection({ capacity: 0 }), targetFor(B))).toEqual(refuse('no-capacity'))
  })

  test('an idle connection that is being verified has no capacity now but is still shared', () => {
    const doubting = { ...connection({ capacity: 0 }), verifying: true }
    expect(policy.verdict(doubting, targetFor(B))).toMatchObject({ use: true })
  })

  test('a busy connection is shared: the request is queued', () => {
    expect(policy.verdict(connection({ capacity: 0, active: 100 }), targetFor(B))).toMatchObject({ use: true })
  })
})

test('4, 5: options-differ', () => {
  expect(policy.verdict(connection(), targetFor(B, { reuseKey: 'another' }))).toEqual(refuse('options-differ'))
})

describe('rule 6: client certificates and verification', () => {
  test('client-certificate', () => {
    expect(policy.verdict(connection({ clientCertificate: true }), targetFor(B))).toEqual(refuse('client-certificate'))
  })

  test('unauthorized', () => {
    expect(policy.verdict(connection({ authorized: false }), targetFor(B))).toEqual(refuse('unauthorized'))
  })

  test('verification-off: it was verified, but would have been accepted unverified as well', () => {
    expect(policy.verdict(connection({ lenient: true }), targetFor(B))).toEqual(refuse('verification-off'))
  })

  test('allowUnauthorized disables both checks and nothing else', () => {
    policy = coalescing({ allowUnauthorized: true })
    const careless = { authorized: false, lenient: true }
    expect(policy.verdict(connection(careless), targetFor(B))).toEqual(USE)
    expect(policy.verdict(connection({ lenient: true }), targetFor(B))).toEqual(USE)
    expect(policy.verdict(connection({ ...careless, clientCertificate: true }), targetFor(B))).toEqual(
      refuse('client-certificate'),
    )
    expect(policy.verdict(connectionTo(undefined, careless), targetFor(B))).toEqual(refuse('certificate-unknown'))
    expect(policy.verdict(connection(careless), targetFor('https://victim.test'))).toEqual(
      refuse('certificate-does-not-cover-host'),
    )
  })

  test('certificate-unknown', () => {
    expect(policy.verdict(connectionTo(undefined), targetFor(B))).toEqual(refuse('certificate-unknown'))
  })
})

describe('rule 7: the certificate', () => {
  test('certificate-expired: before and after its validity period, both ends included', async () => {
    const notBefore = new Date('2026-01-01T00:00:00Z')
    const notAfter = new Date('2026-02-01T00:00:00Z')
    const short = connectionTo(await certificateFor('*.example.com', { notBefore, notAfter }))
    const at = (now: number) => coalescing({ clock: { now: () => now } }).verdict(short, targetFor(B))
    expect(at(notBefore.getTime() - 1)).toEqual(refuse('certificate-expired'))
    expect(at(notBefore.getTime())).toEqual(USE)
    expect(at(notAfter.getTime())).toEqual(USE)
    expect(at(notAfter.getTime() + 1)).toEqual(refuse('certificate-expired'))
  })

  test("certificate-does-not-cover-host: the client's own check is called with the certificate and may refuse or throw", () => {
    const seen: unknown[] = []
    const verify = (host: string, shown: Certificate) => {
      seen.push(host, shown)
      return new Error('pin mismatch')
    }
    const throwing = () => {
      throw new Error('no')
    }
    expect(policy.verdict(connection(), targetFor(B, { verify }))).toEqual(refuse('certificate-does-not-cover-host'))
    expect(seen).toEqual(['b.example.com', certificate])
    expect(policy.verdict(connection(), targetFor(B, { verify: throwing }))).toEqual(refuse('certificate-does-not-cover-host'))
  })

  test('the own check is called each time, and null passes as it does in tls.connect', () => {
    let answer: unknown = null
    const target = targetFor(B, { verify: () => answer as undefined })
    expect(policy.verdict(connection(), target)).toEqual(USE)
    answer = new Error('revoked since')
    expect(policy.verdict(connection(), target)).toEqual(refuse('certificate-does-not-cover-host'))
  })

  test('certificate-does-not-cover-host: an own check that accepts anything does not open the strict gate', () => {
    const target = targetFor('https://victim.test', { verify: () => undefined })
    expect(policy.verdict(connection(), target)).toEqual(refuse('certificate-does-not-cover-host'))
  })

  test('wildcard-on-public-suffix: tls.checkServerIdentity accepts *.co.uk, the gate does not', async () => {
    const suffix = await certificateFor('*.co.uk', 'named.co.uk')
    const k = connectionTo(suffix, { origin: 'https://a.co.uk' })
    expect(checkServerIdentity('b.co.uk', suffix.peer)).toBeUndefined()
    expect(policy.verdict(k, targetFor('https://b.co.uk'))).toEqual(refuse('wildcard-on-public-suffix'))
    expect(policy.verdict(k, targetFor('https://named.co.uk'))).toEqual(USE)
  })
})

describe("rule 7: wildcards: 'declared'", () => {
  const other = 'https://other.test'

  test('wildcard-not-declared: only a wildcard covers the host, and no group contains both', () => {
    policy = coalescing({ wildcards: 'declared' })
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('wildcard-not-declared'))
    policy = coalescing({
      wildcards: 'declared',
      allow: [
        ['b.example.com', 'c.example.com'],
        ['a.example.com', 'd.example.com'],
      ],
    })
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('wildcard-not-declared'))
  })

  test('an exact name of the certificate needs no group, although a wildcard covers it as well', async () => {
    policy = coalescing({ wildcards: 'declared' })
    expect(policy.verdict(connection(), targetFor(other))).toEqual(USE)
    const both = connectionTo(await certificateFor('*.example.com', 'b.example.com'))
    expect(policy.verdict(both, targetFor(B))).toEqual(USE)
  })

  test.each([[[A, B]], [['https://*.example.com']], [['https://x.test', A, 'https://*.example.com']]])(
    'a group with both hosts declares it: %j',
    (group) => {
      policy = coalescing({ wildcards: 'declared', allow: [['x.test', 'y.test'], group.map((each) => each.slice(8))] })
      expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
    },
  )

  test('a wildcard on a public suffix stays refused', async () => {
    policy = coalescing({ wildcards: 'declared', allow: [['*.co.uk']] })
    const k = connectionTo(await certificateFor('*.co.uk'), { origin: 'https://a.co.uk' })
    expect(policy.verdict(k, targetFor('https://b.co.uk'))).toEqual(refuse('wildcard-on-public-suffix'))
  })

  test('any is the default', () => {
    policy = coalescing({ wildcards: 'any' })
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
  })
})

describe('a pending dial', () => {
  const dialled = dialTo({ addresses: ['93.184.216.7', '::ffff:93.184.216.1'] })

  test('handshake-under-way: the dial goes to an address that the host has as well', () => {
    expect(policy.verdict(dialled, targetFor(B))).toEqual(WAIT)
  })

  test.each<[string, Target]>([
    ['not-https', targetFor('http://b.example.com')],
    ['ip-literal', targetFor('https://93.184.216.1')],
    ['not-a-dns-name', targetFor('https://b.example.com.')],
    ['port-differs', targetFor('https://b.example.com:8443')],
    ['options-differ', targetFor(B, { reuseKey: 'another' })],
    ['addresses-unknown', targetFor(B, { addresses: undefined })],
    ['addresses-unknown', targetFor(B, { addresses: [] })],
    ['address-differs', targetFor(B, { addresses: ['93.184.216.2'] })],
  ])('%s', (because, target) => {
    expect(policy.verdict(dialled, target)).toEqual(refuse(because))
  })

  test.each<CoalescingOptions>([
    { mode: 'origin-frame' },
    { mode: 'origin-frame', trustOriginFrame: true },
    { wildcards: 'declared' },
  ])('handshake-under-way: %j depends on properties that only the finished connection has', (options) => {
    expect(coalescing(options).verdict(dialled, targetFor(B))).toEqual(WAIT)
  })

  test('port-differs: the actual destination of the dial', () => {
    expect(policy.verdict(dialTo({ port: 8443 }), targetFor(B))).toEqual(refuse('port-differs'))
  })

  test('address-differs: no address has been tried yet', () => {
    expect(policy.verdict(dialTo({ addresses: [] }), targetFor(B))).toEqual(refuse('address-differs'))
  })
})
