/** A pool with a policy that shares: joining, capacity, repeated checks, 421, trials, draining. */

import { channel } from 'node:diagnostics_channel'
import { FakeClock, lateBy } from '@unshard/testkit'
import { isConnection, parseOrigin, type ReusePolicy, type Target, type Verdict } from '../../src/index.js'
import { FakeCall, type FakeConnection, FakeConnector, type FakeOptions, poolOf, targetOf, turn } from './fakes.js'

const A = targetOf('https://a.example')
const B = targetOf('https://b.example')
const C = targetOf('https://c.example')
const USE: Verdict = { use: true, because: 'shared' }

function make(rule: (connection: FakeConnection, target: Target) => Verdict = () => USE, overrides: Partial<ReusePolicy> = {}) {
  const clock = new FakeClock(1)
  const connector = new FakeConnector()
  const policyCalls: string[] = []
  const policy: ReusePolicy = {
    verdict: (candidate, target) =>
      isConnection(candidate) ? rule(candidate as FakeConnection, target) : { wait: true, because: 'handshake-under-way' },
    misdirected: (_connection, { host }) => void policyCalls.push(`misdirected ${host}`),
    answered: (_connection, { host }) => void policyCalls.push(`answered ${host}`),
    ...overrides,
  }
  const pool = poolOf(connector, clock, policy)
  const call = (target = A): FakeCall => {
    const request = new FakeCall()
    const member = pool.acquire(target, request)
    if (member !== undefined) request.onMember(member)
    return request
  }
  /** Opens a connection for A. */
  const open = async (options?: FakeOptions): Promise<FakeConnection> => {
    const before = connector.dials.length
    call(A)
    await turn()
    return connector.dials[before]!.succeed(options)
  }
  return { clock, connector, pool, call, open, policyCalls: policyCalls }
}

