/** The canonical form of an address, which does not depend on its source. */

import { canonicalAddress, includesAddress } from '../../src/message/addresses.js'
import type { Address } from '../../src/transport/route.js'

const addresses = (...texts: string[]): Address[] => texts.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:C000:0201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['0:0:0:0:0:FFFF:7f00:1', '127.0.0.1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
  ['2001:db8::0:1', '2001:db8::1'],
  ['::1', '::1'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  ['FE80:0::1%eth0', 'fe80::1%eth0'],
])('the address %s has the canonical form %s', (written, canonical) => {
  expect(canonicalAddress(written)).toBe(canonical)
  expect(canonicalAddress(written)).toBe(canonical)
})

test.each([
  '0.0.0.0',
  '::',
  '0::0',
  '::0.0.0.0',
  '::ffff:0.0.0.0',
  '::ffff:0:0',
  '',
  'a.example',
  '1.2.3',
  '01.2.3.4',
  '[::1]',
  '1::2::3',
  '0x7f.1',
])('%j cannot be compared with other addresses', (written) => {
  expect(canonicalAddress(written)).toBeUndefined()
  expect(includesAddress(addresses(written), written)).toBe(false)
})

test('addresses with zones, and embedded forms that are not IPv4-mapped, are distinguished', () => {
  expect(includesAddress(addresses('fe80::1%eth1', 'fe80::1'), 'fe80::1%eth0')).toBe(false)
  expect(includesAddress(addresses('192.0.2.1'), '64:ff9b::c000:201')).toBe(false)
  expect(includesAddress(addresses('192.0.2.1'), '::192.0.2.1')).toBe(false)
})

test('the cache of canonical addresses is bounded, and its loss changes no result', () => {
  for (let i = 0; i < 5_000; i++)
    expect(canonicalAddress(`2001:db8:0::${i.toString(16)}:1`)).toBe(canonicalAddress(`2001:DB8::${i.toString(16)}:1`))
})
