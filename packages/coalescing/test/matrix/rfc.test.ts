// Cases from the RFCs, as far as the policy alone can show them. Each title ends with the row of
// the coalescing matrix.
import { coalescing } from '@unshard/coalescing'
import { certificateFor, connectionTo, dialTo, originOf, targetFor } from '../fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const refuse = (because: string) => ({ use: false, because })
const NOT_COVERED = refuse('certificate-does-not-cover-host')
const policy = coalescing()

test('another port is not shared (K68)', async () => {
  const certificate = await certificateFor('*.example.com')
  const other = targetFor('https://b.example.com:8443')
  expect(policy.verdict(connectionTo(certificate), other)).toEqual(refuse('port-differs'))
  expect(policy.verdict(connectionTo(certificate, { origin: 'https://a.example.com:444' }), other)).toEqual(
    refuse('port-differs'),
  )
})

test('the scheme http is not shared (K69)', async () => {
  const certificate = await certificateFor('*.example.com')
  expect(policy.verdict(connectionTo(certificate), targetFor('http://b.example.com'))).toEqual(refuse('not-https'))
  const cleartext = connectionTo(undefined, { origin: 'http://a.example.com', authorized: false })
  expect(policy.verdict(cleartext, targetFor('http://b.example.com'))).toEqual(refuse('not-https'))
  expect(policy.verdict(cleartext, targetFor('https://b.example.com'))).toEqual(refuse('not-https'))
})

test('case and U-labels are canonicalized before comparison; a trailing dot is never coalesced (K70)', async () => {
  const k = connectionTo(await certificateFor('xn--bcher-kva.example.com', 'b.example.com'))
  expect(policy.verdict(k, targetFor(originOf('https://BÜCHER.Example.com')!))).toEqual(USE)
  expect(policy.verdict(k, targetFor('https://B.EXAMPLE.COM'))).toEqual(USE)
  expect(policy.verdict(k, targetFor('https://b.example.com.'))).toEqual(refuse('not-a-dns-name'))
})

test('an IP literal is never shared, not even with an iPAddress SAN (stricter than the matrix, K71)', async () => {
  const k = connectionTo(await certificateFor('*.example.com', '93.184.216.1', { ips: ['93.184.216.1'] }))
  expect(policy.verdict(k, targetFor('https://93.184.216.1'))).toEqual(refuse('ip-literal'))
  expect(policy.verdict(dialTo(), targetFor('https://93.184.216.1'))).toEqual(refuse('ip-literal'))
})

test('a 421 removes the origin from the Origin Set of that connection, which no longer serves it (K74)', async () => {
  const certificate = await certificateFor('*.example.com')
  const trusting = coalescing({ mode: 'origin-frame', trustOriginFrame: true })
  expect(trusting.verdict(connectionTo(certificate, { originSet: [A, B] }), targetFor(B))).toMatchObject({ use: true })
  expect(trusting.verdict(connectionTo(certificate, { originSet: [A] }), targetFor(B))).toEqual(refuse('not-in-origin-set'))
})

test('a 421 on every attempt wastes one request per pair, then one every five minutes (K75)', async () => {
  const certificate = await certificateFor('*.example.com')
  let now = Date.now()
  const timed = coalescing({ clock: { now: () => now } })
  let wasted = 0
  for (let minute = 0; minute < 30; minute++) {
    for (let i = 0; i < 10; i++) {
      // A new connection each time, whichever origin it was opened for.
      const k = connectionTo(certificate, { origin: `https://x${i}.example.com` })
      const verdict = timed.verdict(k, targetFor(B))
      if (!('use' in verdict) || !verdict.use) continue
      expect(verdict.trial ?? false).toBe(minute > 0)
      wasted++
      timed.misdirected(k, targetFor(B).origin)
    }
    now += 60_000
  }
  expect(wasted).toBe(6)
})

test('Origin Set entries with another scheme or port do not match this origin (K76)', async () => {
  const originSet = [A, 'http://b.example.com', 'https://b.example.com:8443']
  for (const each of [policy, coalescing({ mode: 'origin-frame', trustOriginFrame: true })]) {
    const k = connectionTo(await certificateFor('*.example.com'), { originSet })
    expect(each.verdict(k, targetFor(B))).toEqual(refuse('not-in-origin-set'))
  }
})

test("ORIGIN sent by a proxy about itself: the proxy's own connection is never a candidate (K78)", async () => {
  const trusting = coalescing({ mode: 'origin-frame', trustOriginFrame: true, allow: [['proxy.example.com', 'b.example.com']] })
  const toTheProxy = connectionTo(await certificateFor('*.example.com'), {
    ...{ origin: 'https://proxy.example.com', reuseKey: 'proxy', originSet: ['https://proxy.example.com', B] },
  })
  expect(trusting.verdict(toTheProxy, targetFor(B, { proxy: 'https://proxy.example.com' }))).toEqual(refuse('options-differ'))
})

test('after an empty ORIGIN frame the set contains only the own origin, and sharing by address stops (K79)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { originSet: [A] })
  const policies = [policy, coalescing({ mode: 'origin-frame', allow: [['*.example.com']] })]
  for (const each of policies) expect(each.verdict(k, targetFor(B))).toEqual(refuse('not-in-origin-set'))
})

test('a name listed in ORIGIN but not covered by the certificate is refused (K80)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { originSet: ['https://a.example.com', 'https://victim.test'] })
  expect(policy.verdict(k, targetFor('https://victim.test'))).toEqual(NOT_COVERED)
})

test('strict mode requires address, certificate and Origin Set; RFC mode requires certificate and a trusted Origin Set (K81)', async () => {
  const k = connectionTo(await certificateFor('*.example.com'), { originSet: [A, B] })
  const elsewhere = targetFor(B, { addresses: ['93.184.216.2'] })
  for (const strict of [policy, coalescing({ mode: 'origin-frame' })]) {
    expect(strict.verdict(k, elsewhere)).toEqual(refuse('address-differs'))
    expect(strict.verdict(k, targetFor(B))).toEqual(USE)
  }
  const trusting = coalescing({ mode: 'origin-frame', trustOriginFrame: true })
  expect(trusting.verdict(k, elsewhere)).toEqual({ use: true, because: 'origin-set-and-certificate' })
})
