// Rule 10: an origin that got a 421 is denied for five minutes, then one request may try, and its
// response decides.
import { coalescing } from '@unshard/coalescing'
import { type Certificate, type Connection, parseOrigin, type ReusePolicy } from '@unshard/core'
import { type ConnectionSettings, certificateFor, connectionTo, dialTo, targetFor } from './fixtures.js'

const A = 'https://a.example.com'
const B = 'https://b.example.com'
const USE = { use: true, because: 'address-and-certificate' }
const WAIT = { wait: true, because: 'handshake-under-way' }
const refuse = (because: string) => ({ use: false, because })

let certificate: Certificate
let policy: Required<ReusePolicy>

beforeAll(async () => {
  certificate = await certificateFor('*.example.com', 'other.test')
})
beforeEach(() => {
  policy = coalescing()
})

const connection = (settings?: ConnectionSettings): Connection => connectionTo(certificate, settings)

describe('rule 10: deny memory', () => {
  test('misdirected-before: after a 421 neither this connection nor an equal one serves that origin, but other origins are served', () => {
    const k = connection()
    policy.misdirected(k, parseOrigin(B))
    expect(policy.verdict(k, targetFor(B))).toEqual(refuse('misdirected-before'))
    expect(policy.verdict(connection({ origin: 'https://x.example.com' }), targetFor(B))).toEqual(refuse('misdirected-before'))
    expect(policy.verdict(connection({ remoteAddress: '::ffff:93.184.216.1' }), targetFor(B))).toEqual(
      refuse('misdirected-before'),
    )
    expect(policy.verdict(k, targetFor('https://c.example.com'))).toEqual(USE)
  })

  test('another address or another certificate may be tried', async () => {
    policy.misdirected(connection(), parseOrigin(B))
    const elsewhere = { addresses: ['93.184.216.2'] }
    expect(policy.verdict(connection({ remoteAddress: '93.184.216.2' }), targetFor(B, elsewhere))).toEqual(USE)
    expect(policy.verdict(connectionTo(await certificateFor('*.example.com')), targetFor(B))).toEqual(USE)
  })

  test('another port is another server with its own memory', () => {
    policy.misdirected(connection({ remotePort: 8443 }), parseOrigin(B))
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
  })

  test('the memory is bounded and drops the oldest entries first', () => {
    const k = connection()
    for (let i = 0; i <= 4_096; i++) policy.misdirected(k, parseOrigin(`https://h${i}.example.com`))
    expect(policy.verdict(k, targetFor('https://h0.example.com'))).toEqual(USE)
    expect(policy.verdict(k, targetFor('https://h1.example.com'))).toEqual(refuse('misdirected-before'))
    expect(policy.verdict(k, targetFor('https://h4096.example.com'))).toEqual(refuse('misdirected-before'))
  })

  test('the memory belongs to the policy object and accepts a connection without certificate or address', () => {
    const bare = connectionTo(undefined, { remoteAddress: undefined })
    policy.misdirected(bare, parseOrigin(B))
    expect(policy.verdict(bare, targetFor(B))).toEqual(refuse('certificate-unknown'))
    policy.misdirected(connection(), parseOrigin(B))
    expect(coalescing().verdict(connection(), targetFor(B))).toEqual(USE)
  })
})

