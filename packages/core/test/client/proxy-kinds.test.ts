/**
 * Behavior of one kind of proxy or origin: forwarded requests, cleartext HTTP/2, SOCKS versions.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { frames, type OriginServer, patternBytes, startScriptedPeer, type TestProxyOptions } from '@unshard/testkit'
import { failureOf, proxyFixture, proxyNames, urlOf } from './proxy-fixture.js'

const fixture = proxyFixture()
const { server, tls, proxy, client: createClient, through, defer } = fixture

/** Starts a server without TLS. */
function cleartextServer(protocols: readonly ('h2' | 'http/1.1')[] = ['http/1.1']): Promise<OriginServer> {
  return server({ tls: undefined, protocols })
}

describe.each<[string, () => Promise<TestProxyOptions>]>([
  ['http', async () => ({})],
  ['https', async () => ({ tls: await tls() })],
])('an http origin and an %s proxy: requests are forwarded (RFC 9112 §3.2.2)', (_scheme, options) => {
  it('in absolute form, with the fields for the proxy, over a connection that is reused', async () => {
    const origin = await cleartextServer()
    const via = await proxy({ ...(await options()), credentials: 'user:pass' })
    const lookup = proxyNames()
    const client = through(via.url('user:pass'), { lookup })
    const first = await client.request({
      url: urlOf(origin, '/inspect?x=1#y'),
      method: 'POST',
      body: 'content',
      headers: { 'x-a': '1' },
    })
    expect(await first.json()).toMatchObject({ method: 'POST', path: '/inspect?x=1', body: { length: 7 } })
    expect(first.connection).toMatchObject({ protocol: 'http/1.1', proxy: via.url() })
    await (await client.request({ url: urlOf(origin) })).text()
    expect(via.forwarded).toMatchObject([
      { method: 'POST', target: urlOf(origin, '/inspect?x=1'), headers: { host: `a.test.example:${origin.port}`, 'x-a': '1' } },
      { method: 'GET', target: urlOf(origin, '/') },
    ])
    expect(via.forwarded.map(({ headers }) => headers['proxy-authorization'])).toEqual(Array(2).fill('Basic dXNlcjpwYXNz'))
    expect(origin.requests.map(({ headers }) => headers['proxy-authorization'])).toEqual([undefined, undefined])
    expect([via.connections, via.tunnels.length]).toEqual([1, 0])
    expect(lookup.calls.filter((host) => host !== 'proxy.test.example')).toEqual([])
  })

  it('and 407 is a response to the request, like any status', async () => {
    const origin = await cleartextServer()
    const via = await proxy({ ...(await options()), credentials: 'user:pass' })
    const response = await through(via.url('user:wrong')).request({ url: urlOf(origin) })
    expect(response.status).toBe(407)
    expect(response.headers.get('proxy-authenticate')).toBe('Basic realm="x"')
    expect(origin.connections).toBe(0)
  })

  it('with large content in both directions', async () => {
    const origin = await cleartextServer()
    const via = await proxy(await options())
    const body = patternBytes(1_000_000)
    const response = await through(via.url()).request({ url: urlOf(origin, '/echo'), method: 'POST', body })
    expect(Buffer.from(await response.bytes()).equals(body)).toBe(true)
  })

  it('but a tunnel is used for HTTP/2 with prior knowledge, which cannot be forwarded', async () => {
    const origin = await cleartextServer(['h2'])
    const via = await proxy(await options())
    const response = await through(via.url(), { cleartextProtocol: 'h2' }).request({ url: urlOf(origin) })
    expect(await response.text()).toContain('hello')
    expect(response.connection.protocol).toBe('h2')
    expect([via.forwarded.length, via.tunnels.length]).toEqual([0, 1])
  })
})

it('a request over HTTP/1.1 uses a tunnel if the proxy supports only HTTP/2, which cannot forward', async () => {
  const origin = await cleartextServer()
  const via = await proxy({ tls: await tls(), protocols: ['h2'] })
  const client = createClient({
    lookup: proxyNames(),
    proxy: { url: via.url(), tls: { ca: fixture.authority.ca }, protocols: ['h2'] },
  })
  for (let i = 0; i < 3; i++) {
    const response = await client.request({ url: urlOf(origin, '/bytes/100000') })
    expect((await response.bytes()).length).toBe(100_000)
    expect(response.connection.protocol).toBe('http/1.1')
  }
  expect([via.forwarded.length, via.tunnels.length, origin.connections]).toEqual([0, 1, 1])
  await client.close()
  await via.until(() => via.openConnections === 0)
})

it.each(['http', 'socks5h'])("bytes that an origin sends in the packet of the %s proxy's response are read", async (scheme) => {
  // A cleartext HTTP/2 server sends SETTINGS first: here in the packet of the 2xx response.
  const peer = await startScriptedPeer(async (p) => {
    await p.handshake()
    const { streamId } = await p.nextRequest()
    p.respond(streamId, 204)
    await p.closed
  })
  defer(() => peer.close())
  const proxyPort = await startGluingProxy(scheme === 'socks5h')
  const client = createClient({ cleartextProtocol: 'h2', proxy: `${scheme}://127.0.0.1:${proxyPort}` })
  expect((await client.request({ url: `http://a.test.example:${peer.port}/` })).status).toBe(204)
})

