/** No request waits for an event that never happens, and no unused connection is kept. */

import { FakeClock } from '@unshard/testkit'
import { type HttpRequest, type ReusePolicy, sameOrigin } from '../../src/index.js'
import type { PoolSettings } from '../../src/settings/pool-settings.js'
import type { PoolTarget } from '../../src/transport/target.js'
import { FakeCall, type FakeConnection, FakeConnector, type FakeOptions, poolOf, targetOf, turn } from './fakes.js'

function make(reuse: ReusePolicy = sameOrigin()) {
  const clock = new FakeClock()
  const connector = new FakeConnector()
  const pool = poolOf(connector, clock, reuse)
  const call = (target: PoolTarget): FakeCall => {
    const request = new FakeCall()
    const member = pool.acquire(target, request)
    if (member !== undefined) request.onMember(member)
    return request
  }
  /** Opens one connection per request, all idle again. */
  const idle = async (target: PoolTarget, count: number, options?: FakeOptions): Promise<FakeConnection[]> => {
    for (let i = 0; i < count; i++) call(target)
    await turn()
    const connections = await Promise.all(connector.dials.map((dial) => dial.succeed(options)))
    for (const connection of connections) while (connection.active > 0) connection.finish()
    return connections
  }
  return { clock, connector, pool, call, idle }
}

const targetWith = (settings: PoolSettings = {}): PoolTarget => targetOf('https://a.example', 'key', settings)

it('closing an origin pool closes all of its connections', async () => {
  const { connector, pool, idle } = make()
  connector.known = 'http/1.1'
  const target = targetWith()
  const six = await idle(target, 6, { protocol: 'http/1.1' })
  await pool.closeOriginPool(pool.find(target)!)
  expect(six.map(({ closes }) => closes)).toEqual([1, 1, 1, 1, 1, 1])
  expect(pool.find(target)).toBeUndefined()
})

it('requests for a target that is dialed once wait while its connection is busy or being verified', async () => {
  const { connector, call } = make()
  const target = { ...targetWith(), once: true }
  const first = call(target)
  await turn()
  const connection = await connector.dials[0]!.succeed({ protocol: 'http/1.1' })
  const second = call(target)
  connection.needsVerification = true
  connection.finish()
  expect([first.over, second.error, second.member]).toEqual([true, undefined, undefined])
  connection.verified()
  expect(second.member?.connection).toBe(connection)
  const third = call(target)
  connection.enter('closed')
  expect(third.error).toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
  expect(connector.dials).toHaveLength(1)
})

it('after a verification with capacity for one of three requests the pool dials for the other two', async () => {
  const { connector, call, idle } = make()
  const target = targetWith({ maxConnectionsPerOrigin: 3 })
  const [connection] = await idle(target, 1, { places: 1 })
  connection!.needsVerification = true
  const three = [call(target), call(target), call(target)]
  await turn()
  expect(connector.dials).toHaveLength(1)
  connection!.verified()
  await turn()
  expect([three.filter(({ member }) => member !== undefined).length, connector.dials.length]).toEqual([1, 3])
})

it('after a failed dial with the only connection busy, the pool dials every second while requests wait', async () => {
  const { clock, connector, pool, call } = make()
  const target = targetWith({ maxConnectionsPerOrigin: 2 })
  call(target)
  await turn()
  await connector.dials[0]!.succeed({ places: 1 })
  const waiting = call(target)
  await turn()
  for (let dial = 1; dial <= 3; dial++) {
    await connector.dials[dial]!.fail(new Error('refused'))
    clock.advance(999)
    // Requests that arrive in the meantime change nothing.
    if (dial === 2) pool.leave(target, call(target))
    await turn()
    expect(connector.dials).toHaveLength(dial + 1)
    clock.advance(1)
    await turn()
    expect(connector.dials).toHaveLength(dial + 2)
  }
  pool.leave(target, waiting)
  await connector.dials[4]!.fail(new Error('refused'))
  clock.advance(10_000)
  await turn()
  expect([connector.dials.length, clock.referenced]).toEqual([5, 0])
})

it('after six failed dials in a row all requests fail without another dial', async () => {
  const { connector, call } = make()
  connector.known = 'http/1.1'
  const all = Array.from({ length: 10 }, () => call(targetWith()))
  await turn()
  expect(connector.dials).toHaveLength(6)
  for (const dial of connector.dials.slice(0, 6)) await dial.fail(new Error('refused'))
  expect(connector.dials).toHaveLength(6)
  expect(all.map(({ error }) => error?.message)).toEqual(Array(10).fill('refused'))
})

it.each([1, 3])(
  'requests fail after a few dials if each of at most %d connections closes before its first request',
  async (most) => {
    const { clock, connector, pool, call } = make()
    const target = targetWith({ maxConnectionsPerOrigin: most })
    const all = [call(target), call(target), call(target)]
    for (let dial = 0; dial < 20; dial++) {
      await turn()
      clock.advance(1_000)
      await turn()
      const connection = await connector.dials[dial]?.succeed({ places: 0 })
      await turn()
      connection?.enter('closed')
    }
    for (const { error } of all) expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
    expect(connector.dials.length).toBeLessThanOrEqual(most + 2)
    expect(pool.find(target)).toBeUndefined()
  },
)

