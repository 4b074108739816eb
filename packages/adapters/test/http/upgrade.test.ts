/** WebSockets of `ws` through an agent: over a stream of HTTP/2 (RFC 8441), and over HTTP/1.1 (RFC 6455). */

import { once } from 'node:events'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import WebSocket, { WebSocketServer } from 'ws'
import { createAgent } from '../../src/http/index.js'
import { httpFixture } from './fixture.js'

const fixture = httpFixture()

interface EchoServer {
  readonly url: string
  readonly port: number
  /** How each WebSocket was opened. */
  readonly kinds: string[]
  readonly headers: object[]
  readonly connections: number
  /** The server's ends. */
  readonly sockets: WebSocket[]
}

/** What the server offers. */
interface Offer {
  readonly h2: boolean
  readonly connectProtocol: boolean
}

/** Makes a WebSocket of a stream, as servers over HTTP/2 do. */
function onStream(stream: ServerHttp2Stream): WebSocket {
  const socket = new WebSocket(null as never, undefined, { autoPong: true, closeTimeout: 30_000 } as object)
  const options = { allowSynchronousEvents: true, maxPayload: 0, skipUTF8Validation: false }
  const { setSocket } = socket as unknown as { setSocket(stream: object, head: Buffer, options: object): void }
  setSocket.call(socket, Object.assign(stream, { setNoDelay: () => undefined }), Buffer.alloc(0), options)
  return socket
}

