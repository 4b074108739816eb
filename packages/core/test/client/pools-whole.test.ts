/** Idle times as they are set, handles until they are closed, isolations by name, and pools that are filled at once. */

import { FakeClock } from '@unshard/testkit'
import { type RawServer, startRawServer } from '../h1/raw-server.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server, defer } = clientFixture()

const turn = (): Promise<void> => new Promise(setImmediate)

/** Advances the clock in steps, so that timers that were set in between fire as well. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(Math.min(1_000, ms - passed))
    await turn()
  }
}

/** An HTTP/1.1 server without timeouts, whose responses have these fields. */
async function rawServer(fields = ''): Promise<RawServer> {
  const started = await startRawServer({
    onRequest: ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${fields}content-length: 2\r\n\r\nok`),
  })
  defer(() => started.close())
  return started
}

describe('the idle time of an HTTP/1.1 connection', () => {
  const idleFor = async (options: object, ms: number, fields = ''): Promise<number> => {
    const { url } = await rawServer(fields)
    const clock = new FakeClock()
    const client = createClient({ clock, ...options })
    await (await client.request({ url })).text()
    await pass(clock, ms)
    return client.stats().connections.filter(({ state }) => state === 'open').length
  }

  it('is 4 s without a setting', async () => {
    expect(await idleFor({}, 3_900)).toBe(1)
    expect(await idleFor({}, 4_100)).toBe(0)
  })

  it('is as long as the caller sets it', async () => {
    expect(await idleFor({ idleTimeoutMs: 150_000 }, 149_000)).toBe(1)
    expect(await idleFor({ idleTimeoutMs: 150_000 }, 151_000)).toBe(0)
    expect(await idleFor({ idleTimeoutMs: 2_000 }, 2_100)).toBe(0)
  })

  it('ends before the server closes, if the server says when', async () => {
    const fields = 'keep-alive: timeout=10\r\n'
    expect(await idleFor({ idleTimeoutMs: 150_000 }, 8_100, fields)).toBe(0)
    expect(await idleFor({ idleTimeoutMs: 5_000 }, 5_100, fields)).toBe(0)
    expect(await idleFor({ idleTimeoutMs: 5_000 }, 4_900, fields)).toBe(1)
  })

  it('has no end if the caller sets 0, whatever the server says', async () => {
    expect(await idleFor({ idleTimeoutMs: 0 }, 3_600_000, 'keep-alive: timeout=10\r\n')).toBe(1)
  })
})

describe('a handle', () => {
  it.each(['h2', 'http/1.1'] as const)('over %s stays open until it is closed', async (protocol) => {
    const url = protocol === 'h2' ? (await server({ protocols: [protocol] })).url('a.test.example') : (await rawServer()).url
    const clock = new FakeClock()
    const client = createClient({ clock })
    const handle = await client.connect(url)
    await (await handle.request({ url: '/' })).text()
    const before = handle.connection?.id
    await pass(clock, 600_000)
    expect(handle.connection?.id).toBe(before)
    handle.destroy()
  })

  it('closes after an idle time that the caller sets', async () => {
    const { url } = await rawServer()
    const clock = new FakeClock()
    const client = createClient({ clock, idleTimeoutMs: 30_000 })
    const handle = await client.connect(url)
    await (await handle.request({ url: '/' })).text()
    await pass(clock, 31_000)
    expect(handle.connection).toBeUndefined()
    handle.destroy()
  })
})

describe('an isolation', () => {
  it('is warmed, pinged and closed by its name', async () => {
    const origin = await server({ protocols: ['h2'] })
    const client = createClient()
    const url = origin.url('a.test.example')
    const warmed = await client.warm([url, { origin: url, isolation: 'bulk' }, { origin: new URL(url), isolation: 'other' }])
    expect(warmed.map(({ error }) => error)).toEqual([undefined, undefined, undefined])
    expect(client.stats().connections.map(({ isolation }) => isolation)).toEqual([undefined, 'bulk', 'other'])
    expect(await client.ping(url, { isolation: 'bulk', timeoutMs: 1_000 })).toBeGreaterThanOrEqual(0)
    await expect(client.ping(url, { isolation: 'none' })).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
    await client.pools.close('bulk')
    expect(client.stats().connections.map(({ isolation }) => isolation)).toEqual([undefined, 'other'])
  })

  it('closes connections of every origin in it, and of requests with an address policy', async () => {
    const [first, second] = [await server({ protocols: ['h2'] }), await server({ protocols: ['h2'] })]
    const client = createClient()
    for (const origin of [first, second]) {
      await (await client.request({ url: `${origin.url('a.test.example')}/`, isolation: 'bulk' })).text()
      await (
        await client.request({
          url: `${origin.url('a.test.example')}/`,
          isolation: 'bulk',
          addressPolicy: { deny: ['10.0.0.0/8'] },
        })
      ).text()
    }
    expect(client.stats().connections).toHaveLength(4)
    await client.pools.close('bulk')
    expect(client.stats().connections).toHaveLength(0)
  })
})

it('ping over HTTP/1.1 says that the protocol has none', async () => {
  const origin = await server({ protocols: ['http/1.1'] })
  const client = createClient()
  await client.warm([origin.url('a.test.example')])
  await expect(client.ping(origin.url('a.test.example'))).rejects.toMatchObject({ code: 'ERR_PING_UNSUPPORTED' })
})

it.each([{ timeoutMs: 0 }, { timeoutMs: 'x' }, { isolation: 5 }, { timeout: 1 }])('ping refuses %j', async (options) => {
  await expect(createClient().ping('https://a.test.example', options as never)).rejects.toMatchObject({ name: 'UsageError' })
})

it('resize with least opens that many connections at once, and shows the limits', async () => {
  const origin = await server({ protocols: ['h2'] })
  const client = createClient()
  const url = origin.url('a.test.example')
  client.pools.resize(url, 3, { least: 3 })
  while (origin.connections < 3 || client.stats().connections.length < 3) await turn()
  expect(client.pools.find(url)).toMatchObject({ limits: { least: 3, most: { h2: 3, 'http/1.1': 3 } } })
})

it('stats show the limits on connections that a pool shares with other origins, and how much of them is used', async () => {
  const origin = await server({ protocols: ['h2'] })
  const client = createClient({ maxConnections: 9, pools: { crawler: { maxConnections: 2 } } })
  await client.warm([origin.url('a.test.example')])
  await client.warm([{ origin: origin.url('a.test.example'), isolation: 'crawler' }])
  const together = (isolation?: string) => client.pools.find(origin.url('a.test.example'), isolation)!.limits.together
  expect(together()).toEqual([{ most: 9, used: 2 }])
  expect(together('crawler')).toEqual([
    { most: 9, used: 2 },
    { most: 2, used: 1 },
  ])
})

it('stats show the maximum number of streams that the peer allows', async () => {
  const origin = await server({ protocols: ['h2'], settings: { maxConcurrentStreams: 7 } })
  const client = createClient()
  await client.warm([origin.url('a.test.example')])
  expect(client.stats().connections[0]!.maxConcurrentStreams).toBe(7)
})

it('a response shows the version, cipher and key exchange of its TLS, and whether the session was resumed', async () => {
  const origin = await server({ protocols: ['h2'] })
  const client = createClient({ maxRequestsPerConnection: 1 })
  const url = `${origin.url('a.test.example')}/`
  const first = await client.request({ url })
  await first.text()
  expect(first.connection.tls).toMatchObject({ version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_AES_/), resumed: false })
  expect(first.connection.tls?.group).toMatch(/X25519|P-256/)
  const second = await client.request({ url })
  await second.text()
  expect(second.connection.tls?.resumed).toBe(true)
})
