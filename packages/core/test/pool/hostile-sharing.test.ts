/**
 * Sharing under hostile conditions: expired DNS answers, unanswered trials, policies that throw.
 */

import { FakeClock } from '@unshard/testkit'
import { isConnection, type ReusePolicy, type Target, type Verdict } from '../../src/index.js'
import type { PoolTarget } from '../../src/transport/target.js'
import { FakeCall, type FakeConnection, FakeConnector, type FakeOptions, poolOf, targetOf, turn } from './fakes.js'

let A: PoolTarget
let B: PoolTarget
beforeEach(() => {
  A = targetOf('https://a.example')
  B = targetOf('https://b.example')
})
const USE: Verdict = { use: true, because: 'shared' }

function make(rule: (connection: FakeConnection, target: Target) => Verdict = () => USE, overrides: Partial<ReusePolicy> = {}) {
  const clock = new FakeClock(1)
  const connector = new FakeConnector()
  const policy: ReusePolicy = {
    verdict: (candidate, target) =>
      isConnection(candidate) ? rule(candidate as FakeConnection, target) : { wait: true, because: 'handshake-under-way' },
    misdirected: () => undefined,
    ...overrides,
  }
  const pool = poolOf(connector, clock, policy)
  const call = (target: PoolTarget): FakeCall => {
    const request = new FakeCall()
    const member = pool.acquire(target, request)
    if (member !== undefined) request.onMember(member)
    return request
  }
  const open = async (options?: FakeOptions): Promise<FakeConnection> => {
    const before = connector.dials.length
    call(A)
    await turn()
    return connector.dials[before]!.succeed(options)
  }
  return { clock, connector, pool, call, open }
}

it('a DNS answer with TTL 0 serves the requests that caused the lookup', async () => {
  const { call, clock, connector, open } = make()
  const shared = await open()
  connector.resolve = async ({ origin: { host } }) => {
    connector.resolved.push(host)
    if (connector.resolved.length > 20) return new Promise(() => undefined)
    return { addresses: [{ address: '192.0.2.1', family: 4 }], expiresAt: clock.now() }
  }
  const request = call(B)
  await turn()
  expect(connector.resolved).toEqual(['a.example', 'b.example'])
  expect(request.member?.connection).toBe(shared)
  const second = call(B)
  await turn()
  expect(second.member?.connection).toBe(shared)
  expect(connector.resolved).toEqual(['a.example', 'b.example', 'b.example'])
})

it('a 421 for one of many sharing origins does not cause policy calls for the others', async () => {
  let policyCalls = 0
  const { call, open, pool } = make(() => {
    policyCalls++
    return USE
  })
  const shared = await open()
  const targets = Array.from({ length: 500 }, (_, i) => targetOf(`https://t${i}.example`))
  for (const target of targets) call(target)
  await turn()
  policyCalls = 0
  for (const target of targets) pool.outcomes.misdirected(target, shared, 421)
  expect(policyCalls).toBe(0)
})