async function echoServer({ h2, connectProtocol }: Offer): Promise<EchoServer> {
  const [kinds, headers]: [string[], object[]] = [[], []]
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true })
  const ends: WebSocket[] = []
  const echo = (socket: WebSocket): void => {
    ends.push(socket)
    socket.on('message', (data, binary) => socket.send(data, { binary }))
  }
  const tls = await fixture.tls()
  const server = h2
    ? createSecureServer({ ...tls, allowHTTP1: true, settings: { enableConnectProtocol: connectProtocol } })
    : createServer(tls)
  let connections = 0
  server.on('secureConnection', () => connections++)
  server.on('upgrade', (request, socket: Duplex, head) => {
    kinds.push('upgrade')
    headers.push(request.headers)
    if (request.url === '/other')
      return void socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n')
    if (request.url === '/refused') return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno')
    sockets.handleUpgrade(request, socket, head, echo)
  })
  server.on('stream', (stream: ServerHttp2Stream, given) => {
    if (given[':method'] !== 'CONNECT') return void stream.end('hello')
    kinds.push('stream')
    headers.push(given)
    stream.on('error', () => undefined)
    if (given[':path'] === '/refused') {
      stream.respond({ ':status': 403 })
      return void stream.end('no')
    }
    stream.respond({ ':status': 200 })
    echo(onStream(stream))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fixture.defer(() => void server.close())
  const { port } = server.address() as AddressInfo
  return {
    ...{ port, kinds, headers, sockets: ends, url: `wss://a.test.example:${port}` },
    get connections() {
      return connections
    },
  }
}

function open(url: string, options: object = {}): WebSocket {
  const socket = new WebSocket(url, { agent: createAgent(fixture.client()), ...options })
  fixture.defer(() => socket.terminate())
  return socket
}

async function echoed(socket: WebSocket, data: string | Buffer): Promise<unknown> {
  socket.send(data)
  const [received] = await once(socket, 'message')
  return typeof data === 'string' ? String(received) : received
}

describe.each([
  ['a stream of HTTP/2', { h2: true, connectProtocol: true }, 'stream'],
  ['HTTP/1.1 of a server whose HTTP/2 has no extended CONNECT', { h2: true, connectProtocol: false }, 'upgrade'],
  ['HTTP/1.1', { h2: false, connectProtocol: false }, 'upgrade'],
] as const)('over %s', (_title, offer, kind) => {
  it('messages of each kind go in both directions, and the close has its code and reason', async () => {
    const server = await echoServer(offer)
    const socket = open(server.url)
    await once(socket, 'open')
    expect(await echoed(socket, 'text ü')).toBe('text ü')
    const large = Buffer.alloc(1_000_000, 'unsharded')
    expect(large.equals((await echoed(socket, large)) as Buffer)).toBe(true)
    socket.ping('are you there')
    expect(String((await once(socket, 'pong'))[0])).toBe('are you there')
    socket.close(4_000, 'enough')
    const [code, reason] = await once(socket, 'close')
    expect([code, String(reason), server.kinds]).toEqual([4_000, 'enough', [kind]])
  })

  it('the fields of the caller arrive, and over HTTP/2 no key', async () => {
    const server = await echoServer(offer)
    const socket = open(server.url, { headers: { 'x-own': '1' } })
    await once(socket, 'open')
    expect(server.headers[0]).toMatchObject({ 'x-own': '1', 'sec-websocket-version': '13' })
    expect('sec-websocket-key' in server.headers[0]!).toBe(kind === 'upgrade')
  })

  it('a refusal has its status', async () => {
    const server = await echoServer(offer)
    const socket = open(`${server.url}/refused`)
    await expect(once(socket, 'open')).rejects.toThrow('Unexpected server response: 403')
  })

  it('a connection that is lost closes it with 1006', async () => {
    const server = await echoServer(offer)
    const client = fixture.client()
    const socket = open(server.url, { agent: createAgent(client) })
    await once(socket, 'open')
    client.destroy()
    const [code] = await once(socket, 'close')
    expect(code).toBe(1_006)
  })

  it('terminate() ends the stream at the server', async () => {
    const server = await echoServer(offer)
    const socket = open(server.url)
    await once(socket, 'open')
    expect(await echoed(socket, 'x')).toBe('x')
    socket.terminate()
    expect((await once(socket, 'close'))[0]).toBe(1_006)
  })
})

it('a server that switches to another protocol is refused', async () => {
  const server = await echoServer({ h2: false, connectProtocol: false })
  await expect(once(open(`${server.url}/other`), 'open')).rejects.toThrow('Invalid Upgrade header')
})

it('a server that is not there has the code of Node', async () => {
  const gone = await fixture.server()
  await gone.close()
  await expect(once(open(`wss://a.test.example:${gone.port}`), 'open')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

it('terminate() before the response ends the request at the server', async () => {
  let closed!: () => void
  const ended = new Promise<void>((resolve) => {
    closed = resolve
  })
  let arrived!: () => void
  const begun = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const server = createServer(await fixture.tls()).on('upgrade', (_request, socket: Duplex) => {
    arrived()
    socket
      .on('error', () => undefined)
      .on('close', closed)
      .resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fixture.defer(() => void server.close())
  const socket = open(`wss://a.test.example:${(server.address() as AddressInfo).port}`)
  socket.on('error', () => undefined)
  await begun
  socket.terminate()
  await ended
})

it('100 WebSockets and other requests to 12 hosts share one connection', async () => {
  const server = await echoServer({ h2: true, connectProtocol: true })
  const hosts = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`h${i}.test.example`, '127.0.0.1']))
  const client = fixture.client({ lookup: (host, _options, done) => done(null, hosts[host] ?? '127.0.0.1', 4) })
  const agent = createAgent(client)
  const openOne = (i: number): WebSocket => open(`wss://h${i % 12}.test.example:${server.port}/${i}`, { agent })
  // The first alone: how long others wait for a handshake depends on time.
  const sockets = [openOne(0)]
  await once(sockets[0]!, 'open')
  for (let i = 1; i < 100; i++) sockets.push(openOne(i))
  await Promise.all(sockets.slice(1).map((socket) => once(socket, 'open')))
  const texts = await Promise.all(sockets.map((socket, i) => echoed(socket, `message ${i}`)))
  expect(texts).toEqual(sockets.map((_, i) => `message ${i}`))
  expect((await client.request({ url: `https://h0.test.example:${server.port}` })).status).toBe(200)
  expect(server.connections).toBe(1)
})

it('a server that does not read holds the client back', async () => {
  const server = await echoServer({ h2: true, connectProtocol: true })
  const socket = open(server.url, { perMessageDeflate: false })
  await once(socket, 'open')
  expect(await echoed(socket, 'first')).toBe('first')
  server.sockets[0]!.pause()
  for (let i = 0; i < 60; i++) socket.send(Buffer.alloc(1_000_000))
  let before = -1
  while (before !== socket.bufferedAmount) {
    before = socket.bufferedAmount
    for (let i = 0; i < 100; i++) await new Promise(setImmediate)
  }
  expect(socket.bufferedAmount).toBeGreaterThan(20_000_000)
  let received = 0
  socket.on('message', () => received++)
  server.sockets[0]!.resume()
  while (received < 60) await once(socket, 'message')
  expect(socket.bufferedAmount).toBe(0)
})
