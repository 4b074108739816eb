import { FakeClock, frames, type ScriptedConnection, staticLookup } from '@unshard/testkit'
import { ASSUMED_MAX_CONCURRENT_STREAMS } from '../../src/h2/protocol/settings.js'
import type { Client, ClientOptions, PoolSettings } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const world = clientFixture()
const { client, server, peer } = world

async function text(one: Client, url: string, options = {}): Promise<string> {
  return (await one.request({ url, ...options })).text()
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
    [{ tls: {} } as never, '"pools.x.tls"'],
    [5 as never, 'pools.x'],
  ])('%j is refused, and the error names it', (settings, name) => {
    expect(() => client({ pools: { x: settings } })).toThrow(name)
    expect(() => client().pools.open('x', settings)).toThrow(name)
  })

  it.each(['https://', 'https://u:p@a.test.example', 'http:'])('a pool named %j has no valid origin', (name) => {
    expect(() => client({ pools: { [name]: {} } })).toThrow(expect.objectContaining({ name: 'UsageError' }))
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
  ])('a pool named %s looks like a host, and is refused as an isolation', (name, meant) => {
    const message = expect.stringMatching(new RegExp(`did you mean "${meant.replace(/[.[\]]/g, '\\$&')}"`))
    const refused = expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_OPTION', message })
    expect(() => client({ pools: { [name]: {} } })).toThrow(refused)
    expect(() => client().pools.open(name)).toThrow(refused)
  })

  it.each(['bulk', 'tenant:42', 'v1.2', '42', 'user 1', 'ann@api.example', 'a#b', '', 'x/y', 'https'])(
    'a pool named %j is accepted as an isolation',
    (name) => {
      expect(() => client({ pools: { [name]: {} } })).not.toThrow()
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
    expect(() => client(settings)).toThrow(refused)
    expect(() => client({ pools: { default: settings } })).toThrow(refused)
    expect(() => client().pools.open('x', settings)).toThrow(refused)
    expect(() => client().pools.resize('https://a.test.example', 2, { least: 3 })).toThrow(refused)
  })

  it('the first connection determines the protocol, whichever it is', async () => {
    for (const protocol of ['h2', 'http/1.1'] as const) {
      const origin = await server({ protocols: [protocol] })
      const response = await client().request({ url: `${origin.url('a.test.example')}/` })
      expect(response.connection).toMatchObject({ protocol, because: 'first-connection' })
      await response.text()
    }
  })

  it('the most specific name wins; an unknown isolation uses the defaults', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const one = client({
      protocols: ['h2'],
      pools: {
        default: { protocols: ['http/1.1', 'h2'] },
        [base.toUpperCase()]: { protocols: ['http/1.1'] },
        bulk: { protocols: ['http/1.1'] },
        [`${base}#bulk`]: { protocols: ['h2'] },
      },
    })
    const protocolOf = async (host: string, isolation?: string): Promise<string> => {
      const response = await one.request({ url: `${origin.url(host)}/`, ...(isolation && { isolation }) })
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

  it('isolations never share a connection, and have their own statistics', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const one = client()
    for (const isolation of ['one', 'two', 'one']) await text(one, `${base}/`, { isolation })
    await text(one, `${base}/`)
    expect(origin.connections).toBe(3)
    expect(one.pools.find(base, 'one')).toMatchObject({ origin: base, isolation: 'one', dialing: 0, queued: 0 })
    expect([...one.pools].map(({ isolation }) => isolation)).toEqual(['one', 'two', undefined])
    expect(one.pools.find(base, 'three')).toBeUndefined()
  })
})

