// Rule 9: an Origin Set narrows (RFC 8336 §2.4), is required in mode 'origin-frame', and widens
// only if the caller trusts it.
import { coalescing } from '@unshard/coalescing'
import { type Certificate, type Connection, parseOrigin, type ReusePolicy } from '@unshard/core'
import { type ConnectionSettings, certificateFor, connectionTo, dialTo, targetFor } from './fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })

let certificate: Certificate
let policy: Required<ReusePolicy>

beforeAll(async () => {
  certificate = await certificateFor('*.example.com', 'other.test')
})
beforeEach(() => {
  policy = coalescing()
})

const connection = (settings?: ConnectionSettings): Connection => connectionTo(certificate, settings)

describe('rule 9: the Origin Set', () => {
  test('not-in-origin-set: the set narrows', () => {
    expect(policy.verdict(connection({ originSet: [A] }), targetFor(B))).toEqual(refuse('not-in-origin-set'))
    expect(policy.verdict(connection({ originSet: [] }), targetFor(B))).toEqual(refuse('not-in-origin-set'))
    expect(policy.verdict(connection({ originSet: [A, B] }), targetFor(B))).toEqual(USE)
  })

  test('the set never widens: addresses and certificate are still checked', () => {
    const k = connection({ originSet: [A, B, 'https://victim.test'] })
    expect(policy.verdict(k, targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(refuse('address-differs'))
    expect(policy.verdict(k, targetFor('https://victim.test'))).toEqual(refuse('certificate-does-not-cover-host'))
  })
})

describe("rule 9: mode 'origin-frame'", () => {
  beforeEach(() => {
    policy = coalescing({ mode: 'origin-frame' })
  })

  test('no-origin-frame: the server has not declared the other origin', () => {
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('no-origin-frame'))
  })

  test('the server declares it: its set contains the origin', () => {
    expect(policy.verdict(connection({ originSet: [A, B] }), targetFor(B))).toEqual(USE)
    expect(policy.verdict(connection({ originSet: [A] }), targetFor(B))).toEqual(refuse('not-in-origin-set'))
  })

  test('the caller declares it with a group; an existing set still narrows', () => {
    policy = coalescing({ mode: 'origin-frame', allow: [['a.example.com', 'b.example.com']] })
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
    expect(policy.verdict(connection(), targetFor('https://c.example.com'))).toEqual(refuse('no-origin-frame'))
    expect(policy.verdict(connection({ originSet: [A] }), targetFor(B))).toEqual(refuse('not-in-origin-set'))
  })

  test('without trustOriginFrame addresses and certificate are still checked', () => {
    const k = connection({ originSet: [A, B, 'https://victim.test'] })
    expect(policy.verdict(k, targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(refuse('address-differs'))
    expect(policy.verdict(k, targetFor(B, { addresses: undefined }))).toEqual(refuse('addresses-unknown'))
    expect(policy.verdict(k, targetFor('https://victim.test'))).toEqual(refuse('certificate-does-not-cover-host'))
  })

  test('in a tunnel the set alone is not enough', () => {
    const k = connection({ proxy: 'http://proxy.test:3128', originSet: [A, B] })
    expect(policy.verdict(k, targetFor(B, { proxy: 'http://proxy.test:3128' }))).toEqual(refuse('proxied'))
  })
})

describe('rule 9: trustOriginFrame', () => {
  const TRUSTED = { use: true, because: 'origin-set-and-certificate' }
  beforeEach(() => {
    policy = coalescing({ mode: 'origin-frame', trustOriginFrame: true })
  })

  test.each([[undefined], [[]], [['93.184.216.2']], [['93.184.216.1']], [['10.0.0.1', '93.184.216.1']]])(
    'DNS is ignored: %j (RFC 8336 §2.4)',
    (addresses) => {
      expect(policy.verdict(connection({ originSet: [A, B] }), targetFor(B, { addresses }))).toEqual(TRUSTED)
    },
  )

  test('private addresses are ignored as well', () => {
    const k = connection({ originSet: [A, B], remoteAddress: '10.0.0.1', resolved: [] })
    expect(policy.verdict(k, targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(TRUSTED)
  })

  test('it works in a tunnel too, where the frame comes from the server', () => {
    const proxy = 'http://proxy.test:3128'
    const k = connection({ proxy, originSet: [A, B] })
    expect(policy.verdict(k, targetFor(B, { proxy }))).toEqual(TRUSTED)
    expect(policy.verdict(k, targetFor('https://c.example.com', { proxy }))).toEqual(refuse('proxied'))
    expect(policy.verdict(dialTo(), targetFor(B, { proxy }))).toEqual(refuse('proxied'))
  })

  test('without ORIGIN, or without the origin in it, nothing is widened', () => {
    const elsewhere = targetFor(B, { addresses: ['93.184.216.2'] })
    expect(policy.verdict(connection(), elsewhere)).toEqual(refuse('address-differs'))
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('no-origin-frame'))
    expect(policy.verdict(connection({ originSet: [A] }), elsewhere)).toEqual(refuse('address-differs'))
    expect(policy.verdict(connection({ originSet: [A] }), targetFor(B))).toEqual(refuse('not-in-origin-set'))
  })

  test.each<[string, ConnectionSettings, string]>([
    ['certificate-does-not-cover-host', {}, 'https://victim.test'],
    ['port-differs', {}, 'https://b.example.com:8443'],
    ['not-h2', { protocol: 'http/1.1' }, B],
    ['options-differ', { reuseKey: 'another' }, B],
    ['unauthorized', { authorized: false }, B],
    ['client-certificate', { clientCertificate: true }, B],
  ])('every other rule still applies: %s', (because, settings, url) => {
    const k = connection({ originSet: [A, B, 'https://victim.test', 'https://b.example.com:8443'], ...settings })
    expect(policy.verdict(k, targetFor(url, { addresses: undefined }))).toEqual(refuse(because))
  })

  test('after a 421 the pair is denied although the set still contains the origin', () => {
    const k = connection({ originSet: [A, B] })
    policy.misdirected(k, parseOrigin(B))
    expect(policy.verdict(k, targetFor(B))).toEqual(refuse('misdirected-before'))
  })
})
