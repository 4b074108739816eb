// The strict gate alone, and the test vectors of four libraries against it and the whole policy.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { coalescing } from '@unshard/coalescing'
import { isValidAt, strictGate } from '../src/certificate-gate.js'
import { dnsNamesOf } from '../src/dns-names.js'
import { certificateFor, connectionTo, originOf, recorded, targetFor } from './fixtures.js'

const NAMED = 'named'
const BY_WILDCARD = 'by-wildcard'
const NOT_COVERED = 'certificate-does-not-cover-host'
const COVERED: ReadonlySet<string> = new Set([NAMED, BY_WILDCARD])
const ON_SUFFIX = 'wildcard-on-public-suffix'

test.each([
  [['a.example.com'], 'a.example.com', NAMED],
  [['A.Example.COM'], 'a.example.com', NAMED],
  [['*.Example.COM'], 'b.example.com', BY_WILDCARD],
  [['localhost'], 'localhost', NAMED],
  [['*.googleapis.com'], 'storage.googleapis.com', BY_WILDCARD],
  [['*.s3.amazonaws.com'], 'bucket.s3.amazonaws.com', BY_WILDCARD],
  [['*.github.io'], 'somebody.github.io', BY_WILDCARD],
  [['*.example.co.uk'], 'a.example.co.uk', BY_WILDCARD],
  [['*.example.test'], 'a.example.test', BY_WILDCARD],
  [['*.example.com'], 'xn--bcher-kva.example.com', BY_WILDCARD],
  [['*.co.uk'], 'a.co.uk', ON_SUFFIX],
  [['*.com.br'], 'a.com.br', ON_SUFFIX],
  [['*.anything.ck'], 'a.anything.ck', ON_SUFFIX],
  [['*.co.uk', 'a.co.uk'], 'a.co.uk', NAMED],
  [['*.com'], 'example.com', NOT_COVERED],
  [['*.test'], 'a.test', NOT_COVERED],
  [['*.example.com'], 'example.com', NOT_COVERED],
  [['*.example.com'], 'a.b.example.com', NOT_COVERED],
  [['*.*.example.com'], 'a.b.example.com', NOT_COVERED],
  [['a.*.example.com'], 'a.b.example.com', NOT_COVERED],
  [['b*.example.com'], 'bar.example.com', NOT_COVERED],
  [['*r.example.com'], 'bar.example.com', NOT_COVERED],
  [['.example.com'], 'a.example.com', NOT_COVERED],
  [['example.com'], 'a.example.com', NOT_COVERED],
  [['*'], 'a', NOT_COVERED],
  [['a.example.com.'], 'a.example.com', NOT_COVERED],
  [['a.example.com'], 'a.example.com.', NOT_COVERED],
  [['a.example.com'], 'A.example.com', NOT_COVERED],
  [['192.0.2.1'], '192.0.2.1', NOT_COVERED],
])('%p for %s: %s', async (names, host, expected) => {
  const certificate = await certificateFor(...names)
  expect(strictGate(certificate, host)).toBe(expected)
  expect(strictGate(certificate, host)).toBe(expected)
})

test.each([
  ['a.example.com', BY_WILDCARD],
  ['b.example.org', NAMED],
  ['a.co.uk', ON_SUFFIX],
  ['a.b.example.com', NOT_COVERED],
  ['example.com', NOT_COVERED],
  ['common.example.net', NOT_COVERED],
])('%s is %s where checkHost compares names only, and the common name too, as in Deno', async (host, expected) => {
  const names = ['*.example.com', 'b.example.org', '*.co.uk', 'common.example.net']
  const { peer, x509 } = await certificateFor(...names.slice(0, 3))
  const { validFrom, validTo, raw } = x509
  const checkHost = (name: string): string | undefined => (names.includes(name) ? name : undefined)
  expect(strictGate({ peer, x509: { validFrom, validTo, raw, checkHost } as never }, host)).toBe(expected)
})

test.each(['x, DNS:b.example.com', 'b.example.com\0', 'b.example.com '])('the name %j is one name', async (name) => {
  const certificate = await certificateFor(name, 'a.example.com')
  expect(strictGate(certificate, 'b.example.com')).toBe(NOT_COVERED)
  expect(strictGate(certificate, 'a.example.com')).toBe(NAMED)
})

