/** Dials, queues, idle connections and the end of a pool, with fake connections. */

import { FakeClock } from '@unshard/testkit'
import { isConnection, type ReusePolicy, sameOrigin } from '../../src/index.js'
import { FakeCall, FakeConnector, poolOf, targetOf, turn } from './fakes.js'

const A = targetOf('https://a.example')
const B = targetOf('https://b.example')
const sharing: ReusePolicy = {
  verdict: (candidate) =>
    isConnection(candidate) ? { use: true, because: 'shared' } : { wait: true, because: 'handshake-under-way' },
  misdirected: () => undefined,
}

function make(reuse: ReusePolicy = sameOrigin()) {
  const clock = new FakeClock()
  const connector = new FakeConnector()
  const pool = poolOf(connector, clock, reuse)
  const log: string[] = []
  const call = (target = A, name = ''): FakeCall => {
    const first = new FakeCall(name, log)
    const member = pool.acquire(target, first)
    if (member !== undefined) first.onMember(member)
    return first
  }
  return { clock, connector, pool, log, call }
}

describe('a pool', () => {
  it('dials once for all requests of an origin until its protocol is known', async () => {
    const { connector, pool, call } = make()
    const calls = Array.from({ length: 20 }, () => call())
    await turn()
    expect(connector.dials).toHaveLength(1)
    const connection = await connector.dials[0]!.succeed()
    expect(calls.every(({ member }) => member?.connection === connection)).toBe(true)
    expect(pool.metrics).toMatchObject({ dials: 1, handshakes: 1 })
    expect(pool.acquire(A, new FakeCall())?.connection).toBe(connection)
  })

  it('opens at most six HTTP/1.1 connections, and serves every queued request', async () => {
    const { connector, pool, call } = make()
    const calls = Array.from({ length: 20 }, () => call())
    await turn()
    await connector.dials[0]!.succeed({ protocol: 'http/1.1' })
    await turn()
    expect(connector.dials).toHaveLength(6)
    for (const dial of connector.dials.slice(1)) await dial.succeed({ protocol: 'http/1.1' })
    expect(calls.filter(({ member }) => member !== undefined)).toHaveLength(6)
    for (let round = 0; round < 20; round++) for (const each of [...pool.connections] as never[]) finish(each)
    expect(calls.every(({ over }) => over)).toBe(true)
    expect(connector.dials).toHaveLength(6)
  })

  it('dials once per request, up to six times in parallel, for an origin known to use HTTP/1.1', async () => {
    const { connector, call } = make()
    connector.known = 'http/1.1'
    call()
    call()
    await turn()
    expect(connector.dials).toHaveLength(2)
    for (let i = 0; i < 10; i++) call()
    await turn()
    expect(connector.dials).toHaveLength(6)
  })

  it('serves the other requests after one leaves the queue', async () => {
    const { connector, pool, call } = make()
    const [first, second, third] = [call(), call(), call()]
    pool.leave(A, second!)
    await turn()
    await connector.dials[0]!.succeed()
    expect([first.member !== undefined, second.member, third.member !== undefined]).toEqual([true, undefined, true])
  })

  it('queues and cancels requests of an origin without a connection', () => {
    const { pool } = make()
    expect(() => pool.leave(B, new FakeCall())).not.toThrow()
    expect((pool.find(B)?.members.length ?? 0) > 0).toBe(false)
  })

  it('fails the requests that wait for a failed dial, once, and does not repeat the dial', async () => {
    const { connector, call } = make()
    const calls = [call(), call()]
    await turn()
    const failure = new Error('no route')
    await connector.dials[0]!.fail(failure)
    expect(calls.map(({ error }) => error)).toEqual([failure, failure])
    await turn()
    expect(connector.dials).toHaveLength(1)
    call()
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('fails no request after a failed dial while a connection is open: requests wait for capacity', async () => {
    const { connector, call } = make()
    const calls = [call(), call(), call()]
    await turn()
    const connection = await connector.dials[0]!.succeed({ protocol: 'http/1.1' })
    await turn()
    await connector.dials[1]!.fail(new Error('refused'))
    await connector.dials[2]!.fail(new Error('refused'))
    expect(calls.map(({ error }) => error)).toEqual([undefined, undefined, undefined])
    connection.finish()
    connection.finish()
    expect(calls.filter(({ member }) => member?.connection === connection)).toHaveLength(3)
  })

  it('serves the single request of an origin despite 1,000 queued requests of another', async () => {
    const { connector, log, call } = make(sharing)
    for (let i = 0; i < 1_000; i++) call(A, 'a')
    await turn()
    const connection = await connector.dials[0]!.succeed({ places: 2 })
    expect(log).toEqual(['a', 'a'])
    call(B, 'b')
    await turn()
    connection.finish()
    connection.finish()
    expect(log.slice(2)).toContain('b')
    expect(connector.dials).toHaveLength(1)
    while (connection.active > 0) connection.finish()
    expect(log).toHaveLength(1_001)
  })

  it('sends no request on a draining connection; requests that waited for it get another', async () => {
    const { connector, pool, call } = make()
    call()
    await turn()
    const first = await connector.dials[0]!.succeed({ places: 1 })
    const waiting = call()
    first.enter('draining')
    await turn()
    expect(connector.dials).toHaveLength(2)
    const second = await connector.dials[1]!.succeed()
    expect(waiting.member?.connection).toBe(second)
    expect([...pool.connections]).toEqual([first, second])
    first.enter('closed')
    expect([...pool.connections]).toEqual([second])
  })

  it.each(['draining', 'closed'] as const)(
    'fails the request without another dial if its new connection is %s',
    async (state) => {
      const { connector, pool, call } = make()
      const [first, second] = [call(), call()]
      await turn()
      const connection = await connector.dials[0]!.succeed({ state })
      for (const { error } of [first, second]) expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
      await turn()
      expect(connector.dials).toHaveLength(1)
      expect([...pool.connections]).toEqual(state === 'closed' ? [] : [connection])
    },
  )

  it('dials for an origin that got a 421; the shared connection still serves the others', async () => {
    const { connector, pool, call } = make(sharing)
    call(A)
    await turn()
    const shared = await connector.dials[0]!.succeed()
    expect(call(B).member).toBeUndefined()
    await turn()
    pool.outcomes.misdirected(B, shared, 421)
    expect((pool.find(B)?.members.length ?? 0) > 0).toBe(false)
    expect((pool.find(A)?.members.length ?? 0) > 0).toBe(true)
    expect(call(A).member?.connection).toBe(shared)
  })

  it('closes an idle connection after the timeout, and keeps one in constant use', async () => {
    const { clock, connector, call } = make()
    call()
    await turn()
    const connection = await connector.dials[0]!.succeed()
    for (let i = 0; i < 10; i++) {
      connection.finish()
      clock.advance(900)
      call()
    }
    clock.advance(5_000)
    expect(connection.closes).toBe(0)
    connection.finish()
    clock.advance(1_000)
    expect(connection.closes).toBe(1)
  })

  it('aborts a dial after its last waiting request leaves, with the reason', async () => {
    const { connector, pool, call } = make()
    const [first, otherRequest] = [call(), call()]
    await turn()
    const { signal } = connector.dials[0]!
    const reason = new Error('enough')
    pool.leave(A, first, reason)
    expect(signal.aborted).toBe(false)
    pool.leave(A, otherRequest, reason)
    expect(signal.reason).toBe(reason)
    await turn()
    expect(pool.find(A)).toBeUndefined()
  })

  it('dials again for a request that arrives while an abandoned dial ends', async () => {
    const { connector, pool, call } = make()
    const first = call()
    await turn()
    pool.leave(A, first, new Error('enough'))
    const otherRequest = call()
    await turn()
    await connector.dials[1]!.succeed()
    expect([first.error, otherRequest.error, otherRequest.member === undefined]).toEqual([undefined, undefined, false])
  })

  it('continues a dial while requests of another origin wait for it', async () => {
    const sharing: ReusePolicy = {
      verdict: (candidate) => (isConnection(candidate) ? { use: true, because: 'x' } : { wait: true, because: 'y' }),
      misdirected: () => undefined,
    }
    const connector = new FakeConnector()
    const pool = poolOf(connector, new FakeClock(), sharing)
    const [first, otherRequest] = [new FakeCall(), new FakeCall()]
    const [c, d] = [targetOf('https://c.example'), targetOf('https://d.example')]
    pool.acquire(c, first)
    await turn()
    pool.acquire(d, otherRequest)
    await turn()
    expect(connector.dials).toHaveLength(1)
    pool.leave(c, first, new Error('enough'))
    expect(connector.dials[0]!.signal.aborted).toBe(false)
    pool.leave(d, otherRequest, new Error('enough'))
    await turn()
    expect(connector.dials[0]!.signal.aborted).toBe(true)
  })

  it('lets connections complete and ends dials on close(), and ends both on destroy()', async () => {
    const { connector, pool, call } = make()
    call(A)
    const otherRequest = call(B)
    await turn()
    const connection = await connector.dials[0]!.succeed()
    const closed = pool.close()
    await turn()
    expect(connection.state).toBe('draining')
    expect(otherRequest.error).toMatchObject({ message: 'the client was closed' })
    const reason = new Error('enough')
    pool.destroy(reason)
    expect(connection.state).toBe('closed')
    expect([...pool.connections]).toEqual([])
    await closed
  })
})

function finish(connection: { active: number; finish(): void }): void {
  if (connection.active > 0) connection.finish()
}
