/** `WebSocket` of the WebSockets standard: its states, events and errors over HTTP/2 and HTTP/1.1. */

import { once } from 'node:events'
import type ServerSocket from 'ws'
import {
  createWebSocket,
  type WebSocket,
  type WebSocketCloseEvent,
  type WebSocketErrorEvent,
} from '../../src/web-socket/index.js'
import { httpFixture } from '../http/fixture.js'
import { echo, type Offer, serverEnd, WAYS, webSocketServer } from './server.js'

const fixture = httpFixture()
const H2: Offer = { h2: true, connectProtocol: true }
const H1: Offer = { h2: false, connectProtocol: false }

function open(url: string, protocols: string | string[] = [], options: object = {}): WebSocket {
  return createWebSocket(fixture.client(), url, protocols, options)
}

/** Resolves with the next event of a type. */
function next<Kind extends Event>(socket: WebSocket, type: string): Promise<Kind> {
  return new Promise((resolve) => socket.addEventListener(type, (event) => resolve(event as Kind), { once: true }))
}

async function echoed(socket: WebSocket, data: string | Uint8Array): Promise<unknown> {
  socket.send(data)
  return (await next<MessageEvent>(socket, 'message')).data
}

/** Records the names of events, and resolves at `close`. */
function recorded(
  socket: WebSocket,
): Promise<{ events: string[]; close: WebSocketCloseEvent; error: WebSocketErrorEvent | undefined }> {
  const events: string[] = []
  let error: WebSocketErrorEvent | undefined
  for (const type of ['open', 'message'] as const) socket.addEventListener(type, () => events.push(type))
  socket.addEventListener('error', (event) => {
    events.push(`error in ${socket.readyState}`)
    error = event
  })
  return new Promise((resolve) =>
    socket.addEventListener('close', (close) => {
      events.push(`close in ${socket.readyState}`)
      resolve({ events, close, error })
    }),
  )
}

