import type { Address } from '../../src/connection.js'
import { AddressIndex } from '../../src/pool/address-index.js'
import { FakeConnection, targetOf } from './fakes.js'

const connection = () => new FakeConnection(targetOf('https://a.example'), '192.0.2.1')
const at = (...addresses: string[]): Address[] => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

describe('AddressIndex', () => {
  it('finds what leads to an address at a port, and only that', () => {
    const index = new AddressIndex()
    const [one, two, three] = [connection(), connection(), connection()]
    expect(index.empty).toBe(true)
    index.add('192.0.2.1', 443, one)
    index.add('192.0.2.1', 8443, two)
    index.add('2001:db8::1', 443, three)
    expect([...index.find(at('192.0.2.1'), 443)]).toEqual([one])
    expect([...index.find(at('192.0.2.1'), 8443)]).toEqual([two])
    expect([...index.find(at('192.0.2.2'), 443)]).toEqual([])
    expect([...index.find(at('2001:db8::1', '192.0.2.1'), 443)]).toEqual([three, one])
    expect([...index.find([], 443)]).toEqual([])
    expect(index.empty).toBe(false)
  })

  it('several under one address, in the order in which they came; adding twice is adding once', () => {
    const index = new AddressIndex()
    const [one, two] = [connection(), connection()]
    index.add('192.0.2.1', 443, one)
    index.add('192.0.2.1', 443, two)
    index.add('192.0.2.1', 443, one)
    expect([...index.find(at('192.0.2.1'), 443)]).toEqual([one, two])
  })

  it('is empty again when all were taken out, in whatever order, and more often than they were there', () => {
    const index = new AddressIndex()
    const [one, two] = [connection(), connection()]
    index.add('192.0.2.1', 443, one)
    index.add('192.0.2.1', 443, two)
    index.add('192.0.2.2', 443, one)
    index.delete('192.0.2.1', 443, two)
    index.delete('192.0.2.1', 443, two)
    index.delete('192.0.2.9', 443, two)
    expect(index.empty).toBe(false)
    index.delete('192.0.2.1', 443, one)
    index.delete('192.0.2.2', 443, one)
    expect(index.empty).toBe(true)
  })
})
