/** Pools of a client: settings, limits, strategies, lifetimes, handles, closing. */

import { FakeClock, frames, type ScriptedConnection, staticLookup } from '@unshard/testkit'
import { ASSUMED_MAX_CONCURRENT_STREAMS } from '../../src/h2/protocol/settings.js'
import type { Client, ClientOptions, PoolSettings, RequestOptions, Strategy } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, server, peer } = fixture

async function textOf(client: Client, url: string, options = {}): Promise<string> {
  return (await client.request({ url, ...options })).text()
}

/** Answers each request of one connection. */
async function serve(p: ScriptedConnection): Promise<never> {
  for (;;) p.respond((await p.nextRequest()).streamId, 204)
}

describe('settings', () => {
  it.each<[PoolSettings, string]>([
    [{ protocols: ['h3' as never] }, 'pools.x.protocols'],
    [{ maxConnectionsPerOrigin: 0 }, 'pools.x.maxConnectionsPerOrigin'],
    [{ maxConnectionsPerOrigin: { h3: 1 } as never }, '"pools.x.maxConnectionsPerOrigin.h3"'],
    [{ strategy: 'best' as never }, 'pools.x.strategy'],
    [{ waitForSettings: 1 as never }, 'pools.x.waitForSettings'],
    [{ keepalive: { intervalMs: 9_999 } }, 'pools.x.keepalive.intervalMs'],
    [{ keepalive: { everyMs: 1 } as never }, '"pools.x.keepalive.everyMs"'],
    [{ keepalive: 5 as never }, 'pools.x.keepalive'],
    [{ verifyAfterIdleMs: -1 }, 'pools.x.verifyAfterIdleMs'],
    [{ retry: {} } as never, '"pools.x.retry"'],
    [5 as never, 'pools.x'],
  ])('%j is refused, and the error names it', (settings, name) => {
    expect(() => createClient({ pools: { x: settings } })).toThrow(name)
    expect(() => createClient().pools.open('x', settings)).toThrow(name)
  })

  it.each(['https://', 'https://u:p@a.test.example', 'http:'])('a pool name without a valid origin is refused: %j', (name) => {
    expect(() => createClient({ pools: { [name]: {} } })).toThrow(expect.objectContaining({ name: 'UsageError' }))
  })

  it.each([
    ['api.example', 'https://api.example'],
    ['API.example/', 'https://api.example'],
    ['api.example:8443', 'https://api.example:8443'],
    ['api.example#bulk', 'https://api.example#bulk'],
    ['localhost', 'https://localhost'],
    ['localhost:8080', 'https://localhost:8080'],
    ['127.0.0.1', 'https://127.0.0.1'],
    ['127.0.0.1:443', 'https://127.0.0.1'],
    ['[::1]:8443', 'https://[::1]:8443'],
    ['::1', 'https://[::1]'],
    ['//api.example', 'https://api.example'],
    ['wss://api.example/x', 'https://api.example'],
  ])('a pool name that looks like a host is refused as an isolation: %s', (name, meant) => {
    const message = expect.stringMatching(new RegExp(`did you mean "${meant.replace(/[.[\]]/g, '\\$&')}"`))
    const refused = expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_OPTION', message })
    expect(() => createClient({ pools: { [name]: {} } })).toThrow(refused)
    expect(() => createClient().pools.open(name)).toThrow(refused)
  })

  it.each(['bulk', 'tenant:42', 'v1.2', '42', 'user 1', 'ann@api.example', 'a#b', '', 'x/y', 'https'])(
    'a pool name without the form of a host is accepted as an isolation: %j',
    (name) => {
      expect(() => createClient({ pools: { [name]: {} } })).not.toThrow()
    },
  )

  it.each<PoolSettings>([
    { minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 2 },
    { minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: { h2: 2 } },
    { minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: { h2: 4, 'http/1.1': 2 } },
    { minConnectionsPerOrigin: 7 },
  ])('a minimum above the maximum is refused: %j', (settings) => {
    const refused = expect.objectContaining({
      code: 'ERR_INVALID_OPTION',
      message: expect.stringContaining('minConnectionsPerOrigin'),
    })
    expect(() => createClient(settings)).toThrow(refused)
    expect(() => createClient({ pools: { default: settings } })).toThrow(refused)
    expect(() => createClient().pools.open('x', settings)).toThrow(refused)
    expect(() => createClient().pools.resize('https://a.test.example', 2, { least: 3 })).toThrow(refused)
  })

  it('the first connection determines the protocol of an origin', async () => {
    for (const protocol of ['h2', 'http/1.1'] as const) {
      const origin = await server({ protocols: [protocol] })
      const response = await createClient().request({ url: `${origin.url('a.test.example')}/` })
      expect(response.connection).toMatchObject({ protocol, because: 'first-connection' })
      await response.text()
    }
  })

  it('the most specific pool name wins; an unknown isolation uses the defaults', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const client = createClient({
      protocols: ['h2'],
      pools: {
        default: { protocols: ['http/1.1', 'h2'] },
        [base.toUpperCase()]: { protocols: ['http/1.1'] },
        bulk: { protocols: ['http/1.1'] },
        [`${base}#bulk`]: { protocols: ['h2'] },
      },
    })
    const protocolOf = async (host: string, isolation?: string): Promise<string> => {
      const response = await client.request({ url: `${origin.url(host)}/`, ...(isolation && { isolation }) })
      await response.text()
      return response.connection.protocol
    }
    expect(await protocolOf('a.test.example')).toBe('http/1.1')
    expect(await protocolOf('b.test.example', 'bulk')).toBe('http/1.1')
    expect(await protocolOf('a.test.example', 'bulk')).toBe('h2')
    // The server prefers h2 if the client offers both.
    expect(await protocolOf('a.test.example', 'unknown')).toBe('h2')
    expect(await protocolOf('b.test.example')).toBe('h2')
  })

  it('isolations share no connection and have separate statistics', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const client = createClient()
    for (const isolation of ['one', 'two', 'one']) await textOf(client, `${base}/`, { isolation })
    await textOf(client, `${base}/`)
    expect(origin.connections).toBe(3)
    expect(client.pools.find(base, 'one')).toMatchObject({ origin: base, isolation: 'one', dialing: 0, queued: 0 })
    expect([...client.pools].map(({ isolation }) => isolation)).toEqual(['one', 'two', undefined])
    expect(client.pools.find(base, 'three')).toBeUndefined()
  })
})