/** A proxy that sends 2xx and SETTINGS in one packet, before it has connected to the origin. */
async function startGluingProxy(socks: boolean): Promise<number> {
  const sockets = new Set<Socket>()
  const listener = createServer({ noDelay: true }, (near) => {
    sockets.add(near.on('error', () => undefined))
    let step = 0
    const onData = (chunk: Buffer): void => {
      if (socks && step++ === 0) return void near.write(Buffer.from([5, 0]))
      near.off('data', onData)
      const port = socks ? chunk.readUInt16BE(chunk.length - 2) : Number(/:(\d+) HTTP/.exec(chunk.toString('latin1'))![1])
      const accept = socks ? Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) : Buffer.from('HTTP/1.1 200 OK\r\n\r\n')
      near.write(Buffer.concat([accept, frames.settings({ maxConcurrentStreams: 7 })]))
      const far = connect({ port, host: '127.0.0.1', noDelay: true })
      sockets.add(far)
      near.pipe(far).pipe(near)
    }
    near.on('data', onData)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  defer(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return (listener.address() as { port: number }).port
}

describe('SOCKS', () => {
  const socks = (options: TestProxyOptions = {}) => proxy({ kind: 'socks', ...options })

  it('socks5: names are resolved locally, and the proxy receives an address', async () => {
    const origin = await server()
    const via = await socks()
    const lookup = proxyNames()
    lookup.table['a.test.example'] = '127.0.0.1'
    const client = through(via.url().replace('socks5h', 'socks5'), { lookup })
    expect((await client.request({ url: urlOf(origin) })).connection.remotePort).toBe(via.port)
    expect(via.tunnels).toMatchObject([{ authority: `127.0.0.1:${origin.port}`, protocol: 'socks5' }])
    expect(lookup.calls).toEqual(['a.test.example'])
  })

  it('a timer of the SOCKS library, which is never cancelled, keeps a tunnel in memory for at most ten minutes', async () => {
    const [origin, via] = [await server(), await socks()]
    const delays: unknown[] = []
    const original = globalThis.setTimeout
    globalThis.setTimeout = ((...parts: Parameters<typeof setTimeout>) => {
      delays.push(parts[1])
      return original(...parts)
    }) as typeof setTimeout
    try {
      expect((await through(via.url()).request({ url: urlOf(origin) })).status).toBe(200)
    } finally {
      globalThis.setTimeout = original
    }
    expect(delays).toContain(600_000)
    expect(Math.max(...delays.map(Number))).toBe(600_000)
  })

  it('socks5: after an address that the proxy cannot reach, the next address is tried', async () => {
    const origin = await server()
    const via = await socks({ resolve: (host) => host })
    const lookup = proxyNames()
    lookup.table['a.test.example'] = ['127.0.0.66', '::1', '127.0.0.1']
    const client = through(via.url().replace('socks5h', 'socks5'), { lookup })
    expect((await client.request({ url: urlOf(origin) })).status).toBe(200)
    expect(via.tunnels.map(({ authority }) => authority)).toEqual(
      ['127.0.0.66', '[0:0:0:0:0:0:0:1]', '127.0.0.1'].map((host) => `${host}:${origin.port}`),
    )
  })

  it('socks5: a name without an address fails before the proxy is dialed', async () => {
    const via = await socks()
    const client = through(via.url().replace('socks5h', 'socks5'))
    await expect(client.request({ url: 'https://nowhere.test.example/' })).rejects.toMatchObject({
      phase: 'resolve',
      origin: 'https://nowhere.test.example',
    })
    expect(via.connections).toBe(0)
  })

  it.each(['socks4', 'socks4a'])('%s sends the user name', async (scheme) => {
    const origin = await server()
    const via = await socks({ credentials: 'user' })
    const lookup = proxyNames()
    lookup.table['a.test.example'] = ['::1', '127.0.0.1']
    const client = through(via.url('user').replace('socks5h', scheme), { lookup })
    expect((await client.request({ url: urlOf(origin) })).status).toBe(200)
    const expectedHost = scheme === 'socks4' ? '127.0.0.1' : 'a.test.example'
    expect(via.tunnels).toMatchObject([{ authority: `${expectedHost}:${origin.port}`, protocol: 'socks4' }])
    const wrongUser = through(via.url('other').replace('socks5h', scheme), { lookup })
    await expect(wrongUser.request({ url: urlOf(origin) })).rejects.toMatchObject({ phase: 'proxy', code: 'ERR_CONNECT_PROXY' })
  })

  it.each([
    ['socks4', 'https://a.test.example/'],
    ['socks4', 'https://[::1]/'],
    ['socks4a', 'https://[::1]/'],
  ])('%s does not support IPv6: %s fails locally', async (scheme, url) => {
    const via = await socks()
    const lookup = proxyNames()
    lookup.table['a.test.example'] = '::1'
    const error = await failureOf(through(via.url().replace('socks5h', scheme), { lookup }).request({ url }))
    expect(error).toMatchObject({ phase: 'proxy', message: expect.stringContaining('IPv4') })
    expect(via.connections).toBe(0)
  })

  it.each([
    ['with garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['without a common method', Buffer.from([5, 0xff])],
    ['without bytes', Buffer.alloc(0)],
  ])('a response %s causes a ConnectError without the password', async (_title, answer) => {
    const server = createServer((socket) => void socket.on('error', () => undefined).once('data', () => socket.end(answer)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    defer(() => void server.close())
    const client = createClient({ proxy: `socks5h://user:hunter2@127.0.0.1:${(server.address() as { port: number }).port}` })
    const error = await failureOf(client.request({ url: 'https://a.test.example/' }))
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'proxy', code: 'ERR_CONNECT_PROXY' })
    expect(error!.message).not.toContain('hunter2')
  })

  it('an http origin is reached through a tunnel', async () => {
    const origin = await cleartextServer()
    const via = await socks()
    const client = through(via.url())
    for (let i = 0; i < 2; i++) expect(await (await client.request({ url: urlOf(origin) })).text()).toContain('hello')
    expect([via.tunnels.length, origin.connections]).toEqual([1, 1])
    expect(origin.requests.map(({ path }) => path)).toEqual(['/', '/'])
  })
})

it('an origin with an IPv6 address is reached through a tunnel', async () => {
  const origin = await server({ address: '::1', tls: await fixture.authority.issue({ names: [], ips: ['::1'] }) })
  const via = await proxy({ resolve: (host) => host })
  const response = await through(via.url()).request({ url: origin.url() })
  expect(response.status).toBe(200)
  expect(via.tunnels).toMatchObject([{ authority: `[::1]:${origin.port}`, headers: { host: `[::1]:${origin.port}` } }])
})

it.each(['http', 'https'])('TLS tickets of an origin are reused behind an %s proxy', async (scheme) => {
  const reused: boolean[] = []
  const sockets = new Set<Socket>()
  const origin = createTlsServer({ ...(await tls()), ALPNProtocols: ['http/1.1'] }, (socket) => {
    reused.push(socket.isSessionReused())
    socket.on('error', () => undefined).on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'))
  }).on('connection', (socket: Socket) => void sockets.add(socket))
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve))
  defer(() => {
    for (const socket of sockets) socket.destroy()
    origin.close()
  })
  const via = await proxy(scheme === 'https' ? { tls: await tls() } : {})
  const client = through(via.url())
  const url = `https://a.test.example:${(origin.address() as { port: number }).port}/`
  for (let i = 0; i < 3; i++) await (await client.request({ url, headers: { connection: 'close' } })).text()
  expect(reused).toEqual([false, true, true])
  expect(via.tunnels).toHaveLength(3)
})

it('a request is sent again over HTTP/1.1 through the same proxy if its origin requires it (RFC 9113 §7)', async () => {
  const origin = await server({
    handler: (request, response) => {
      if (request.stream === undefined) response.end('by 1.1')
      else request.stream.close(0xd)
    },
  })
  const via = await proxy({ tls: await tls() })
  const response = await through(via.url()).request({ url: urlOf(origin) })
  expect(await response.text()).toBe('by 1.1')
  expect(response.connection).toMatchObject({ protocol: 'http/1.1', proxy: via.url() })
  expect(via.tunnels).toHaveLength(2)
})

// A child process runs the built package: jest itself would keep the process alive.
it('a process exits by itself after its last response, even with open tunnels', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unshard-proxy-'))
  defer(() => rmSync(folder, { recursive: true, force: true }))
  const origin = await server()
  const httpProxy = await proxy()
  const httpsProxy = await proxy({ tls: await tls(), protocols: ['h2'] })
  const file = join(folder, 'main.mjs')
  writeFileSync(
    file,
    `import { Client } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
     const lookup = (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
     const tls = { ca: process.env.TEST_CA }
     for (const url of ${JSON.stringify([httpProxy.url(), httpsProxy.url()])}) {
       const client = new Client({ tls, lookup, proxy: { url, tls } })
       const response = await client.request({ url: ${JSON.stringify(urlOf(origin, '/bytes/10'))} })
       process.stdout.write((await response.bytes()).length + ' through ' + response.connection.proxy + '\\n')
     }`,
  )
  const env = { ...process.env, NODE_OPTIONS: '', TEST_CA: fixture.authority.ca }
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  defer(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  expect(await once(child, 'close')).toEqual([0, null])
  expect(output).toBe(`10 through ${httpProxy.url()}\n10 through ${httpsProxy.url()}\n`)
})
