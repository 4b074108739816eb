/** Options of a pool that take the place of those of the client: TLS, proxy, deadlines. */

import { frames, staticLookup } from '@unshard/testkit'
import type { PoolOptions } from '../../src/index.js'
import { neverRespond, proxyFixture, urlOf } from './proxy-fixture.js'

const fixture = proxyFixture()
const { client: createClient, peer, proxy, server } = fixture
const CERTIFICATE_CODE = expect.stringMatching(/SELF_SIGNED|UNABLE_TO/)

describe('tls of a pool', () => {
  it('takes the place of the tls of the client as a whole', async () => {
    const origin = await server()
    const [a, b] = [origin.url('a.test.example'), origin.url('b.test.example')]
    const { ca } = fixture.authority
    const client = createClient({ tls: {}, pools: { [a]: { tls: { ca } } } })
    expect((await client.request({ url: `${a}/` })).status).toBe(200)
    await expect(client.request({ url: `${b}/` })).rejects.toMatchObject({ phase: 'tls', code: CERTIFICATE_CODE })
    const inverse = createClient({ tls: { ca }, pools: { [a]: { tls: {} } } })
    await expect(inverse.request({ url: `${a}/` })).rejects.toMatchObject({ phase: 'tls', code: CERTIFICATE_CODE })
    expect((await inverse.request({ url: `${b}/` })).status).toBe(200)
  })

  it('shows a client certificate to the origins of the pool alone', async () => {
    const { ca } = fixture.authority
    const origin = await server({ tls: { ...(await fixture.tls()), ca }, requestCert: true })
    const identity = await fixture.authority.issue({ names: [], commonName: 'billing', clientAuth: true })
    const client = createClient({ pools: { billing: { tls: { ca, ...identity } } } })
    const url = urlOf(origin)
    await client.request({ url, isolation: 'billing' })
    await client.request({ url })
    await client.request({ url, isolation: 'other' })
    expect(origin.requests.map(({ clientName }) => clientName)).toEqual(['billing', undefined, undefined])
  })

  it('of a pool opened later applies to new connections, and the old ones close', async () => {
    const origin = await server()
    const client = createClient()
    const url = urlOf(origin)
    await (await client.request({ url })).text()
    client.pools.open(new URL(url).origin, { tls: {} })
    await expect(client.request({ url })).rejects.toMatchObject({ phase: 'tls', code: CERTIFICATE_CODE })
  })
})

describe('proxy of a pool', () => {
  it('is used for the origins of the pool alone, and false connects directly', async () => {
    const [one, other] = [await proxy(), await proxy()]
    const origin = await server()
    const client = createClient({
      proxy: one.url(),
      pools: { other: { proxy: other.url() }, direct: { proxy: false } },
    })
    const url = urlOf(origin)
    for (const isolation of ['direct', 'other', 'one']) await client.request({ url, isolation })
    expect([one.tunnels.length, other.tunnels.length, origin.requests.length]).toEqual([1, 1, 3])
  })

  it('of the pool default takes the place of that of the client', async () => {
    const [one, other] = [await proxy(), await proxy()]
    const origin = await server()
    await createClient({ proxy: one.url(), pools: { default: { proxy: other.url() } } }).request({ url: urlOf(origin) })
    expect([one.tunnels.length, other.tunnels.length]).toEqual([0, 1])
  })

  it('that cannot be parsed is refused when the client is made, and the error does not show its password', () => {
    const make = (): unknown => createClient({ pools: { other: { proxy: 'ftp://user:secret@proxy.test.example' } } })
    expect(make).toThrow(/^(?!.*secret)option pools\.other\.proxy /s)
  })
})

