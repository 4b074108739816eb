// The first failing rule determines the reason: fixing one problem after the other yields the next
// reason.
import { type CoalescingOptions, coalescing, GRANT_REASONS, REFUSAL_REASONS } from '@unshard/coalescing'
import { type Certificate, parseOrigin } from '@unshard/core'
import { type ConnectionSettings, certificateFor, connectionTo, type TargetSettings, targetFor } from './fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'

/** Reasons that need another host, or that a tunnel or an empty DNS answer would mask. */
const BESIDE_THE_WAY = ['ip-literal', 'not-a-dns-name', 'wildcard-on-public-suffix', 'proxied', 'no-origin-frame']

test('the first failing rule determines the reason, in the order of the list', async () => {
  const certificate: Certificate = await certificateFor('*.example.com')
  const now = Date.now()
  let options: CoalescingOptions = { mode: 'off', deny: ['b.example.com'], wildcards: 'declared', clock: { now: () => 0 } }
  let wish: TargetSettings = { addresses: [], verify: () => new Error('no') }
  let settings: ConnectionSettings = {
    ...{
      origin: 'http://a.example.com:1',
      protocol: 'http/1.1',
      confirmed: false,
      state: 'draining',
      capacity: 0,
      reuseKey: 'z',
    },
    ...{ clientCertificate: true, authorized: false, lenient: true, certificate: undefined, originSet: [A] },
    ...{ remoteAddress: '10.0.0.1', resolved: [] },
  }
  const ask = (): string => {
    const policy = coalescing(options)
    const k = connectionTo(undefined, settings)
    policy.misdirected(k, parseOrigin(B))
    return policy.verdict(k, targetFor(B, wish)).because
  }
  const found = [ask()]
  const fix = (mended: { options?: CoalescingOptions; k?: ConnectionSettings; wish?: TargetSettings }): void => {
    options = { ...options, ...mended.options }
    settings = { ...settings, ...mended.k }
    wish = { ...wish, ...mended.wish }
    found.push(ask())
  }
  fix({ options: { mode: 'address' } })
  fix({ options: { deny: [] } })
  fix({ k: { origin: 'https://a.example.com:1' } })
  fix({ k: { origin: A } })
  fix({ k: { protocol: 'h2' } })
  fix({ k: { confirmed: true } })
  fix({ k: { state: 'open' } })
  fix({ k: { capacity: 1 } })
  fix({ k: { reuseKey: 'key' } })
  fix({ k: { clientCertificate: false } })
  fix({ k: { authorized: true } })
  fix({ k: { lenient: false } })
  fix({ k: { certificate } })
  fix({ options: { clock: { now: () => now } } })
  fix({ wish: { verify: () => undefined } })
  fix({ options: { wildcards: 'any' } })
  fix({ wish: { addresses: ['10.0.0.2'] } })
  fix({ wish: { addresses: ['10.0.0.1'] } })
  fix({ k: { resolved: ['10.0.0.1'] } })
  fix({ k: { originSet: [A, B] } })
  expect(found).toEqual(REFUSAL_REASONS.filter((reason) => !BESIDE_THE_WAY.includes(reason)))
})

test.each<[string, string, CoalescingOptions, ConnectionSettings, TargetSettings]>([
  ['ip-literal', 'https://10.0.0.1:1', {}, {}, {}],
  ['not-a-dns-name', 'https://b.example.com.:1', {}, {}, {}],
  ['wildcard-on-public-suffix', 'https://b.co.uk', { wildcards: 'declared' }, {}, { addresses: [] }],
  ['proxied', B, {}, { originSet: [A] }, { proxy: 'http://proxy.test' }],
  ['no-origin-frame', B, { mode: 'origin-frame' }, {}, {}],
])('%s comes before the later reasons of the list', async (because, url, options, settings, wish) => {
  const policy = coalescing(options)
  const k = connectionTo(await certificateFor('*.example.com', '*.co.uk'), settings)
  policy.misdirected(k, parseOrigin(url))
  expect(policy.verdict(k, targetFor(url, wish))).toEqual({ use: false, because })
})

test('the set of all verdicts', () => {
  expect(GRANT_REASONS).toEqual([
    'address-and-certificate',
    'origin-set-and-certificate',
    'declared-and-certificate',
    'handshake-under-way',
  ])
  expect(new Set(REFUSAL_REASONS).size).toBe(REFUSAL_REASONS.length)
})

test('a verdict is the same frozen object each time', async () => {
  const k = connectionTo(await certificateFor('*.example.com'))
  const policy = coalescing()
  for (const url of [B, 'https://x.test']) {
    const verdict = policy.verdict(k, targetFor(url))
    expect(policy.verdict(k, targetFor(url))).toBe(verdict)
    expect(Object.isFrozen(verdict)).toBe(true)
  }
})
