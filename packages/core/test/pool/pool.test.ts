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
    const one = new FakeCall(name, log)
    const member = pool.acquire(target, one)
    if (member !== undefined) one.onMember(member)
    return one
  }
  return { clock, connector, pool, log, call }
}

describe('Pool', () => {
  it('one dial for all requests of an origin until it is known what it speaks', async () => {
    const { connector, pool, call } = make()
    const calls = Array.from({ length: 20 }, () => call())
    await turn()
    expect(connector.dials).toHaveLength(1)
    const connection = await connector.dials[0]!.succeed()
    expect(calls.every(({ member }) => member?.connection === connection)).toBe(true)
    expect(pool.metrics).toMatchObject({ dials: 1, handshakes: 1 })
    expect(pool.acquire(A, new FakeCall())?.connection).toBe(connection)
  })

  it('HTTP/1.1: six connections and no more, and every waiter is released', async () => {
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

  it('a known HTTP/1.1 origin is dialed as often as there are requests, up to six, at once', async () => {
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

  it('a waiter that leaves takes nobody with it', async () => {
    const { connector, pool, call } = make()
    const [one, two, three] = [call(), call(), call()]
    pool.leave(A, two!)
    await turn()
    await connector.dials[0]!.succeed()
    expect([one.member !== undefined, two.member, three.member !== undefined]).toEqual([true, undefined, true])
  })

  it('waits and leaves for an origin that the pool does not know', () => {
    const { pool } = make()
    expect(() => pool.leave(B, new FakeCall())).not.toThrow()
    expect(pool.hasConnection(B)).toBe(false)
  })

  it('a dial that fails fails those who wait for nothing else, once, and is not repeated by itself', async () => {
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

  it('a dial that fails where there is a connection fails nobody: they wait for room', async () => {
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

  it('one origin with 1,000 queued requests does not starve the single request of another', async () => {
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

  it('a connection that drains is found no more; who waits for it gets another', async () => {
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
    'a connection that is %s when it arrives fails the request, and is not dialed for again',
    async (state) => {
      const { connector, pool, call } = make()
      const [one, two] = [call(), call()]
      await turn()
      const connection = await connector.dials[0]!.succeed({ state })
      for (const { error } of [one, two]) expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
      await turn()
      expect(connector.dials).toHaveLength(1)
      expect([...pool.connections]).toEqual(state === 'closed' ? [] : [connection])
    },
  )

  it('a misdirected origin gets a connection of its own, the shared one serves the others on', async () => {
    const { connector, pool, call } = make(sharing)
    call(A)
    await turn()
    const shared = await connector.dials[0]!.succeed()
    expect(call(B).member).toBeUndefined()
    await turn()
    pool.misdirected(B, shared, 421)
    expect(pool.hasConnection(B)).toBe(false)
    expect(pool.hasConnection(A)).toBe(true)
    expect(call(A).member?.connection).toBe(shared)
  })

  it('a connection in constant use is not closed by the idle timer, one without use is', async () => {
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

  it('a dial ends with the last request that waits for it, and with its reason', async () => {
    const { connector, pool, call } = make()
    const [one, other] = [call(), call()]
    await turn()
    const { signal } = connector.dials[0]!
    const reason = new Error('enough')
    pool.leave(A, one, reason)
    expect(signal.aborted).toBe(false)
    pool.leave(A, other, reason)
    expect(signal.reason).toBe(reason)
    await turn()
    expect(pool.find(A)).toBeUndefined()
  })

  it('a request that comes while an abandoned dial ends gets a dial of its own', async () => {
    const { connector, pool, call } = make()
    const one = call()
    await turn()
    pool.leave(A, one, new Error('enough'))
    const other = call()
    await turn()
    await connector.dials[1]!.succeed()
    expect([one.error, other.error, other.member === undefined]).toEqual([undefined, undefined, false])
  })

  it('a dial that requests of another origin wait for goes on until those leave too', async () => {
    const sharing: ReusePolicy = {
      verdict: (candidate) => (isConnection(candidate) ? { use: true, because: 'x' } : { wait: true, because: 'y' }),
      misdirected: () => undefined,
    }
    const connector = new FakeConnector()
    const pool = poolOf(connector, new FakeClock(), sharing)
    const [one, other] = [new FakeCall(), new FakeCall()]
    const [c, d] = [targetOf('https://c.example'), targetOf('https://d.example')]
    pool.acquire(c, one)
    await turn()
    pool.acquire(d, other)
    await turn()
    expect(connector.dials).toHaveLength(1)
    pool.leave(c, one, new Error('enough'))
    expect(connector.dials[0]!.signal.aborted).toBe(false)
    pool.leave(d, other, new Error('enough'))
    await turn()
    expect(connector.dials[0]!.signal.aborted).toBe(true)
  })

  it('close() lets connections finish and ends dials, destroy() ends both', async () => {
    const { connector, pool, call } = make()
    call(A)
    const other = call(B)
    await turn()
    const connection = await connector.dials[0]!.succeed()
    await pool.close()
    await turn()
    expect(connection.state).toBe('draining')
    expect(other.error).toMatchObject({ message: 'the client was closed' })
    const reason = new Error('enough')
    pool.destroy(reason)
    expect(connection.state).toBe('closed')
    expect([...pool.connections]).toEqual([])
  })
})

function finish(connection: { active: number; finish(): void }): void {
  if (connection.active > 0) connection.finish()
}
