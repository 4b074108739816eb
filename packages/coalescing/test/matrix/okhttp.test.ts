// The rows of the coalescing matrix that come from OkHttp, as far as the policy alone can show them; each title starts with the row's id.
import { coalescing } from '@unshard/coalescing'
import { certificateFor, connectionTo, targetFor } from '../fixtures.js'

const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })
const NOT_COVERED = refuse('certificate-does-not-cover-host')
const policy = coalescing()

test('K05 skipsWhenDnsDontMatch: the other host leads elsewhere, or nowhere', async () => {
  const k = connectionTo(await certificateFor('*.example.com'))
  expect(policy.verdict(k, targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(refuse('address-differs'))
  expect(policy.verdict(k, targetFor(B, { addresses: [] }))).toEqual(refuse('addresses-unknown'))
})

test('K07 skipsWhenNotSubjectAltName: same address, name not in the SAN', async () => {
  const k = connectionTo(await certificateFor('a.example.com', 'san.example.com'))
  expect(policy.verdict(k, targetFor('https://nonsan.example.com'))).toEqual(NOT_COVERED)
  expect(policy.verdict(k, targetFor('https://san.example.com'))).toEqual(USE)
})

test('K09 coalescesWhenCertificatePinsMatch, K10 skipsWhenCertificatePinningFails: pins are asked of the certificate for the new host', async () => {
  const certificate = await certificateFor('*.example.com')
  const pins = new Map([
    ['b.example.com', certificate.peer.fingerprint256],
    ['c.example.com', 'another'],
  ])
  const verify = (host: string, { peer }: { peer: { fingerprint256: string } }) =>
    pins.get(host) === peer.fingerprint256 ? undefined : new Error('pin')
  expect(policy.verdict(connectionTo(certificate), targetFor(B, { verify }))).toEqual(USE)
  expect(policy.verdict(connectionTo(certificate), targetFor('https://c.example.com', { verify }))).toEqual(NOT_COVERED)
})

test.each(['K12 skipsWhenHostnameVerifierUsed', 'K13 skipsOnRedirectWhenHostnameVerifierUsed'])(
  '%s: a custom verifier is run again for the new host (our rule), each time',
  async () => {
    const certificate = await certificateFor('*.example.com')
    const asked: string[] = []
    const verify = (host: string) => {
      asked.push(host)
      return host === 'b.example.com' ? undefined : new Error('not this one')
    }
    for (let i = 0; i < 2; i++) expect(policy.verdict(connectionTo(certificate), targetFor(B, { verify }))).toEqual(USE)
    expect(policy.verdict(connectionTo(certificate), targetFor('https://c.example.com', { verify }))).toEqual(NOT_COVERED)
    expect(asked).toEqual(['b.example.com', 'b.example.com', 'c.example.com'])
  },
)

test('K14 prefersExistingCompatible: one of the addresses is enough', async () => {
  const k = connectionTo(await certificateFor('*.example.com'))
  expect(policy.verdict(k, targetFor(B, { addresses: ['93.184.216.9', '93.184.216.1'] }))).toEqual(USE)
})

test('K15 commonThenWildcard: *.wildcard.com covers www.wildcard.com', async () => {
  const k = connectionTo(await certificateFor('a.example.com', '*.wildcard.com'))
  expect(policy.verdict(k, targetFor('https://www.wildcard.com'))).toEqual(USE)
})

test('K18 redirectWithDevSetup: a client that trusts everything shares nothing', async () => {
  const certificate = await certificateFor('*.example.com')
  expect(policy.verdict(connectionTo(certificate, { lenient: true }), targetFor(B))).toEqual(refuse('verification-off'))
  const unknown = { lenient: true, authorized: false }
  expect(policy.verdict(connectionTo(certificate, unknown), targetFor(B))).toEqual(refuse('unauthorized'))
})
