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
}
const of = (options: Record<string, unknown>): string => tlsIdentity(options as TlsOptions)

describe('tlsIdentity', () => {
  it.each(NAMES)('%s alone makes a difference, and so does its value', (name) => {
    const [one, two] = VALUES[name]
    const keys = [of({}), of({ [name]: one }), of({ [name]: two })]
    expect(new Set(keys).size).toBe(3)
    expect(of({ [name]: one })).toBe(keys[1])
  })

  it('every pair of options differs, even with equal values', () => {
    const keys = NAMES.map((name) => of({ [name]: 'same' }))
    expect(new Set(keys).size).toBe(NAMES.length)
  })

  it('the order of options does not matter, and undefined equals absent', () => {
    expect(of({ ca: 'a', cert: 'b', key: 'c' })).toBe(of({ key: 'c', ca: 'a', cert: 'b' }))
    expect(of({ ca: 'a', cert: undefined })).toBe(of({ ca: 'a' }))
  })

  it('bytes count by content, whatever contains them', () => {
    expect(of({ ca: Buffer.from('abc') })).toBe(of({ ca: Buffer.from('abc') }))
    expect(of({ ca: Buffer.from('abc') })).toBe(of({ ca: new Uint8Array([97, 98, 99]) }))
    expect(of({ ca: Buffer.from('abc') })).not.toBe(of({ ca: Buffer.from('abd') }))
  })

  it('functions count by identity', () => {
    const make = () => (): undefined => undefined
    const [one, two] = [make(), make()]
    expect(of({ checkServerIdentity: one })).toBe(of({ checkServerIdentity: one }))
    expect(of({ checkServerIdentity: one })).not.toBe(of({ checkServerIdentity: two }))
  })

  it('lists and records count by structure: nothing can move from one part to the next', () => {
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
