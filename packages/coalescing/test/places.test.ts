// Rule 8: the host resolves to the connected address, not to a private network by accident; in
// tunnels a group of `allow` declares it.
import { coalescing } from '@unshard/coalescing'
import type { Certificate, Connection, ReusePolicy } from '@unshard/core'
import { type ConnectionSettings, certificateFor, connectionTo, dialTo, targetFor } from './fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const WAIT = { wait: true, because: 'handshake-under-way' }
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

describe('rule 8: addresses', () => {
  test.each([undefined, []])('addresses-unknown: %p', (none) => {
    expect(policy.verdict(connection(), targetFor(B, { addresses: none }))).toEqual(refuse('addresses-unknown'))
  })

  test('addresses-unknown: either address is missing', () => {
    expect(policy.verdict(connection({ remoteAddress: undefined }), targetFor(B))).toEqual(refuse('addresses-unknown'))
  })

  test('address-differs', () => {
    expect(policy.verdict(connection(), targetFor(B, { addresses: ['93.184.216.2', '::1'] }))).toEqual(refuse('address-differs'))
  })

  test.each([
    ['93.184.216.1', ['93.184.216.9', '93.184.216.1']],
    ['::ffff:93.184.216.1', ['93.184.216.1']],
    ['93.184.216.1', ['::FFFF:5db8:d801']],
    ['2001:db8::1', ['2001:0DB8:0:0:0:0:0:1']],
  ])('one address in two notations: %s in %p', (remoteAddress, list) => {
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

describe('rule 8: private addresses', () => {
  const at = (remoteAddress: string, resolved: string[] = [remoteAddress]) => connection({ remoteAddress, resolved })

  test.each(['10.1.2.3', '127.0.0.1', '::1', '169.254.1.1', '100.64.0.1', 'fd00::1', 'fe80::1%eth0', '::ffff:192.168.0.1'])(
    'both names resolve to %s: shared',
    (address) => {
      expect(policy.verdict(at(address), targetFor(B, { addresses: [address] }))).toEqual(USE)
      expect(policy.verdict(at(address, ['8.8.8.8', address]), targetFor(B, { addresses: ['10.9.9.9', address] }))).toEqual(USE)
      expect(policy.verdict(dialTo({ addresses: [address] }), targetFor(B, { addresses: [address] }))).toEqual(WAIT)
    },
  )

  test("private-address: the connection's own name did not resolve to it, or this is not known", () => {
    const target = targetFor(B, { addresses: ['10.1.2.3'] })
    expect(policy.verdict(at('10.1.2.3', ['10.1.2.4']), target)).toEqual(refuse('private-address'))
    expect(policy.verdict(at('10.1.2.3', []), target)).toEqual(refuse('private-address'))
  })

  test.each([
    ['10.1.2.3', '8.8.8.8'],
    ['127.0.0.1', '2606:4700::1'],
    ['fd00::1', '64:ff9b::8.8.8.8'],
    ['10.1.2.3', '0.0.0.0'],
    ['10.1.2.3', 'no address'],
  ])('private-address: DNS rebinding, an answer with %s and %s', (inside, outside) => {
    for (const addresses of [
      [inside, outside],
      [outside, inside],
    ]) {
      expect(policy.verdict(at(inside), targetFor(B, { addresses }))).toEqual(refuse('private-address'))
      expect(policy.verdict(dialTo({ addresses: [inside] }), targetFor(B, { addresses }))).toEqual(refuse('private-address'))
    }
  })

  test('a public address is shared whatever else the answers contain', () => {
    expect(policy.verdict(at('8.8.8.8', []), targetFor(B, { addresses: ['10.1.2.3', '8.8.8.8'] }))).toEqual(USE)
    const dial = dialTo({ addresses: ['10.1.2.3', '8.8.8.8'] })
    expect(policy.verdict(dial, targetFor(B, { addresses: ['10.1.2.3', '8.8.8.8'] }))).toEqual(WAIT)
  })

  test('a group of allow does not override it', () => {
    policy = coalescing({ allow: [['*.example.com']] })
    expect(policy.verdict(at('10.1.2.3'), targetFor(B, { addresses: ['10.1.2.3', '8.8.8.8'] }))).toEqual(
      refuse('private-address'),
    )
  })
})

describe('rule 8: tunnels', () => {
  const proxy = 'http://proxy.test:3128'
  /** The socket is connected to the proxy, at the proxy's port. */
  const through = { proxy, remoteAddress: '10.0.0.1', remotePort: 3128 }
  const tunnel = (settings?: ConnectionSettings): Connection => connection({ ...through, ...settings })
  const groups = [['a.example.com', 'c.example.com'], ['*.example.com']]

  test('proxied: the two hosts are not declared', () => {
    expect(policy.verdict(tunnel(), targetFor(B, { proxy }))).toEqual(refuse('proxied'))
    expect(policy.verdict(dialTo(), targetFor(B, { proxy }))).toEqual(refuse('proxied'))
    policy = coalescing({ allow: [['a.example.com', 'c.example.com']] })
    expect(policy.verdict(tunnel(), targetFor(B, { proxy }))).toEqual(refuse('proxied'))
    expect(policy.verdict(dialTo(), targetFor(B, { proxy }))).toEqual(refuse('proxied'))
  })

  test('declared-and-certificate: one group contains both hosts', () => {
    policy = coalescing({ allow: groups })
    expect(policy.verdict(tunnel(), targetFor(B, { proxy }))).toEqual({ use: true, because: 'declared-and-certificate' })
    expect(policy.verdict(dialTo({ port: 3128 }), targetFor(B, { proxy }))).toEqual(WAIT)
  })

  test("the proxy's address is never compared, even if both hosts have it", () => {
    const target = targetFor(B, { proxy, addresses: ['10.0.0.1'] })
    expect(policy.verdict(tunnel({ resolved: ['10.0.0.1'] }), target)).toEqual(refuse('proxied'))
    expect(policy.verdict(dialTo({ addresses: ['10.0.0.1'] }), target)).toEqual(refuse('proxied'))
  })

  test('a connection through a proxy is refused for a direct target even if the keys are equal', () => {
    const target = targetFor(B, { addresses: ['10.0.0.1'] })
    expect(policy.verdict(tunnel({ resolved: ['10.0.0.1'] }), target)).toEqual(refuse('proxied'))
    expect(policy.verdict(connection(), targetFor(B, { proxy }))).toEqual(refuse('proxied'))
  })

  test('all other rules still apply', () => {
    policy = coalescing({ allow: [['*.example.com', 'victim.test', 'x.test']], deny: ['x.test'] })
    const ask = (settings: ConnectionSettings, url = B) => policy.verdict(tunnel(settings), targetFor(url, { proxy }))
    expect(ask({}, 'https://victim.test')).toEqual(refuse('certificate-does-not-cover-host'))
    expect(ask({}, 'https://x.test')).toEqual(refuse('denied-by-option'))
    expect(ask({}, 'https://b.example.com:8443')).toEqual(refuse('port-differs'))
    expect(ask({ reuseKey: 'another' })).toEqual(refuse('options-differ'))
    expect(ask({ authorized: false })).toEqual(refuse('unauthorized'))
    expect(ask({ originSet: [A] })).toEqual(refuse('not-in-origin-set'))
    expect(policy.verdict(dialTo(), targetFor('https://b.example.com:8443', { proxy }))).toEqual(refuse('port-differs'))
  })
})
