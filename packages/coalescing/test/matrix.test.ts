// The rows of the coalescing matrix that the policy alone can show; each title starts with the row's id.
import { checkServerIdentity } from 'node:tls'
import { coalescing } from '@unshard/coalescing'
import { certificateFor, connectionTo, dialTo, originOf, targetFor } from './fixtures.js'

const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })
const NOT_COVERED = refuse('certificate-does-not-cover-host')
const policy = coalescing()

test('K07 skipsWhenNotSubjectAltName: same address, name not in the SAN', async () => {
  const k = connectionTo(await certificateFor('a.example.com', 'san.example.com'))
  expect(policy.verdict(k, targetFor('https://nonsan.example.com'))).toEqual(NOT_COVERED)
  expect(policy.verdict(k, targetFor('https://san.example.com'))).toEqual(USE)
})

test('K15 commonThenWildcard: *.wildcard.com covers www.wildcard.com', async () => {
  const k = connectionTo(await certificateFor('a.example.com', '*.wildcard.com'))
  expect(policy.verdict(k, targetFor('https://www.wildcard.com'))).toEqual(USE)
})

test.each(['K22 IPPoolingClientCert', 'K28 CanNotPoolWithClientCerts'])(
  '%s: a connection with a client certificate is not shared',
  async () => {
    const k = connectionTo(await certificateFor('*.example.com'), { clientCertificate: true })
    expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(refuse('client-certificate'))
  },
)

test('K26 CanPool: same certificate, both names, no errors', async () => {
  const k = connectionTo(await certificateFor('a.example.com', 'b.example.com'))
  expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(USE)
})

test('K27 CanNotPoolWithCertErrors: an error was overridden for the first host', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { authorized: false })
  expect(policy.verdict(k, targetFor('https://b.example.com'))).toEqual(refuse('unauthorized'))
})

test('K32 VerifyDomainAuthentication: true for each name of the certificate, false otherwise', async () => {
  const names = ['www.example.org', 'mail.example.org', 'mail.example.com']
  const k = connectionTo(await certificateFor(...names))
  for (const name of names) expect(policy.verdict(k, targetFor(`https://${name}`))).toEqual(USE)
  for (const name of ['example.org', 'mail.google.com', 'www.example.com']) {
    expect(policy.verdict(k, targetFor(`https://${name}`))).toEqual(NOT_COVERED)
  }
})

describe('Firefox test_origin.js', () => {
  const foo = 'https://foo.example.com'
  const alt1 = 'https://alt1.example.com'
  const alt2 = 'https://alt2.example.com'
  const bar = 'https://bar.example.org'
  const certificate = certificateFor('foo.example.com', 'alt1.example.com', 'alt2.example.com')
  const connected = async (...originSet: string[]) => connectionTo(await certificate, { origin: foo, originSet })

  test('K45 after an empty ORIGIN frame the set is the own origin: alt1 is not coalesced', async () => {
    expect(policy.verdict(await connected(foo), targetFor(alt1))).toEqual(refuse('not-in-origin-set'))
  })

  test('K46 ORIGIN on a fresh connection speaks for that one only', async () => {
    expect(policy.verdict(await connected(foo, alt1, alt2, bar), targetFor(alt1))).toEqual(USE)
    expect(policy.verdict(await connected(foo), targetFor(alt1))).toEqual(refuse('not-in-origin-set'))
    expect(policy.verdict(connectionTo(await certificate, { origin: foo }), targetFor(alt1))).toEqual(USE)
  })

  test('K47 the own origin is in the set, and stays usable', async () => {
    expect(policy.verdict(await connected(foo, alt1, alt2, bar), targetFor(foo))).toEqual(USE)
  })

  test('K48 alt1, listed and at the same address, is coalesced', async () => {
    expect(policy.verdict(await connected(foo, alt1, alt2, bar), targetFor(alt1))).toEqual(USE)
  })

  test('K50 bar, listed and not in the certificate, is not, with or without DNS', async () => {
    const k = await connected(foo, alt1, alt2, bar)
    expect(policy.verdict(k, targetFor(bar, { addresses: undefined }))).toEqual(NOT_COVERED)
    expect(policy.verdict(k, targetFor(bar))).toEqual(NOT_COVERED)
  })
})

test('K65 a wildcard is one label, double wildcards cover nothing, and a common name is never read', async () => {
  const use = async (names: string[], host: string) =>
    policy.verdict(connectionTo(await certificateFor(...names)), targetFor(`https://${host}`, { verify: () => undefined }))
  expect(await use(['*.foo.com'], 'a.foo.com')).toEqual(USE)
  expect(await use(['*.foo.com'], 'a.b.foo.com')).toEqual(NOT_COVERED)
  expect(await use(['*.foo.com'], 'a.bar.com')).toEqual(NOT_COVERED)
  expect(await use(['*.*.foo.com'], 'a.b.foo.com')).toEqual(NOT_COVERED)
  expect(await use(['foo.com'], 'foo.com')).toEqual(USE)
  const commonName = await certificateFor('x.foo.com', { commonName: 'cn.foo.com' })
  expect(policy.verdict(connectionTo(commonName), targetFor('https://cn.foo.com', { verify: () => undefined }))).toEqual(
    NOT_COVERED,
  )
})

