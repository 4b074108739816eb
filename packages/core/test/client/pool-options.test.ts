/** Options of a pool that take the place of those of the client: TLS, proxy, deadlines. */

import { frames } from '@unshard/testkit'
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
