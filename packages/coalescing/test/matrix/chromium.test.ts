// The rows of the coalescing matrix that come from Chromium, as far as the policy alone can show them; each title starts with the row's id.
import { coalescing } from '@unshard/coalescing'
import { certificateFor, connectionTo, dialTo, targetFor } from '../fixtures.js'

const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })
const NOT_COVERED = refuse('certificate-does-not-cover-host')
const policy = coalescing()

test('K19 IPPooling: B has the address that A is connected to, C does not', async () => {
  const at = (...last: number[]) => last.map((each) => `93.184.216.${each}`)
  const k = connectionTo(await certificateFor('*.example.com'), { remoteAddress: at(33)[0]!, resolved: at(33, 1, 5) })
  expect(policy.verdict(k, targetFor(B, { addresses: at(2, 3, 5, 33) }))).toEqual(USE)
  expect(policy.verdict(k, targetFor('https://c.example.com', { addresses: at(4, 3) }))).toEqual(refuse('address-differs'))
  // Not any of A's addresses: the one that it is connected to.
  expect(policy.verdict(k, targetFor(B, { addresses: at(2, 5) }))).toEqual(refuse('address-differs'))
})

test('K21 IPPoolingDisabled: never aliased', async () => {
  const k = connectionTo(await certificateFor('*.example.com'))
  expect(coalescing({ mode: 'off' }).verdict(k, targetFor(B))).toEqual(refuse('coalescing-off'))
  expect(coalescing({ mode: 'off' }).verdict(dialTo(), targetFor(B))).toEqual(refuse('coalescing-off'))
  expect(coalescing({ deny: ['b.example.com'] }).verdict(k, targetFor(B))).toEqual(refuse('denied-by-option'))
})

test.each(['K22 IPPoolingClientCert', 'K28 CanNotPoolWithClientCerts'])(
  '%s: a connection with a client certificate is not shared',
  async () => {
    const k = connectionTo(await certificateFor('*.example.com'), { clientCertificate: true })
    expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(refuse('client-certificate'))
  },
)

test('K23 IPPoolingDnsAlpn: the connection itself has negotiated h2 (HTTPS records are not read)', async () => {
  const certificate = await certificateFor('*.example.com')
  expect(policy.verdict(connectionTo(certificate, { protocol: 'http/1.1' }), targetFor(B))).toEqual(refuse('not-h2'))
  expect(policy.verdict(connectionTo(certificate), targetFor(B, { addresses: ['93.184.216.2'] }))).toEqual(
    refuse('address-differs'),
  )
})

test('K26 CanPool: same certificate, both names, no errors', async () => {
  const k = connectionTo(await certificateFor('a.example.com', 'b.example.com'))
  expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(USE)
})

test('K27 CanNotPoolWithCertErrors: an error was overridden for the first host', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { authorized: false })
  expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(refuse('unauthorized'))
})

test('K29 CanPoolWithClientCertsAndPolicy: there is no such policy, and a group is none', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { clientCertificate: true })
  const allowed = coalescing({ allow: [['*.example.com']], allowUnauthorized: true })
  expect(allowed.verdict(k, targetFor(B))).toEqual(refuse('client-certificate'))
})

test.each(['K30 CanNotPoolWithBadPins / CanPoolWithAcceptablePins', 'K31 CanNotPoolWithBadCTWhenCTRequired'])(
  '%s: what the client asks of the new host is asked of the certificate at hand',
  async () => {
    const certificate = await certificateFor('*.example.com')
    const k = connectionTo(certificate)
    const demands = (host: string, shown: unknown) =>
      host === 'b.example.com' && shown === certificate ? new Error('not what this host has to show') : undefined
    expect(policy.verdict(k, targetFor(B, { verify: demands }))).toEqual(NOT_COVERED)
    expect(policy.verdict(k, targetFor('https://c.example.com', { verify: demands }))).toEqual(USE)
  },
)

test('K32 VerifyDomainAuthentication: true for each name of the certificate, false otherwise', async () => {
  const names = ['www.example.org', 'mail.example.org', 'mail.example.com']
  const k = connectionTo(await certificateFor(...names))
  for (const name of names) expect(policy.verdict(k, targetFor(`https://${name}`))).toEqual(USE)
  for (const name of ['example.org', 'mail.google.com', 'www.example.com']) {
    expect(policy.verdict(k, targetFor(`https://${name}`))).toEqual(NOT_COVERED)
  }
})

test('K33 NoConnectionPoolingOverTunnel: never by address', async () => {
  const proxy = 'http://proxy.test:3128'
  const k = connectionTo(await certificateFor('*.example.com'), { proxy, remoteAddress: '10.0.0.1', resolved: ['10.0.0.1'] })
  expect(policy.verdict(k, targetFor(B, { proxy }))).toEqual(refuse('proxied'))
  expect(policy.verdict(k, targetFor(B, { proxy, addresses: ['10.0.0.1'] }))).toEqual(refuse('proxied'))
  expect(policy.verdict(k, targetFor(B, { addresses: ['10.0.0.1'] }))).toEqual(refuse('proxied'))
})

test.each([
  ['K35 ConnectionPoolingMultipleSocketTags', 'from another local address'],
  ['K36 SpdySessionKeyPrivacyMode', 'isolated'],
  ['K37 SSLConfigForServerChanged', 'with another trust'],
])('%s: what is made otherwise has another key, and shares nothing', async (_, reuseKey) => {
  const k = connectionTo(await certificateFor('*.example.com'))
  expect(policy.verdict(k, targetFor(B, { reuseKey }))).toEqual(refuse('options-differ'))
  expect(policy.verdict(dialTo(), targetFor(B, { reuseKey }))).toEqual(refuse('options-differ'))
  expect(policy.verdict(connectionTo(k.route.certificate, { reuseKey }), targetFor(B))).toEqual(refuse('options-differ'))
})