describe('limits', () => {
  it('40 requests to a server that allows 5 streams get 40 responses on 1 connection, at most 5 at once', async () => {
    let active = 0
    let most = 0
    const origin = await server({
      settings: { maxConcurrentStreams: 5 },
      handler: (_request, response) => {
        most = Math.max(most, ++active)
        setImmediate(() => {
          active--
          response.end('ok')
        })
      },
    })
    const client = createClient()
    const answers = await Promise.all(Array.from({ length: 40 }, () => textOf(client, `${origin.url('a.test.example')}/`)))
    expect(answers).toEqual(Array(40).fill('ok'))
    expect([most <= 5, origin.connections]).toEqual([true, 1])
  })

  it('maxConcurrentRequests applies if it is below the limit of the server', async () => {
    const origin = await server()
    const client = createClient({ maxConcurrentRequests: 2 })
    const all = Array.from({ length: 6 }, () => textOf(client, `${origin.url('a.test.example')}/slow`))
    await origin.delivered(2)
    expect(client.stats().connections).toMatchObject([{ active: 2, capacity: 0 }])
    expect(client.stats().pools).toMatchObject([{ queued: 4 }])
    for (let i = 2; i <= 6; i += 2) {
      await origin.delivered(i)
      origin.release()
    }
    await Promise.all(all)
    expect(origin.connections).toBe(1)
  })

  it('after maxRequestsPerConnection requests another connection is dialed', async () => {
    for (const protocols of [['h2'], ['http/1.1']] as const) {
      const origin = await server({ protocols })
      const client = createClient({ maxRequestsPerConnection: 3, maxConnectionsPerOrigin: 1 })
      const answers = await Promise.all(Array.from({ length: 7 }, () => textOf(client, `${origin.url('a.test.example')}/`)))
      expect([answers.length, origin.connections, origin.requests.length]).toEqual([7, 3, 7])
    }
  })

  it('waitForSettings: no request is sent before SETTINGS, and no request fails', async () => {
    let streamsBeforeSettings = -1
    let releaseSettings!: () => void
    const held = new Promise<void>((resolve) => {
      releaseSettings = resolve
    })
    const scripted = await peer(async (p) => {
      await p.preface()
      await held
      streamsBeforeSettings = p.received.filter(({ typeName }) => typeName === 'HEADERS').length
      p.send(frames.settings({ maxConcurrentStreams: 1 }), frames.settingsAck())
      await serve(p)
    })
    const client = createClient({ waitForSettings: true })
    const url = `https://a.test.example:${scripted.port}/`
    const both = [client.request({ url }), client.request({ url, method: 'POST', body: 'x' })]
    while (client.stats().connections.length === 0) await new Promise(setImmediate)
    releaseSettings()
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([204, 204])
    expect(streamsBeforeSettings).toBe(0)
  })

  /** Returns a client with three connections to an origin, and a function that sends a request and returns the id of its connection. */
  async function threeConnections(settings: ClientOptions) {
    const url = `${(await server()).url('a.test.example')}/`
    const client = createClient({ minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3, ...settings })
    await client.warm([url])
    // Wait for SETTINGS on all three connections: else requests would queue for one turn.
    const isReady = ({ capacity }: { capacity: number }): boolean => capacity > ASSUMED_MAX_CONCURRENT_STREAMS
    while (client.stats().connections.filter(isReady).length < 3) await new Promise(setImmediate)
    const idOf = async (options: Partial<RequestOptions> = {}): Promise<number> => {
      const response = await client.request({ url, ...options })
      await response.text()
      return response.connection.id
    }
    return { client, idOf }
  }

  it('strategies choose among several connections: round-robin, hash, a function', async () => {
    const inTurn = await threeConnections({ strategy: 'round-robin' })
    const ids = [await inTurn.idOf(), await inTurn.idOf(), await inTurn.idOf()]
    expect(new Set(ids).size).toBe(3)
    const { idOf: hashed } = await threeConnections({ strategy: 'hash' })
    expect(await hashed({ affinity: 'tenant-7' })).toBe(await hashed({ affinity: 'tenant-7' }))
    const last = await threeConnections({ strategy: (candidates) => candidates.at(-1)! })
    expect(await last.idOf()).toBe(Math.max(...last.client.stats().connections.map(({ id }) => id)))
    const failing = await threeConnections({ strategy: () => undefined as never })
    await expect(failing.idOf()).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_STRATEGY', processed: 'no' })
  })

  it('a strategy that destroys the client ends its request, and nothing is dialed after that', async () => {
    const { client, idOf } = await threeConnections({})
    const strategy: Strategy = ([first]) => {
      client.destroy()
      return first!
    }
    await expect(idOf({ strategy })).rejects.toMatchObject({ code: 'ERR_CLIENT_DESTROYED' })
    await new Promise(setImmediate)
    expect([client.stats().connections, client.stats().pools]).toEqual([[], []])
  })

  it('the strategy of a request or a view takes the place of that of the origin', async () => {
    const { client, idOf } = await threeConnections({ strategy: 'round-robin' })
    const newest = Math.max(...client.stats().connections.map(({ id }) => id))
    const affinities: unknown[] = []
    const strategy: Strategy = (candidates, affinity) => {
      affinities.push(affinity)
      return candidates.toSorted((a, b) => b.id - a.id)[0]!
    }
    expect([await idOf({ strategy, affinity: 'x' }), await idOf({ strategy })]).toEqual([newest, newest])
    expect(affinities).toEqual(['x', undefined])
    expect(new Set([await idOf(), await idOf(), await idOf()]).size).toBe(3)
    const view = client.with({ strategy })
    const response = await view.request({ url: client.stats().connections[0]!.origin })
    expect(response.connection.id).toBe(newest)
    await expect(idOf({ strategy: () => ({ id: 0, active: 0, capacity: 1 }) })).rejects.toMatchObject({ code: 'ERR_STRATEGY' })
    for (const wrong of ['best', 5, null]) {
      await expect(idOf({ strategy: wrong as never })).rejects.toMatchObject({
        code: 'ERR_INVALID_OPTION',
        message: expect.stringContaining('strategy'),
      })
    }
  })
})

