/** The key of TLS options: equal for equal options, different for any other. */

import { createSecureContext } from 'node:tls'
import { tlsIdentity } from '../../../src/connect/tls/tls-identity.js'
import { TLS_OPTIONS, type TlsOptions } from '../../../src/connect/tls/tls-options.js'

const NAMES = Object.keys(TLS_OPTIONS) as (keyof TlsOptions)[]

const check = (): undefined => undefined

/** Two different values for every option. */
const VALUES: Record<keyof TlsOptions, readonly [unknown, unknown]> = {
  ca: ['-----A', ['-----A']],
  cert: ['one', Buffer.from('one')],
  key: ['one', 'two'],
  pfx: [Buffer.from('one'), Buffer.from('two')],
  passphrase: ['', 'one'],
  crl: [['a', 'b'], ['ab']],
  ciphers: ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384'],
  sigalgs: ['a', 'b'],
  ecdhCurve: ['auto', 'P-256'],
  minVersion: ['TLSv1.2', 'TLSv1.3'],
  maxVersion: ['TLSv1.2', 'TLSv1.3'],
  secureOptions: [0, 1],
  rejectUnauthorized: [true, false],
  checkServerIdentity: [check, () => undefined],
  pins: [['a'], ['b']],
  servername: ['a.example', 'b.example'],
  certificateCompression: [['brotli'], ['zlib']],
  secureContext: [createSecureContext(), createSecureContext()],
}
const of = (options: Record<string, unknown>): string => tlsIdentity(options as TlsOptions)

describe('the TLS identity', () => {
  it.each(NAMES)('depends on the option %s, and on its value', (name) => {
    const [first, second] = VALUES[name]
    const keys = [of({}), of({ [name]: first }), of({ [name]: second })]
    expect(new Set(keys).size).toBe(3)
    expect(of({ [name]: first })).toBe(keys[1])
  })

  it('differs for every pair of options, even with equal values', () => {
    const keys = NAMES.map((name) => of({ [name]: 'same' }))
    expect(new Set(keys).size).toBe(NAMES.length)
  })

  it('does not depend on the order of options, and undefined equals absent', () => {
    expect(of({ ca: 'a', cert: 'b', key: 'c' })).toBe(of({ key: 'c', ca: 'a', cert: 'b' }))
    expect(of({ ca: 'a', cert: undefined })).toBe(of({ ca: 'a' }))
  })

  it('depends on the content of bytes, not on the object that contains them', () => {
    expect(of({ ca: Buffer.from('abc') })).toBe(of({ ca: Buffer.from('abc') }))
    expect(of({ ca: Buffer.from('abc') })).toBe(of({ ca: new Uint8Array([97, 98, 99]) }))
    expect(of({ ca: Buffer.from('abc') })).not.toBe(of({ ca: Buffer.from('abd') }))
  })

  it('depends on the identity of functions', () => {
    const make = () => (): undefined => undefined
    const [first, second] = [make(), make()]
    expect(of({ checkServerIdentity: first })).toBe(of({ checkServerIdentity: first }))
    expect(of({ checkServerIdentity: first })).not.toBe(of({ checkServerIdentity: second }))
  })

  it('depends on the structure of lists and records: a value cannot move to the next part', () => {
    const different = [
      ['a', 'b'],
      ['ab'],
      ['a,b'],
      ['b', 'a'],
      [['a'], 'b'],
      [{ pem: 'a' }],
      [{ pem: 'a', passphrase: 'b' }],
      'ab',
    ]
    expect(new Set(different.map((key) => of({ key }))).size).toBe(different.length)
    expect(of({ key: [{ pem: 'a', passphrase: 'b' }] })).toBe(of({ key: [{ passphrase: 'b', pem: 'a' }] }))
    expect(of({ ca: 'a;cert=s1:b' })).not.toBe(of({ ca: 'a', cert: 'b' }))
    expect(of({ secureOptions: 1 })).not.toBe(of({ secureOptions: '1' }))
    expect(of({ rejectUnauthorized: true })).not.toBe(of({ rejectUnauthorized: 'true' }))
  })
})
