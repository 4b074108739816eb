/** The index of connections and dials that a reuse policy may be offered. */

import { parseOrigin } from '../../../src/index.js'
import { CandidateIndex, MAX_OFFERED } from '../../../src/pool/reuse/candidate-index.js'
import type { Dial } from '../../../src/pool/reuse/reuse-policy.js'
import type { Address } from '../../../src/transport/route.js'
import { FakeConnection, type FakeOptions, targetOf } from '../fakes.js'

const connection = (address = '192.0.2.1', url = 'https://a.example', options: FakeOptions = {}, key = 'key') =>
  new FakeConnection(targetOf(url, key), address, options)
const named = (...names: string[]) =>
  connection('192.0.2.1', 'https://a.example', { names: names.map((name) => `DNS:${name}`).join(', ') })
const at = (...addresses: string[]): Address[] => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
const targetAt = (addresses: Address[], url = 'https://b.example', key = 'key') => ({ ...targetOf(url, key), addresses })
const dial = (key = 'key'): Dial => ({ origin: parseOrigin('https://a.example'), reuseKey: key, addresses: [], port: 443 })

describe('the candidate index', () => {
  it('finds exactly the candidates at an address and port', () => {
    const index = new CandidateIndex()
    const [first, second, three] = [connection(), connection('192.0.2.1', 'https://a.example:8443'), connection('2001:db8::1')]
    expect(index.empty).toBe(true)
    for (const each of [first, second, three]) index.addConnection(each)
    expect(index.find(targetAt(at('192.0.2.1')))).toEqual([first])
    expect(index.find(targetAt(at('192.0.2.1'), 'https://b.example:8443'))).toEqual([second])
    expect(index.find(targetAt(at('192.0.2.2')))).toEqual([])
    expect(index.find(targetAt(at('2001:db8::1', '192.0.2.1')))).toEqual([three, first])
    expect(index.find(targetAt([]))).toEqual([])
    expect(index.empty).toBe(false)
  })

  it.each([
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['FE80:0::1%eth0', 'fe80::1%eth0'],
  ])('finds a candidate at %s by %s', (first, second) => {
    for (const [connected, resolved] of [[first, second] as const, [second, first] as const]) {
      const index = new CandidateIndex()
      const candidate = connection(connected)
      index.addConnection(candidate)
      expect(index.find(targetAt(at(resolved)))).toEqual([candidate])
      expect(index.find(targetAt(at('fe80::1%eth1', '192.0.2.2')))).toEqual([])
    }
  })

  it('separates candidates by reuse key', () => {
    const index = new CandidateIndex()
    index.addConnection(connection())
    expect(index.find(targetAt(at('192.0.2.1'), 'https://b.example', 'other'))).toEqual([])
    expect(index.near(targetAt(at('192.0.2.1'), 'https://b.example', 'other'))).toBe('options-differ')
  })

  it('offers connections without a certificate, or whose certificate names the host, exactly or by wildcard', () => {
    const index = new CandidateIndex()
    const exact = named('x.example', 'B.shop.example')
    const wildcard = named('*.shop.example')
    const foreign = named('*.example', 'shop.example')
    const unknown = connection()
    for (const each of [exact, wildcard, foreign, unknown]) index.addConnection(each)
    expect(index.find(targetAt(at('192.0.2.1'), 'https://b.shop.example'))).toEqual([exact, wildcard, unknown])
    expect(index.find(targetAt(at('192.0.2.1'), 'https://b.c.shop.example'))).toEqual([unknown])
  })

  it('returns the reason why no candidate was found', () => {
    const index = new CandidateIndex()
    const target = targetAt(at('192.0.2.1'))
    expect(index.near(target)).toBe('first-connection')
    index.addConnection(connection('192.0.2.2'))
    expect(index.near(target)).toBe('address-differs')
    const http1 = connection('192.0.2.1', 'https://a.example', { protocol: 'http/1.1' })
    index.addConnection(http1)
    expect(index.near(target)).toBe('not-h2')
    expect(index.find(target)).toEqual([])
    index.addConnection(named('other.example'))
    expect(index.near(target)).toBe('certificate-does-not-cover-host')
  })

  it('offers connections before dials, and a dial under each address that it tries', () => {
    const index = new CandidateIndex()
    const [open, pendingDial] = [connection(), dial()]
    for (const address of at('192.0.2.1', '192.0.2.2')) index.addDial(pendingDial, address)
    index.addConnection(open)
    expect(index.find(targetAt(at('192.0.2.2', '192.0.2.1')))).toEqual([open, pendingDial])
    expect(index.find(targetAt(at('192.0.2.2')))).toEqual([pendingDial])
  })

  it('limits the number of candidates', () => {
    const index = new CandidateIndex()
    for (let i = 0; i < 100; i++) index.addConnection(connection())
    expect(index.find(targetAt(at('192.0.2.1')))).toHaveLength(MAX_OFFERED)
  })

  it('finds candidates behind a proxy by host group instead of address', () => {
    const index = new CandidateIndex()
    const proxy = { name: 'http://proxy.example:80', key: 'p' }
    const tunnelled = new FakeConnection({ ...targetOf('https://a.example'), proxy }, '192.0.2.1')
    index.addConnection(tunnelled)
    expect(index.find(targetAt(at('192.0.2.1')))).toEqual([])
    const pendingDial = dial()
    index.addToHostGroup(tunnelled, { reuseKey: 'key', port: 443 }, 'shops')
    index.addToHostGroup(pendingDial, pendingDial, 'shops')
    expect(index.findInHostGroups(targetAt([]), ['others', 'shops'])).toEqual([tunnelled, pendingDial])
    expect(index.findInHostGroups(targetAt([], 'https://b.example:8443'), ['shops'])).toEqual([])
    expect(index.findInHostGroups(targetAt([], 'https://b.example', 'other'), ['shops'])).toEqual([])
  })

  it('finds connections by their current Origin Set and by the origin they were dialed for', () => {
    const index = new CandidateIndex()
    const first = connection('192.0.2.1', 'https://a.example', { originSet: ['https://a.example', 'https://b.example'] })
    index.addConnection(first)
    index.list(first)
    expect([...index.listing(targetAt([]))]).toEqual([first])
    expect([...index.listing(targetAt([], 'https://b.example', 'other'))]).toEqual([])
    first.originSet?.delete(parseOrigin('https://b.example').serialized)
    index.list(first)
    expect([...index.listing(targetAt([]))]).toEqual([])
    expect([...index.madeFor(first.route.origin.serialized, 'key')]).toEqual([first])
    expect([...index.madeFor(first.route.origin.serialized, 'other')]).toEqual([])
  })

  it('is empty after all candidates were removed, in any order and repeatedly', () => {
    const index = new CandidateIndex()
    const [first, second, pendingDial] = [named('a.example', '*.example'), connection(), dial()]
    const http1 = connection('192.0.2.1', 'https://a.example', { protocol: 'http/1.1' })
    for (const each of [first, second, http1]) index.addConnection(each)
    for (const address of at('192.0.2.1', '192.0.2.2')) index.addDial(pendingDial, address)
    for (const each of [second, second, pendingDial, first]) index.delete(each)
    expect(index.empty).toBe(false)
    expect(index.near(targetAt(at('192.0.2.1')))).toBe('not-h2')
    index.delete(http1)
    expect(index.empty).toBe(true)
    expect(index.near(targetAt(at('192.0.2.1')))).toBe('first-connection')
    expect([...index.madeFor(first.route.origin.serialized, 'key')]).toEqual([])
  })
})
