// Cases from Chromium's tests, as far as the policy alone can show them. Each title ends with the
// name of the original test and the row of the coalescing matrix.
import { coalescing } from '@unshard/coalescing'
import { certificateFor, connectionTo, dialTo, targetFor } from '../fixtures.js'

const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })
const NOT_COVERED = refuse('certificate-does-not-cover-host')
const policy = coalescing()

test('B has the address that A is connected to, C does not (IPPooling, K19)', async () => {
  const at = (...last: number[]) => last.map((each) => `93.184.216.${each}`)
  const k = connectionTo(await certificateFor('*.example.com'), { remoteAddress: at(33)[0]!, resolved: at(33, 1, 5) })
  expect(policy.verdict(k, targetFor(B, { addresses: at(2, 3, 5, 33) }))).toEqual(USE)
  expect(policy.verdict(k, targetFor('https://c.example.com', { addresses: at(4, 3) }))).toEqual(refuse('address-differs'))
  // Not just any of A's addresses: the connected one.
  expect(policy.verdict(k, targetFor(B, { addresses: at(2, 5) }))).toEqual(refuse('address-differs'))
})

test('with coalescing off nothing is aliased (IPPoolingDisabled, K21)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'))
  expect(coalescing({ mode: 'off' }).verdict(k, targetFor(B))).toEqual(refuse('coalescing-off'))
  expect(coalescing({ mode: 'off' }).verdict(dialTo(), targetFor(B))).toEqual(refuse('coalescing-off'))
  expect(coalescing({ deny: ['b.example.com'] }).verdict(k, targetFor(B))).toEqual(refuse('denied-by-option'))
})

test.each(['IPPoolingClientCert, K22', 'CanNotPoolWithClientCerts, K28'])(
  'a connection with a client certificate is not shared (%s)',
  async () => {
    const k = connectionTo(await certificateFor('*.example.com'), { clientCertificate: true })
    expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(refuse('client-certificate'))
  },
)

test('the connection itself has negotiated h2; HTTPS records are not read (IPPoolingDnsAlpn, K23)', async () => {
  const certificate = await certificateFor('*.example.com')
  expect(policy.verdict(connectionTo(certificate, { protocol: 'http/1.1' }), targetFor(B))).toEqual(refuse('not-h2'))
  expect(policy.verdict(connectionTo(certificate), targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(
    refuse('address-differs'),
  )
})

test('same certificate, both names, no errors: shared (CanPool, K26)', async () => {
  const k = connectionTo(await certificateFor('a.example.com', 'b.example.com'))
  expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(USE)
})

test('an ignored certificate error of the first host prevents sharing (CanNotPoolWithCertErrors, K27)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { authorized: false })
  expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(refuse('unauthorized'))
})

test('there is no policy for client certificates, and a group of allow does not act as one (CanPoolWithClientCertsAndPolicy, K29)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { clientCertificate: true })
  const allowed = coalescing({ allow: [['*.example.com']], allowUnauthorized: true })
  expect(allowed.verdict(k, targetFor(B))).toEqual(refuse('client-certificate'))
})

test.each(['CanNotPoolWithBadPins / CanPoolWithAcceptablePins, K30', 'CanNotPoolWithBadCTWhenCTRequired, K31'])(
  "the client's requirements for the new host are applied to the existing certificate (%s)",
  async () => {
    const certificate = await certificateFor('*.example.com')
    const k = connectionTo(certificate)
    const demands = (host: string, shown: unknown) =>
      host === 'b.example.com' && shown === certificate ? new Error('not what this host has to show') : undefined
    expect(policy.verdict(k, targetFor(B, { verify: demands }))).toEqual(NOT_COVERED)
    expect(policy.verdict(k, targetFor('https://c.example.com', { verify: demands }))).toEqual(USE)
  },
)

test('true for each name of the certificate, false otherwise (VerifyDomainAuthentication, K32)', async () => {
  const names = ['www.example.org', 'mail.example.org', 'mail.example.com']
  const k = connectionTo(await certificateFor(...names))
  for (const name of names) expect(policy.verdict(k, targetFor(`https://${name}`))).toEqual(USE)
  for (const name of ['example.org', 'mail.google.com', 'www.example.com']) {
    expect(policy.verdict(k, targetFor(`https://${name}`))).toEqual(NOT_COVERED)
  }
})

test('connections through a tunnel are never shared by address (NoConnectionPoolingOverTunnel, K33)', async () => {
  const proxy = 'http://proxy.test:3128'
  const k = connectionTo(await certificateFor('*.example.com'), { proxy, remoteAddress: '10.0.0.1', resolved: ['10.0.0.1'] })
  expect(policy.verdict(k, targetFor(B, { proxy }))).toEqual(refuse('proxied'))
  expect(policy.verdict(k, targetFor(B, { proxy, addresses: ['10.0.0.1'] }))).toEqual(refuse('proxied'))
  expect(policy.verdict(k, targetFor(B, { addresses: ['10.0.0.1'] }))).toEqual(refuse('proxied'))
})

test.each([
  ['ConnectionPoolingMultipleSocketTags, K35', 'from another local address'],
  ['SpdySessionKeyPrivacyMode, K36', 'isolated'],
  ['SSLConfigForServerChanged, K37', 'with another trust'],
])('different options have a different key and share nothing (%s)', async (_, reuseKey) => {
  const k = connectionTo(await certificateFor('*.example.com'))
  expect(policy.verdict(k, targetFor(B, { reuseKey }))).toEqual(refuse('options-differ'))
  expect(policy.verdict(dialTo(), targetFor(B, { reuseKey }))).toEqual(refuse('options-differ'))
  expect(policy.verdict(connectionTo(k.route.certificate, { reuseKey }), targetFor(B))).toEqual(refuse('options-differ'))
})
