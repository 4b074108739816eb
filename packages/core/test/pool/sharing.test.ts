/** A pool with a policy that shares: joining, waiting for capacity, repeated checks, 421, trials, draining. */

import { channel } from 'node:diagnostics_channel'
import { FakeClock, lateBy } from '@unshard/testkit'
import { isConnection, parseOrigin, type ReusePolicy, type Target, type Verdict } from '../../src/index.js'
import { FakeCall, type FakeConnection, FakeConnector, type FakeOptions, poolOf, targetOf, turn } from './fakes.js'

const A = targetOf('https://a.example')
const B = targetOf('https://b.example')
const C = targetOf('https://c.example')
const USE: Verdict = { use: true, because: 'shared' }

function make(rule: (connection: FakeConnection, target: Target) => Verdict = () => USE, more: Partial<ReusePolicy> = {}) {
  const clock = new FakeClock(1)
  const connector = new FakeConnector()
  const told: string[] = []
  const policy: ReusePolicy = {
    verdict: (candidate, target) =>
      isConnection(candidate) ? rule(candidate as FakeConnection, target) : { wait: true, because: 'handshake-under-way' },
    misdirected: (_connection, { host }) => void told.push(`misdirected ${host}`),
    answered: (_connection, { host }) => void told.push(`answered ${host}`),
    ...more,
  }
  const pool = poolOf(connector, clock, policy)
  const call = (target = A): FakeCall => {
    const one = new FakeCall()
    const member = pool.acquire(target, one)
    if (member !== undefined) one.onMember(member)
    return one
  }
  /** A connection made for A. */
  const open = async (options?: FakeOptions): Promise<FakeConnection> => {
    const before = connector.dials.length
    call(A)
    await turn()
    return connector.dials[before]!.succeed(options)
  }
  return { clock, connector, pool, call, open, told }
}