describe('limits', () => {
  it('40 requests to a server that allows 5 streams: 40 responses, at most 5 at once, 1 connection', async () => {
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
    const one = client()
    const answers = await Promise.all(Array.from({ length: 40 }, () => text(one, `${origin.url('a.test.example')}/`)))
    expect(answers).toEqual(Array(40).fill('ok'))
    expect([most <= 5, origin.connections]).toEqual([true, 1])
  })

  it('maxConcurrentRequests below the limit of the server', async () => {
    const origin = await server()
    const one = client({ maxConcurrentRequests: 2 })
    const all = Array.from({ length: 6 }, () => text(one, `${origin.url('a.test.example')}/slow`))
    await origin.delivered(2)
    expect(one.stats().connections).toMatchObject([{ active: 2, capacity: 0 }])
    expect(one.stats().pools).toMatchObject([{ queued: 4 }])
    for (let i = 2; i <= 6; i += 2) {
      await origin.delivered(i)
      origin.release()
    }
    await Promise.all(all)
    expect(origin.connections).toBe(1)
  })

  it('maxRequestsPerConnection: then another connection is dialed', async () => {
    for (const protocols of [['h2'], ['http/1.1']] as const) {
      const origin = await server({ protocols })
      const one = client({ maxRequestsPerConnection: 3, maxConnectionsPerOrigin: 1 })
      const answers = await Promise.all(Array.from({ length: 7 }, () => text(one, `${origin.url('a.test.example')}/`)))
      expect([answers.length, origin.connections, origin.requests.length]).toEqual([7, 3, 7])
    }
  })

  it('waitForSettings: no request is sent before SETTINGS, and none fails', async () => {
    let streamsBefore = -1
    let go!: () => void
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    const scripted = await peer(async (p) => {
      await p.preface()
      await held
      streamsBefore = p.received.filter(({ typeName }) => typeName === 'HEADERS').length
      p.send(frames.settings({ maxConcurrentStreams: 1 }), frames.settingsAck())
      await serve(p)
    })
    const one = client({ waitForSettings: true })
    const url = `https://a.test.example:${scripted.port}/`
    const both = [one.request({ url }), one.request({ url, method: 'POST', body: 'x' })]
    while (one.stats().connections.length === 0) await new Promise(setImmediate)
    go()
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([204, 204])
    expect(streamsBefore).toBe(0)
  })

  it('several connections: in turn, by affinity, and by a function', async () => {
    const origin = await server()
    const url = `${origin.url('a.test.example')}/`
    const idOf = async (one: Client, affinity?: string): Promise<number> => {
      const response = await one.request({ url, ...(affinity && { affinity }) })
      await response.text()
      return response.connection.id
    }
    const ready = async (settings: ClientOptions): Promise<Client> => {
      const one = client({ minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3, ...settings })
      await one.warm([url])
      // Wait for SETTINGS on all three connections: else requests would queue for one turn.
      const isReady = ({ capacity }: { capacity: number }): boolean => capacity > ASSUMED_MAX_CONCURRENT_STREAMS
      while (one.stats().connections.filter(isReady).length < 3) await new Promise(setImmediate)
      return one
    }
    const turns = await ready({ strategy: 'round-robin' })
    const seen = [await idOf(turns), await idOf(turns), await idOf(turns)]
    expect(new Set(seen).size).toBe(3)
    const hashed = await ready({ strategy: 'hash' })
    const [first, again] = [await idOf(hashed, 'tenant-7'), await idOf(hashed, 'tenant-7')]
    expect(first).toBe(again)
    const last = await ready({ strategy: (candidates) => candidates.at(-1)! })
    expect(await idOf(last)).toBe(Math.max(...last.stats().connections.map(({ id }) => id)))
    const failing = await ready({ strategy: () => undefined as never })
    await expect(idOf(failing)).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_STRATEGY', processed: 'no' })
  })
})

