/** WebSockets of undici 6 and 7 through our dispatcher, and upgrades to other protocols. */

import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import * as undici7 from 'undici'
import * as undici6 from 'undici6'
import type ServerSocket from 'ws'
import { Dispatcher } from '../../src/undici/index.js'
import { httpFixture } from '../http/fixture.js'
import { echo, WAYS, webSocketServer } from '../web-socket/server.js'

const fixture = httpFixture()
const versions = [
  ['6', undici6 as never as typeof undici7],
  ['7', undici7],
] as const

function dispatcher(): Dispatcher {
  return new Dispatcher({ client: fixture.client({ lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) }) })
}

/** Resolves with the next event of a type. */
function next(
  socket: undici7.WebSocket,
  type: string,
): Promise<{ data: unknown; code: number; reason: string; wasClean: boolean }> {
  return new Promise((resolve) => socket.addEventListener(type as 'close', resolve as never, { once: true }))
}

describe.each(versions)('undici %s', (version, undici) => {
  describe.each(WAYS)('over %s', (_title, offer, kind) => {
    it('a WebSocket sends and receives messages, and closes with its code', async () => {
      const server = await webSocketServer(fixture, offer, echo())
      const socket = new undici.WebSocket(server.url, { dispatcher: dispatcher() as never })
      await next(socket, 'open')
      socket.binaryType = 'arraybuffer'
      socket.send('text ü')
      expect((await next(socket, 'message')).data).toBe('text ü')
      socket.send(new Uint8Array(200_000).fill(7))
      expect(Buffer.from((await next(socket, 'message')).data as ArrayBuffer)).toEqual(Buffer.alloc(200_000, 7))
      socket.close(4_000, 'enough')
      expect(await next(socket, 'close')).toMatchObject({ code: 4_000, reason: 'enough', wasClean: true })
      expect(server.kinds).toEqual([kind])
    })

    it('a refusal is an error', async () => {
      const server = await webSocketServer(fixture, offer, { open: () => undefined, answer: () => 403 })
      const socket = new undici.WebSocket(server.url, { dispatcher: dispatcher() as never })
      const closed = next(socket, 'close')
      await next(socket, 'error')
      // undici 6 fires no close for a WebSocket that was never open, with its own dispatcher as well.
      if (version !== '6') expect((await closed).wasClean).toBe(false)
    })

    it('a connection that is lost closes it', async () => {
      const server = await webSocketServer(fixture, offer, echo())
      const one = dispatcher()
      const socket = new undici.WebSocket(server.url, { dispatcher: one as never })
      await next(socket, 'open')
      const closed = next(socket, 'close')
      one.client.destroy()
      expect((await closed).wasClean).toBe(false)
    })

    it('the close of the server is reported', async () => {
      const ends: ServerSocket[] = []
      const server = await webSocketServer(fixture, offer, echo(ends))
      const socket = new undici.WebSocket(server.url, { dispatcher: dispatcher() as never })
      await next(socket, 'open')
      const closed = next(socket, 'close')
      ends[0]!.close(3_000, 'bye')
      expect(await closed).toMatchObject({ code: 3_000, reason: 'bye' })
    })
  })

  it('24 WebSockets and requests to 12 hosts share one connection', async () => {
    const server = await webSocketServer(fixture, { h2: true, connectProtocol: true }, echo())
    const one = dispatcher()
    const urls = Array.from({ length: 24 }, (_, i) => `wss://h${i % 12}.test.example:${server.port}/`)
    const openOne = (url: string): undici7.WebSocket => new undici.WebSocket(url, { dispatcher: one as never })
    // The first alone: how long others wait for a handshake depends on time.
    const sockets = [openOne(urls[0]!)]
    await next(sockets[0]!, 'open')
    sockets.push(...urls.slice(1).map(openOne))
    await Promise.all(sockets.slice(1).map((socket) => next(socket, 'open')))
    const received = sockets.map((socket) => next(socket, 'message'))
    sockets.forEach((socket, i) => void socket.send(`message ${i}`))
    expect((await Promise.all(received)).map(({ data }) => data)).toEqual(sockets.map((_, i) => `message ${i}`))
    expect((await undici.request(`https://h3.test.example:${server.port}/`, { dispatcher: one as never })).statusCode).toBe(200)
    expect(server.connections).toBe(1)
    const closed = sockets.map((socket) => next(socket, 'close'))
    for (const socket of sockets) socket.close()
    await Promise.all(closed)
    await one.close()
  })

  it('another protocol is an upgrade of HTTP/1.1, also on a client that has HTTP/2', async () => {
    const server = createServer({ ...(await fixture.tls()), ALPNProtocols: ['http/1.1'] })
    server.on('upgrade', (request, socket: Duplex) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${request.headers.upgrade}\r\n\r\n`)
      socket.pipe(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    fixture.defer(() => void server.close())
    const url = `https://a.test.example:${(server.address() as AddressInfo).port}`
    const { socket, headers } = await undici.upgrade(url, { dispatcher: dispatcher() as never, protocol: 'own/1' })
    expect(headers['upgrade']).toBe('own/1')
    socket.write('echo')
    expect(String(await once(socket, 'data'))).toBe('echo')
    socket.destroy()
  })

  it('a response that refuses an upgrade has its status and body', async () => {
    const server = await webSocketServer(
      fixture,
      { h2: true, connectProtocol: true },
      { open: () => undefined, answer: () => 426 },
    )
    const url = server.url.replace('wss:', 'https:')
    await expect(undici.upgrade(url, { dispatcher: dispatcher() as never })).rejects.toMatchObject({
      code: expect.stringMatching(/^UND_ERR/),
    })
  })
})

it('an abort ends the handshake, and one in the callback of the upgrade destroys the stream', async () => {
  let ended!: () => void
  const gone = new Promise<void>((resolve) => {
    ended = resolve
  })
  const server = await webSocketServer(
    fixture,
    { h2: true, connectProtocol: true },
    { open: (stream) => void stream.on('close', ended).resume() },
  )
  const origin = server.url.replace('wss:', 'https:')
  const reason = new Error('no longer needed')
  const calls: string[] = []
  const failed = await new Promise((resolve) => {
    dispatcher().dispatch(
      { origin, path: '/', method: 'GET', upgrade: 'websocket' },
      {
        onRequestStart: () => calls.push('start'),
        onRequestUpgrade: (controller) => {
          calls.push('upgrade')
          controller.abort(reason)
        },
        onResponseError: (_controller, error) => resolve(error),
      },
    )
  })
  expect([failed, calls]).toEqual([reason, ['start', 'upgrade']])
  await gone
  const early = await new Promise((resolve) => {
    let abort!: (reason: unknown) => void
    dispatcher().dispatch(
      { origin, path: '/', method: 'GET', upgrade: 'websocket' },
      {
        onConnect(given) {
          abort = given
        },
        onError: resolve,
        onUpgrade: () => resolve('upgraded'),
      },
    )
    abort(reason)
  })
  expect(early).toBe(reason)
})

it.each([
  ['a method other than GET', { method: 'POST', upgrade: 'websocket' }, 'UND_ERR_NOT_SUPPORTED'],
  ['a body', { method: 'GET', upgrade: 'websocket', body: 'x' }, 'UND_ERR_NOT_SUPPORTED'],
  ['a name that is not a token', { method: 'GET', upgrade: 'a b' }, 'UND_ERR_INVALID_ARG'],
  ['true', { method: 'GET', upgrade: true }, 'UND_ERR_INVALID_ARG'],
])('an upgrade with %s is refused', async (_title, options, code) => {
  const error = await new Promise((resolve) =>
    dispatcher().dispatch({ origin: 'https://a.test.example', path: '/', ...options }, { onError: resolve }),
  )
  expect(error).toMatchObject({ code })
})

it('a handler without a method for upgrades is told so', async () => {
  const server = await webSocketServer(fixture, { h2: true, connectProtocol: true }, { open: (stream) => void stream.resume() })
  const options = { origin: server.url.replace('wss:', 'https:'), path: '/', method: 'GET', upgrade: 'websocket' }
  const raw = await new Promise((resolve) => dispatcher().dispatch(options, { onError: resolve }))
  expect(raw).toMatchObject({ code: 'UND_ERR_INVALID_ARG', message: 'invalid onUpgrade method' })
  const newer = await new Promise((resolve) =>
    dispatcher().dispatch(options, { onRequestStart: () => undefined, onResponseError: (_controller, error) => resolve(error) }),
  )
  expect(newer).toMatchObject({ code: 'UND_ERR_INVALID_ARG', message: 'invalid onRequestUpgrade method' })
})