describe('a policy that throws, or returns an invalid verdict', () => {
  const throwError = (): never => {
    throw new Error('of the policy')
  }
  const warned: string[] = []
  const { emitWarning } = process
  beforeEach(() => {
    warned.length = 0
    process.emitWarning = (warning: string | Error) => void warned.push(String(warning))
  })
  afterEach(() => {
    process.emitWarning = emitWarning
  })

  it.each([
    ['throws', throwError],
    ['returns undefined', () => undefined as unknown as Verdict],
    ['waits for an open connection', () => ({ wait: true, because: 'x' }) as Verdict],
    ['grants with a string', () => ({ use: 'yes' }) as unknown as Verdict],
  ])('%s: the origin uses its own connection', async (_what, rule) => {
    const { call, connector, open } = make(rule)
    await open()
    const request = call(B)
    await turn()
    const own = await connector.dials[1]!.succeed()
    expect(request.member).toMatchObject({ connection: own, coalesced: false, because: 'policy-failed' })
  })

  it('after ORIGIN: the origin is detached, and the connection stays open', async () => {
    let broken = false
    const { call, connector, open } = make(() => (broken ? throwError() : USE))
    const shared = await open()
    const joined = call(B)
    await turn()
    broken = true
    shared.originSet = new Set([A.origin.serialized])
    shared.onChange!()
    expect([joined.over, call(A).member?.connection]).toEqual([false, shared])
    call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
    expect(warned).toEqual(['the reuse policy failed: Error: of the policy'])
  })

  it('after a dial: the new connection is kept', async () => {
    let broken = false
    const { call, connector, open } = make(() => (broken ? throwError() : { use: false, because: 'no' }))
    await open()
    const request = call(B)
    await turn()
    broken = true
    const own = await connector.dials[1]!.succeed()
    expect(request.member?.connection).toBe(own)
  })

  it('in `answered` or `misdirected`: other requests are not affected', async () => {
    const { call, connector, open, pool } = make(() => ({ ...USE, trial: true }), {
      misdirected: throwError,
      answered: throwError,
    })
    const shared = await open()
    const [first, second] = [call(B), call(B)]
    await turn()
    pool.outcomes.answered(B, first.member!)
    expect(second.member?.connection).toBe(shared)
    pool.outcomes.misdirected(B, shared, 421)
    call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('in `groupsOf`: the origin has no host groups', async () => {
    const { call, connector } = make(() => USE, { groupsOf: throwError })
    const request = call({ ...A, proxy: { name: 'http://proxy.example:80', key: 'p' } })
    await turn()
    const own = await connector.dials[0]!.succeed()
    expect(request.member?.connection).toBe(own)
  })
})

it('the policy is called again after a minute, even with a valid DNS answer, because certificates expire', async () => {
  let valid = true
  const { call, clock, connector, open } = make(() => (valid ? USE : { use: false, because: 'certificate-expired' }))
  const shared = await open()
  call(B)
  await turn()
  valid = false
  clock.advance(59_999)
  expect(call(B).member?.connection).toBe(shared)
  clock.advance(1)
  call(B)
  await turn()
  expect(connector.dials).toHaveLength(2)
})

it('origins that joined a connection and are not requested again are forgotten', async () => {
  const { call, clock, connector, open, pool } = make()
  const shared = await open()
  let maxPools = 0
  for (let i = 0; i < 1_000; i++) {
    connector.expiresAt = clock.now() + 1_000
    const request = call(targetOf(`https://t${i}.example`))
    await turn()
    shared.finish(request)
    clock.advance(100)
    maxPools = Math.max(maxPools, [...pool.originPools].length)
  }
  expect(maxPools).toBeLessThan(20)
})

describe('a late 421', () => {
  it('during the search for a connection: a shared one is refused, and the next dial is made for the origin', async () => {
    const { call, clock, connector, open, pool } = make((_connection, { origin }) =>
      origin === B.origin ? USE : { use: false, because: 'no' },
    )
    const first = await open({ places: 1 })
    const otherRequest = call(targetOf('https://c.example'))
    await turn()
    const second = await connector.dials[1]!.succeed({ places: 1 })
    expect(otherRequest.member?.connection).toBe(second)
    const waiting = call(B)
    await turn()
    clock.advance(1_000)
    // The lookup is pending, and so is the response to an earlier request.
    pool.outcomes.misdirected(B, first, 421)
    await turn()
    second.finish()
    const own = await connector.dials[2]!.succeed()
    expect(waiting.member).toMatchObject({ connection: own, coalesced: false, because: 'misdirected-before' })
  })

  it('for an origin with its own connection: a later request causes no other dial', async () => {
    const { call, connector, open, pool } = make()
    const shared = await open()
    const [first, second] = [call(B), call(B)]
    await turn()
    pool.outcomes.misdirected(B, shared, 421)
    shared.finish(first)
    call(B)
    await turn()
    const own = await connector.dials[1]!.succeed()
    pool.outcomes.misdirected(B, shared, 421)
    shared.finish(second)
    own.enter('closed')
    const later = call(B)
    await turn()
    expect(later.member?.connection).toBe(shared)
  })
})

it("a slot of an origin's own connection is used even if its shared connections need a new check", async () => {
  const { call, clock, connector, open } = make()
  await open({ places: 1 })
  connector.expiresAt = 2_000
  const [first, second] = [call(B), call(B)]
  await turn()
  clock.advance(1_000)
  await turn()
  const own = await connector.dials[1]!.succeed({ places: 1 })
  expect([first.member?.connection, second.member]).toEqual([own, undefined])
  clock.advance(1_000)
  own.finish()
  expect(second.member?.connection).toBe(own)
})

it.each(['b', 'c'])(
  'a connection that is not covered after a 421 for %s is not closed while it has capacity (§2.4)',
  async (host) => {
    let allowed = false
    const { call, connector, open, pool } = make(() => (allowed ? USE : { use: false, because: 'not yet' }))
    const covering = await open({ places: 1 })
    const C = targetOf('https://c.example')
    call(B)
    await turn()
    const covered = await connector.dials[1]!.succeed()
    call(C)
    await turn()
    allowed = true
    covered.originSet = new Set([B, C].map(({ origin }) => origin.serialized))
    covering.originSet = new Set([A, B, C].map(({ origin }) => origin.serialized))
    covering.onChange!()
    covered.onChange!()
    expect(covered.closes).toBe(0)
    pool.outcomes.misdirected(host === 'b' ? B : C, covering, 421)
    covering.finish()
    expect(covered.closes).toBe(0)
  },
)

it('explain describes a dial for the same origin as its own, even after old origins are forgotten', async () => {
  const { call, pool } = make()
  call(A)
  await turn()
  const again = { ...A, origin: { ...A.origin } }
  expect((await pool.explain(again)).candidates).toMatchObject([{ verdict: 'own', because: 'handshake-under-way' }])
})

it('connections of one origin do not close each other if it may have several (§2.4)', async () => {
  const { call, connector, pool } = make()
  const target = targetOf('https://a.example', 'key', { minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3 })
  call(target)
  await turn()
  const first = await connector.dials[0]!.succeed()
  for (const dial of connector.dials.slice(1)) await dial.succeed()
  first.originSet = new Set([target.origin.serialized])
  first.onChange!()
  expect(pool.find(target)?.members).toHaveLength(3)
})

it('connections of one origin are dialed in parallel, without waiting for each other', async () => {
  const { call, connector } = make()
  connector.known = 'http/1.1'
  for (let i = 0; i < 6; i++) call(A)
  await turn()
  expect(connector.dials).toHaveLength(6)
})