describe('while the client runs', () => {
  it('resize: surplus connections finish their requests', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const one = client({ minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3, strategy: 'round-robin' })
    await one.warm([base])
    while (one.stats().connections.length < 3) await new Promise(setImmediate)
    const slow = Array.from({ length: 3 }, () => text(one, `${base}/slow`))
    await origin.delivered(3)
    one.pools.resize(base, 1)
    expect(
      one
        .stats()
        .connections.map(({ state }) => state)
        .toSorted(),
    ).toEqual(['draining', 'draining', 'open'])
    origin.release()
    expect((await Promise.all(slow)).length).toBe(3)
    while (one.stats().connections.length > 1) await new Promise(setImmediate)
    expect(one.pools.find(base)!.connections).toHaveLength(1)
    expect(() => one.pools.resize(base, 0)).toThrow('maxConnectionsPerOrigin')
  })

  it('close: its requests are answered, and the next request gets another connection', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const one = client()
    const slow = text(one, `${base}/slow`)
    await origin.delivered(1)
    const closed = one.pools.close(base)
    const next = text(one, `${base}/`)
    await origin.delivered(2)
    origin.release()
    expect(await Promise.all([slow, next])).toHaveLength(2)
    await closed
    expect(origin.connections).toBe(2)
    await one.pools.close(origin.url('b.test.example'))
  })

  it('resize during dials: connections beyond the limit are closed once they are open', async () => {
    const origin = await server({ protocols: ['http/1.1'] })
    const base = origin.url('a.test.example')
    const one = client({ maxConnectionsPerOrigin: 4 })
    const slow = Array.from({ length: 4 }, () => text(one, `${base}/slow`))
    await origin.delivered(1)
    one.pools.resize(base, 1)
    const all = Promise.all(slow)
    let settled = false
    void all.then(() => {
      settled = true
    })
    while (!settled) {
      origin.release()
      await new Promise(setImmediate)
    }
    await text(one, `${base}/`)
    while (one.stats().connections.length > 1) await new Promise(setImmediate)
    expect(one.pools.find(base)!.connections).toHaveLength(1)
  })

  it('an origin that requires HTTP/1.1 is found and closed by its name', async () => {
    const origin = await server({
      handler: (request, response) => {
        if ('stream' in request) request.stream.close(0xd)
        else response.end('ok')
      },
    })
    const base = origin.url('a.test.example')
    const one = client()
    const response = await one.request({ url: `${base}/` })
    await response.text()
    expect(one.pools.find(base)).toMatchObject({ origin: base, connections: [response.connection.id] })
    await one.pools.close(base)
    expect(one.pools.find(base)).toBeUndefined()
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
    const one = client({ clock, keepalive: { intervalMs: 10_000 } })
    const url = `https://a.test.example:${scripted.port}/`
    await one.request({ url })
    while (one.stats().connections.length > 0) await new Promise(setImmediate)
    one.pools.open('bulk', { maxRequestsPerConnection: 1 })
    const abort = new AbortController()
    const held = [one.request({ url, signal: abort.signal })]
    while (second === undefined) await new Promise(setImmediate)
    await second.nextRequest()
    clock.advance(10_000)
    held.push(one.request({ url, signal: abort.signal }))
    // All bytes written before this request have arrived with it.
    await second.nextRequest()
    expect(second.received.map(({ typeName }) => typeName)).not.toContain('PING')
    clock.advance(10_000)
    await second.next('PING')
    abort.abort('enough')
    for (const each of held) await expect(each).rejects.toBe('enough')
  })

  it('open: other protocols apply from the next request on', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const one = client()
    await text(one, `${base}/`)
    one.pools.open(base, { protocols: ['http/1.1'] })
    const response = await one.request({ url: `${base}/` })
    expect(response.connection.protocol).toBe('http/1.1')
    await response.text()
    await one.pools.close(base)
    expect((await one.request({ url: `${base}/` })).connection.protocol).toBe('h2')
  })

  it('at its maximum age a connection takes no more requests, and the next one uses the current DNS answer', async () => {
    const [old, young] = [await server(), await server({ address: '127.0.0.2' })]
    const clock = new FakeClock(1)
    let address = '127.0.0.1'
    const one = client({
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
    await text(one, `${url}/`, sameClock)
    const slow = text(one, `${url}/slow`, sameClock)
    await old.delivered(2)
    address = '127.0.0.2'
    clock.advance(59_999)
    expect(one.stats().connections).toMatchObject([{ state: 'open' }])
    clock.advance(1_001)
    expect(one.stats().connections).toMatchObject([{ state: 'draining', active: 1 }])
    await expect(text(one, `https://a.test.example:${young.port}/`, sameClock)).resolves.toMatch('hello')
    expect(young.requests).toHaveLength(1)
    old.release()
    await slow
  })
})