describe('while the client runs', () => {
  it('resize closes surplus connections after their requests complete', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const client = createClient({ minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3, strategy: 'round-robin' })
    await client.warm([base])
    while (client.stats().connections.length < 3) await new Promise(setImmediate)
    const slow = Array.from({ length: 3 }, () => textOf(client, `${base}/slow`))
    await origin.delivered(3)
    client.pools.resize(base, 1)
    expect(
      client
        .stats()
        .connections.map(({ state }) => state)
        .toSorted(),
    ).toEqual(['draining', 'draining', 'open'])
    origin.release()
    expect((await Promise.all(slow)).length).toBe(3)
    while (client.stats().connections.length > 1) await new Promise(setImmediate)
    expect(client.pools.find(base)!.connections).toHaveLength(1)
    expect(() => client.pools.resize(base, 0)).toThrow('maxConnectionsPerOrigin')
  })

  it('close waits for the requests of a pool; the next request gets another connection', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const client = createClient()
    const slow = textOf(client, `${base}/slow`)
    await origin.delivered(1)
    const closed = client.pools.close(base)
    const next = textOf(client, `${base}/`)
    await origin.delivered(2)
    origin.release()
    expect(await Promise.all([slow, next])).toHaveLength(2)
    await closed
    expect(origin.connections).toBe(2)
    await client.pools.close(origin.url('b.test.example'))
  })

  it('resize during dials closes connections beyond the limit once they are open', async () => {
    const origin = await server({ protocols: ['http/1.1'] })
    const base = origin.url('a.test.example')
    const client = createClient({ maxConnectionsPerOrigin: 4 })
    const slow = Array.from({ length: 4 }, () => textOf(client, `${base}/slow`))
    await origin.delivered(1)
    client.pools.resize(base, 1)
    const all = Promise.all(slow)
    let settled = false
    void all.then(() => {
      settled = true
    })
    while (!settled) {
      origin.release()
      await new Promise(setImmediate)
    }
    await textOf(client, `${base}/`)
    while (client.stats().connections.length > 1) await new Promise(setImmediate)
    expect(client.pools.find(base)!.connections).toHaveLength(1)
  })

  it('an origin that requires HTTP/1.1 is found and closed by its name', async () => {
    const origin = await server({
      handler: (request, response) => {
        if ('stream' in request) request.stream.close(0xd)
        else response.end('ok')
      },
    })
    const base = origin.url('a.test.example')
    const client = createClient()
    const response = await client.request({ url: `${base}/` })
    await response.text()
    expect(client.pools.find(base)).toMatchObject({ origin: base, connections: [response.connection.id] })
    await client.pools.close(base)
    expect(client.pools.find(base)).toBeUndefined()
  })

  it('facts about an origin outlive its settings: a doubled ping interval stays doubled', async () => {
    let second!: ScriptedConnection
    const scripted = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) {
        second = p
        await p.closed
        return
      }
      p.respond((await p.nextRequest()).streamId, 204)
      p.send(frames.goaway(1, 11, 'too_many_pings'))
      await p.closed
    })
    const clock = new FakeClock(1)
    const client = createClient({ clock, keepalive: { intervalMs: 10_000 } })
    const url = `https://a.test.example:${scripted.port}/`
    await client.request({ url })
    while (client.stats().connections.length > 0) await new Promise(setImmediate)
    client.pools.open('bulk', { maxRequestsPerConnection: 1 })
    const abort = new AbortController()
    const held = [client.request({ url, signal: abort.signal })]
    while (second === undefined) await new Promise(setImmediate)
    await second.nextRequest()
    clock.advance(10_000)
    held.push(client.request({ url, signal: abort.signal }))
    // All bytes sent before this request have arrived with it.
    await second.nextRequest()
    expect(second.received.map(({ typeName }) => typeName)).not.toContain('PING')
    clock.advance(10_000)
    await second.next('PING')
    abort.abort('enough')
    for (const each of held) await expect(each).rejects.toBe('enough')
  })

  it('open applies other protocols to the next request', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const client = createClient()
    await textOf(client, `${base}/`)
    client.pools.open(base, { protocols: ['http/1.1'] })
    const response = await client.request({ url: `${base}/` })
    expect(response.connection.protocol).toBe('http/1.1')
    await response.text()
    await client.pools.close(base)
    expect((await client.request({ url: `${base}/` })).connection.protocol).toBe('h2')
  })

  it('a connection at its maximum age accepts no requests; the next request uses the current DNS answer', async () => {
    const [old, young] = [await server(), await server({ address: '127.0.0.2' })]
    const clock = new FakeClock(1)
    let address = '127.0.0.1'
    const client = createClient({
      clock,
      lookup: (host, options, done) => staticLookup({ [host]: address })(host, options, done),
      lookupTtlMs: 1_000_000,
      maxConnectionAgeMs: 60_000,
      maxConnectionAgeJitterMs: 1_000,
      idleTimeoutMs: 0,
      verifyAfterIdleMs: 0,
    })
    const sameClock = { timeouts: { headers: 0, body: 0 } }
    const url = `https://a.test.example:${old.port}`
    await textOf(client, `${url}/`, sameClock)
    const slow = textOf(client, `${url}/slow`, sameClock)
    await old.delivered(2)
    address = '127.0.0.2'
    clock.advance(59_999)
    expect(client.stats().connections).toMatchObject([{ state: 'open' }])
    clock.advance(1_001)
    expect(client.stats().connections).toMatchObject([{ state: 'draining', active: 1 }])
    await expect(textOf(client, `https://a.test.example:${young.port}/`, sameClock)).resolves.toMatch('hello')
    expect(young.requests).toHaveLength(1)
    old.release()
    await slow
  })
})

