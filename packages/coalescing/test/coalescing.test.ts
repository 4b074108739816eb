// Each rule of the policy with each of its reasons, in the order in which they are asked.
import { checkServerIdentity } from 'node:tls'
import { coalescing, GRANT_REASONS, REFUSAL_REASONS } from '@unshard/coalescing'
import { type Certificate, type Connection, type Origin, parseOrigin, type ReusePolicy, type Target } from '@unshard/core'
import { type ConnectionSettings, certificateFor, connectionTo, dialTo, handshake, targetFor, theAuthority } from './fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const WAIT = { wait: true, because: 'handshake-under-way' }
const refuse = (because: string) => ({ use: false, because })

let certificate: Certificate
let policy: ReusePolicy

beforeAll(async () => {
  certificate = await certificateFor('*.example.com', 'other.test')
})
beforeEach(() => {
  policy = coalescing()
})

const connection = (settings?: ConnectionSettings): Connection => connectionTo(certificate, settings)
const withOrigin = (changes: Partial<Origin>): Origin => ({ ...parseOrigin(B), ...changes })

test('all hold: the connection is used', () => {
  expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
})

test('all hold for a certificate that a real TLS handshake has shown', async () => {
  const credentials = await (await theAuthority()).issue({ names: ['a.example.com', 'b.example.com'] })
  const { authorized, ...shown } = await handshake(credentials, 'a.example.com')
  expect(authorized).toBe(true)
  const k = connectionTo(shown, { authorized })
  expect(policy.verdict(k, targetFor(B))).toEqual(USE)
  expect(policy.verdict(k, targetFor('https://c.example.com'))).toEqual(refuse('certificate-does-not-cover-host'))
  policy.misdirected(k, parseOrigin(B))
  expect(policy.verdict(k, targetFor(B))).toEqual(refuse('misdirected-before'))
})

describe('1: deny memory', () => {
  test('misdirected-before: after a 421 neither this connection nor its like serves that origin; others it does', () => {
    const k = connection()
    policy.misdirected(k, parseOrigin(B))
    expect(policy.verdict(k, targetFor(B))).toEqual(refuse('misdirected-before'))
    expect(policy.verdict(connection({ origin: 'https://x.example.com' }), targetFor(B))).toEqual(refuse('misdirected-before'))
    expect(policy.verdict(connection({ remoteAddress: '::ffff:192.0.2.1' }), targetFor(B))).toEqual(refuse('misdirected-before'))
    expect(policy.verdict(k, targetFor('https://c.example.com'))).toEqual(USE)
  })

  test('another address or another certificate may be asked', async () => {
    policy.misdirected(connection(), parseOrigin(B))
    const elsewhere = { addresses: ['192.0.2.2'] }
    expect(policy.verdict(connection({ remoteAddress: '192.0.2.2' }), targetFor(B, elsewhere))).toEqual(USE)
    expect(policy.verdict(connectionTo(await certificateFor('*.example.com')), targetFor(B))).toEqual(USE)
  })

  test('another port is another server, with a memory of its own', () => {
    policy.misdirected(connection({ remotePort: 8443 }), parseOrigin(B))
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
  })

  test('it is forgotten after five minutes', () => {
    let now = Date.now()
    policy = coalescing({ clock: { now: () => now } })
    policy.misdirected(connection(), parseOrigin(B))
    now += 299_000
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('misdirected-before'))
    now += 1_001
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
  })

  test('it is bounded, oldest first', () => {
    const k = connection()
    for (let i = 0; i <= 4_096; i++) policy.misdirected(k, parseOrigin(`https://h${i}.example.com`))
    expect(policy.verdict(k, targetFor('https://h0.example.com'))).toEqual(USE)
    expect(policy.verdict(k, targetFor('https://h1.example.com'))).toEqual(refuse('misdirected-before'))
    expect(policy.verdict(k, targetFor('https://h4096.example.com'))).toEqual(refuse('misdirected-before'))
  })

  test('it belongs to the policy object, and takes a connection without certificate or address', () => {
    const bare = connectionTo(undefined, { remoteAddress: undefined })
    policy.misdirected(bare, parseOrigin(B))
    expect(policy.verdict(bare, targetFor(B))).toEqual(refuse('certificate-unknown'))
    policy.misdirected(connection(), parseOrigin(B))
    expect(coalescing().verdict(connection(), targetFor(B))).toEqual(USE)
  })
})