describe('idle connections', () => {
  it('beyond maxIdleConnections the connection that was idle longest is closed', async () => {
    const origin = await server()
    const one = client({ maxIdleConnections: 2 })
    const ids: number[] = []
    for (const letter of ['a', 'b', 'a', 'c']) {
      const response = await one.request({ url: `${origin.url(`${letter}.test.example`)}/` })
      ids.push(response.connection.id)
      await response.text()
    }
    while (one.stats().connections.length > 2) await new Promise(setImmediate)
    expect(one.stats().connections.map(({ id }) => id)).toEqual([ids[0], ids[3]])
  })

  it.each(['h2', 'http/1.1'] as const)(
    'maxIdleConnections 0, %s: each connection carries the request it was dialed for',
    async (protocol) => {
      const origin = await server({ protocols: [protocol] })
      const one = client({ maxIdleConnections: 0 })
      for (let i = 0; i < 2; i++) {
        const response = await one.request({ url: `${origin.url('a.test.example')}/` })
        expect(response.status).toBe(200)
        await response.text()
      }
      while (one.stats().connections.length > 0) await new Promise(setImmediate)
      expect(one.stats().totals.dials).toBeGreaterThan(0)
    },
  )

  it('poolIdleTimeoutMs: closes a whole pool after none of its connections carried a request', async () => {
    const origin = await server()
    const clock = new FakeClock(1)
    const base = origin.url('a.test.example')
    const one = client({
      clock,
      idleTimeoutMs: 0,
      poolIdleTimeoutMs: 5_000,
      minConnectionsPerOrigin: 2,
      strategy: 'round-robin',
      maxConnectionsPerOrigin: 2,
    })
    await one.warm([base])
    while (one.stats().connections.length < 2) await new Promise(setImmediate)
    // SETTINGS have arrived on each.
    for (let i = 0; i < 2; i++) await text(one, `${base}/`)
    const slow = text(one, `${base}/slow`, { timeouts: { headers: 0 } })
    await origin.delivered(3)
    clock.advance(20_000)
    expect(one.stats().connections).toHaveLength(2)
    origin.release()
    await slow
    clock.advance(4_999)
    expect(one.stats().connections).toHaveLength(2)
    clock.advance(10_000)
    while (one.stats().connections.length > 0) await new Promise(setImmediate)
  })
})

