/** Which addresses a policy allows: the IANA registries, ranges of the caller, and IPv4 inside IPv6. */

import fc from 'fast-check'
import { type AddressPolicyOption, resolveAddressPolicy } from '../../src/message/address-policy.js'

const allows = (policy: AddressPolicyOption, address: string): boolean =>
  resolveAddressPolicy(policy, 'addressPolicy')?.allows(address) ?? true

describe('public', () => {
  it.each([
    ...['8.8.8.8', '1.1.1.1', '93.184.216.34', '192.0.1.1', '172.32.0.1', '100.128.0.1', '223.255.255.255'],
    ...['2606:4700:4700::1111', '2001:4860:4860::8888', '2620:4f:8000::1', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8'],
  ])('allows %s', (address) => {
    expect(allows('public', address)).toBe(true)
  })

  it.each([
    ...['127.0.0.1', '127.1.2.3', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '0.0.0.0', '0.1.2.3'],
    ...['100.64.0.1', '100.100.100.200', '169.254.169.254', '169.254.170.2', '192.0.0.192', '192.0.2.1', '198.18.0.1'],
    ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '192.88.99.1'],
    ...['168.63.129.16', '::ffff:168.63.129.16', '64:ff9b::a83f:8110'],
    ...['::1', '::', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:0:0', '::FFFF:10.0.0.1', '0:0:0:0:0:ffff:a00:1'],
    ...['::127.0.0.1', '::7f00:1', '64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::7f00:1'],
    ...['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:808:808::1', '2001::7f00:1', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ...['fc00::1', 'fd00:ec2::254', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1', 'ff05::2'],
    ...['100::1', '100:0:0:1::1', '2001:db8::1', '3fff::1', '5f00::1', '4000::1'],
  ])('forbids %s', (address) => {
    expect(allows('public', address)).toBe(false)
  })

  it.each(['', 'localhost', '127.1', '0x7f000001', '2130706433', '[::1]', '127.0.0.1 ', '1.2.3.4/32'])(
    'forbids %j, which is not an address',
    (address) => {
      expect(allows('public', address)).toBe(false)
    },
  )
})

describe('ranges', () => {
  const office: AddressPolicyOption = {
    allow: ['public', '10.20.0.0/16', 'fd00::/8', '192.168.7.7'],
    deny: ['10.20.30.0/24', '8.8.8.8'],
  }

  it.each(['1.1.1.1', '10.20.0.1', '10.20.255.255', 'fd00::1', '192.168.7.7', '::ffff:10.20.1.1', '64:ff9b::10.20.1.1'])(
    'allow %s',
    (address) => expect(allows(office, address)).toBe(true),
  )

  it.each([
    ...['10.21.0.1', '10.20.30.1', '::ffff:10.20.30.1', '64:ff9b::10.20.30.1', '8.8.8.8', '64:ff9b::8.8.8.8', '::8.8.8.8'],
    ...['192.168.7.8', 'fc00::1', '127.0.0.1', '0.0.0.0', '::', '2002:a14:1e01::1'],
  ])('forbid %s', (address) => expect(allows(office, address)).toBe(false))

  it('without allow, everything that is not denied is allowed', () => {
    const policy: AddressPolicyOption = { deny: ['127.0.0.0/8', '::1'] }
    expect(['10.0.0.1', '8.8.8.8', 'fd00::1'].every((address) => allows(policy, address))).toBe(true)
    expect(
      ['127.0.0.1', '::1', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::127.0.0.1', '2002:7f00:1::'].some((a) =>
        allows(policy, a),
      ),
    ).toBe(false)
  })

  it('public can be denied', () => {
    expect(allows({ deny: ['public'] }, '8.8.8.8')).toBe(false)
    expect(allows({ deny: ['public'] }, '10.0.0.1')).toBe(true)
  })

  it('an empty list of allowed ranges allows nothing', () => {
    expect(allows({ allow: [] }, '8.8.8.8')).toBe(false)
  })

  it('a mapped range is a range of IPv4', () => {
    expect(allows({ allow: ['::ffff:10.0.0.0/104'] }, '10.1.2.3')).toBe(true)
    expect(allows({ allow: ['::ffff:10.0.0.0/104'] }, '11.1.2.3')).toBe(false)
  })

  it('the edges of a range are part of it', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.integer({ min: 1, max: 32 }), (number, prefix) => {
        const text = (n: number): string => [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.')
        const size = 2 ** (32 - prefix)
        const first = Math.floor(number / size) * size
        const policy = { allow: [`${text(first)}/${prefix}`] }
        for (const inside of [first, first + size - 1]) expect(allows(policy, text(inside))).toBe(inside !== 0)
        for (const outside of [first - 1, first + size])
          if (outside >= 0 && outside <= 0xffff_ffff) expect(allows(policy, text(outside))).toBe(false)
      }),
    )
  })
})

describe('an option', () => {
  it('any, and no option, is no policy', () => {
    expect(resolveAddressPolicy('any', 'addressPolicy')).toBeUndefined()
    expect(resolveAddressPolicy(undefined, 'addressPolicy')).toBeUndefined()
  })

  it('with equal rules is the same policy, so requests with it share connections', () => {
    expect(resolveAddressPolicy({ deny: ['10.0.0.0/8'] }, 'a')).toBe(resolveAddressPolicy({ deny: ['10.0.0.0/8'] }, 'b'))
  })

  it.each<[unknown, string]>([
    ['private', 'addressPolicy'],
    [null, 'addressPolicy'],
    [true, 'addressPolicy'],
    [{ allow: '10.0.0.0/8' }, 'addressPolicy.allow'],
    [{ allow: ['10.0.0.0/33'] }, 'addressPolicy.allow'],
    [{ allow: ['10.0.0.0/'] }, 'addressPolicy.allow'],
    [{ allow: ['10.0.0.0/8/8'] }, 'addressPolicy.allow'],
    [{ allow: ['10.0.0.0/+8'] }, 'addressPolicy.allow'],
    [{ deny: ['localhost'] }, 'addressPolicy.deny'],
    [{ deny: ['fe80::1%eth0/64'] }, 'addressPolicy.deny'],
    [{ deny: ['::1/129'] }, 'addressPolicy.deny'],
    [{ deny: [5] }, 'addressPolicy.deny'],
  ])('%j is refused with the name of the option', (given, name) => {
    expect(() => resolveAddressPolicy(given as AddressPolicyOption, 'addressPolicy')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining(name) }),
    )
  })

  it('an unknown member is refused', () => {
    expect(() => resolveAddressPolicy({ allowed: [] } as never, 'addressPolicy')).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_OPTION', message: expect.stringContaining('allow') }),
    )
  })
})