describe('rule 10: after five minutes', () => {
  const TRIAL = { use: true, because: 'address-and-certificate', trial: true }
  const MINUTE = 60_000
  let now: number

  beforeEach(() => {
    now = Date.now()
    policy = coalescing({ clock: { now: () => now } })
    policy.misdirected(connection(), parseOrigin(B))
  })

  test('an origin is denied to the last millisecond, then due for a trial', () => {
    now += 5 * MINUTE - 1
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('misdirected-before'))
    now += 1
    expect(policy.verdict(connection(), targetFor(B))).toEqual(TRIAL)
    expect(policy.verdict(connection(), targetFor('https://c.example.com'))).toEqual(USE)
  })

  test('asking does not use up the trial, because an explanation must not send anything', () => {
    now += 5 * MINUTE
    for (let i = 0; i < 3; i++) expect(policy.verdict(connection(), targetFor(B))).toEqual(TRIAL)
  })

  test('a successful trial clears the entry', () => {
    now += 5 * MINUTE
    policy.answered(connection(), parseOrigin(B))
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
  })

  test('another 421 denies the origin for five more minutes', () => {
    now += 5 * MINUTE
    policy.misdirected(connection(), parseOrigin(B))
    now += 5 * MINUTE - 1
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('misdirected-before'))
    now += 1
    expect(policy.verdict(connection(), targetFor(B))).toEqual(TRIAL)
  })

  test('a response after a newer 421, or for an origin that was never denied, changes nothing', () => {
    policy.answered(connection(), parseOrigin(B))
    expect(policy.verdict(connection(), targetFor(B))).toEqual(refuse('misdirected-before'))
    policy.answered(connection(), parseOrigin('https://c.example.com'))
    coalescing().answered(connection(), parseOrigin(B))
    now += 5 * MINUTE
    policy.answered(connectionTo(undefined), parseOrigin(B))
    expect(policy.verdict(connection(), targetFor(B))).toEqual(TRIAL)
  })

  test('an hour after the last 421 the entry is forgotten', () => {
    now += 60 * MINUTE - 1
    expect(policy.verdict(connection(), targetFor(B))).toEqual(TRIAL)
    now += 1
    expect(policy.verdict(connection(), targetFor(B))).toEqual(USE)
  })

  test('a trial requires that all other rules hold, and reports their evidence', () => {
    now += 5 * MINUTE
    expect(policy.verdict(connection({ state: 'draining' }), targetFor(B))).toEqual(refuse('draining'))
    policy = coalescing({ mode: 'origin-frame', trustOriginFrame: true, clock: { now: () => now } })
    policy.misdirected(connection(), parseOrigin(B))
    now += 5 * MINUTE
    const k = connection({ originSet: [A, B] })
    expect(policy.verdict(k, targetFor(B))).toEqual({ use: true, because: 'origin-set-and-certificate', trial: true })
  })

  test('a dial is still waited for, because its result is unknown', () => {
    expect(policy.verdict(dialTo(), targetFor(B))).toEqual(WAIT)
  })

  test('the last origin to be denied is the last to be forgotten, even if it was denied before', () => {
    const k = connection()
    for (let i = 0; i < 4_095; i++) policy.misdirected(k, parseOrigin(`https://h${i}.example.com`))
    policy.verdict(k, targetFor('https://h0.example.com'))
    policy.misdirected(k, parseOrigin(B))
    policy.misdirected(k, parseOrigin('https://further.example.com'))
    expect(policy.verdict(k, targetFor(B))).toEqual(refuse('misdirected-before'))
    expect(policy.verdict(k, targetFor('https://h0.example.com'))).toEqual(USE)
  })
})

test('rule 10: through a proxy the reuse key, which names the proxy, replaces the address', () => {
  policy = coalescing({ allow: [['*.example.com']] })
  const proxy = 'http://proxy.test:3128'
  const DECLARED = { use: true, because: 'declared-and-certificate' }
  const tunnel = (settings: ConnectionSettings = {}) => connection({ proxy, remoteAddress: '10.0.0.1', ...settings })
  policy.misdirected(tunnel(), parseOrigin(B))
  // The proxy has many addresses; the server behind it is the same.
  expect(policy.verdict(tunnel({ remoteAddress: '10.0.0.2' }), targetFor(B, { proxy }))).toEqual(refuse('misdirected-before'))
  expect(policy.verdict(tunnel({ reuseKey: 'via another' }), targetFor(B, { proxy, reuseKey: 'via another' }))).toEqual(DECLARED)
  const direct = { remoteAddress: '10.0.0.1' }
  expect(policy.verdict(connection(direct), targetFor(B, { addresses: ['10.0.0.1'] }))).toEqual(USE)
})