describe('connect: a dedicated connection', () => {
  it('carries only its own requests, and is dialed again after a loss', async () => {
    const origin = await server()
    const base = origin.url('a.test.example')
    const one = client()
    const handle = await one.connect(base)
    const { id } = handle.connection!
    const [own, other] = [await handle.request({ url: '/own' }), await one.request({ url: `${base}/other` })]
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

  it('reopen: false: after a loss its requests fail as not processed', async () => {
    const origin = await server()
    const one = client()
    const handle = await one.connect(origin.url('a.test.example'), { reopen: false })
    await (await handle.request({ url: '/' })).text()
    origin.closeIdle()
    while (handle.connection !== undefined) await new Promise(setImmediate)
    for (let i = 0; i < 2; i++) {
      await expect(handle.request({ url: '/' })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
    }
    expect(origin.connections).toBe(1)
  })

  it('rejects if no server listens', async () => {
    const origin = await server()
    await origin.close()
    await expect(client().connect(origin.url('a.test.example'))).rejects.toMatchObject({ name: 'ConnectError', phase: 'tcp' })
  })
})

it('warm: opens connections in advance, and returns one per origin', async () => {
  const origin = await server()
  const one = client()
  const [a, b, nobody] = await one.warm([origin.url('a.test.example'), origin.url('b.test.example'), 'https://nobody.example'])
  expect(a).toMatchObject({ origin: origin.url('a.test.example'), connection: { protocol: 'h2', because: 'first-connection' } })
  expect(b!.connection!.id).not.toBe(a!.connection!.id)
  expect(nobody).toMatchObject({ origin: 'https://nobody.example', error: { name: 'ConnectError', phase: 'resolve' } })
  const response = await one.request({ url: `${origin.url('a.test.example')}/` })
  expect(response.connection.id).toBe(a!.connection!.id)
  await response.text()
  expect(origin.connections).toBe(2)
  await one.close()
  await expect(one.warm([origin.url('a.test.example')])).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  await expect(one.connect(origin.url('a.test.example'))).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
})

it('requestAll: responses in order, and an error for each failed request', async () => {
  const origin = await server()
  const base = origin.url('a.test.example')
  const results = await client().requestAll([{ url: `${base}/bytes/3` }, { url: 'nonsense' }, { url: `${base}/bytes/5` }])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  const sizes = results.map((result) => (result.status === 'fulfilled' ? result.value.headers.get('content-length') : undefined))
  expect(sizes).toEqual(['3', undefined, '5'])
})

describe('close', () => {
  it('after the grace period requests fail, and the error states that the server may have acted', async () => {
    const origin = await server()
    const clock = new FakeClock()
    const one = client({ clock })
    const slow = one.request({ url: `${origin.url('a.test.example')}/never` })
    const failing = expect(slow).rejects.toMatchObject({
      code: 'ERR_CLIENT_CLOSED',
      name: 'ConnectionError',
      processed: 'unknown',
    })
    await origin.delivered(1)
    const closed = one.close({ graceMs: 5_000 })
    clock.advance(4_999)
    expect(one.stats().connections).toHaveLength(1)
    clock.advance(1)
    await Promise.all([failing, closed])
    expect(one.stats().connections).toEqual([])
    expect(clock.referenced).toBe(0)
  })

  it('destroy: each request fails with its own error', async () => {
    const origin = await server()
    const one = client()
    const sent = one.request({ url: `${origin.url('a.test.example')}/never` })
    await origin.delivered(1)
    const unsent = one.request({ url: `${origin.url('b.test.example')}/never` })
    const failing = [sent, unsent].map((each) => each.catch((error) => error))
    one.destroy()
    expect(await Promise.all(failing)).toMatchObject([
      { code: 'ERR_CLIENT_DESTROYED', processed: 'unknown', origin: origin.url('a.test.example') },
      { code: 'ERR_CLIENT_DESTROYED', processed: 'no', origin: origin.url('b.test.example') },
    ])
  })

  it.each([-1, 1.5, Number.POSITIVE_INFINITY])('graceMs %d is refused', async (graceMs) => {
    await expect(client().close({ graceMs })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  })
})

it('1,000 origins with one request each: no socket is left after the idle timeout', async () => {
  // Without TLS, to save a thousand handshakes.
  const origin = await server({ tls: undefined as never, protocols: ['h2'] })
  const clock = new FakeClock(1)
  const one = client({
    cleartextProtocol: 'h2',
    clock,
    lookup: (host, options, done) => staticLookup({ [host]: '127.0.0.1' })(host, options, done),
  })
  for (let i = 0; i < 1_000; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, j) => text(one, `http://n${i + j}.test.example:${origin.port}/`)))
  }
  expect(one.stats().connections).toHaveLength(1_000)
  clock.advance(61_000)
  while (one.stats().connections.length > 0) await new Promise(setImmediate)
  expect(one.stats().pools).toEqual([])
  while (origin.openSockets > 0) await new Promise(setImmediate)
})