describe.each(WAYS)('over %s', (_title, offer, kind) => {
  it('messages of each kind go in both directions, and the close has its code and reason', async () => {
    const server = await webSocketServer(fixture, offer, echo())
    const socket = open(server.url)
    const end = recorded(socket)
    expect([socket.readyState, socket.url, socket.binaryType]).toEqual([0, `${server.url}/`, 'blob'])
    await next(socket, 'open')
    expect(socket.readyState).toBe(1)
    expect(await echoed(socket, 'text ü 😀')).toBe('text ü 😀')
    expect(await echoed(socket, '')).toBe('')
    const large = new Uint8Array(1_000_000).fill(7)
    const blob = (await echoed(socket, large)) as Blob
    expect(Buffer.from(await blob.arrayBuffer()).equals(large)).toBe(true)
    socket.binaryType = 'arraybuffer'
    expect(Buffer.from((await echoed(socket, large.subarray(0, 3))) as ArrayBuffer)).toEqual(Buffer.alloc(3, 7))
    socket.close(4_000, 'enough ü')
    expect(socket.readyState).toBe(2)
    const { events, close, error } = await end
    expect([close.code, close.reason, close.wasClean, error]).toEqual([4_000, 'enough ü', true, undefined])
    expect([socket.readyState, socket.bufferedAmount, server.kinds]).toEqual([3, 0, [kind]])
    expect(events).toEqual(['open', 'message', 'message', 'message', 'message', 'close in 3'])
  })

  it('the server chooses one of the subprotocols, and fields of the caller arrive', async () => {
    const server = await webSocketServer(fixture, offer, { ...echo(), answer: () => ({ 'sec-websocket-protocol': 'two' }) })
    const socket = open(server.url, ['one', 'two'], { headers: { 'x-own': '1' } })
    await next(socket, 'open')
    expect(socket.protocol).toBe('two')
    expect(server.headers[0]).toMatchObject({ 'x-own': '1', 'sec-websocket-version': '13', 'sec-websocket-protocol': 'one, two' })
    expect('sec-websocket-key' in server.headers[0]!).toBe(kind === 'upgrade')
    socket.close()
    expect((await next<WebSocketCloseEvent>(socket, 'close')).code).toBe(1_005)
  })

  it('credentials of the URL become the field authorization', async () => {
    const server = await webSocketServer(fixture, offer, echo())
    const socket = open(server.url.replace('wss://', 'wss://me:p%C3%BC%zz@'), [], { headers: { 'x-own': 'authorization' } })
    await next(socket, 'open')
    expect(server.headers[0]!.authorization).toBe(`Basic ${Buffer.from('me:p%C3%BC%zz').toString('base64')}`)
    socket.close()
    await next(socket, 'close')
  })

  it.each([
    ['a status that is an error', 403, 'the server answered the handshake of a WebSocket with status 403'],
    ['a redirect', 302, 'the server answered the handshake of a WebSocket with status 302'],
    ['no subprotocol', {}, 'the server chose no subprotocol'],
    ['another subprotocol', { 'sec-websocket-protocol': 'b' }, 'the server chose the subprotocol "b", which was not offered'],
    [
      'an extension that was not offered',
      { 'sec-websocket-protocol': 'a', 'sec-websocket-extensions': 'x-own' },
      'were not offered',
    ],
    ['an invalid field of extensions', { 'sec-websocket-protocol': 'a', 'sec-websocket-extensions': ';' }, 'is not valid'],
    [
      'invalid parameters of the compression',
      { 'sec-websocket-protocol': 'a', 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits=99' },
      'is not valid',
    ],
  ])('a response with %s fires error and close', async (_of, answer, text) => {
    const server = await webSocketServer(fixture, offer, { open: () => undefined, answer: () => answer as never })
    const socket = open(server.url, 'a')
    const { events, close, error } = await recorded(socket)
    expect(events).toEqual(['error in 3', 'close in 3'])
    expect([close.code, close.reason, close.wasClean]).toEqual([1_006, '', false])
    expect(error!.error).toMatchObject({ code: 'ERR_WEBSOCKET_REFUSED', origin: server.url })
    expect(error!.message).toContain(text)
  })

  it('close() before the response ends the request at the server', async () => {
    let opened!: () => void
    const arrived = new Promise<void>((resolve) => {
      opened = resolve
    })
    let ended!: () => void
    const gone = new Promise<void>((resolve) => {
      ended = resolve
    })
    const server = await webSocketServer(fixture, offer, {
      open: (stream) => void stream.on('close', ended).resume(),
      answer: () => {
        opened()
        return {}
      },
    })
    const socket = open(server.url)
    const end = recorded(socket)
    await arrived
    socket.close()
    expect(socket.readyState).toBe(2)
    const { events, close, error } = await end
    expect([events, close.code, close.wasClean]).toEqual([['error in 3', 'close in 3'], 1_006, false])
    expect(error!.error.name).toBe('AbortError')
    await gone
  })

  it('a stream that ends without a Close frame fires error and close with 1006', async () => {
    const server = await webSocketServer(fixture, offer, { open: (stream) => void stream.resume().end() })
    const { events, close, error } = await recorded(open(server.url))
    expect([events, close.code, close.wasClean]).toEqual([['open', 'error in 3', 'close in 3'], 1_006, false])
    expect(error!.error).toMatchObject({ code: 'ERR_WEBSOCKET_CUT_OFF' })
  })

  it('a connection that is lost fires error and close with 1006', async () => {
    const server = await webSocketServer(fixture, offer, echo())
    const client = fixture.client()
    const socket = createWebSocket(client, server.url)
    const end = recorded(socket)
    await next(socket, 'open')
    client.destroy()
    const { close, error } = await end
    expect([close.code, error!.error]).toMatchObject([1_006, { code: 'ERR_CLIENT_DESTROYED' }])
  })

  it.each([
    ['code and reason', 3_999, 'bye', 3_999, 'bye'],
    ['a code alone', 1_001, '', 1_001, ''],
    ['an empty frame', undefined, undefined, 1_005, ''],
  ])('the close of the server with %s is answered and reported', async (_of, code, reason, expectedCode, expectedReason) => {
    const ends: ServerSocket[] = []
    const server = await webSocketServer(fixture, offer, echo(ends))
    const socket = open(server.url)
    const end = recorded(socket)
    await next(socket, 'open')
    const atServer = once(ends[0]!, 'close')
    ends[0]!.close(code, reason)
    const { close, events } = await end
    expect([close.code, close.reason, close.wasClean]).toEqual([expectedCode, expectedReason, true])
    expect(events).toEqual(['open', 'close in 3'])
    expect((await atServer)[0]).toBe(code ?? 1_005)
  })

  it('a server that does not answer the Close frame is left after closeTimeoutMs', async () => {
    const server = await webSocketServer(fixture, offer, { open: (stream) => void stream.resume() })
    const socket = open(server.url, [], { closeTimeoutMs: 20 })
    await next(socket, 'open')
    socket.close(1_000)
    const { close, error } = await recorded(socket)
    expect([close.code, close.wasClean, error!.error]).toMatchObject([
      1_006,
      false,
      { code: 'ERR_WEBSOCKET_CUT_OFF', message: expect.stringContaining('did not finish the closing handshake') },
    ])
  })

  it('a server that answers the Close frame and does not end the stream is left as well, and the close is clean', async () => {
    const server = await webSocketServer(fixture, offer, {
      open: (stream) => void stream.resume().write(Buffer.from([0x88, 2, 0x0b, 0xb8])),
    })
    const socket = open(server.url, [], { closeTimeoutMs: 20 })
    const { close } = await recorded(socket)
    expect([close.code, close.wasClean]).toEqual([3_000, true])
  })

  it('a server that is silent for two Pings is lost; its Pongs keep the WebSocket open', async () => {
    const kept = await webSocketServer(fixture, offer, echo())
    const good = open(kept.url, [], { pingIntervalMs: 5 })
    await next(good, 'open')
    const silent = await webSocketServer(fixture, offer, { open: (stream) => void stream.resume() })
    const { error, close } = await recorded(open(silent.url, [], { pingIntervalMs: 10 }))
    expect([close.code, error!.error]).toMatchObject([1_006, { code: 'ERR_TIMEOUT_PING' }])
    expect(good.readyState).toBe(1)
    good.close()
    await next(good, 'close')
  })

  it.each([
    ['an invalid opcode', [0x83, 0], 1_002],
    ['text that is not UTF-8', [0x81, 1, 0xff], 1_007],
  ])('%s closes it with the code for it', async (_of, bytes, code) => {
    let received!: (code: number) => void
    const closedWith = new Promise<number>((resolve) => {
      received = resolve
    })
    const server = await webSocketServer(fixture, offer, {
      open(stream) {
        serverEnd(stream).on('close', received)
        stream.write(Buffer.from(bytes))
      },
    })
    const { close, error } = await recorded(open(server.url))
    expect([close.code, close.wasClean, error!.error]).toMatchObject([1_006, false, { code: 'ERR_WEBSOCKET_FRAME' }])
    expect(await closedWith).toBe(code)
  })

  it('a message over maxMessageBytes closes it with 1009', async () => {
    const ends: ServerSocket[] = []
    const server = await webSocketServer(fixture, offer, echo(ends))
    const socket = open(server.url, [], { maxMessageBytes: 1_000, compression: false })
    await next(socket, 'open')
    const atServer = once(ends[0]!, 'close')
    expect(await echoed(socket, 'x'.repeat(1_000))).toHaveLength(1_000)
    socket.send('x'.repeat(1_001))
    const { error, close } = await recorded(socket)
    expect([close.code, error!.error]).toMatchObject([1_006, { code: 'ERR_WEBSOCKET_TOO_LARGE' }])
    expect((await atServer)[0]).toBe(1_009)
  })
})

it('a message has the bytes of the time of the call, also behind a Blob', async () => {
  const server = await webSocketServer(fixture, H2, echo())
  const socket = open(server.url, [], { compression: false })
  await next(socket, 'open')
  socket.binaryType = 'arraybuffer'
  const bytes = new Uint8Array(8).fill(1)
  socket.send(new Blob(['blob']))
  socket.send(bytes)
  bytes.fill(2)
  socket.send('text')
  socket.close(3_000)
  const received: unknown[] = []
  // None arrives after close(): the server's end shows them.
  socket.onmessage = ({ data }) => received.push(data)
  const { close } = await recorded(socket)
  expect([received, close.code, close.wasClean, socket.bufferedAmount]).toEqual([[], 3_000, true, 0])
})

it('messages behind a Blob keep their order', async () => {
  const server = await webSocketServer(fixture, H2, echo())
  const socket = open(server.url, [], { compression: false })
  await next(socket, 'open')
  socket.binaryType = 'arraybuffer'
  const received: string[] = []
  const bytes = new Uint8Array(8).fill(1)
  socket.send(new Blob(['blob']))
  socket.send(bytes)
  bytes.fill(2)
  socket.send('text')
  socket.onmessage = ({ data }) =>
    received.push(typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString('hex'))
  while (received.length < 3) await next(socket, 'message')
  expect(received).toEqual([Buffer.from('blob').toString('hex'), '01'.repeat(8), 'text'])
  socket.close()
  await next(socket, 'close')
})

it('a Blob that cannot be read closes it with 1011 and a typed error', async () => {
  const ends: ServerSocket[] = []
  const server = await webSocketServer(fixture, H2, echo(ends))
  const socket = open(server.url, [], { compression: false })
  await next(socket, 'open')
  const atServer = once(ends[0]!, 'close')
  const arrived: string[] = []
  ends[0]!.on('message', (data: Buffer) => arrived.push(String(data)))
  const blob = new Blob(['x'])
  blob.arrayBuffer = () => Promise.reject(new Error('gone'))
  socket.send('before')
  socket.send(blob)
  socket.send('after')
  const { error } = await recorded(socket)
  expect(error!.error).toMatchObject({ code: 'ERR_INVALID_BODY', cause: { message: 'gone' } })
  expect((await atServer)[0]).toBe(1_011)
  // A message after one that is missing is not sent.
  expect(arrived).toEqual(['before'])
})

it('Pongs do not pile up behind a message that waits', async () => {
  let pongs = 0
  const server = await webSocketServer(fixture, H2, {
    open(stream) {
      const end = serverEnd(stream)
      end.on('pong', () => pongs++)
      end.on('message', (data: Buffer) => (data.length === 0 ? undefined : end.close(1_000)))
      for (let i = 0; i < 1_000; i++) end.ping()
    },
  })
  const socket = open(server.url, [], { compression: false })
  await next(socket, 'open')
  const { close } = await Promise.resolve().then(() => {
    socket.send(new Blob([new Uint8Array(1_000_000)]))
    return recorded(socket)
  })
  expect(close.code).toBe(1_000)
  expect(pongs).toBeLessThan(1_000)
})

it('a frame that arrives in many parts costs time in proportion to them', async () => {
  const parts = 60_000
  let write!: () => Promise<void>
  const server = await webSocketServer(fixture, H1, {
    open(stream) {
      stream.resume()
      const head = Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0])
      head.writeUInt32BE(parts, 6)
      write = async () => {
        stream.write(head)
        for (let i = 0; i < parts; i++) {
          stream.write(Buffer.from([1]))
          if (i % 500 === 0) await new Promise(setImmediate)
        }
      }
    },
  })
  const socket = open(server.url, [], { closeTimeoutMs: 10 })
  await next(socket, 'open')
  socket.binaryType = 'arraybuffer'
  const message = next<MessageEvent>(socket, 'message')
  await write()
  expect(((await message).data as ArrayBuffer).byteLength).toBe(parts)
  socket.close()
  await next(socket, 'close')
})