describe('2: names and ports', () => {
  test.each([
    [A, 'http://b.example.com'],
    ['http://a.example.com', B],
    ['http://a.example.com', 'http://b.example.com'],
  ])('not-https: %s for %s', (own, other) => {
    expect(policy.verdict(connection({ origin: own }), targetFor(other))).toEqual(refuse('not-https'))
  })

  test.each([
    [A, 'https://192.0.2.1'],
    ['https://192.0.2.1', B],
    ['https://[2001:db8::1]', B],
    [A, 'https://[::ffff:192.0.2.1]'],
  ])('ip-literal: %s for %s', async (own, other) => {
    const covering = await certificateFor('*.example.com', { ips: ['192.0.2.1', '2001:db8::1'] })
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

  test('not-a-dns-name: a trailing dot on the connection', () => {
    expect(policy.verdict(connection({ origin: 'https://a.example.com.' }), targetFor(B))).toEqual(refuse('not-a-dns-name'))
  })

  test.each([
    ['the other origin', { origin: A }, 'https://b.example.com:8443'],
    ['the own origin', { origin: 'https://a.example.com:8443' }, B],
    ['the socket', { origin: A, remotePort: 8443 }, B],
    ['the own origin, though the socket agrees', { origin: A, remotePort: 8443 }, 'https://b.example.com:8443'],
    ['no socket', { origin: A, remotePort: undefined }, B],
  ])('port-differs: %s', (_, settings, other) => {
    expect(policy.verdict(connection(settings), targetFor(other))).toEqual(refuse('port-differs'))
  })

  test('a port of its own is no hindrance where both have it', () => {
    expect(policy.verdict(connection({ origin: 'https://a.example.com:8443' }), targetFor('https://b.example.com:8443'))).toEqual(
      USE,
    )
  })
})

describe('3: the engine', () => {
  test('not-h2', () => {
    expect(policy.verdict(connection({ protocol: 'http/1.1' }), targetFor(B))).toEqual(refuse('not-h2'))
  })

  test.each(['draining', 'closed'] as const)('draining: %s', (state) => {
    expect(policy.verdict(connection({ state }), targetFor(B))).toEqual(refuse('draining'))
  })

  test('no-capacity: the server takes no requests at all', () => {
    expect(policy.verdict(connection({ capacity: 0 }), targetFor(B))).toEqual(refuse('no-capacity'))
  })

  test('a connection that is only busy is shared: the request waits for its turn', () => {
    expect(policy.verdict(connection({ capacity: 0, active: 100 }), targetFor(B))).toMatchObject({ use: true })
  })
})

test('4: options-differ', () => {
  expect(policy.verdict(connection(), targetFor(B, { reuseKey: 'another' }))).toEqual(refuse('options-differ'))
})

describe('5: who speaks, and to whom', () => {
  test('client-certificate', () => {
    expect(policy.verdict(connection({ clientCertificate: true }), targetFor(B))).toEqual(refuse('client-certificate'))
  })

  test('unauthorized', () => {
    expect(policy.verdict(connection({ authorized: false }), targetFor(B))).toEqual(refuse('unauthorized'))
  })

  test('certificate-unknown', () => {
    expect(policy.verdict(connectionTo(undefined), targetFor(B))).toEqual(refuse('certificate-unknown'))
  })
})

describe('6: the certificate', () => {
  test('certificate-expired: before its time and after it, both ends included', async () => {
    const notBefore = new Date('2026-01-01T00:00:00Z')
    const notAfter = new Date('2026-02-01T00:00:00Z')
    const short = connectionTo(await certificateFor('*.example.com', { notBefore, notAfter }))
    const at = (now: number) => coalescing({ clock: { now: () => now } }).verdict(short, targetFor(B))
    expect(at(notBefore.getTime() - 1)).toEqual(refuse('certificate-expired'))
    expect(at(notBefore.getTime())).toEqual(USE)
    expect(at(notAfter.getTime())).toEqual(USE)
    expect(at(notAfter.getTime() + 1)).toEqual(refuse('certificate-expired'))
  })

  test("certificate-does-not-cover-host: the client's own check is asked with the certificate, and may refuse or throw", () => {
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

  test('the own check is asked again each time, and a null passes as it does in tls.connect', () => {
    let answer: unknown = null
    const target = targetFor(B, { verify: () => answer as undefined })
    expect(policy.verdict(connection(), target)).toEqual(USE)
    answer = new Error('revoked since')
    expect(policy.verdict(connection(), target)).toEqual(refuse('certificate-does-not-cover-host'))
  })

  test('certificate-does-not-cover-host: an own check that takes anything does not open the strict gate', () => {
    const target = targetFor('https://victim.test', { verify: () => undefined })
    expect(policy.verdict(connection(), target)).toEqual(refuse('certificate-does-not-cover-host'))
  })

  test('wildcard-on-public-suffix: tls.checkServerIdentity takes *.co.uk, the gate does not', async () => {
    const suffix = await certificateFor('*.co.uk', 'named.co.uk')
    const k = connectionTo(suffix, { origin: 'https://a.co.uk' })
    expect(checkServerIdentity('b.co.uk', suffix.peer)).toBeUndefined()
    expect(policy.verdict(k, targetFor('https://b.co.uk'))).toEqual(refuse('wildcard-on-public-suffix'))
    expect(policy.verdict(k, targetFor('https://named.co.uk'))).toEqual(USE)
  })
})

describe('7: addresses', () => {
  test.each([undefined, []])('addresses-unknown: %p', (none) => {
    expect(policy.verdict(connection(), targetFor(B, { addresses: none }))).toEqual(refuse('addresses-unknown'))
  })

  test('addresses-unknown: where the connection leads', () => {
    expect(policy.verdict(connection({ remoteAddress: undefined }), targetFor(B))).toEqual(refuse('addresses-unknown'))
  })

  test('address-differs', () => {
    expect(policy.verdict(connection(), targetFor(B, { addresses: ['192.0.2.2', '::1'] }))).toEqual(refuse('address-differs'))
  })

  test.each([
    ['192.0.2.1', ['192.0.2.9', '192.0.2.1']],
    ['::ffff:192.0.2.1', ['192.0.2.1']],
    ['192.0.2.1', ['::FFFF:c000:201']],
    ['2001:db8::1', ['2001:0DB8:0:0:0:0:0:1']],
  ])('one place, written differently: %s in %p', (remoteAddress, list) => {
    expect(policy.verdict(connection({ remoteAddress }), targetFor(B, { addresses: list }))).toEqual(USE)
  })

  test.each(['0.0.0.0', '::', '::ffff:0.0.0.0', '0:0:0:0:0:0:0:0'])(
    'address-differs: %s never equals itself',
    (remoteAddress) => {
      const target = targetFor(B, { addresses: [remoteAddress] })
      expect(policy.verdict(connection({ remoteAddress }), target)).toEqual(refuse('address-differs'))
      expect(policy.verdict(dialTo({ addresses: [remoteAddress] }), target)).toEqual(refuse('address-differs'))
    },
  )
})

describe('8: Origin Set', () => {
  test('not-in-origin-set: it narrows', () => {
    expect(policy.verdict(connection({ originSet: [A] }), targetFor(B))).toEqual(refuse('not-in-origin-set'))
    expect(policy.verdict(connection({ originSet: [] }), targetFor(B))).toEqual(refuse('not-in-origin-set'))
    expect(policy.verdict(connection({ originSet: [A, B] }), targetFor(B))).toEqual(USE)
  })

  test('it never widens: addresses and certificate are asked all the same', () => {
    const k = connection({ originSet: [A, B, 'https://victim.test'] })
    expect(policy.verdict(k, targetFor(B, { addresses: ['192.0.2.2'] }))).toEqual(refuse('address-differs'))
    expect(policy.verdict(k, targetFor('https://victim.test'))).toEqual(refuse('certificate-does-not-cover-host'))
  })
})

test('9: denied-by-option: such a host neither joins nor is joined', () => {
  policy = coalescing({ deny: ['B.example.com', 'bücher.example.com'] })
  expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('denied-by-option'))
  expect(policy.verdict(connection({ origin: B }), targetFor(A))).toEqual(refuse('denied-by-option'))
  expect(policy.verdict(connection(), targetFor('https://xn--bcher-kva.example.com'))).toEqual(refuse('denied-by-option'))
  expect(policy.verdict(dialTo(), targetFor(B))).toEqual(refuse('denied-by-option'))
  expect(policy.verdict(dialTo({ origin: B }), targetFor(A))).toEqual(refuse('denied-by-option'))
  expect(policy.verdict(connection(), targetFor('https://c.example.com'))).toEqual(USE)
})

describe('a dial under way', () => {
  const dialled = dialTo({ addresses: ['192.0.2.7', '::ffff:192.0.2.1'] })

  test('handshake-under-way: to an address that the host has, too', () => {
    expect(policy.verdict(dialled, targetFor(B))).toEqual(WAIT)
  })

  test.each<[string, Target]>([
    ['not-https', targetFor('http://b.example.com')],
    ['ip-literal', targetFor('https://192.0.2.1')],
    ['not-a-dns-name', targetFor('https://b.example.com.')],
    ['port-differs', targetFor('https://b.example.com:8443')],
    ['options-differ', targetFor(B, { reuseKey: 'another' })],
    ['addresses-unknown', targetFor(B, { addresses: undefined })],
    ['addresses-unknown', targetFor(B, { addresses: [] })],
    ['address-differs', targetFor(B, { addresses: ['192.0.2.2'] })],
  ])('%s', (because, target) => {
    expect(policy.verdict(dialled, target)).toEqual(refuse(because))
  })

  test('port-differs: what the dial is really made to', () => {
    expect(policy.verdict(dialTo({ port: 8443 }), targetFor(B))).toEqual(refuse('port-differs'))
  })

  test('address-differs: no address was tried yet', () => {
    expect(policy.verdict(dialTo({ addresses: [] }), targetFor(B))).toEqual(refuse('address-differs'))
  })
})

test('the first rule that fails gives the name, in the order of the list', async () => {
  const k = (settings: ConnectionSettings) => connectionTo(certificate, settings)
  const everythingWrong = { reuseKey: 'z', addresses: ['192.0.2.2'], verify: () => new Error('no') }
  const later = {
    protocol: 'http/1.1',
    state: 'draining',
    capacity: 0,
    clientCertificate: true,
    authorized: false,
    certificate: undefined,
    originSet: [A],
  } as const
  policy = coalescing({ deny: ['b.example.com'], clock: { now: () => 0 } })
  const steps: ConnectionSettings[] = [{ origin: 'http://a.example.com' }, { origin: 'https://a.example.com:1' }, {}]
  const found = steps.map((step) => policy.verdict(k({ ...later, ...step }), targetFor(B, everythingWrong)).because)
  const fixes: ConnectionSettings[] = [
    { protocol: 'h2' },
    { state: 'open' },
    { capacity: 1 },
    { reuseKey: 'z' },
    { clientCertificate: false },
    { authorized: true },
    { certificate },
  ]
  let settings: ConnectionSettings = later
  for (const fix of fixes) {
    settings = { ...settings, ...fix }
    found.push(policy.verdict(k(settings), targetFor(B, everythingWrong)).because)
  }
  policy = coalescing({ deny: ['b.example.com'] })
  found.push(policy.verdict(k(settings), targetFor(B, everythingWrong)).because)
  found.push(policy.verdict(k(settings), targetFor(B, { reuseKey: 'z', addresses: [] })).because)
  found.push(policy.verdict(k(settings), targetFor(B, { reuseKey: 'z', addresses: ['192.0.2.2'] })).because)
  found.push(policy.verdict(k(settings), targetFor(B, { reuseKey: 'z' })).because)
  found.push(policy.verdict(k({ ...settings, originSet: [A, B] }), targetFor(B, { reuseKey: 'z' })).because)
  const unordered = ['misdirected-before', 'ip-literal', 'not-a-dns-name', 'wildcard-on-public-suffix']
  expect(found).toEqual(REFUSAL_REASONS.filter((reason) => !unordered.includes(reason)))
  expect(GRANT_REASONS).toEqual([USE.because, WAIT.because])
})
