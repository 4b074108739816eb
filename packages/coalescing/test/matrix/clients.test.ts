// Cases from the tests of Firefox, http2-wrapper and fetch-h2, as far as the policy alone can show
// them. Each title ends with the name of the original test and the row of the coalescing matrix.
import { coalescing } from '@unshard/coalescing'
import { certificateFor, connectionTo, targetFor } from '../fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })
const NOT_COVERED = refuse('certificate-does-not-cover-host')
const policy = coalescing()

describe('Firefox test_origin.js', () => {
  const foo = 'https://foo.example.com'
  const alt1 = 'https://alt1.example.com'
  const alt2 = 'https://alt2.example.com'
  const bar = 'https://bar.example.org'
  const certificate = certificateFor('foo.example.com', 'alt1.example.com', 'alt2.example.com')
  const connected = async (...originSet: string[]) => connectionTo(await certificate, { origin: foo, originSet })

  test("after an empty ORIGIN frame the set contains only the connection's own origin: alt1 is not coalesced (K45)", async () => {
    expect(policy.verdict(await connected(foo), targetFor(alt1))).toEqual(refuse('not-in-origin-set'))
  })

  test('ORIGIN on a fresh connection applies to that connection only (K46)', async () => {
    expect(policy.verdict(await connected(foo, alt1, alt2, bar), targetFor(alt1))).toEqual(USE)
    expect(policy.verdict(await connected(foo), targetFor(alt1))).toEqual(refuse('not-in-origin-set'))
    expect(policy.verdict(connectionTo(await certificate, { origin: foo }), targetFor(alt1))).toEqual(USE)
  })

  test('the own origin is in the set and stays usable (K47)', async () => {
    expect(policy.verdict(await connected(foo, alt1, alt2, bar), targetFor(foo))).toEqual(USE)
  })

  test('alt1, listed and at the same address, is coalesced (K48)', async () => {
    expect(policy.verdict(await connected(foo, alt1, alt2, bar), targetFor(alt1))).toEqual(USE)
  })

  test('bar, listed but not in the certificate, is not coalesced, with or without DNS (K50)', async () => {
    const k = await connected(foo, alt1, alt2, bar)
    expect(policy.verdict(k, targetFor(bar, { addresses: undefined }))).toEqual(NOT_COVERED)
    expect(policy.verdict(k, targetFor(bar))).toEqual(NOT_COVERED)
  })

  test('alt2, listed and without DNS, is coalesced only if the caller trusts ORIGIN (K49)', async () => {
    const k = await connected(foo, alt1, alt2, bar)
    const trusting = coalescing({ mode: 'origin-frame', trustOriginFrame: true })
    const nowhere = { addresses: undefined }
    expect(policy.verdict(k, targetFor(alt2, nowhere))).toEqual(refuse('addresses-unknown'))
    expect(coalescing({ mode: 'origin-frame' }).verdict(k, targetFor(alt2, nowhere))).toEqual(refuse('addresses-unknown'))
    expect(trusting.verdict(k, targetFor(alt2, nowhere))).toEqual({ use: true, because: 'origin-set-and-certificate' })
    expect(trusting.verdict(k, targetFor(bar, nowhere))).toEqual(NOT_COVERED)
  })
})

test('an authoritative connection is not used without a matching certificate ("does not create a new session if there exists an authoritive one", K51)', async () => {
  const listed = { originSet: [A, 'https://example.com'] }
  const trusting = coalescing({ mode: 'origin-frame', trustOriginFrame: true })
  for (const each of [policy, trusting]) {
    const k = connectionTo(await certificateFor('*.example.com'), listed)
    expect(each.verdict(k, targetFor('https://example.com'))).toEqual(NOT_COVERED)
    const covering = connectionTo(await certificateFor('*.example.com', 'example.com'), listed)
    expect(each.verdict(covering, targetFor('https://example.com'))).toMatchObject({ use: true })
  }
})

test('a connection for another name is refused because its certificate does not cover the host ("throws on servername mismatch", K60)', async () => {
  const k = connectionTo(await certificateFor('foobar'), { origin: 'https://foobar' })
  expect(policy.verdict(k, targetFor('https://localhost'))).toEqual(NOT_COVERED)
})

test('a set without the origin is a refusal, however often it is asked ("no infinity loop on endpoint mismatch", K61)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { originSet: [A] })
  for (let i = 0; i < 3; i++) expect(policy.verdict(k, targetFor(B))).toEqual(refuse('not-in-origin-set'))
})

test('different TLS options never share ("sessions are grouped into options and authorities", K62)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { reuseKey: 'TLS 1.2' })
  expect(policy.verdict(k, targetFor(B, { reuseKey: 'TLS 1.3' }))).toEqual(refuse('options-differ'))
  expect(policy.verdict(k, targetFor(B, { reuseKey: 'TLS 1.2' }))).toEqual(USE)
})

test('same SAN but different host is shared only with a common address or a trusted ORIGIN ("should re-use session for same SAN but different host", K64)', async () => {
  const certificate = await certificateFor('a.example.com', 'b.example.com')
  const elsewhere = targetFor(B, { addresses: ['93.184.216.2'] })
  expect(policy.verdict(connectionTo(certificate), elsewhere)).toEqual(refuse('address-differs'))
  expect(policy.verdict(connectionTo(certificate), targetFor(B))).toEqual(USE)
  const trusting = coalescing({ mode: 'origin-frame', trustOriginFrame: true })
  expect(trusting.verdict(connectionTo(certificate), elsewhere)).toEqual(refuse('address-differs'))
  expect(trusting.verdict(connectionTo(certificate, { originSet: [A, B] }), elsewhere)).toMatchObject({ use: true })
})

test('a wildcard is one label, double wildcards cover nothing, and a common name is never read (K65)', async () => {
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