it('a close whose frame was never sent is not clean', async () => {
  const server = await webSocketServer(fixture, H1, {
    open(stream) {
      stream.pause()
      stream.write(Buffer.from([0x88, 2, 0x03, 0xe8]))
      setImmediate(() => setImmediate(() => stream.destroy()))
    },
  })
  const socket = open(server.url, [], { compression: false })
  socket.onopen = () => socket.send(new Uint8Array(30_000_000))
  const { close, error } = await recorded(socket)
  expect([close.wasClean, error?.error instanceof Error]).toEqual([false, true])
})

it('a response 101 whose field connection lacks upgrade is refused', async () => {
  const server = await webSocketServer(fixture, H1, { open: () => undefined, answer: () => ({ connection: 'keep-alive' }) })
  const { error } = await recorded(open(server.url))
  expect(error!.message).toContain('the field connection of the response does not have upgrade')
})

it('a server that switches to another protocol, or has another key, is refused', async () => {
  for (const [answer, text] of [
    [{ upgrade: 'chat' }, 'the server switched to the protocol "chat", not to websocket'],
    [{ 'sec-websocket-accept': 'x' }, 'the field sec-websocket-accept does not match the key'],
  ] as const) {
    const server = await webSocketServer(fixture, H1, { open: () => undefined, answer: () => answer as never })
    const { error } = await recorded(open(server.url))
    expect(error!.error).toMatchObject({ code: 'ERR_WEBSOCKET_REFUSED', message: expect.stringContaining(text) })
  }
})

