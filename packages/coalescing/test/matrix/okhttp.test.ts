// Cases from OkHttp's tests, as far as the policy alone can show them. Each title ends with the
// name of the original test and the row of the coalescing matrix.
import { coalescing } from '@unshard/coalescing'
import { certificateFor, connectionTo, targetFor } from '../fixtures.js'

const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })
const NOT_COVERED = refuse('certificate-does-not-cover-host')
const policy = coalescing()

test('the other host resolves elsewhere or not at all (skipsWhenDnsDontMatch, K05)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'))
  expect(policy.verdict(k, targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(refuse('address-differs'))
  expect(policy.verdict(k, targetFor(B, { addresses: [] }))).toEqual(refuse('addresses-unknown'))
})

test('same address, but the name is not in the SAN (skipsWhenNotSubjectAltName, K07)', async () => {
  const k = connectionTo(await certificateFor('a.example.com', 'san.example.com'))
  expect(policy.verdict(k, targetFor('https://nonsan.example.com'))).toEqual(NOT_COVERED)
  expect(policy.verdict(k, targetFor('https://san.example.com'))).toEqual(USE)
})

test('certificate pins are checked for the new host (coalescesWhenCertificatePinsMatch, K09; skipsWhenCertificatePinningFails, K10)', async () => {
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

test.each(['skipsWhenHostnameVerifierUsed, K12', 'skipsOnRedirectWhenHostnameVerifierUsed, K13'])(
  'a custom verifier is run again for the new host each time, which is our rule (%s)',
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

test('one common address is enough (prefersExistingCompatible, K14)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'))
  expect(policy.verdict(k, targetFor(B, { addresses: ['93.184.216.9', '93.184.216.1'] }))).toEqual(USE)
})

test('*.wildcard.com covers www.wildcard.com (commonThenWildcard, K15)', async () => {
  const k = connectionTo(await certificateFor('a.example.com', '*.wildcard.com'))
  expect(policy.verdict(k, targetFor('https://www.wildcard.com'))).toEqual(USE)
})

test('a client that trusts everything shares nothing (redirectWithDevSetup, K18)', async () => {
  const certificate = await certificateFor('*.example.com')
  expect(policy.verdict(connectionTo(certificate, { lenient: true }), targetFor(B))).toEqual(refuse('verification-off'))
  const unknown = { lenient: true, authorized: false }
  expect(policy.verdict(connectionTo(certificate, unknown), targetFor(B))).toEqual(refuse('unauthorized'))
})
