/** Requests through proxies of every kind: what origin and proxy receive, what must not leak. */

import { createHash } from 'node:crypto'
import { patternBytes, type TestProxy, type TestProxyOptions } from '@unshard/testkit'
import type { ReusePolicy } from '../../src/index.js'
import { errorText, failureOf, neverRespond, proxyFixture, proxyNames, urlOf } from './proxy-fixture.js'

const { server, tls, proxy, through } = proxyFixture()

interface Kind {
  readonly name: string
  start(options?: TestProxyOptions): Promise<TestProxy>
}

const kinds: readonly Kind[] = [
  { name: 'http', start: (options) => proxy(options) },
  { name: 'https over HTTP/1.1', start: async (options) => proxy({ tls: await tls(), protocols: ['http/1.1'], ...options }) },
  { name: 'https over HTTP/2', start: async (options) => proxy({ tls: await tls(), protocols: ['h2'], ...options }) },
  { name: 'socks5h', start: (options) => proxy({ kind: 'socks', ...options }) },
]

describe.each(kinds)('a proxy of kind $name', ({ name, start }) => {
  it.each(['h2', 'http/1.1'] as const)(
    'opens a tunnel to an https origin over %s; the client connects only to the proxy, and resolves only its name',
    async (protocol) => {
      const origin = await server({ protocols: [protocol] })
      const via = await start()
      const lookup = proxyNames()
      const client = through(via.url(), { lookup })
      const response = await client.request({ url: urlOf(origin, '/inspect'), method: 'POST', body: 'content' })
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({ method: 'POST', body: { length: 7 } })
      expect(response.connection).toMatchObject({
        protocol,
        proxy: via.url(),
        because: 'proxied',
        coalesced: false,
        remoteAddress: '127.0.0.1',
        remotePort: via.port,
      })
      expect(client.stats().connections).toMatchObject([{ proxy: via.url(), remoteAddress: '127.0.0.1' }])
      expect(via.tunnels).toMatchObject([{ authority: `a.test.example:${origin.port}` }])
      expect(origin.connections).toBe(1)
      expect(lookup.calls.filter((host) => host !== 'proxy.test.example')).toEqual([])
      await client.close()
      await via.until(() => via.openConnections === 0 && via.openTunnels === 0)
    },
  )

  it('multiplexes 100 requests in one tunnel', async () => {
    const origin = await server()
    const via = await start()
    const client = through(via.url())
    const bodies = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => (await client.request({ url: urlOf(origin, `/inspect?${i}`) })).json()),
    )
    expect(bodies.map((body) => (body as { path: string }).path)).toEqual(bodies.map((_, i) => `/inspect?${i}`))
    expect([via.connections, via.tunnels.length, origin.connections]).toEqual([1, 1, 1])
  })

  it('forwards 10 MB in both directions at once without loss', async () => {
    const bytes = patternBytes(10_000_000)
    const origin = await server({
      handler: (request, response) => {
        request.pipe(response)
      },
    })
    const via = await start()
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000)
    }
    const response = await through(via.url()).request({ url: urlOf(origin), method: 'POST', body: source() })
    const hash = createHash('sha256')
    let length = 0
    for await (const part of response.body) {
      length += part.length
      hash.update(part)
    }
    expect(length).toBe(bytes.length)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  it('accepts correct credentials; wrong credentials cause an error that does not contain them', async () => {
    const origin = await server()
    const via = await start({ credentials: 'us er:pä%ss' })
    const accepted = through(via.url('us%20er:p%C3%A4%25ss'))
    expect((await accepted.request({ url: urlOf(origin) })).status).toBe(200)
    expect(origin.requests[0]!.headers).not.toHaveProperty('proxy-authorization')
    const refused = through(via.url('mallory:hunter2'))
    const error = await failureOf(refused.request({ url: urlOf(origin) }))
    const socks = name.startsWith('socks')
    expect(error).toMatchObject({
      name: 'ConnectError',
      phase: 'proxy',
      processed: 'no',
      code: socks ? 'ERR_CONNECT_PROXY' : 'ERR_PROXY_AUTHENTICATION',
      status: socks ? undefined : 407,
      origin: origin.url('a.test.example'),
    })
    expect(error!.message).toContain(via.url())
    expect(error!.message).toContain(origin.url('a.test.example'))
    expect(errorText(error)).not.toMatch(/hunter2|mallory|bWFsbG9yeT/)
    expect(origin.connections).toBe(1)
  })

  it('cannot reach the origin: the request fails, and the connection to the proxy is closed', async () => {
    const origin = await server()
    await origin.close()
    const via = await start()
    const failing = through(via.url()).request({ url: urlOf(origin) })
    await expect(failing).rejects.toMatchObject({ phase: 'proxy', code: 'ERR_CONNECT_PROXY' })
    await via.until(() => via.openConnections === 0 || name.endsWith('HTTP/2'))
  })

  it('reaches an origin with a certificate for another name: the error is that of a direct connection', async () => {
    const origin = await server({ tls: await tls('other.example') })
    const via = await start()
    const failing = through(via.url()).request({ url: urlOf(origin) })
    await expect(failing).rejects.toMatchObject({ phase: 'tls', cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
    await via.until(() => via.openTunnels === 0)
    expect(via.tunnels).toHaveLength(1)
  })

  it('opens separate tunnels for different origins, without a call of the reuse policy', async () => {
    const origin = await server()
    const via = await start()
    const candidates: unknown[] = []
    const greedy: ReusePolicy = {
      verdict: (candidate) => {
        candidates.push(candidate)
        return { use: true, because: 'greedy' }
      },
      misdirected: () => undefined,
    }
    const client = through(via.url(), { reuse: greedy })
    for (const host of ['a', 'b', 'a', 'b']) {
      const response = await client.request({ url: urlOf(origin, '/', `${host}.test.example`) })
      expect(response.connection.coalesced).toBe(false)
    }
    expect(candidates).toEqual([])
    expect(origin.connections).toBe(2)
    expect(via.tunnels).toHaveLength(2)
    expect(via.connections).toBe(name.endsWith('HTTP/2') ? 1 : 2)
  })

  it('closes during a request: a GET is replayed through a new tunnel, a POST is not', async () => {
    const origin = await server()
    const via = await start()
    const client = through(via.url())
    for (const [method, attempts] of [
      ['POST', 1],
      ['GET', 2],
    ] as const) {
      const before = origin.requests.length
      const failing = client.request({ url: urlOf(origin, '/slow'), method })
      const response = await failing
      const reading = response.text()
      via.cut()
      await expect(reading).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_CONNECTION_LOST', processed: 'yes' })
      const unanswered = client.request({ url: urlOf(origin, '/never'), method })
      unanswered.catch(() => undefined)
      await origin.delivered(before + 2)
      via.cut()
      if (method === 'POST') {
        await expect(unanswered).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
      } else {
        await origin.delivered(before + 3)
        client.destroy()
        await expect(unanswered).rejects.toMatchObject({ code: 'ERR_CLIENT_DESTROYED' })
      }
      expect(origin.requests).toHaveLength(before + 1 + attempts)
    }
  })

  it('leaves nothing open after an abort during the CONNECT', async () => {
    const via = await start({ answer: neverRespond })
    const client = through(via.url())
    const abort = new AbortController()
    const url = 'https://a.test.example/'
    const failing = client.request({ url, headers: { connection: 'close' }, signal: abort.signal })
    await via.until(() => via.tunnels.length === 1)
    abort.abort('enough')
    await expect(failing).rejects.toBe('enough')
    client.destroy()
    await via.until(() => via.openConnections === 0)
  })

  it('leaves nothing open after the client is destroyed during the CONNECT', async () => {
    const via = await start({ answer: neverRespond })
    const client = through(via.url())
    const failing = client.request({ url: 'https://a.test.example/' })
    failing.catch(() => undefined)
    await via.until(() => via.tunnels.length === 1)
    client.destroy(new Error('the end'))
    await expect(failing).rejects.toThrow('the end')
    await via.until(() => via.openConnections === 0)
  })
})
