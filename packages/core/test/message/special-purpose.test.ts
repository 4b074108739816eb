// Addresses that mean something else on another network, against the registries' examples and a
// second implementation of their tables.
import fc from 'fast-check'
import { isSpecialPurpose } from '../../src/message/special-purpose.js'

const isLocal = isSpecialPurpose

test.each([
  ...[
    '10.0.0.0',
    '10.255.255.255',
    '100.64.0.0',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.255.255',
    '169.254.169.254',
    '0.1.2.3',
  ],
  ...['172.16.0.0', '172.31.255.255', '192.0.0.9', '192.0.2.1', '192.88.99.1', '192.168.0.0', '192.168.255.255', '198.18.0.1'],
  ...['198.19.255.255', '198.51.100.7', '203.0.113.7', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['::1', '::2', '::8.8.8.8', '::ffff:10.0.0.1', '::FFFF:7F00:1', 'fc00::1', 'fdff::1', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
  ...['fec0::1', 'ff02::1', '100::1', '100:0:0:1::1', '2001::1', '2001:1ff:ffff::1', '2001:db8::1', '2002:a00:1::1', '3fff::1'],
  ...['3fff:fff::1', '5f00::1', '64:ff9b:1::8.8.8.8', '64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '4000::1', '1fff::1'],
])('%s is local', (address) => {
  expect(isLocal(address)).toBe(true)
  expect(isLocal(address)).toBe(true)
})

test.each([
  ...['8.8.8.8', '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
  ...['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.0.3.0', '192.31.196.1', '192.88.98.1'],
  ...[
    '192.167.255.255',
    '192.169.0.0',
    '192.175.48.1',
    '198.17.255.255',
    '198.20.0.0',
    '198.51.101.0',
    '203.0.114.0',
    '223.255.255.255',
  ],
  ...[
    '::ffff:8.8.8.8',
    '2000::1',
    '2001:200::1',
    '2001:4860::8888',
    '2001:db7:ffff::1',
    '2001:db9::1',
    '2003::1',
    '2606:4700::1',
  ],
  ...['2620:4f:8000::1', '3ffe::1', '3fff:1000::1', '64:ff9b::8.8.8.8', '2001:4860::8888%1'],
])('%s is global', (address) => {
  expect(isLocal(address)).toBe(false)
  expect(isLocal(address)).toBe(false)
})

test.each(['0.0.0.0', '::', '::ffff:0.0.0.0', '', 'localhost', '10.0.0', '[::1]'])('%j is neither', (address) => {
  expect(isLocal(address)).toBe(false)
})

/** Works on bytes, by other means than the policy. */
function localIPv4([a, b, c]: readonly number[]): boolean {
  const [x, y, z] = [a!, b!, c!]
  return (
    [0, 10, 127].includes(x) ||
    x >= 224 ||
    (x === 100 && y >= 64 && y < 128) ||
    (x === 169 && y === 254) ||
    (x === 172 && y >= 16 && y < 32) ||
    (x === 192 && (y === 168 || [`0.0`, `0.2`, `88.99`].includes(`${y}.${z}`))) ||
    (x === 198 && (y === 18 || y === 19 || (y === 51 && z === 100))) ||
    (x === 203 && y === 0 && z === 113)
  )
}

test('random IPv4 addresses, plain, mapped and embedded in NAT64', () => {
  const byte = fc.oneof(
    fc.nat(255),
    fc.constantFrom(0, 2, 10, 16, 18, 51, 64, 88, 99, 100, 113, 127, 168, 169, 172, 192, 198, 203, 254),
  )
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte, byte), (octets) => {
      const text = octets.join('.')
      if (text === '0.0.0.0') return
      expect(isLocal(text)).toBe(localIPv4(octets))
      expect(isLocal(`::ffff:${text}`)).toBe(localIPv4(octets))
      expect(isLocal(`64:ff9b::${text}`)).toBe(localIPv4(octets))
    }),
    { numRuns: 2_000 },
  )
})

test('random IPv6 addresses', () => {
  const first = fc.oneof(fc.nat(0xffff), fc.constantFrom(0x2001, 0x2002, 0x3fff, 0x2000, 0x3ffe, 0xfe80, 0x5f00))
  const second = fc.oneof(fc.nat(0xffff), fc.constantFrom(0, 0x1ff, 0x200, 0xdb8, 0xfff, 0x1000))
  fc.assert(
    fc.property(first, second, fc.nat(0xffff), (one, two, last) => {
      const local =
        one < 0x2000 ||
        one > 0x3fff ||
        (one === 0x2001 && (two < 0x200 || two === 0xdb8)) ||
        one === 0x2002 ||
        (one === 0x3fff && two < 0x1000)
      fc.pre(one !== 0 && one !== 0x64)
      expect(isLocal(`${one.toString(16)}:${two.toString(16)}::1:${last.toString(16)}`)).toBe(local)
    }),
    { numRuns: 2_000 },
  )
})

test('the memory of results is bounded, and dropping it changes no result', () => {
  for (let i = 0; i < 5_000; i++) expect(isLocal(`2001:db8::${i.toString(16)}:2`)).toBe(true)
  expect(isLocal('2001:db8::2')).toBe(true)
})
