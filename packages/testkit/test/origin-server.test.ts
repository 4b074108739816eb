// The origin server responds alike over HTTP/2 and HTTP/1.1, and records what reached it.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http2 from 'node:http2'
import https from 'node:https'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import {
  type Authority,
  COMPRESSED_TEXT,
  type Credentials,
  createAuthority,
  type OriginServer,
  type OriginServerOptions,
  patternBytes,
  startOriginServer,
} from '@unshard/testkit'
import { type Answer, openSession, requestH1, requestH2 } from './client.js'

let authority: Authority
let credentials: Credentials
let server: OriginServer
beforeAll(async () => {
  authority = await createAuthority()
  credentials = await authority.issue({ names: ['localhost', '*.example.com'], ips: ['127.0.0.1'] })
})
afterEach(() => server?.close())

const start = async (options: OriginServerOptions = {}): Promise<OriginServer> => {
  server = await startOriginServer({ tls: credentials, ...options })
  return server
}
const connect = (options: http2.SecureClientSessionOptions = {}) => openSession(server.url(), { ca: authority.ca, ...options })

interface Client {
  ask(path: string, method?: string, body?: string): Promise<Answer>
  close(): void
}
const clients: Record<'h2' | 'http/1.1', () => Promise<Client>> = {
  h2: async () => {
    const session = await connect()
    return {
      ask: (path, method = 'GET', body) =>
        requestH2(session, { ':method': method, ':path': path, 'content-type': 'text/plain', 'x-custom': 'yes' }, body),
      close: () => session.destroy(),
    }
  },
  'http/1.1': async () => ({
    ask: (path, method = 'GET', body) =>
      requestH1(
        server.url() + path,
        { ca: authority.ca, method, headers: { 'content-type': 'text/plain', 'x-custom': 'yes' } },
        body,
      ),
    close: () => {},
  }),
}

