/** Verification of idle connections, and several connections, with fakes, turn by turn. */

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
    const request = new FakeCall()
    const member = pool.acquire(target, request)
    if (member !== undefined) request.onMember(member)
    return request
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

  it('h2: serves as many queued requests after the verification as it has capacity', async () => {
    const { connector, call, open } = make()
    const connection = await open('h2')
    connection.needsVerification = true
    const waiting = Array.from({ length: 50 }, () => call())
    await turn()
    connection.verified()
    expect([waiting.every(({ member }) => member?.connection === connection), connector.dials.length]).toEqual([true, 1])
  })

  it('http/1.1: other connections are dialed at once for requests beyond its capacity', async () => {
    const { connector, call, open } = make()
    const connection = await open('http/1.1')
    connection.needsVerification = true
    const [first, second] = [call(), call()]
    await turn()
    expect(connector.dials).toHaveLength(2)
    const dialed = await connector.dials[1]!.succeed({ protocol: 'http/1.1' })
    expect(first.member?.connection).toBe(dialed)
    connection.verified()
    expect(second.member?.connection).toBe(connection)
  })

  it('is replaced if the verification fails: queued requests were not sent and use the new connection', async () => {
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
    const second = await connector.dials[1]!.succeed()
    expect(waiting.map(({ member }) => member?.connection)).toEqual([second, second])
  })

  it('is verified once for two origins that share it', async () => {
    const { connector, call, open } = make(sharing)
    const connection = await open('h2')
    const second = call(B)
    await turn()
    connection.finish(second)
    connection.needsVerification = true
    const waiting = [call(A), call(B)]
    await turn()
    connection.verified()
    expect(waiting.map(({ member }) => member?.connection)).toEqual([connection, connection])
    expect(connector.dials).toHaveLength(1)
  })

  it('that closes instead leaves its request to another connection that is open', async () => {
    const { connector, call, open } = make()
    const target = targetOf('https://a.example', 'key', { minConnectionsPerOrigin: 2, maxConnectionsPerOrigin: 2 })
    const idle = await open('h2', target)
    await turn()
    const busy = await connector.dials[1]!.succeed()
    idle.needsVerification = true
    busy.observers.add({} as never)
    const waiting = call(target)
    await turn()
    expect([waiting.member, idle.verifying]).toEqual([undefined, true])
    idle.enter('closed')
    expect(waiting.member?.connection).toBe(busy)
  })

  it('and is beyond the limit of its origin is not closed before its request is served', async () => {
    const { connector, pool, call, open } = make()
    const settings = { minConnectionsPerOrigin: 2, maxConnectionsPerOrigin: 2 }
    const target = targetOf('https://a.example', 'key', settings)
    const idle = await open('h2', target)
    await turn()
    const busy = await connector.dials[1]!.succeed()
    for (const connection of [idle, busy]) Object.assign(connection, { unread: 0 })
    pool.find(target)!.target = targetOf('https://a.example', 'key', { maxConnectionsPerOrigin: 1 })
    idle.needsVerification = true
    busy.observers.add({} as never)
    const waiting = call(target)
    await turn()
    idle.onChange?.()
    expect([idle.verifying, idle.closes]).toEqual([true, 0])
    idle.verified()
    expect(waiting.member?.connection).toBe(idle)
  })

  it('stays open until its idle timeout if the request that caused the verification left', async () => {
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
  it('set by minConnections are dialed once the protocol is known, and not again after an idle timeout', async () => {
    const { clock, connector, call } = make()
    const target = targetOf('https://a.example', 'key', { minConnectionsPerOrigin: 2, maxConnectionsPerOrigin: 2 })
    const first = call(target)
    await turn()
    const connection = await connector.dials[0]!.succeed()
    await turn()
    expect(connector.dials).toHaveLength(2)
    const second = await connector.dials[1]!.succeed()
    connection.finish(first)
    clock.advance(2_000)
    expect([connection.state, second.state]).toEqual(['closed', 'closed'])
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('are not dialed for a second after a failed dial, which fails no request', async () => {
    const { clock, connector, call } = make()
    const target = targetOf('https://a.example', 'key', { maxConnectionsPerOrigin: 2 })
    call(target)
    await turn()
    const connection = await connector.dials[0]!.succeed({ places: 1 })
    const waiting = [call(target)]
    await turn()
    await connector.dials[1]!.fail(new Error('refused'))
    waiting.push(call(target))
    await turn()
    expect([connector.dials.length, waiting.map(({ error }) => error)]).toEqual([2, [undefined, undefined]])
    clock.advance(1_000)
    waiting.push(call(target))
    await turn()
    expect(connector.dials).toHaveLength(3)
    connection.finish()
    expect(waiting[0]!.member?.connection).toBe(connection)
  })
})

describe('a target that is dialed once', () => {
  const once = { ...A, once: true, record: { answered: 0, failed: 0, connections: 0, tooManyPings: 0 } }

  it('fails queued and later requests when its connection closes', async () => {
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

it('a response on a connection that many origins wait for causes a check of the next origin only', async () => {
  const { clock, connector, pool, call, open } = make(sharing)
  const connection = await open('h2')
  connection.places = 1
  call()
  const origins = Array.from({ length: 100 }, (_, i) => targetOf(`https://n${i}.example`))
  for (const target of origins) call(target)
  await turn()
  // Each check for another connection reads the clock.
  let clockReads = 0
  clock.now = () => {
    clockReads++
    return 1
  }
  connection.finish()
  expect(clockReads).toBeLessThan(10)
  expect([connector.dials.length, [...pool.originPools].filter(({ queue }) => queue.size > 0).length]).toEqual([1, 99])
})

it('a delayed dial leaves no timer behind when the pool ends', async () => {
  const { clock, connector, pool, call } = make()
  const target = targetOf('https://a.example', 'key', { maxConnectionsPerOrigin: 2 })
  call(target)
  await turn()
  await connector.dials[0]!.succeed({ places: 1 })
  const waiting = call(target)
  await turn()
  await connector.dials[1]!.fail(new Error('refused'))
  pool.leave(target, waiting)
  pool.destroy(new Error('enough'))
  expect([clock.pending, [...pool.originPools]]).toEqual([0, []])
})

describe('a connection that has not received SETTINGS, and allows no requests before that', () => {
  const target = targetOf('https://a.example', 'key', { maxConnectionsPerOrigin: 3, waitForSettings: true })

  it('gets the requests that wait for it, without another dial', async () => {
    const { connector, call } = make()
    const waiting = [call(target), call(target), call(target)]
    await turn()
    const connection = await connector.dials[0]!.succeed({ confirmed: false, places: 0 })
    await turn()
    expect(connector.dials).toHaveLength(1)
    Object.assign(connection, { confirmed: true, places: 100 })
    connection.onChange?.()
    expect(waiting.map(({ member }) => member?.connection)).toEqual([connection, connection, connection])
  })

  it('allows fewer than wait: others are dialed for the rest', async () => {
    const { connector, call } = make()
    const waiting = [call(target), call(target), call(target)]
    await turn()
    const connection = await connector.dials[0]!.succeed({ confirmed: false, places: 0 })
    Object.assign(connection, { confirmed: true, places: 1 })
    connection.onChange?.()
    await turn()
    expect([waiting[0]!.member?.connection, connector.dials.length]).toEqual([connection, 3])
  })

  it('closes before it takes one: another address is tried before requests fail', async () => {
    const { connector, call } = make()
    const waiting = call(target)
    await turn()
    const first = await connector.dials[0]!.succeed({ confirmed: false, places: 0 })
    first.enter('closed')
    await turn()
    expect(connector.dials).toHaveLength(2)
    const second = await connector.dials[1]!.succeed()
    expect(waiting.member?.connection).toBe(second)
  })
})