describe('an origin that joins a connection', () => {
  it('uses it without a dial', async () => {
    const { call, connector, open, pool } = make()
    const shared = await open()
    const first = call(B)
    await turn()
    expect(first.member).toMatchObject({ connection: shared, coalesced: true, because: 'shared' })
    expect(call(B).member?.connection).toBe(shared)
    expect(connector.resolved).toEqual(['a.example', 'b.example'])
    expect(pool.metrics.dials).toBe(1)
  })

  it('waits for SETTINGS at most as long as for a handshake', async () => {
    const { call, clock, connector, open } = make()
    const unconfirmed = await open({ confirmed: false })
    const [first, second] = [call(B), call(C)]
    await turn()
    expect([first.member, second.member, connector.dials.length]).toEqual([undefined, undefined, 1])
    unconfirmed.confirmed = true
    unconfirmed.onChange!()
    await turn()
    expect([first.member?.connection, second.member?.connection]).toEqual([unconfirmed, unconfirmed])
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
    const unconfirmed = await open({ confirmed: false })
    call(B)
    await turn()
    unconfirmed.enter('closed')
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('is checked again after the DNS answer expires, before the next request', async () => {
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
    const lookups = connector.resolved.length
    const again = call(B)
    expect(again.member).toBeUndefined()
    await turn()
    expect(again.member?.connection).toBe(shared)
    expect(connector.resolved).toHaveLength(lookups + 1)
    connector.table['b.example'] = '192.0.2.2'
    clock.advance(1_000)
    call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
    expect(first.over).toBe(false)
  })

  it('has its queued requests checked again after the DNS answer expires', async () => {
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

  it('prefers a connection with capacity, then the busier connection', async () => {
    const { call, connector, open } = make((connection, target) =>
      connection.route.origin === target.origin || target.origin === C.origin ? USE : { use: false, because: 'no' },
    )
    const full = await open({ places: 1 })
    call(B)
    await turn()
    const busy = await connector.dials[1]!.succeed()
    const idle = targetOf('https://d.example')
    const second = call(idle)
    await turn()
    const free = await connector.dials[2]!.succeed()
    free.finish(second)
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

describe('a shared connection without capacity', () => {
  it('makes an origin that gets no stream for a second dial its own connection', async () => {
    const { call, clock, connector, open } = make()
    const shared = await open({ places: 1 })
    const [first, second] = [call(B), call(B)]
    await turn()
    clock.advance(900)
    shared.finish()
    expect(first.member?.connection).toBe(shared)
    clock.advance(900)
    await turn()
    expect(connector.dials).toHaveLength(1)
    clock.advance(1_000)
    await turn()
    expect(connector.dials).toHaveLength(2)
    const own = await connector.dials[1]!.succeed()
    expect(second.member).toMatchObject({ connection: own, coalesced: false, because: 'busy' })
  })

  it('causes no dial without queued requests', async () => {
    const { call, clock, connector, open, pool } = make()
    await open({ places: 1 })
    const first = call(B)
    await turn()
    pool.leave(B, first)
    clock.advance(5_000)
    await turn()
    expect(connector.dials).toHaveLength(1)
  })

  it('does not count against the limit of an origin that did not dial it', async () => {
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
  it('detaches an origin from every shared connection; its next connection is dialed for it', async () => {
    const { call, connector, open, pool, policyCalls } = make()
    const shared = await open({ originSet: ['https://a.example', 'https://b.example'] })
    call(B)
    await turn()
    pool.outcomes.misdirected(B, shared, 421)
    expect(policyCalls).toEqual(['misdirected b.example'])
    expect(shared.removedOrigins).toEqual(['https://b.example'])
    const again = call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
    const own = await connector.dials[1]!.succeed()
    expect(again.member).toMatchObject({ connection: own, coalesced: false, because: 'misdirected-before' })
    // The new connection is kept although the policy allows the other one, which stays open.
    expect([own.closes, shared.closes]).toEqual([0, 0])
    expect(call(A).member?.connection).toBe(shared)
  })

  it('applies to every isolation of the origin: their shared connections are checked again', async () => {
    let removedOrigins = false
    const { call, connector, open, pool } = make((_connection, { origin }) =>
      removedOrigins && origin === B.origin ? { use: false, because: 'misdirected-before' } : USE,
    )
    const isolated = (target: typeof A) => ({
      ...target,
      isolation: 'tag',
      reuseKey: 'tagged',
      dialKey: `${target.dialKey} tagged`,
    })
    const shared = await open()
    call(B)
    call(isolated(A))
    await turn()
    const second = await connector.dials[1]!.succeed()
    const waiting = call(isolated(B))
    await turn()
    expect(waiting.member?.connection).toBe(second)
    removedOrigins = true
    pool.outcomes.misdirected(B, shared, 421)
    const again = call(isolated(B))
    expect(again.member).toBeUndefined()
    await turn()
    expect(connector.dials.map(({ target }) => target.dialKey)).toContain(isolated(B).dialKey)
  })

  it('allows the next request to share again if the next dial fails', async () => {
    const { call, connector, open, pool } = make()
    const shared = await open()
    call(B)
    await turn()
    pool.outcomes.misdirected(B, shared, 421)
    const failing = call(B)
    await turn()
    await connector.dials[1]!.fail(new Error('no'))
    expect(failing.error?.message).toBe('no')
    const next = call(B)
    await turn()
    expect(next.member?.connection).toBe(shared)
  })

  it('is prevented by a trial: one request is sent first, the others after its response', async () => {
    const { call, open, pool, policyCalls } = make(() => ({ ...USE, trial: true }))
    const shared = await open()
    const calls = [call(B), call(B), call(B)]
    await turn()
    expect(calls.map(({ member }) => member?.connection)).toEqual([shared, undefined, undefined])
    expect(call(B).member).toBeUndefined()
    pool.outcomes.answered(B, calls[0]!.member!)
    expect(policyCalls).toEqual(['answered b.example'])
    expect(calls.map(({ member }) => member?.connection)).toEqual([shared, shared, shared])
    expect(call(B).member?.connection).toBe(shared)
  })

  it('after a trial: the other requests are not sent on that connection', async () => {
    const { call, connector, open, pool } = make(() => ({ ...USE, trial: true }))
    const shared = await open()
    const calls = [call(B), call(B)]
    await turn()
    pool.outcomes.misdirected(B, shared, 421)
    await turn()
    const own = await connector.dials[1]!.succeed()
    expect(calls[1]!.member?.connection).toBe(own)
  })

  it('is awaited for a second without a response to the trial, before other requests dial', async () => {
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

  it('offers a connection whose Origin Set contains the origin before DNS', async () => {
    const { call, connector, open } = make(listed)
    const shared = await open({ originSet: SET })
    const first = call(B)
    await turn()
    expect(first.member?.connection).toBe(shared)
    expect(connector.resolved).toEqual(['a.example'])
  })

  it('applies from later frames too, and removed origins are not found', async () => {
    const { call, connector, open } = make(listed)
    const shared = await open()
    shared.originSet = new Set(SET.map((text) => parseOrigin(text).serialized))
    shared.onChange!()
    const first = call(B)
    await turn()
    expect(first.member?.connection).toBe(shared)
    shared.originSet.delete(parseOrigin('https://b.example').serialized)
    shared.onChange!()
    call(B)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('closes no connection whose origin may not use the other one, whatever the Origin Set contains (§2.4)', async () => {
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
    ['at once if its requests fit on the other one', 3, 1],
    ['later if its requests do not fit yet', 1, 0],
  ])('closes a connection that another one covers: %s (§2.4)', async (_what, places, closedAtOnce) => {
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

it("hosts behind a proxy share if they are in one host group, and wait for each other's tunnels", async () => {
  const proxy = { name: 'http://proxy.example:80', key: 'p' }
  const { call, connector } = make(() => USE, { groupsOf: ({ host }) => (host === 'c.example' ? [] : ['shops']) })
  const calls = [A, B, C].map((target) => call({ ...target, proxy }))
  await turn()
  expect(connector.dials.map(({ target }) => target.origin.host)).toEqual(['a.example', 'c.example'])
  const shared = await connector.dials[0]!.succeed()
  expect(calls.map(({ member }) => member?.connection)).toEqual([shared, shared, undefined])
})

describe('explain', () => {
  it('returns the action and every verdict, without side effects', async () => {
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

  it('includes pending dials', async () => {
    const { call, pool } = make()
    call(A)
    await turn()
    const candidates = [{ connection: undefined, origin: 'https://a.example', addresses: ['192.0.2.1'], verdict: 'wait' }]
    expect(await pool.explain(B)).toMatchObject({ action: 'wait', because: 'handshake-under-way', candidates })
    expect(await pool.explain(A)).toMatchObject({ action: 'wait', candidates: [{ verdict: 'own' }] })
  })
})

it('events are published when an origin joins, is declined, or is misdirected', async () => {
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
    pool.outcomes.misdirected(B, shared, 421)
    const clientId = expect.any(Number)
    expect(events).toEqual([
      { clientId, origin: 'https://b.example', connection: id, because: 'shared' },
      { clientId, origin: 'https://c.example', connection: id, because: 'no' },
      { clientId, origin: 'https://b.example', connection: id, status: 421 },
    ])
  } finally {
    for (const each of channels) each.unsubscribe(listen)
  }
})
