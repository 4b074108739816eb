// Verification of idle connections, changes of settings, several connections: with fakes, turn by turn.
import { FakeClock } from '@unshard/testkit'
import { isConnection, type ReusePolicy, sameOrigin } from '../../src/index.js'
import { FakeCall, type FakeConnection, FakeConnector, poolOf, targetOf, turn } from './fakes.js'

const sharing: ReusePolicy = {
  verdict: (candidate) =>
    isConnection(candidate) ? { use: true, because: 'shared' } : { wait: true, because: 'handshake-under-way' },
  misdirected: () => undefined,
}

function make(reuse: ReusePolicy = sameOrigin()) {
  const clock = new FakeClock(1)
  const connector = new FakeConnector()
  const pool = poolOf(connector, clock, reuse)
  const call = (target = A): FakeCall => {
    const one = new FakeCall()
    const member = pool.acquire(target, one)
    if (member !== undefined) one.onMember(member)
    return one
  }
  const open = async (protocol: 'h2' | 'http/1.1', target = A): Promise<FakeConnection> => {
    const first = call(target)
    await turn()
    const connection = await connector.dials.at(-1)!.succeed({ protocol })
    connection.finish(first)
    return connection
  }
  return { clock, connector, pool, call, open }
}

const A = targetOf('https://a.example')
const B = targetOf('https://b.example')

describe('an idle connection that must verify its peer', () => {
  it.each(['h2', 'http/1.1'] as const)('%s: a request waits for the verification, without another dial', async (protocol) => {
    const { connector, call, open } = make()
    const connection = await open(protocol)
    connection.needsVerification = true
    const waiting = call()
    await turn()
    expect([waiting.member, connection.verifying, connector.dials.length]).toEqual([undefined, true, 1])
    connection.verified()
    expect([waiting.member?.connection, connector.dials.length]).toEqual([connection, 1])
  })

  it('h2: serves as many requests as there is capacity for after the verification', async () => {
    const { connector, call, open } = make()
    const connection = await open('h2')
    connection.needsVerification = true
    const waiting = Array.from({ length: 50 }, () => call())
    await turn()
    connection.verified()
    expect([waiting.every(({ member }) => member?.connection === connection), connector.dials.length]).toEqual([true, 1])
  })

  it('http/1.1: requests beyond its capacity are dialed for at once', async () => {
    const { connector, call, open } = make()
    const connection = await open('http/1.1')
    connection.needsVerification = true
    const [one, two] = [call(), call()]
    await turn()
    expect(connector.dials).toHaveLength(2)
    const other = await connector.dials[1]!.succeed({ protocol: 'http/1.1' })
    expect(one.member?.connection).toBe(other)
    connection.verified()
    expect(two.member?.connection).toBe(connection)
  })

  it('verification fails: queued requests get a new connection, and were not sent', async () => {
    const { connector, call, open } = make()
    const connection = await open('h2')
    connection.needsVerification = true
    const waiting = [call(), call()]
    connection.enter('closed')
    await turn()
    expect(waiting.map(({ error, member }) => [error, member])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ])
    const other = await connector.dials[1]!.succeed()
    expect(waiting.map(({ member }) => member?.connection)).toEqual([other, other])
  })

  it('shared by two origins: the verification serves both', async () => {
    const { connector, call, open } = make(sharing)
    const connection = await open('h2')
    const other = call(B)
    await turn()
    connection.finish(other)
    connection.needsVerification = true
    const waiting = [call(A), call(B)]
    await turn()
    connection.verified()
    expect(waiting.map(({ member }) => member?.connection)).toEqual([connection, connection])
    expect(connector.dials).toHaveLength(1)
  })

  it('the request that caused the verification left: the connection stays until idle too long', async () => {
    const { clock, pool, call, open } = make()
    const connection = await open('h2')
    connection.needsVerification = true
    pool.leave(A, call())
    clock.advance(1_000)
    expect(connection.closes).toBe(0)
    connection.verified()
    clock.advance(1_000)
    expect(connection.closes).toBe(1)
  })
})

describe('several connections', () => {
  it('minConnections: dialed once the protocol is known, and not again after idle connections close', async () => {
    const { clock, connector, call } = make()
    const two = targetOf('https://a.example', 'key', { minConnectionsPerOrigin: 2, maxConnectionsPerOrigin: 2 })
    const first = call(two)
    await turn()
    const one = await connector.dials[0]!.succeed()
    await turn()
    expect(connector.dials).toHaveLength(2)
    const other = await connector.dials[1]!.succeed()
    one.finish(first)
    clock.advance(2_000)
    expect([one.state, other.state]).toEqual(['closed', 'closed'])
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('after a failed dial for another connection the pool pauses for a second, and no request fails', async () => {
    const { clock, connector, call } = make()
    const two = targetOf('https://a.example', 'key', { maxConnectionsPerOrigin: 2 })
    call(two)
    await turn()
    const one = await connector.dials[0]!.succeed({ places: 1 })
    const waiting = [call(two)]
    await turn()
    await connector.dials[1]!.fail(new Error('refused'))
    waiting.push(call(two))
    await turn()
    expect([connector.dials.length, waiting.map(({ error }) => error)]).toEqual([2, [undefined, undefined]])
    clock.advance(1_000)
    waiting.push(call(two))
    await turn()
    expect(connector.dials).toHaveLength(3)
    one.finish()
    expect(waiting[0]!.member?.connection).toBe(one)
  })
})

describe('a target that is dialed once', () => {
  const once = { ...A, once: true, record: { answered: 0, connections: 0, tooManyPings: 0 } }

  it('fails queued requests when its connection closes, and later requests too', async () => {
    const { connector, call } = make()
    call(once)
    await turn()
    const connection = await connector.dials[0]!.succeed({ places: 1 })
    const waiting = call(once)
    connection.enter('draining')
    const late = call(once)
    await turn()
    for (const { error } of [waiting, late]) expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
    expect(connector.dials).toHaveLength(1)
  })
})

it('a response on a connection that many origins wait for checks only the origin that is next', async () => {
  const { clock, connector, pool, call, open } = make(sharing)
  const connection = await open('h2')
  connection.places = 1
  call()
  const origins = Array.from({ length: 100 }, (_, i) => targetOf(`https://n${i}.example`))
  for (const target of origins) call(target)
  await turn()
  // Each check for another connection reads the clock.
  let looks = 0
  clock.now = () => {
    looks++
    return 1
  }
  connection.finish()
  expect(looks).toBeLessThan(10)
  expect([connector.dials.length, [...pool.originPools].filter(({ queue }) => queue.size > 0).length]).toEqual([1, 99])
})

it('a delayed dial leaves no timer behind when the pool ends', async () => {
  const { clock, connector, pool, call } = make()
  const two = targetOf('https://a.example', 'key', { maxConnectionsPerOrigin: 2 })
  call(two)
  await turn()
  await connector.dials[0]!.succeed({ places: 1 })
  const waiting = call(two)
  await turn()
  await connector.dials[1]!.fail(new Error('refused'))
  pool.leave(two, waiting)
  pool.destroy(new Error('enough'))
  expect([clock.pending, [...pool.originPools]]).toEqual([0, []])
})
