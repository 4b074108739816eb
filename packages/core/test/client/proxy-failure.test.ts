/** Proxies that are unreachable, never respond or close: one error that names proxy and origin. */

import net, { type AddressInfo } from 'node:net'
import { FakeClock, frames, startScriptedPeer } from '@unshard/testkit'
import { errorText, failureOf, neverRespond, proxyFixture, proxyNames, urlOf } from './proxy-fixture.js'

const fixture = proxyFixture()
const { server, tls, proxy, client: createClient, through, defer } = fixture

const ORIGIN = 'https://a.test.example/'

/** Waits for a condition, turn by turn of the event loop. */
async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

/** Advances the clock by 250 ms and waits for one turn of the event loop. */
async function step(clock: FakeClock): Promise<void> {
  clock.advance(250)
  await new Promise((resolve) => setImmediate(resolve))
}

describe('a proxy that', () => {
  it.each(['http', 'https', 'socks5h', 'socks5'])('refuses the connection, with the scheme %s', async (scheme) => {
    const closedProxy = await proxy()
    await closedProxy.close()
    const lookup = proxyNames()
    lookup.table['a.test.example'] = '127.0.0.1'
    const client = createClient({ lookup, proxy: `${scheme}://user:hunter2@127.0.0.1:${closedProxy.port}` })
    const error = await failureOf(client.request({ url: ORIGIN }))
    expect(error).toMatchObject({
      name: 'ConnectError',
      phase: 'proxy',
      code: 'ECONNREFUSED',
      syscall: 'connect',
      processed: 'no',
      origin: 'https://a.test.example',
      cause: { code: 'ECONNREFUSED' },
    })
    expect(error!.message).toContain(`proxy ${scheme}://127.0.0.1:${closedProxy.port} `)
    expect(error!.message).toContain('https://a.test.example')
    expect(errorText(error)).not.toContain('hunter2')
  })

  it('has a name that does not resolve: the error is about the proxy, not about the origin', async () => {
    const lookup = proxyNames()
    const client = createClient({ lookup, proxy: 'http://nowhere.test.example:1' })
    await expect(client.request({ url: ORIGIN })).rejects.toMatchObject({ phase: 'proxy', cause: { code: 'ENOTFOUND' } })
    expect(lookup.calls).toEqual(['nowhere.test.example'])
  })

  it('does not respond at its first address: the second one is tried (RFC 8305)', async () => {
    const origin = await server()
    const via = await proxy()
    const lookup = proxyNames()
    lookup.table['two.test.example'] = ['127.0.0.66', '127.0.0.1']
    const client = createClient({ lookup, proxy: `http://two.test.example:${via.port}` })
    const response = await client.request({ url: urlOf(origin) })
    expect(response.connection.remoteAddress).toBe('127.0.0.1')
  })

  it('does not support TLS', async () => {
    const via = await proxy()
    const error = await failureOf(through(`https://proxy.test.example:${via.port}`).request({ url: ORIGIN }))
    expect(error).toMatchObject({ phase: 'proxy', cause: { code: expect.stringMatching(/SSL|PROTOCOL|ECONNRESET/) } })
  })

  it('negotiates a protocol that was not offered', async () => {
    const via = await proxy({ tls: await tls(), protocols: ['h2'] })
    const client = createClient({
      lookup: proxyNames(),
      proxy: { url: via.url(), tls: { ca: fixture.authority.ca }, protocols: ['http/1.1'] },
    })
    await expect(client.request({ url: ORIGIN })).rejects.toMatchObject({ phase: 'proxy' })
  })

  it('fails a dial: each waiting request fails with its own error', async () => {
    const closedProxy = await proxy()
    await closedProxy.close()
    const client = through(`https://proxy.test.example:${closedProxy.port}`)
    const errors = await Promise.all(
      ['a', 'b', 'c'].map((host) => failureOf(client.request({ url: `https://${host}.test.example/` }))),
    )
    expect(errors.map((error) => (error as unknown as { origin: string }).origin)).toEqual(
      ['a', 'b', 'c'].map((host) => `https://${host}.test.example`),
    )
  })
})