test('K68 another port', async () => {
  const certificate = await certificateFor('*.example.com')
  const other = targetFor('https://b.example.com:8443')
  expect(policy.verdict(connectionTo(certificate), other)).toEqual(refuse('port-differs'))
  expect(policy.verdict(connectionTo(certificate, { origin: 'https://a.example.com:444' }), other)).toEqual(
    refuse('port-differs'),
  )
})

test('K69 the scheme http', async () => {
  const certificate = await certificateFor('*.example.com')
  expect(policy.verdict(connectionTo(certificate), targetFor('http://b.example.com'))).toEqual(refuse('not-https'))
  const cleartext = connectionTo(undefined, { origin: 'http://a.example.com', authorized: false })
  expect(policy.verdict(cleartext, targetFor('http://b.example.com'))).toEqual(refuse('not-https'))
  expect(policy.verdict(cleartext, targetFor('https://b.example.com'))).toEqual(refuse('not-https'))
})

test('K70 case and U-labels are canonical before they are compared; a trailing dot is never coalesced', async () => {
  const k = connectionTo(await certificateFor('xn--bcher-kva.example.com', 'b.example.com'))
  expect(policy.verdict(k, targetFor(originOf('https://BÜCHER.Example.com')!))).toEqual(USE)
  expect(policy.verdict(k, targetFor('https://B.EXAMPLE.COM'))).toEqual(USE)
  expect(policy.verdict(k, targetFor('https://b.example.com.'))).toEqual(refuse('not-a-dns-name'))
})

test('K71 an IP literal never, not even with an iPAddress SAN (the issue is stricter than the row)', async () => {
  const k = connectionTo(await certificateFor('*.example.com', '93.184.216.1', { ips: ['93.184.216.1'] }))
  expect(policy.verdict(k, targetFor('https://93.184.216.1'))).toEqual(refuse('ip-literal'))
  expect(policy.verdict(dialTo(), targetFor('https://93.184.216.1'))).toEqual(refuse('ip-literal'))
})

test('K80 ORIGIN lists a name that the certificate does not cover', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { originSet: ['https://a.example.com', 'https://victim.test'] })
  expect(policy.verdict(k, targetFor('https://victim.test'))).toEqual(NOT_COVERED)
})

test.each([
  ['b*z.example.net', 'buzz.example.net'],
  ['w*.bar.foo.com', 'w.bar.foo.com'],
  ['*baz.example.net', 'foobaz.example.net'],
])('K82 the partial wildcard %s, which tls.checkServerIdentity takes for %s', async (name, host) => {
  const certificate = await certificateFor(name)
  expect(checkServerIdentity(host, certificate.peer)).toBeUndefined()
  expect(policy.verdict(connectionTo(certificate), targetFor(`https://${host}`))).toEqual(NOT_COVERED)
})

test.each(['*ly.bar', 'x*.example'])('K82 the partial wildcard %s', async (name) => {
  const host = name.replace('*', 'x')
  expect(policy.verdict(connectionTo(await certificateFor(name)), targetFor(`https://${host}`))).toEqual(NOT_COVERED)
})

test('K83 a wildcard directly on a public suffix; private suffixes are not special (the README says the issue wins)', async () => {
  const k = connectionTo(await certificateFor('*.co.uk', '*.com.br', '*.s3.amazonaws.com'))
  expect(policy.verdict(k, targetFor('https://b.co.uk'))).toEqual(refuse('wildcard-on-public-suffix'))
  expect(policy.verdict(k, targetFor('https://b.com.br'))).toEqual(refuse('wildcard-on-public-suffix'))
  expect(policy.verdict(k, targetFor('https://b.s3.amazonaws.com'))).toEqual(USE)
})

test('K84 a certificate with nothing but a common name', async () => {
  const certificate = await certificateFor('b.example.com', { noSubjectAltName: true })
  expect(checkServerIdentity('b.example.com', certificate.peer)).toBeUndefined()
  expect(policy.verdict(connectionTo(certificate), targetFor('https://b.example.com'))).toEqual(NOT_COVERED)
})

test('K85 a SAN that looks like two', async () => {
  const certificate = await certificateFor('a.example.com, DNS:victim.example.com', '"a.example.com", DNS:victim.example.com')
  const target = targetFor('https://victim.example.com', { verify: () => undefined })
  expect(policy.verdict(connectionTo(certificate), target)).toEqual(NOT_COVERED)
})

test('K87 the certificate expires while the connection is open: no new origin joins', async () => {
  const notAfter = new Date(Date.now() + 60_000)
  const k = connectionTo(await certificateFor('*.example.com', { notAfter }))
  let now = Date.now()
  const timed = coalescing({ clock: { now: () => now } })
  expect(timed.verdict(k, targetFor('https://b.example.com'))).toEqual(USE)
  now = notAfter.getTime() + 1
  expect(timed.verdict(k, targetFor('https://c.example.com'))).toEqual(refuse('certificate-expired'))
  expect(timed.verdict(k, targetFor('https://b.example.com'))).toEqual(refuse('certificate-expired'))
})