it('a server that is not there is reported with its code', async () => {
  const gone = await fixture.server()
  await gone.close()
  const { error } = await recorded(open(`wss://a.test.example:${gone.port}`))
  expect(error!.error).toMatchObject({ name: 'ConnectError', code: 'ECONNREFUSED', processed: 'no' })
})

it('ws: opens a WebSocket without TLS', async () => {
  const { createServer } = await import('node:http')
  const { WebSocketServer } = await import('ws')
  const server = createServer()
  new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  fixture.defer(() => void server.close())
  const socket = open(`ws://a.test.example:${(server.address() as { port: number }).port}`)
  await next(socket, 'open')
  expect(await echoed(socket, 'plain')).toBe('plain')
  socket.close()
  await next(socket, 'close')
})

it('100 WebSockets and other requests to 12 hosts share one connection', async () => {
  const server = await webSocketServer(fixture, H2, echo())
  const client = fixture.client({ lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) })
  const openOne = (i: number): WebSocket => createWebSocket(client, `wss://h${i % 12}.test.example:${server.port}/${i}`)
  // The first alone: how long others wait for a handshake depends on time.
  const sockets = [openOne(0)]
  await next(sockets[0]!, 'open')
  for (let i = 1; i < 100; i++) sockets.push(openOne(i))
  await Promise.all(sockets.slice(1).map((socket) => next(socket, 'open')))
  const texts = await Promise.all(sockets.map((socket, i) => echoed(socket, `message ${i}`)))
  expect(texts).toEqual(sockets.map((_, i) => `message ${i}`))
  expect((await client.request({ url: `https://h0.test.example:${server.port}` })).status).toBe(200)
  expect(server.connections).toBe(1)
  for (const socket of sockets) socket.close()
  await Promise.all(sockets.map((socket) => next(socket, 'close')))
  expect((await client.request({ url: `https://h1.test.example:${server.port}` })).status).toBe(200)
  expect(server.connections).toBe(1)
})