describe('idle connections', () => {
  it('beyond maxIdleConnections the connection that was idle longest is closed', async () => {
    const origin = await server()
    const client = createClient({ maxIdleConnections: 2 })
    const ids: number[] = []
    for (const letter of ['a', 'b', 'a', 'c']) {
      const response = await client.request({ url: `${origin.url(`${letter}.test.example`)}/` })
      ids.push(response.connection.id)
      await response.text()
    }
    while (client.stats().connections.length > 2) await new Promise(setImmediate)
    expect(client.stats().connections.map(({ id }) => id)).toEqual([ids[0], ids[3]])
  })

  it.each(['h2', 'http/1.1'] as const)(
    'with maxIdleConnections 0 each connection serves the request it was dialed for: %s',
    async (protocol) => {
      const origin = await server({ protocols: [protocol] })
      const client = createClient({ maxIdleConnections: 0 })
      for (let i = 0; i < 2; i++) {
        const response = await client.request({ url: `${origin.url('a.test.example')}/` })
        expect(response.status).toBe(200)
        await response.text()
      }
      while (client.stats().connections.length > 0) await new Promise(setImmediate)
      expect(client.stats().totals.dials).toBeGreaterThan(0)
    },
  )

  it('poolIdleTimeoutMs closes a pool if none of its connections had a request for that time', async () => {
    const origin = await server()
    const clock = new FakeClock(1)
    const base = origin.url('a.test.example')
    const client = createClient({
      clock,
      idleTimeoutMs: 0,
      poolIdleTimeoutMs: 5_000,
      minConnectionsPerOrigin: 2,
      strategy: 'round-robin',
      maxConnectionsPerOrigin: 2,
    })
    await client.warm([base])
    while (client.stats().connections.length < 2) await new Promise(setImmediate)
    // SETTINGS have arrived on each connection.
    for (let i = 0; i < 2; i++) await textOf(client, `${base}/`)
    const slow = textOf(client, `${base}/slow`, { timeouts: { headers: 0 } })
    await origin.delivered(3)
    clock.advance(20_000)
    expect(client.stats().connections).toHaveLength(2)
    origin.release()
    await slow
    clock.advance(4_999)
    expect(client.stats().connections).toHaveLength(2)
    clock.advance(10_000)
    while (client.stats().connections.length > 0) await new Promise(setImmediate)
  })
})