test('an encoding that is cut off has no names', async () => {
  const { x509 } = await certificateFor('a.example.com')
  expect([...dnsNamesOf(x509.raw).keys()]).toEqual(['a.example.com'])
  for (let length = 0; length < x509.raw.length; length++) expect(dnsNamesOf(x509.raw.subarray(0, length)).size).toBe(0)
  expect(dnsNamesOf(Buffer.from([0x30, 0x85, 0xff, 0xff, 0xff, 0xff, 0xff])).size).toBe(0)
})

test('results are cached per certificate and host; the cache is bounded, and dropping it changes no result', async () => {
  const certificate = await certificateFor('*.example.com')
  let asked = 0
  const checkHost = certificate.x509.checkHost.bind(certificate.x509)
  certificate.x509.checkHost = (...question) => {
    asked++
    return checkHost(...question)
  }
  for (let round = 0; round < 3; round++) expect(strictGate(certificate, 'first.example.com')).toBe(BY_WILDCARD)
  expect(asked).toBe(1)
  for (let i = 0; i < 16_384; i++) strictGate(certificate, `h${i}.example.org`)
  asked = 0
  expect(strictGate(certificate, 'first.example.com')).toBe(BY_WILDCARD)
  expect(asked).toBe(1)
})

test('an invalid date is not valid', async () => {
  const { peer, x509 } = await certificateFor('a.example.com')
  const odd = {
    peer,
    x509: { validTo: 'soon', validFrom: 'Jan  1 00:00:00 2020 GMT', raw: x509.raw } as never,
  }
  expect(isValidAt({ peer, x509 }, Date.now())).toBe(true)
  expect(isValidAt(odd, Date.now())).toBe(false)
})

interface NameVector {
  readonly source: string
  readonly host: string
  readonly dns: readonly string[]
  readonly ip: readonly string[]
  readonly match: boolean
  readonly cert: string
}

const corpora = process.env['UNSHARD_CORPORA'] ?? join(import.meta.dirname, '../../../../shared/corpora')
const file = join(corpora, 'vectors/name-vectors-with-certs.json')
const present = existsSync(file)
const vectors: NameVector[] = present ? JSON.parse(readFileSync(file, 'utf8')) : []
/** The sources disagree on some vectors: the strictest verdict counts. */
const strictest = new Map<string, boolean>()
const question = ({ host, dns, ip }: NameVector): string => JSON.stringify([host.toLowerCase(), [...dns].sort(), [...ip].sort()])
for (const vector of vectors) strictest.set(question(vector), vector.match && (strictest.get(question(vector)) ?? true))

describe(present ? 'name vectors' : `name vectors: SKIPPED, ${file} is absent`, () => {
  const maybe = present ? test : test.skip

  maybe('no false accepts by the gate alone, whatever the host looks like', () => {
    const wrong = vectors.filter((vector) => {
      const certificate = recorded(Buffer.from(vector.cert, 'base64'))
      return COVERED.has(strictGate(certificate, vector.host.toLowerCase())) && strictest.get(question(vector)) !== true
    })
    expect(wrong.map(({ source, host, dns }) => ({ source, host, dns }))).toEqual([])
    expect(vectors.length).toBeGreaterThan(100)
  })

  maybe(
    "no false accepts by the policy, even if the client's own check accepts anything; most true matches of DNS names pass",
    () => {
      const policy = coalescing()
      let used = 0
      const wrong: NameVector[] = []
      for (const vector of vectors) {
        const origin = originOf(`https://${vector.host}/`)
        if (origin === undefined) continue
        const target = targetFor(origin, { verify: () => undefined })
        const k = connectionTo(recorded(Buffer.from(vector.cert, 'base64')))
        const { use } = policy.verdict(k, target) as { use: boolean }
        if (use) used++
        if (use && strictest.get(question(vector)) !== true) wrong.push(vector)
      }
      expect(wrong.map(({ source, host, dns }) => ({ source, host, dns }))).toEqual([])
      expect(used).toBeGreaterThan(20)
    },
  )
})