it('bufferedAmount counts the bytes of messages until the connection has taken them', async () => {
  const ends: ServerSocket[] = []
  const server = await webSocketServer(fixture, H2, echo(ends))
  const socket = open(server.url, [], { compression: false })
  await next(socket, 'open')
  expect(await echoed(socket, 'first')).toBe('first')
  ends[0]!.pause()
  for (let i = 0; i < 60; i++) socket.send(new Uint8Array(1_000_000))
  let before = -1
  while (before !== socket.bufferedAmount) {
    before = socket.bufferedAmount
    for (let i = 0; i < 100; i++) await new Promise(setImmediate)
  }
  expect(socket.bufferedAmount).toBeGreaterThan(20_000_000)
  ends[0]!.resume()
  for (let received = 0; received < 60; received++) await next(socket, 'message')
  expect(socket.bufferedAmount).toBe(0)
  socket.close()
  // "the bufferedAmount … does not reset to zero once the connection closes", and data that is dropped counts.
  socket.send('dropped')
  expect(socket.bufferedAmount).toBe(7)
  await next(socket, 'close')
  expect(socket.bufferedAmount).toBe(7)
})

it('messages are compressed if the server accepts the offer, and their order is kept', async () => {
  const { WebSocketServer } = await import('ws')
  const { createServer } = await import('node:https')
  const sockets = new WebSocketServer({
    server: createServer(await fixture.tls()).listen(0, '127.0.0.1'),
    perMessageDeflate: true,
  })
  await once(sockets, 'listening')
  fixture.defer(() => void (sockets.options.server as ReturnType<typeof createServer>).close())
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  const socket = open(`wss://a.test.example:${(sockets.address() as { port: number }).port}`)
  await next(socket, 'open')
  expect(socket.extensions).toBe('permessage-deflate')
  const bytes = new Uint8Array(100_000).fill(1)
  const received: unknown[] = []
  socket.binaryType = 'arraybuffer'
  socket.onmessage = ({ data }) =>
    received.push(typeof data === 'string' ? data.length : new Uint8Array(data as ArrayBuffer)[99_999])
  socket.send('a'.repeat(200_000))
  socket.send(bytes)
  // The message has the bytes of the time of the call.
  bytes.fill(2)
  socket.send(new Blob([bytes]))
  socket.send('short')
  while (received.length < 4) await next(socket, 'message')
  expect(received).toEqual([200_000, 1, 2, 5])
  socket.close()
  await next(socket, 'close')
})

it('the last Ping is answered once the server reads, and Pongs do not pile up', async () => {
  const pongs: string[] = []
  let end!: ServerSocket
  const server = await webSocketServer(fixture, H2, {
    open(stream) {
      end = serverEnd(stream)
      end.on('pong', (data: Buffer) => pongs.push(String(data)))
      end.once('message', () => undefined)
    },
  })
  const socket = open(server.url, [], { compression: false })
  await next(socket, 'open')
  end.pause()
  for (let i = 0; i < 20; i++) socket.send(new Uint8Array(1_000_000))
  let before = -1
  while (before !== socket.bufferedAmount) {
    before = socket.bufferedAmount
    for (let i = 0; i < 100; i++) await new Promise(setImmediate)
  }
  for (let i = 0; i < 100; i++) end.ping(`ping ${i}`)
  end.send('pinged')
  await next(socket, 'message')
  end.resume()
  while (pongs.at(-1) !== 'ping 99') await new Promise(setImmediate)
  // Sixteen wait for the server to read; only the last of the others follows them.
  expect(pongs).toEqual([...Array.from({ length: 16 }, (_, i) => `ping ${i}`), 'ping 99'])
  end.close()
  await next(socket, 'close')
})
