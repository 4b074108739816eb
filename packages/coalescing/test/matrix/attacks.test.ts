// Cases from known attacks, as far as the policy alone can show them. Each title ends with the row
// of the coalescing matrix.
import { checkServerIdentity } from 'node:tls'
import { coalescing } from '@unshard/coalescing'
import { certificateFor, connectionTo, targetFor } from '../fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })
const NOT_COVERED = refuse('certificate-does-not-cover-host')
const policy = coalescing()

test.each([
  ['b*z.example.net', 'buzz.example.net'],
  ['w*.bar.foo.com', 'w.bar.foo.com'],
  ['*baz.example.net', 'foobaz.example.net'],
])('refuses the partial wildcard %s, which tls.checkServerIdentity accepts for %s (K82)', async (name, host) => {
  const certificate = await certificateFor(name)
  expect(checkServerIdentity(host, certificate.peer)).toBeUndefined()
  expect(policy.verdict(connectionTo(certificate), targetFor(`https://${host}`))).toEqual(NOT_COVERED)
})

test.each(['*ly.bar', 'x*.example'])('refuses the partial wildcard %s (K82)', async (name) => {
  const host = name.replace('*', 'x')
  expect(policy.verdict(connectionTo(await certificateFor(name)), targetFor(`https://${host}`))).toEqual(NOT_COVERED)
})

test('refuses a wildcard directly on a public suffix; private suffixes are not special (stricter than the matrix, K83)', async () => {
  const k = connectionTo(await certificateFor('*.co.uk', '*.com.br', '*.s3.amazonaws.com'))
  expect(policy.verdict(k, targetFor('https://b.co.uk'))).toEqual(refuse('wildcard-on-public-suffix'))
  expect(policy.verdict(k, targetFor('https://b.com.br'))).toEqual(refuse('wildcard-on-public-suffix'))
  expect(policy.verdict(k, targetFor('https://b.s3.amazonaws.com'))).toEqual(USE)
})

test('refuses a certificate with only a common name (K84)', async () => {
  const certificate = await certificateFor('b.example.com', { noSubjectAltName: true })
  expect(checkServerIdentity('b.example.com', certificate.peer)).toBeUndefined()
  expect(policy.verdict(connectionTo(certificate), targetFor('https://b.example.com'))).toEqual(NOT_COVERED)
})

test('refuses a SAN that looks like two (K85)', async () => {
  const certificate = await certificateFor('a.example.com, DNS:victim.example.com', '"a.example.com", DNS:victim.example.com')
  const target = targetFor('https://victim.example.com', { verify: () => undefined })
  expect(policy.verdict(connectionTo(certificate), target)).toEqual(NOT_COVERED)
})

test('no new origin joins a connection whose certificate has expired (K87)', async () => {
  const notAfter = new Date(Date.now() + 60_000)
  const k = connectionTo(await certificateFor('*.example.com', { notAfter }))
  let now = Date.now()
  const timed = coalescing({ clock: { now: () => now } })
  expect(timed.verdict(k, targetFor('https://b.example.com'))).toEqual(USE)
  now = notAfter.getTime() + 1
  expect(timed.verdict(k, targetFor('https://c.example.com'))).toEqual(refuse('certificate-expired'))
  expect(timed.verdict(k, targetFor('https://b.example.com'))).toEqual(refuse('certificate-expired'))
})

test('options that are visible on a connection: its key, verification, the client certificate, the own check, the proxy (K86)', async () => {
  const certificate = await certificateFor('*.example.com')
  const k = (settings: Parameters<typeof connectionTo>[1]) => policy.verdict(connectionTo(certificate, settings), targetFor(B))
  expect(k({ reuseKey: 'with another ca, minVersion, ciphers, lookup or localAddress' })).toEqual(refuse('options-differ'))
  expect(k({ lenient: true })).toEqual(refuse('verification-off'))
  expect(k({ clientCertificate: true })).toEqual(refuse('client-certificate'))
  expect(k({ proxy: 'http://proxy.test' })).toEqual(refuse('proxied'))
  const verify = () => new Error('no')
  expect(policy.verdict(connectionTo(certificate), targetFor(B, { verify }))).toEqual(NOT_COVERED)
})

test('a resumed TLS session has the certificate of its first handshake or is not shared (K88)', async () => {
  expect(policy.verdict(connectionTo(undefined), targetFor(B))).toEqual(refuse('certificate-unknown'))
  const trusting = coalescing({ mode: 'origin-frame', trustOriginFrame: true, allowUnauthorized: true })
  expect(trusting.verdict(connectionTo(undefined, { originSet: [A, B] }), targetFor(B))).toEqual(refuse('certificate-unknown'))
  expect(policy.verdict(connectionTo(await certificateFor('*.example.com')), targetFor(B))).toEqual(USE)
})

test('DNS rebinding: an answer is used only while it is fresh, and one that mixes public and private addresses never (K89)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'))
  const answers = [['93.184.216.1'], ['93.184.216.66'], [], undefined]
  const verdicts = answers.map((each) => policy.verdict(k, targetFor(B, { addresses: each })).because)
  expect(verdicts).toEqual(['address-and-certificate', 'address-differs', 'addresses-unknown', 'addresses-unknown'])
  const inside = connectionTo(k.route.certificate, { remoteAddress: '10.0.0.1' })
  const rebound = targetFor(B, { addresses: ['93.184.216.66', '10.0.0.1'] })
  expect(policy.verdict(inside, rebound)).toEqual(refuse('private-address'))
})