describe('an origin that joins a connection', () => {
  it('uses it without a dial, and is counted', async () => {
    const { call, connector, open, pool } = make()
    const shared = await open()
    const one = call(B)
    await turn()
    expect(one.member).toMatchObject({ connection: shared, coalesced: true, because: 'shared' })
    expect(call(B).member?.connection).toBe(shared)
    expect(connector.resolved).toEqual(['a.example', 'b.example'])
    expect(pool.metrics.dials).toBe(1)
  })

  it('waits for SETTINGS, at most as long as for a handshake', async () => {
    const { call, clock, connector, open } = make()
    const unsure = await open({ confirmed: false })
    const [one, other] = [call(B), call(C)]
    await turn()
    expect([one.member, other.member, connector.dials.length]).toEqual([undefined, undefined, 1])
    unsure.confirmed = true
    unsure.onChange!()
    await turn()
    expect([one.member?.connection, other.member?.connection]).toEqual([unsure, unsure])
    const silent = make()
    await silent.open({ confirmed: false })
    silent.call(B)
    await turn()
    silent.clock.advance(250)
    await turn()
    expect(silent.connector.dials).toHaveLength(2)
    expect(clock.now()).toBe(1)
  })

  it('dials if the connection closes before SETTINGS', async () => {
    const { call, connector, open } = make()
    const unsure = await open({ confirmed: false })
    call(B)
    await turn()
    unsure.enter('closed')
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('is checked again after the DNS answer expires: before the next request, not during one', async () => {
    const { call, clock, connector, open } = make((_connection, { addresses }) =>
      addresses?.[0]?.address === '192.0.2.1' ? USE : { use: false, because: 'address-differs' },
    )
    const shared = await open()
    connector.expiresAt = 1_001
    const first = call(B)
    await turn()
    clock.advance(999)
    expect(call(B).member?.connection).toBe(shared)
    clock.advance(1)
    connector.expiresAt = 2_001
    const asked = connector.resolved.length
    const again = call(B)
    expect(again.member).toBeUndefined()
    await turn()
    expect(again.member?.connection).toBe(shared)
    expect(connector.resolved).toHaveLength(asked + 1)
    connector.table['b.example'] = '192.0.2.2'
    clock.advance(1_000)
    call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
    expect(first.over).toBe(false)
  })

  it('queued requests are not served after the DNS answer expires either', async () => {
    const { call, clock, connector, open } = make()
    const shared = await open({ places: 1 })
    connector.expiresAt = 101
    const waiting = call(B)
    await turn()
    clock.advance(100)
    connector.table['b.example'] = '192.0.2.2'
    shared.finish()
    expect(waiting.member).toBeUndefined()
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('prefers a connection with capacity, and then the busier one', async () => {
    const { call, connector, open } = make((connection, target) =>
      connection.route.origin === target.origin || target.origin === C.origin ? USE : { use: false, because: 'no' },
    )
    const full = await open({ places: 1 })
    call(B)
    await turn()
    const busy = await connector.dials[1]!.succeed()
    const idle = targetOf('https://d.example')
    const other = call(idle)
    await turn()
    const free = await connector.dials[2]!.succeed()
    free.finish(other)
    const joined = call(C)
    await turn()
    expect([full.capacity, busy.active, free.active]).toEqual([0, 2, 0])
    expect(joined.member?.connection).toBe(busy)
  })

  it('does not join a connection past its maximum age that is not closed yet', async () => {
    let lateMs = 0
    const time = new FakeClock(1)
    // Time passes without timers, as in a busy process.
    const clock = lateBy(time, () => lateMs)
    const connector = new FakeConnector()
    const pool = poolOf(connector, clock, { verdict: () => USE, misdirected: () => undefined })
    const aged = targetOf('https://a.example', 'key', { maxConnectionAgeMs: 100 })
    pool.acquire(aged, new FakeCall())
    await turn()
    await connector.dials[0]!.succeed()
    lateMs = 100
    pool.acquire(B, new FakeCall())
    await turn()
    expect(connector.dials).toHaveLength(2)
    expect((await pool.explain(C)).candidates[0]).toMatchObject({ verdict: 'refuse', because: 'past-its-age' })
  })
})

describe('a shared connection that is full', () => {
  it('an origin starved for a second dials its own connection, and one that gets streams does not', async () => {
    const { call, clock, connector, open } = make()
    const shared = await open({ places: 1 })
    const [one, two] = [call(B), call(B)]
    await turn()
    clock.advance(900)
    shared.finish()
    expect(one.member?.connection).toBe(shared)
    clock.advance(900)
    await turn()
    expect(connector.dials).toHaveLength(1)
    clock.advance(1_000)
    await turn()
    expect(connector.dials).toHaveLength(2)
    const own = await connector.dials[1]!.succeed()
    expect(two.member).toMatchObject({ connection: own, coalesced: false, because: 'busy' })
  })

  it('without queued requests nothing is dialed', async () => {
    const { call, clock, connector, open, pool } = make()
    await open({ places: 1 })
    const one = call(B)
    await turn()
    pool.leave(B, one)
    clock.advance(5_000)
    await turn()
    expect(connector.dials).toHaveLength(1)
  })

  it('the limit of an origin counts only its own connections', async () => {
    const { call, clock, connector, open } = make()
    await open({ places: 1 })
    for (let i = 0; i < 3; i++) call(B)
    await turn()
    clock.advance(1_000)
    await turn()
    await connector.dials[1]!.succeed({ places: 1 })
    clock.advance(60_000)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })
})

describe('a 421 (RFC 9110 §15.5.20)', () => {
  it('detaches an origin from every shared connection, and its next connection is made for it', async () => {
    const { call, connector, open, pool, told } = make()
    const shared = await open({ originSet: ['https://a.example', 'https://b.example'] })
    call(B)
    await turn()
    pool.misdirected(B, shared, 421)
    expect(told).toEqual(['misdirected b.example'])
    expect(shared.disowned).toEqual(['https://b.example'])
    const again = call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
    const own = await connector.dials[1]!.succeed()
    expect(again.member).toMatchObject({ connection: own, coalesced: false, because: 'misdirected-before' })
    // The new connection is kept although the policy would allow the other, which stays open.
    expect([own.closes, shared.closes]).toEqual([0, 0])
    expect(call(A).member?.connection).toBe(shared)
  })

  it('applies to every isolation of the origin: their shared connections are checked again', async () => {
    let disowned = false
    const { call, connector, open, pool } = make((_connection, { origin }) =>
      disowned && origin === B.origin ? { use: false, because: 'misdirected-before' } : USE,
    )
    const tagged = (target: typeof A) => ({
      ...target,
      isolation: 'tag',
      reuseKey: 'tagged',
      dialKey: `${target.dialKey} tagged`,
    })
    const shared = await open()
    call(B)
    call(tagged(A))
    await turn()
    const other = await connector.dials[1]!.succeed()
    const waiting = call(tagged(B))
    await turn()
    expect(waiting.member?.connection).toBe(other)
    disowned = true
    pool.misdirected(B, shared, 421)
    const again = call(tagged(B))
    expect(again.member).toBeUndefined()
    await turn()
    expect(connector.dials.map(({ target }) => target.dialKey)).toContain(tagged(B).dialKey)
  })

  it('if the next dial fails, the next request may share again', async () => {
    const { call, connector, open, pool } = make()
    const shared = await open()
    call(B)
    await turn()
    pool.misdirected(B, shared, 421)
    const failing = call(B)
    await turn()
    await connector.dials[1]!.fail(new Error('no'))
    expect(failing.error?.message).toBe('no')
    const next = call(B)
    await turn()
    expect(next.member?.connection).toBe(shared)
  })

  it('a trial: one request goes first, the others follow after its response', async () => {
    const { call, open, pool, told } = make(() => ({ ...USE, trial: true }))
    const shared = await open()
    const calls = [call(B), call(B), call(B)]
    await turn()
    expect(calls.map(({ member }) => member?.connection)).toEqual([shared, undefined, undefined])
    expect(call(B).member).toBeUndefined()
    pool.answered(B, calls[0]!.member!)
    expect(told).toEqual(['answered b.example'])
    expect(calls.map(({ member }) => member?.connection)).toEqual([shared, shared, shared])
    expect(call(B).member?.connection).toBe(shared)
  })

  it('a trial that gets a 421: the other requests are not sent on that connection', async () => {
    const { call, connector, open, pool } = make(() => ({ ...USE, trial: true }))
    const shared = await open()
    const calls = [call(B), call(B)]
    await turn()
    pool.misdirected(B, shared, 421)
    await turn()
    const own = await connector.dials[1]!.succeed()
    expect(calls[1]!.member?.connection).toBe(own)
  })

  it('a trial without a response delays the others for a second', async () => {
    const { call, clock, connector, open } = make(() => ({ ...USE, trial: true }))
    await open()
    const calls = [call(B), call(B)]
    await turn()
    clock.advance(1_000)
    await turn()
    const own = await connector.dials[1]!.succeed()
    expect(calls[1]!.member?.connection).toBe(own)
  })
})

describe('ORIGIN (RFC 8336)', () => {
  const SET = ['https://a.example', 'https://b.example']
  const listed = (connection: FakeConnection, { origin, addresses }: Target): Verdict =>
    addresses === undefined && connection.originSet?.has(origin.serialized) === true ? USE : { use: false, because: 'no' }

  it('a connection whose Origin Set contains the origin is offered before DNS', async () => {
    const { call, connector, open } = make(listed)
    const shared = await open({ originSet: SET })
    const one = call(B)
    await turn()
    expect(one.member?.connection).toBe(shared)
    expect(connector.resolved).toEqual(['a.example'])
  })

  it('a later ORIGIN frame is used as well, and removed origins are not found', async () => {
    const { call, connector, open } = make(listed)
    const shared = await open()
    shared.originSet = new Set(SET.map((text) => parseOrigin(text).serialized))
    shared.onChange!()
    const one = call(B)
    await turn()
    expect(one.member?.connection).toBe(shared)
    shared.originSet.delete(parseOrigin('https://b.example').serialized)
    shared.onChange!()
    call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('a connection is not closed if its origin may not use the other one, whatever the Origin Set says (§2.4)', async () => {
    const { call, connector, open } = make(() => ({ use: false, because: 'no' }))
    const covering = await open()
    call(B)
    await turn()
    const own = await connector.dials[1]!.succeed()
    covering.originSet = new Set(SET.map((text) => parseOrigin(text).serialized))
    covering.onChange!()
    expect([own.closes, covering.closes]).toEqual([0, 0])
  })

  it.each([
    ['at once if its requests fit there', 3, 1],
    ['later if they do not fit yet', 1, 0],
  ])('a connection that another one covers is closed: %s (§2.4)', async (_what, places, closedAtOnce) => {
    let allowed = false
    const { call, connector, open } = make(() => (allowed ? USE : { use: false, because: 'not yet' }))
    const covering = await open({ places })
    const [first, second] = [call(B), call(B)]
    await turn()
    const covered = await connector.dials[1]!.succeed()
    covered.finish(second)
    allowed = true
    covering.originSet = new Set(SET.map((text) => parseOrigin(text).serialized))
    covering.onChange!()
    expect(covered.closes).toBe(closedAtOnce)
    covering.finish()
    covered.onChange?.()
    expect(covered.closes).toBe(1)
    expect(covered.state).toBe('draining')
    covered.finish(first)
    const next = call(B)
    await turn()
    expect(next.member?.connection).toBe(covering)
  })
})

it("two hosts behind a proxy share if they are in one host group, and wait for each other's tunnels", async () => {
  const proxy = { name: 'http://proxy.example:80', key: 'p' }
  const { call, connector } = make(() => USE, { groupsOf: ({ host }) => (host === 'c.example' ? [] : ['shops']) })
  const calls = [A, B, C].map((target) => call({ ...target, proxy }))
  await turn()
  expect(connector.dials.map(({ target }) => target.origin.host)).toEqual(['a.example', 'c.example'])
  const shared = await connector.dials[0]!.succeed()
  expect(calls.map(({ member }) => member?.connection)).toEqual([shared, shared, undefined])
})

describe('explain', () => {
  it('gives the action and every verdict, without side effects', async () => {
    const { connector, open, pool } = make((_connection, { origin }) =>
      origin.host === 'b.example' ? USE : { use: false, because: 'certificate-does-not-cover-host' },
    )
    expect(await pool.explain(A)).toEqual({
      origin: 'https://a.example',
      addresses: ['192.0.2.1'],
      action: 'dial',
      because: 'first-connection',
      connection: undefined,
      candidates: [],
    })
    const shared = await open()
    const candidate = { connection: shared.id, origin: 'https://a.example', addresses: ['192.0.2.1'] }
    expect(await pool.explain(A)).toMatchObject({
      action: 'use',
      because: 'first-connection',
      connection: { id: shared.id, coalesced: false },
      candidates: [{ ...candidate, verdict: 'own', because: 'first-connection' }],
    })
    expect(await pool.explain(B)).toMatchObject({
      action: 'use',
      because: 'shared',
      connection: { id: shared.id, coalesced: true },
      candidates: [{ ...candidate, verdict: 'use', because: 'shared' }],
    })
    expect(await pool.explain(C)).toMatchObject({
      action: 'dial',
      because: 'certificate-does-not-cover-host',
      candidates: [{ ...candidate, verdict: 'refuse', because: 'certificate-does-not-cover-host' }],
    })
    expect(connector.dials).toHaveLength(1)
    expect([...pool.originPools]).toHaveLength(1)
  })

  it('a pending dial', async () => {
    const { call, pool } = make()
    call(A)
    await turn()
    const candidates = [{ connection: undefined, origin: 'https://a.example', addresses: ['192.0.2.1'], verdict: 'wait' }]
    expect(await pool.explain(B)).toMatchObject({ action: 'wait', because: 'handshake-under-way', candidates })
    expect(await pool.explain(A)).toMatchObject({ action: 'wait', candidates: [{ verdict: 'own' }] })
  })
})

it('events: joined, declined, misdirected', async () => {
  const events: unknown[] = []
  const listen = (event: unknown): void => void events.push(event)
  const channels = ['coalesced', 'declined', 'misdirected'].map((name) => channel(`unshard:${name}`))
  for (const each of channels) each.subscribe(listen)
  try {
    const { call, open, pool } = make((_connection, { origin }) => (origin === B.origin ? USE : { use: false, because: 'no' }))
    const shared = await open()
    const { id } = shared
    call(B)
    call(B)
    await turn()
    call(C)
    await turn()
    pool.misdirected(B, shared, 421)
    expect(events).toEqual([
      { origin: 'https://b.example', connection: id, because: 'shared' },
      { origin: 'https://c.example', connection: id, because: 'no' },
      { origin: 'https://b.example', connection: id, status: 421 },
    ])
  } finally {
    for (const each of channels) each.unsubscribe(listen)
  }
})