describe('timeouts of a pool', () => {
  const silent = () =>
    peer(async (p) => {
      await p.handshake()
      await p.nextRequest()
      p.send(frames.ping(Buffer.alloc(8)))
    })

  it('are the defaults of its requests, and a request or a view may have others', async () => {
    const scripted = await silent()
    const origin = `https://a.test.example:${scripted.port}`
    const client = createClient({ timeouts: { headers: 60_000, total: 50_000 }, pools: { slow: { timeouts: { headers: 60 } } } })
    const request = { url: `${origin}/`, isolation: 'slow' }
    await expect(client.request(request)).rejects.toMatchObject({ phase: 'headers', ms: 60 })
    await expect(client.request({ ...request, timeouts: { total: 70, headers: 0 } })).rejects.toMatchObject({
      phase: 'total',
      ms: 70,
    })
    await expect(client.with({ timeouts: { headers: 80 } }).request(request)).rejects.toMatchObject({ phase: 'headers', ms: 80 })
  })

  it('end the whole of a request with interceptors', async () => {
    const scripted = await silent()
    const client = createClient({ pools: { slow: { timeouts: { total: 60 } } } })
    const answer = client.request({
      url: `https://a.test.example:${scripted.port}/`,
      isolation: 'slow',
      interceptors: [(request, next) => next(request)],
    })
    await expect(answer).rejects.toMatchObject({ phase: 'total', ms: 60 })
  })

  it('are merged one by one: the narrowest wins', async () => {
    const scripted = await silent()
    const origin = `https://a.test.example:${scripted.port}`
    const client = createClient({
      pools: { default: { timeouts: { headers: 90, total: 5_000 } }, [origin]: { timeouts: { body: 1 } } },
    })
    await expect(client.request({ url: `${origin}/` })).rejects.toMatchObject({ phase: 'headers', ms: 90 })
  })

  it('limit the time to connect', async () => {
    const stalled = await proxy({ answer: neverRespond })
    const client = createClient({ pools: { slow: { proxy: stalled.url(), timeouts: { connect: 60 } } } })
    const opened = client.warm(['https://a.test.example'], { isolation: 'slow' })
    expect((await opened)[0]!.error).toMatchObject({ name: 'TimeoutError', phase: 'connect', ms: 60 })
  })
})