describe('the connect deadline covers every step of a proxy that never responds', () => {
  it.each<[string, () => Promise<string>]>([
    ['TCP', () => listen()],
    ['TLS handshake', async () => (await listen()).replace('http:', 'https:')],
    ['CONNECT over HTTP/1.1', async () => (await proxy({ answer: neverRespond })).url()],
    ['CONNECT over HTTP/2', async () => (await proxy({ tls: await tls(), answer: neverRespond })).url()],
    ['SOCKS greeting', async () => (await listen()).replace('http:', 'socks5h:')],
    ['SOCKS request', async () => (await proxy({ kind: 'socks', answer: neverRespond })).url()],
  ])('%s', async (_title, start) => {
    const clock = new FakeClock()
    const url = await start()
    const client = through(url.replace(/\/\/[^:]*:/, '//proxy.test.example:'), { clock, timeouts: { connect: 1_000 } })
    const failing = failureOf(client.request({ url: ORIGIN }))
    let settled = false
    void failing.then(() => {
      settled = true
    })
    // Each step proceeds as far as it can before time passes.
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(500)
    await untilTrue(() => true)
    expect(settled).toBe(false)
    clock.advance(600)
    expect(await failing).toMatchObject({
      name: 'TimeoutError',
      phase: 'connect',
      ms: 1_000,
      processed: 'no',
      origin: 'https://a.test.example',
    })
    client.destroy()
  })

  async function listen(): Promise<string> {
    const sockets = new Set<net.Socket>()
    const listener = net.createServer((socket) => void sockets.add(socket.on('error', () => undefined)))
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    defer(() => {
      for (const socket of sockets) socket.destroy()
      listener.close()
    })
    return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`
  }
})

describe('an HTTP/2 proxy that', () => {
  const h2 = async (options: Parameters<typeof proxy>[0] = {}) => proxy({ tls: await tls(), protocols: ['h2'], ...options })

  it.each([
    [407, 'ERR_PROXY_AUTHENTICATION'],
    [403, 'ERR_CONNECT_PROXY'],
    [502, 'ERR_CONNECT_PROXY'],
    [302, 'ERR_CONNECT_PROXY'],
  ])('answers CONNECT with %i', async (status, code) => {
    const via = await h2({
      answer: (_tunnel, stream) => {
        ;(stream as import('node:http2').ServerHttp2Stream).respond({ ':status': status })
        stream.end('not read')
        return true
      },
    })
    const client = through(via.url())
    await expect(client.request({ url: ORIGIN })).rejects.toMatchObject({ phase: 'proxy', status, code })
    await expect(client.request({ url: 'https://b.test.example/' })).rejects.toMatchObject({ status })
    expect(via.connections).toBe(1)
  })

  it('sends GOAWAY: open tunnels continue, and a new tunnel uses a new connection', async () => {
    const origin = await server()
    const via = await h2()
    const client = through(via.url())
    const slow = await client.request({ url: urlOf(origin, '/slow') })
    for (const session of via.sessions) session.goaway(0)
    const second = await client.request({ url: urlOf(origin, '/', 'b.test.example') })
    expect(await second.text()).toContain('hello')
    expect(via.connections).toBe(2)
    origin.release()
    expect(await slow.text()).toBe('released')
    expect((await client.request({ url: urlOf(origin) })).connection.id).toBe(slow.connection.id)
    expect(origin.connections).toBe(2)
  })

  it('resets one tunnel: its requests fail or are replayed, and the other tunnels continue', async () => {
    const origin = await server()
    const via = await h2()
    const client = through(via.url())
    const [a, b] = await Promise.all(
      ['a', 'b'].map((host) => client.request({ url: urlOf(origin, '/slow', `${host}.test.example`) })),
    )
    via.cutOne()
    const results = await Promise.allSettled([a!.text(), b!.text(), Promise.resolve().then(() => origin.release())])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect((results[0] as PromiseRejectedResult).reason).toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_CONNECTION_LOST',
      initiator: 'peer',
      message: expect.stringContaining('INTERNAL_ERROR'),
    })
    expect(via.connections).toBe(1)
  })

  it('allows one tunnel per connection: further tunnels use their own connections', async () => {
    const origin = await server()
    const via = await h2({ settings: { maxConcurrentStreams: 1 } })
    const client = through(via.url())
    await client.request({ url: urlOf(origin, '/', 'a.test.example') })
    await Promise.all(['b', 'c'].map((host) => client.request({ url: urlOf(origin, '/', `${host}.test.example`) })))
    expect(via.tunnels.filter(({ connectionId }) => connectionId === 1)).toHaveLength(1)
    expect(origin.connections).toBe(3)
  })

  it('allows two tunnels per connection: none of nine simultaneous tunnels is refused', async () => {
    const origin = await server()
    const via = await h2({ settings: { maxConcurrentStreams: 2 } })
    const client = through(via.url())
    const hosts = Array.from({ length: 9 }, (_, i) => `${i}.test.example`)
    const answers = await Promise.all(hosts.map((host) => client.request({ url: urlOf(origin, '/', host) })))
    expect(answers.map(({ status }) => status)).toEqual(hosts.map(() => 200))
    expect([via.tunnels.length, via.connections, origin.connections]).toEqual([9, 5, 9])
  })

  it('has no open tunnel is disconnected after the idle timeout; one with a tunnel is not', async () => {
    const clock = new FakeClock()
    const origin = await server()
    const via = await h2()
    const client = through(via.url(), { clock, idleTimeoutMs: 5_000 })
    await (await client.request({ url: urlOf(origin) })).text()
    // The idle time starts after the last tunnel has ended, which takes a round trip.
    clock.advance(4_000)
    await untilTrue(() => true)
    expect(via.openTunnels).toBe(1)
    while (via.openTunnels > 0) await step(clock)
    expect(via.openConnections).toBe(1)
    const idleSince = clock.now()
    while (via.openConnections > 0) await step(clock)
    expect(clock.now() - idleSince).toBeGreaterThanOrEqual(4_000)
    expect((await client.request({ url: urlOf(origin) })).status).toBe(200)
    expect(via.connections).toBe(2)
  })

  it('refuses the stream (RFC 9113 §8.7): CONNECT is replayed once', async () => {
    let connects = 0
    const peer = await startScriptedPeer(
      async (p) => {
        await p.handshake()
        for (;;) {
          const { streamId, fields } = await p.nextRequest()
          connects++
          expect(fields).toEqual([
            [':method', 'CONNECT'],
            [':authority', 'a.test.example:443'],
          ])
          p.send(frames.rstStream(streamId, 0x7))
        }
      },
      { tls: await tls() },
    )
    defer(() => peer.close())
    const error = await failureOf(through(`https://proxy.test.example:${peer.port}`).request({ url: ORIGIN }))
    expect(error).toMatchObject({ phase: 'proxy', code: 'ERR_CONNECT_PROXY', message: expect.stringContaining('REFUSED_STREAM') })
    expect(connects).toBe(2)
    expect(peer.failures).toEqual([])
  })

  it('allows no tunnels: CONNECT is tried twice, then fails', async () => {
    const via = await h2({ settings: { maxConcurrentStreams: 0 } })
    const client = through(via.url())
    const errors = await Promise.all(
      ['a', 'b', 'c'].map((host) => failureOf(client.request({ url: `https://${host}.test.example/` }))),
    )
    for (const error of errors) expect(error).toMatchObject({ phase: 'proxy', code: 'ERR_CONNECT_PROXY' })
    expect(via.connections).toBeLessThanOrEqual(6)
  })

  it('violates the protocol: its tunnels fail', async () => {
    const peer = await startScriptedPeer(
      async (p) => {
        await p.handshake()
        await p.nextRequest()
        p.send(Buffer.alloc(100, 0xff))
      },
      { tls: await tls() },
    )
    defer(() => peer.close())
    const error = await failureOf(through(`https://proxy.test.example:${peer.port}`).request({ url: ORIGIN }))
    expect(error).toMatchObject({ phase: 'proxy', cause: { name: 'ConnectionError', code: 'ERR_PROTOCOL' } })
  })

  it('closes its connection: GETs in all tunnels are replayed over a new connection', async () => {
    const origin = await server()
    const via = await h2()
    const client = through(via.url())
    await Promise.all(
      ['a', 'b'].map(async (host) => (await client.request({ url: urlOf(origin, '/', `${host}.test.example`) })).text()),
    )
    const pending = ['a', 'b'].map((host) => client.request({ url: urlOf(origin, '/never', `${host}.test.example`) }))
    for (const each of pending) each.catch(() => undefined)
    await origin.delivered(4)
    via.die()
    await origin.delivered(6)
    expect(via.connections).toBe(2)
    client.destroy()
    await Promise.allSettled(pending)
  })

  it('limits fields to less than the credentials need: they are refused locally (RFC 9113 §6.5.2)', async () => {
    const peer = await startScriptedPeer(
      async (p) => {
        await p.handshake({ maxHeaderListSize: 200 })
        const { streamId } = await p.nextRequest()
        p.respond(streamId, 502)
        await p.closed
      },
      { tls: await tls() },
    )
    defer(() => peer.close())
    const client = createClient({
      lookup: proxyNames(),
      proxy: {
        url: `https://proxy.test.example:${peer.port}`,
        tls: { ca: fixture.authority.ca },
        headers: { 'proxy-authorization': `Bearer ${'x'.repeat(500)}` },
      },
    })
    // The limit is unknown before SETTINGS.
    await expect(client.request({ url: ORIGIN })).rejects.toMatchObject({ phase: 'proxy', status: 502 })
    await expect(client.request({ url: ORIGIN })).rejects.toMatchObject({ phase: 'proxy', code: 'ERR_CONNECT_PROXY' })
    expect(peer.connections).toBe(1)
  })
})

it("tunnels through an https proxy that negotiated HTTP/1.1 before do not wait for each other's dial", async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls(), protocols: ['http/1.1'] })
  const client = through(via.url())
  const hosts = ['a', 'b', 'c', 'd', 'e']
  await Promise.all(hosts.map((host) => client.request({ url: urlOf(origin, '/', `${host}.test.example`) })))
  expect(via.connections).toBe(5)
  expect(new Set(via.tunnels.map(({ connectionId }) => connectionId)).size).toBe(5)
  await client.close()
  await via.until(() => via.openConnections === 0)
})