it('queued requests get another connection each time one is lost during verification', async () => {
  const { connector, call, idle } = make()
  let [connection] = await idle(targetWith(), 1)
  for (let losses = 1; losses <= 4; losses++) {
    connection!.needsVerification = true
    const waiting = call(targetWith())
    connection!.enter('closed')
    await turn()
    connection = await connector.dials[losses]!.succeed()
    expect(waiting.member?.connection).toBe(connection)
    connection.finish()
  }
})

it.each(['close', 'destroy'] as const)('%s() in the turn in which a dial succeeds leaves no connection open', async (end) => {
  const { clock, connector, pool, call } = make()
  const waiting = call(targetWith())
  await turn()
  const dialed = connector.dials[0]!.succeed()
  void pool[end](new Error('enough'))
  const { state } = await dialed
  expect([state, [...pool.connections], [...pool.originPools], clock.pending]).toEqual(['closed', [], [], 0])
  expect(waiting.error).toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
})

it('requests fail after two connections without capacity, unless a newer connection has had a response', async () => {
  const { connector, call } = make()
  const closeNext = async (dial: number): Promise<void> => {
    await turn()
    const connection = await connector.dials[dial]!.succeed({ places: 0 })
    connection.enter('closed')
    await turn()
  }
  const target = targetWith()
  const failing = call(target)
  for (const dial of [0, 1]) await closeNext(dial)
  expect(failing.error).toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
  target.record.newestProved = Number.POSITIVE_INFINITY
  const waiting = call(target)
  for (const dial of [2, 3, 4]) await closeNext(dial)
  expect(waiting.error).toBeUndefined()
  const connection = await connector.dials[5]!.succeed()
  expect(waiting.member?.connection).toBe(connection)
})

it('a request uses another connection with capacity if the chosen one ends because it cannot be verified', async () => {
  const { connector, call, idle } = make()
  connector.known = 'h2'
  const target = targetWith({ maxConnectionsPerOrigin: 2, minConnectionsPerOrigin: 2, strategy: 'least-streams' })
  const [chosen, busy] = await idle(target, 2)
  busy!.request({} as HttpRequest, new FakeCall())
  chosen!.verify = () => {
    chosen!.enter('closed')
    return false
  }
  expect(call(target).member?.connection).toBe(busy)
})

it('round-robin dials an address without a connection, unless it has failed', async () => {
  const addresses = ['192.0.2.1', '192.0.2.2']
  const dialed = async (failed: readonly string[]): Promise<(string | undefined)[]> => {
    const connector = new FakeConnector({ 'a.example': addresses })
    for (const address of failed) connector.failed.add(address)
    connector.known = 'h2'
    const pool = poolOf(connector, new FakeClock(), sameOrigin())
    const target = targetWith({ maxConnectionsPerOrigin: 2, minConnectionsPerOrigin: 2, strategy: 'round-robin' })
    const requests = [new FakeCall(), new FakeCall()]
    for (const request of requests) pool.acquire(target, request)
    for (let i = 0; i < 5; i++) await turn()
    const connections = await Promise.all(connector.dials.map((dial) => dial.succeed()))
    return connections.map(({ route }) => route.remoteAddress)
  }
  expect(await dialed([])).toEqual(addresses)
  expect(await dialed([addresses[1]!])).toEqual([addresses[0], addresses[0]])
})

it('open() accepts a connection without capacity', async () => {
  const { connector, pool } = make()
  const opened = [pool.open(targetWith()), pool.open(targetWith())]
  await turn()
  const connection = await connector.dials[0]!.succeed({ places: 0 })
  for (const member of await Promise.all(opened)) expect(member.connection).toBe(connection)
  expect((await pool.open(targetWith())).connection).toBe(connection)
  expect(connector.dials).toHaveLength(1)
})

it('open() rejects if no connection can be established', async () => {
  const { connector, pool } = make()
  const opened = expect(pool.open(targetWith())).rejects.toThrow('refused')
  await turn()
  await connector.dials[0]!.fail(new Error('refused'))
  await opened
  expect([...pool.originPools]).toEqual([])
})

it('a request gets a new connection, which others can use, if the strategy closes its candidates', async () => {
  let close = (): void => undefined
  const target = targetWith({
    maxConnectionsPerOrigin: 2,
    strategy: ([first]) => {
      close()
      return first!
    },
  })
  const { connector, pool, call, idle } = make()
  connector.known = 'h2'
  const two = await idle(target, 2)
  close = () => {
    for (const connection of two) void connection.close()
  }
  const waiting = call(target)
  expect([pool.find(target)?.queue.size, (pool.find(target)?.members.length ?? 0) > 0]).toEqual([1, false])
  await turn()
  const connection = await connector.dials[2]!.succeed()
  expect([waiting.member?.connection, call(target).member?.connection]).toEqual([connection, connection])
})

it('minConnections does not cause endless dials to a server that closes idle connections', async () => {
  const { clock, connector, call } = make()
  const target = targetWith({ minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3 })
  call(target)
  await turn()
  const first = await connector.dials[0]!.succeed()
  for (let i = 1; i < connector.dials.length && i < 50; i++) (await connector.dials[i]!.succeed()).enter('closed')
  expect([first.state, connector.dials.length]).toEqual(['open', 3])
  clock.advance(1_000)
  call(target)
  await turn()
  expect(connector.dials).toHaveLength(5)
})