describe('the options of a pool', () => {
  it('stay when one of its origins is resized: proxy, address policy, and limit', async () => {
    const [origin, via] = [await server(), await proxy()]
    const url = urlOf(origin)
    const client = createClient({
      pools: { crawler: { proxy: via.url(), maxConnections: 3 }, inside: { addressPolicy: 'public' } },
    })
    client.pools.resize(url, 2, { isolation: 'crawler' })
    await (await client.request({ url, isolation: 'crawler' })).text()
    expect(via.tunnels).toHaveLength(1)
    expect(client.pools.find(url, 'crawler')!.limits).toEqual({
      least: 1,
      most: { h2: 2, 'http/1.1': 2 },
      together: [{ most: 3, used: 1 }],
    })
    client.pools.resize(url, 2, { isolation: 'inside' })
    await expect(client.request({ url, isolation: 'inside' })).rejects.toMatchObject({ code: 'ERR_ADDRESS_FORBIDDEN' })
  })

  it('of the option pools apply again after close(), which forgets those of open()', async () => {
    const [origin, via] = [await server(), await proxy()]
    const url = urlOf(origin)
    const client = createClient({ pools: { crawler: { proxy: via.url() } } })
    client.pools.open('crawler', { proxy: false })
    await (await client.request({ url, isolation: 'crawler' })).text()
    expect(via.tunnels).toHaveLength(0)
    await client.pools.close('crawler')
    await (await client.request({ url, isolation: 'crawler' })).text()
    expect(via.tunnels).toHaveLength(1)
  })

  it('are those of the time when they were given: later changes and further reads have no effect', async () => {
    const url = urlOf(await server())
    const tls: { rejectUnauthorized?: boolean } = {}
    let reads = 0
    const client = createClient({
      tls: {},
      pools: {
        x: { tls },
        y: {
          get tls() {
            return { rejectUnauthorized: reads++ === 0 }
          },
        },
      },
    })
    tls.rejectUnauthorized = false
    for (const isolation of ['x', 'y']) {
      await expect(client.request({ url, isolation })).rejects.toMatchObject({ phase: 'tls', code: CERTIFICATE_CODE })
    }
    expect(reads).toBe(1)
  })

  it('are made once: a change of another pool neither asks a proxy function again nor closes connections', async () => {
    const [origin, via] = [await server(), await proxy()]
    const url = urlOf(origin)
    const asked: string[] = []
    const proxyOf = (each: string) => {
      asked.push(each)
      return via.url()
    }
    const client = createClient({
      pools: { x: { proxy: proxyOf, tls: { ca: fixture.authority.ca } } },
    })
    const idOf = async () => {
      const response = await client.request({ url, isolation: 'x' })
      await response.text()
      return response.connection.id
    }
    const id = await idOf()
    for (let i = 0; i < 3; i++) client.pools.open(`other${i}`, { maxConnectionsPerOrigin: 2 })
    expect(await idOf()).toBe(id)
    expect(asked).toHaveLength(1)
    expect(via.tunnels).toHaveLength(1)
  })

  it('of the pool default replace those of an earlier one, and are refused whole if a named pool then has none that fit', async () => {
    const url = urlOf(await server())
    const client = createClient({
      pools: { x: { minConnectionsPerOrigin: 3, maxConnectionsPerOrigin: 3 }, y: { minConnectionsPerOrigin: 1 } },
    })
    client.pools.open('default', { tls: {} })
    await expect(client.request({ url })).rejects.toMatchObject({ phase: 'tls' })
    client.pools.open('default', {})
    expect((await client.request({ url })).status).toBe(200)
    client.pools.open('z', { minConnectionsPerOrigin: 5 })
    expect(() => client.pools.open('default', { maxConnectionsPerOrigin: 2 })).toThrow('pools.z.minConnectionsPerOrigin')
    expect((await client.request({ url, isolation: 'z' })).status).toBe(200)
  })

  it('are not shown in errors if they may contain keys', () => {
    expect(() => createClient({ pools: { x: { tls: 'hunter2' as never } } })).toThrow(/^(?!.*hunter2)option pools\.x\.tls takes/)
  })

  it('do not come from Object.prototype', async () => {
    const [url, through] = [urlOf(await server()), await proxy({ tls: await fixture.tls() })]
    const polluted = Object.prototype as Record<string, unknown>
    polluted['default'] = { tls: { rejectUnauthorized: false } }
    polluted['tls'] = { rejectUnauthorized: false }
    try {
      const client = createClient({ tls: {}, pools: { x: {} } })
      for (const isolation of ['x', 'y']) {
        await expect(client.request({ url, isolation })).rejects.toMatchObject({ phase: 'tls', code: CERTIFICATE_CODE })
      }
      const lookup = staticLookup({ 'proxy.test.example': '127.0.0.1' })
      const other = createClient({ lookup, proxy: { url: through.url() } })
      await expect(other.request({ url })).rejects.toMatchObject({ phase: 'proxy', code: CERTIFICATE_CODE })
    } finally {
      delete polluted['default']
      delete polluted['tls']
    }
  })
})

it.each<[PoolOptions, string]>([
  [{ tls: { keylog: true } } as never, '"pools.x.tls.keylog"'],
  [{ tls: { servername: '127.0.0.1' } }, 'pools.x.tls.servername'],
  [{ tls: 5 } as never, 'pools.x.tls'],
  [{ proxy: 5 } as never, 'pools.x.proxy'],
  [{ timeouts: { total: -1 } }, 'pools.x.timeouts.total'],
  [{ timeouts: { totl: 1 } } as never, '"pools.x.timeouts.totl"'],
  [{ maxConnections: 0 }, 'pools.x.maxConnections'],
])('a pool with %j is refused, and the error names the option', (options, named) => {
  expect(() => createClient({ pools: { x: options } })).toThrow(named)
  expect(() => createClient().pools.open('x', options)).toThrow(named)
})