describe('connect: a dedicated connection', () => {
  it('sends only the requests of its handle, and is dialed again after a loss', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const client = createClient()
    const handle = await client.connect(base)
    const { id } = handle.connection!
    const [own, other] = [await handle.request({ url: '/own' }), await client.request({ url: `${base}/other` })]
    expect([own.connection.id, other.connection.id === id]).toEqual([id, false])
    await Promise.all([own.text(), other.text()])
    expect(await handle.ping()).toBeGreaterThan(0)
    origin.closeIdle()
    while (handle.connection !== undefined) await new Promise(setImmediate)
    await expect(handle.ping()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
    const again = await handle.request({ url: `${base}/again` })
    expect(again.connection.id).not.toBe(id)
    await again.text()
    await expect(handle.request({ url: `${origin.url('b.test.example')}/` })).rejects.toMatchObject({ code: 'ERR_OTHER_ORIGIN' })
    await expect(handle.request({ url: 'https://' })).rejects.toMatchObject({ code: 'ERR_INVALID_URL' })
    await handle.close()
    await expect(handle.request({ url: '/late' })).rejects.toMatchObject({ code: 'ERR_HANDLE_CLOSED' })
  })

  it('fails requests as not processed after a loss if reopen is false', async () => {
    const origin = await server()
    const client = createClient()
    const handle = await client.connect(origin.url('a.test.example'), { reopen: false })
    await (await handle.request({ url: '/' })).text()
    origin.closeIdle()
    while (handle.connection !== undefined) await new Promise(setImmediate)
    for (let i = 0; i < 2; i++) {
      await expect(handle.request({ url: '/' })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
    }
    expect(origin.connections).toBe(1)
  })

  it('the call rejects if no server listens', async () => {
    const origin = await server()
    await origin.close()
    await expect(createClient().connect(origin.url('a.test.example'))).rejects.toMatchObject({
      name: 'ConnectError',
      phase: 'tcp',
    })
  })
})

it('warm opens connections in advance and returns one per origin', async () => {
  const origin = await server()
  const client = createClient()
  const [a, b, unknown] = await client.warm([
    origin.url('a.test.example'),
    origin.url('b.test.example'),
    'https://nobody.example',
  ])
  expect(a).toMatchObject({ origin: origin.url('a.test.example'), connection: { protocol: 'h2', because: 'first-connection' } })
  expect(b!.connection!.id).not.toBe(a!.connection!.id)
  expect(unknown).toMatchObject({ origin: 'https://nobody.example', error: { name: 'ConnectError', phase: 'resolve' } })
  const response = await client.request({ url: `${origin.url('a.test.example')}/` })
  expect(response.connection.id).toBe(a!.connection!.id)
  await response.text()
  expect(origin.connections).toBe(2)
  await client.close()
  await expect(client.warm([origin.url('a.test.example')])).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  await expect(client.connect(origin.url('a.test.example'))).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
})

it('requestAll returns the responses in order, with an error for each failed request', async () => {
  const origin = await server()
  const base = origin.url('a.test.example')
  const results = await createClient().requestAll([{ url: `${base}/bytes/3` }, { url: 'nonsense' }, { url: `${base}/bytes/5` }])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const sizes = results.map((result) => (result.status === 'fulfilled' ? result.value.headers.get('content-length') : undefined))
  expect(sizes).toEqual(['3', undefined, '5'])
})

describe('close', () => {
  it('close: requests fail after the grace period, and the error states that the server may have acted', async () => {
    const origin = await server()
    const clock = new FakeClock()
    const client = createClient({ clock })
    const slow = client.request({ url: `${origin.url('a.test.example')}/never` })
    const failing = expect(slow).rejects.toMatchObject({
      code: 'ERR_CLIENT_CLOSED',
      name: 'ConnectionError',
      processed: 'unknown',
    })
    await origin.delivered(1)
    const closed = client.close({ graceMs: 5_000 })
    clock.advance(4_999)
    expect(client.stats().connections).toHaveLength(1)
    clock.advance(1)
    await Promise.all([failing, closed])
    expect(client.stats().connections).toEqual([])
    expect(clock.referenced).toBe(0)
  })

  it('destroy: each request fails with its own error', async () => {
    const origin = await server()
    const client = createClient()
    const sent = client.request({ url: `${origin.url('a.test.example')}/never` })
    await origin.delivered(1)
    const unsent = client.request({ url: `${origin.url('b.test.example')}/never` })
    const failing = [sent, unsent].map((each) => each.catch((error) => error))
    client.destroy()
    expect(await Promise.all(failing)).toMatchObject([
      { code: 'ERR_CLIENT_DESTROYED', processed: 'unknown', origin: origin.url('a.test.example') },
      { code: 'ERR_CLIENT_DESTROYED', processed: 'no', origin: origin.url('b.test.example') },
    ])
  })

  it.each([-1, 1.5, Number.POSITIVE_INFINITY])('a graceMs of %d is refused', async (graceMs) => {
    await expect(createClient().close({ graceMs })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  })
})

it('after one request to each of 1,000 origins and the idle timeout no socket is open', async () => {
  // Without TLS, to save a thousand handshakes.
  const origin = await server({ tls: undefined as never, protocols: ['h2'] })
  const clock = new FakeClock(1)
  const client = createClient({
    cleartextProtocol: 'h2',
    clock,
    lookup: (host, options, done) => staticLookup({ [host]: '127.0.0.1' })(host, options, done),
  })
  for (let i = 0; i < 1_000; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, j) => textOf(client, `http://n${i + j}.test.example:${origin.port}/`)))
  }
  expect(client.stats().connections).toHaveLength(1_000)
  clock.advance(61_000)
  while (client.stats().connections.length > 0) await new Promise(setImmediate)
  expect(client.stats().pools).toEqual([])
  while (origin.openSockets > 0) await new Promise(setImmediate)
})