describe.each(['h2', 'http/1.1'] as const)('default routes over %s', (protocol) => {
  let client: Client
  beforeEach(async () => {
    await start({ protocols: [protocol] })
    client = await clients[protocol]()
  })
  afterEach(() => client.close())

  test('texts, bytes, statuses and fields', async () => {
    expect((await client.ask('/')).body.toString()).toBe(`hello from 127.0.0.1:${server.port}`)
    expect(JSON.parse((await client.ask('/json')).body.toString())).toMatchObject({ message: 'hello' })
    expect((await client.ask('/bytes/100000')).body.equals(patternBytes(100_000))).toBe(true)
    expect((await client.ask('/status/503')).status).toBe(503)
    expect(await client.ask('/status/204')).toMatchObject({ status: 204, body: Buffer.alloc(0) })
    expect((await client.ask('/headers')).headers['x-field-30']).toBe('value 30')
    expect((await client.ask('/set-cookie')).headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; Path=/; HttpOnly'])
    expect(await client.ask('/redirect/307?to=/json')).toMatchObject({ status: 307, headers: { location: '/json' } })
    expect((await client.ask('/misdirected')).status).toBe(421)
    expect((await client.ask('/no-such')).status).toBe(404)
  })

  test('echoes the request content', async () => {
    const echo = await client.ask('/echo', 'POST', 'some text')
    expect(echo).toMatchObject({ status: 200, headers: { 'content-type': 'text/plain' } })
    expect(echo.body.toString()).toBe('some text')
    const inspected = JSON.parse((await client.ask('/inspect?a=1', 'PUT', 'some text')).body.toString())
    expect(inspected).toMatchObject({ method: 'PUT', authority: `127.0.0.1:${server.port}`, path: '/inspect?a=1' })
    expect(inspected.headers['x-custom']).toBe('yes')
    expect(inspected.body).toEqual({ length: 9, sha256: createHash('sha256').update('some text').digest('hex') })
  })

  test('content codings, trailers and early hints', async () => {
    expect(gunzipSync((await client.ask('/gzip')).body).toString()).toBe(COMPRESSED_TEXT)
    expect(inflateSync((await client.ask('/deflate')).body).toString()).toBe(COMPRESSED_TEXT)
    expect(brotliDecompressSync((await client.ask('/br')).body).toString()).toBe(COMPRESSED_TEXT)
    expect((await client.ask('/trailers')).trailers['x-checksum']).toMatch(/^[0-9a-f]{64}$/)
    expect(await client.ask('/early-hints')).toMatchObject({ status: 200, informational: [103] })
  })

  test('/reset is cut off inside the body', async () => {
    const { status, body, error } = await client.ask('/reset')
    expect(status).toBe(200)
    expect(body.length).toBeLessThanOrEqual(10)
    expect(error?.code).toBe(protocol === 'h2' ? 'ERR_HTTP2_STREAM_ERROR' : 'ECONNRESET')
  })

  test('/slow waits for release()', async () => {
    const answer = client.ask('/slow')
    await server.delivered(1)
    server.release()
    expect((await answer).body.toString()).toBe('released')
  })

  test('every delivery is recorded', async () => {
    await client.ask('/bytes/1', 'POST', 'x')
    expect(server.requests).toEqual([
      {
        method: 'POST',
        authority: `127.0.0.1:${server.port}`,
        path: '/bytes/1',
        headers: expect.objectContaining({ 'x-custom': 'yes' }),
        protocol,
        connectionId: 1,
        servername: undefined,
        clientName: undefined,
      },
    ])
  })
})

test('ALPN selects the protocol of one server, and both are counted separately', async () => {
  await start()
  const session = await connect({ servername: 'a.example.com' })
  await requestH2(session, { ':path': '/' })
  await requestH2(session, { ':path': '/' })
  await requestH1(server.url(), { ca: authority.ca })
  expect(server.requests.map(({ protocol, connectionId, servername }) => [protocol, connectionId, servername])).toEqual([
    ['h2', 1, 'a.example.com'],
    ['h2', 1, 'a.example.com'],
    ['http/1.1', 2, undefined],
  ])
  expect(server).toMatchObject({ connections: 2, handshakes: 2 })
  expect(server.sessions.size).toBe(1)
  session.destroy()
})

test('cleartext: HTTP/1.1, or h2c with prior knowledge', async () => {
  server = await startOriginServer()
  expect(await (await fetch(server.url())).text()).toBe(`hello from 127.0.0.1:${server.port}`)
  await server.close()
  server = await startOriginServer({ protocols: ['h2'] })
  const session = await openSession(server.url())
  expect((await requestH2(session, { ':path': '/' })).status).toBe(200)
  session.destroy()
})

test('sni selects the certificate, exactly or by wildcard', async () => {
  const other = await authority.issue({ names: ['b.test', '*.c.test'] })
  await start({ sni: { 'b.test': other, '*.c.test': other } })
  for (const servername of ['b.test', 'x.c.test', 'a.example.com']) {
    const session = await connect({ servername })
    expect(session.alpnProtocol).toBe('h2')
    session.destroy()
  }
})

test('ORIGIN and SETTINGS reach the client', async () => {
  await start({ origins: (port) => [`https://a.example.com:${port}`], settings: { maxConcurrentStreams: 7 } })
  const session = http2.connect(server.url(), { ca: authority.ca })
  const [[origins], [settings]] = await Promise.all([once(session, 'origin'), once(session, 'remoteSettings')])
  expect(origins).toContain(`https://a.example.com:${server.port}`)
  expect(settings).toMatchObject({ maxConcurrentStreams: 7 })
  session.destroy()
})

test('a client certificate is recorded by name', async () => {
  await start({ tls: { ...credentials, ca: authority.ca }, requestCert: true })
  const alice = await authority.issue({ names: [], commonName: 'alice', clientAuth: true })
  const session = await connect(alice)
  await requestH2(session, { ':path': '/' })
  expect(server.requests[0]?.clientName).toBe('alice')
  session.destroy()
})

test('goaway() reaches the client; closeIdle() spares connections with a request in flight', async () => {
  await start()
  const told = await connect()
  await requestH2(told, { ':path': '/' })
  const goaway = once(told, 'goaway')
  server.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
  expect((await goaway)[0]).toBe(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM)
  told.destroy()

  const [busy, idle] = [await connect(), await connect()]
  await requestH2(idle, { ':path': '/' })
  const agent = new https.Agent({ keepAlive: true, ca: authority.ca })
  await requestH1(server.url(), { agent })
  const answer = requestH2(busy, { ':path': '/slow' })
  await server.delivered(4)
  const closed = Promise.all([once(idle, 'close'), once(Object.values(agent.freeSockets)[0]![0]!, 'close')])
  server.closeIdle()
  await closed
  server.release()
  expect((await answer).body.toString()).toBe('released')
  busy.destroy()
})

test('close() destroys open connections, including those with a pending request', async () => {
  await start()
  const session = await connect()
  const answer = requestH2(session, { ':path': '/never' })
  await server.delivered(1)
  await server.close()
  expect((await answer).status).toBeNaN()
  expect(server.openSockets).toBe(0)
})
