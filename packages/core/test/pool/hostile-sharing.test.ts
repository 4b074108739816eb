/** Sharing against odds: answers that are used up at once, trials that nobody answers, policies that throw, memory. */

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

function make(rule: (connection: FakeConnection, target: Target) => Verdict = () => USE, more: Partial<ReusePolicy> = {}) {
  const clock = new FakeClock(1)
  const connector = new FakeConnector()
  const policy: ReusePolicy = {
    verdict: (candidate, target) =>
      isConnection(candidate) ? rule(candidate as FakeConnection, target) : { wait: true, because: 'handshake-under-way' },
    misdirected: () => undefined,
    ...more,
  }
  const pool = poolOf(connector, clock, policy)
  const call = (target: PoolTarget): FakeCall => {
    const one = new FakeCall()
    const member = pool.acquire(target, one)
    if (member !== undefined) one.onMember(member)
    return one
  }
  const open = async (options?: FakeOptions): Promise<FakeConnection> => {
    const before = connector.dials.length
    call(A)
    await turn()
    return connector.dials[before]!.succeed(options)
  }
  return { clock, connector, pool, call, open }
}

it('an answer of the resolver that is used up at once serves those who asked for it', async () => {
  const { call, clock, connector, open } = make()
  const shared = await open()
  connector.resolve = async ({ origin: { host } }) => {
    connector.resolved.push(host)
    if (connector.resolved.length > 20) return new Promise(() => undefined)
    return { addresses: [{ address: '192.0.2.1', family: 4 }], expiresAt: clock.now() }
  }
  const one = call(B)
  await turn()
  expect(connector.resolved).toEqual(['a.example', 'b.example'])
  expect(one.member?.connection).toBe(shared)
  const two = call(B)
  await turn()
  expect(two.member?.connection).toBe(shared)
  expect(connector.resolved).toEqual(['a.example', 'b.example', 'b.example'])
})

it('a 421 for one of many origins that share: the others are not asked about', async () => {
  let asked = 0
  const { call, open, pool } = make(() => {
    asked++
    return USE
  })
  const shared = await open()
  const targets = Array.from({ length: 500 }, (_, i) => targetOf(`https://t${i}.example`))
  for (const target of targets) call(target)
  await turn()
  asked = 0
  for (const target of targets) pool.misdirected(target, shared, 421)
  expect(asked).toBe(0)
})

describe('a policy that throws, or gives no answer that is one', () => {
  const thrower = (): never => {
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
    ['throws', thrower],
    ['says nothing', () => undefined as unknown as Verdict],
    ['waits for what is there', () => ({ wait: true, because: 'x' }) as Verdict],
    ['says yes in words', () => ({ use: 'yes' }) as unknown as Verdict],
  ])('%s: a connection of its own', async (_what, rule) => {
    const { call, connector, open } = make(rule)
    await open()
    const one = call(B)
    await turn()
    const own = await connector.dials[1]!.succeed()
    expect(one.member).toMatchObject({ connection: own, coalesced: false, because: 'policy-failed' })
  })

  it('asked again when ORIGIN has come: who shares leaves, and the connection goes on', async () => {
    let broken = false
    const { call, connector, open } = make(() => (broken ? thrower() : USE))
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

  it('asked again after a dial: the new connection is kept', async () => {
    let broken = false
    const { call, connector, open } = make(() => (broken ? thrower() : { use: false, because: 'no' }))
    await open()
    const one = call(B)
    await turn()
    broken = true
    const own = await connector.dials[1]!.succeed()
    expect(one.member?.connection).toBe(own)
  })

  it('told of an answer, or of a 421: nobody else is concerned', async () => {
    const { call, connector, open, pool } = make(() => ({ ...USE, trial: true }), { misdirected: thrower, answered: thrower })
    const shared = await open()
    const [one, two] = [call(B), call(B)]
    await turn()
    pool.answered(B, one.member!)
    expect(two.member?.connection).toBe(shared)
    pool.misdirected(B, shared, 421)
    call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('asked for groups: there are none', async () => {
    const { call, connector } = make(() => USE, { groupsOf: thrower })
    const one = call({ ...A, proxy: { name: 'http://proxy.example:80', key: 'p' } })
    await turn()
    const own = await connector.dials[0]!.succeed()
    expect(one.member?.connection).toBe(own)
  })
})

it('an origin that shares is asked about again after a minute, though no answer of a resolver is used up: certificates expire', async () => {
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

it('origins that have joined a connection, and are asked for no more, are forgotten', async () => {
  const { call, clock, connector, open, pool } = make()
  const shared = await open()
  let most = 0
  for (let i = 0; i < 1_000; i++) {
    connector.expiresAt = clock.now() + 1_000
    const one = call(targetOf(`https://t${i}.example`))
    await turn()
    shared.finish(one)
    clock.advance(100)
    most = Math.max(most, [...pool.originPools].length)
  }
  expect(most).toBeLessThan(20)
})

describe('a 421 that comes late', () => {
  it('while another connection is looked for: a shared one is not taken, the next one is its own', async () => {
    const { call, clock, connector, open, pool } = make((_connection, { origin }) =>
      origin === B.origin ? USE : { use: false, because: 'no' },
    )
    const first = await open({ places: 1 })
    const other = call(targetOf('https://c.example'))
    await turn()
    const second = await connector.dials[1]!.succeed({ places: 1 })
    expect(other.member?.connection).toBe(second)
    const waiting = call(B)
    await turn()
    clock.advance(1_000)
    // The look-up is under way, and so is an earlier request's answer.
    pool.misdirected(B, first, 421)
    await turn()
    second.finish()
    const own = await connector.dials[2]!.succeed()
    expect(waiting.member).toMatchObject({ connection: own, coalesced: false, because: 'misdirected-before' })
  })

  it('when there is a connection of its own already: that is not the reason for another, later', async () => {
    const { call, connector, open, pool } = make()
    const shared = await open()
    const [one, two] = [call(B), call(B)]
    await turn()
    pool.misdirected(B, shared, 421)
    shared.finish(one)
    call(B)
    await turn()
    const own = await connector.dials[1]!.succeed()
    pool.misdirected(B, shared, 421)
    shared.finish(two)
    own.enter('closed')
    const later = call(B)
    await turn()
    expect(later.member?.connection).toBe(shared)
  })
})

it('a place on its own connection is taken, though what it shares is to be asked about again', async () => {
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
  '§2.4: what was covered, and is covered no more because of a 421 for %s, is not closed when there is room',
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
    pool.misdirected(host === 'b' ? B : C, covering, 421)
    covering.finish()
    expect(covered.closes).toBe(0)
  },
)

it('explains a dial of the same origin as its own, though origins are remembered for a while only', async () => {
  const { call, pool } = make()
  call(A)
  await turn()
  const again = { ...A, origin: { ...A.origin } }
  expect((await pool.explain(again)).candidates).toMatchObject([{ verdict: 'own', because: 'handshake-under-way' }])
})

it('§2.4: connections of one origin do not close each other, where it is to have several', async () => {
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

it('connections of one origin are made at the same time: what it is making for itself is not waited for', async () => {
  const { call, connector } = make()
  connector.known = 'http/1.1'
  for (let i = 0; i < 6; i++) call(A)
  await turn()
  expect(connector.dials).toHaveLength(6)
})
