/** Extended CONNECT (RFC 8441): a request with a protocol of its own on a stream. */

import type { ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { FakeClock, frames } from '@unshard/testkit'
import { H2Connection } from '../../src/h2/connection.js'
import { WindowBudget } from '../../src/h2/protocol/window.js'
import { UsageError } from '../../src/index.js'
import { parseOrigin } from '../../src/message/origin.js'
import { checkRequest } from '../../src/message/request.js'
import { originRecord, POOL } from '../fixtures.js'
import { clientFixture } from './fixture.js'

const { client: createClient, peer, server, defer } = clientFixture()

const SETTINGS = {
  initialWindowBytes: 65_535,
  connectionWindowBytes: 65_535,
  headerTableBytes: 4_096,
  maxFieldSectionBytes: 65_536,
}
const UNSUPPORTED = expect.objectContaining({ code: 'ERR_EXTENDED_CONNECT_UNSUPPORTED', processed: 'no' })

/** Starts a server that echoes the content of an extended CONNECT. */
async function echoServer() {
  const seen: Record<string, unknown>[] = []
  const origin = await server({ protocols: ['h2'], settings: { enableConnectProtocol: true } })
  origin.delivered(1).catch(() => undefined)
  const listen = (): void => {
    for (const session of origin.sessions)
      session.removeAllListeners('stream').on('stream', (stream: ServerHttp2Stream, headers) => {
        seen.push(headers)
        stream.respond({ ':status': 200 })
        stream.pipe(stream)
      })
  }
  return { origin, seen, listen }
}

async function* questions(): AsyncGenerator<string> {
  yield 'one'
  yield 'two'
}

it('sends :protocol, :scheme and :path, and content in both directions', async () => {
  // RFC 8441 §4: "On requests that contain the :protocol pseudo-header field, the :scheme and :path
  // pseudo-header fields of the target URI MUST also be included."
  const { origin, seen, listen } = await echoServer()
  const client = createClient()
  await (await client.request({ url: origin.url('a.test.example') })).bytes()
  listen()
  const url = `${origin.url('a.test.example')}/chat?room=1`
  const response = await client.request({
    method: 'CONNECT',
    protocol: 'websocket',
    url,
    body: questions(),
    headers: { 'x-own': '1' },
  })
  expect([response.status, await response.text()]).toEqual([200, 'onetwo'])
  expect(seen).toMatchObject([
    { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', ':path': '/chat?room=1', 'x-own': '1' },
  ])
  expect(seen[0]![':authority']).toBe(new URL(url).host)
  expect(seen[0]!['content-length']).toBeUndefined()
})

it('waits for SETTINGS of a new connection', async () => {
  // RFC 8441 §3: "A client MUST NOT send a Extended CONNECT request before receiving this parameter."
  const names: string[] = []
  const started = await peer(async (p) => {
    await p.preface()
    await p.next('SETTINGS')
    for (let i = 0; i < 10; i++) await new Promise(setImmediate)
    names.push(...p.received.map(({ typeName }) => typeName))
    p.send(frames.settings({ 8: 1 }), frames.settingsAck())
    const { streamId, fields } = await p.nextRequest()
    names.push(...fields.map(([name]) => name))
    p.respond(streamId, 200, [], 'open')
  })
  const response = await createClient().request({
    method: 'CONNECT',
    protocol: 'websocket',
    url: `https://a.test.example:${started.port}/`,
    body: questions(),
  })
  expect(await response.text()).toBe('open')
  expect(names).not.toContain('HEADERS')
  expect(names).toContain(':protocol')
})

it('a request to a server without the setting fails with its own code, on a new and on an open connection', async () => {
  const url = (await server({ protocols: ['h2'] })).url('a.test.example')
  const client = createClient()
  for (let i = 0; i < 2; i++)
    await expect(client.request({ method: 'CONNECT', protocol: 'websocket', url, body: questions() })).rejects.toEqual(
      UNSUPPORTED,
    )
  expect(client.stats().totals.dials).toBe(1)
  expect((await client.request({ url })).status).toBe(200)
})

it('an abort and a lost connection end a request that waits for SETTINGS', async () => {
  let close!: () => void
  const started = await peer(async (p) => {
    await p.preface()
    await new Promise<void>((resolve) => {
      close = () => resolve(p.destroy())
    })
  })
  const client = createClient({ replay: 0 })
  const controller = new AbortController()
  const options = { method: 'CONNECT', protocol: 'websocket', url: `https://a.test.example:${started.port}/`, body: 'x' }
  const aborted = client.request({ ...options, signal: controller.signal })
  const lost = client.request(options)
  while (close === undefined) await new Promise(setImmediate)
  controller.abort('enough')
  await expect(aborted).rejects.toBe('enough')
  close()
  // The dials that follow find a peer that closes as well.
  const closing = setInterval(() => close(), 5)
  await expect(lost).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'no' })
  clearInterval(closing)
})

describe('the socket of a request that waits for SETTINGS', () => {
  /** A connection without SETTINGS, and whether its socket keeps the process alive. */
  function waiting() {
    let isHeld = false
    const socket = Object.assign(new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() }), {
      ref: () => (isHeld = true),
      unref: () => (isHeld = false),
    })
    const options = {
      settings: SETTINGS,
      budget: new WindowBudget(0),
      clock: new FakeClock(),
      pool: POOL,
      record: originRecord(),
    }
    const route = { origin: parseOrigin('http://127.0.0.1'), addresses: [] } as never
    const connection = new H2Connection(socket, route, options)
    const errors: unknown[] = []
    const observer = { onError: (error: unknown) => errors.push(error), onClosed: () => undefined } as never
    const request = checkRequest({ method: 'CONNECT', protocol: 'websocket', url: 'http://127.0.0.1' })
    return { socket, connection, errors, start: () => connection.request(request, observer), isHeld: () => isHeld }
  }

  it('keeps the process alive, until the last one is aborted', () => {
    const { start, isHeld } = waiting()
    const [first, second] = [start(), start()]
    expect(isHeld()).toBe(true)
    first.abort('enough')
    expect(isHeld()).toBe(true)
    second.abort('enough')
    expect(isHeld()).toBe(false)
  })

  it('does not keep the process alive after the server has offered no extended CONNECT', async () => {
    const { socket, start, isHeld, errors } = waiting()
    start()
    socket.push(frames.settings())
    while (errors.length === 0) await new Promise(setImmediate)
    expect(errors).toEqual([UNSUPPORTED])
    expect(isHeld()).toBe(false)
  })

  it('a connection that closes meanwhile has not sent it', async () => {
    const { connection, start, errors } = waiting()
    start()
    void connection.close()
    while (errors.length === 0) await new Promise(setImmediate)
    expect(errors).toMatchObject([{ processed: 'no' }])
  })
})

describe('over HTTP/1.1', () => {
  /** Starts a server of one script for the socket, after the head of the request. */
  async function upgradeServer(script: (socket: Socket, head: string) => void): Promise<{ url: string; heads: string[] }> {
    const heads: string[] = []
    const listener = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (bytes) => {
        heads.push(bytes.toString('latin1'))
        script(socket, heads.at(-1)!)
      })
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    defer(() => new Promise((resolve) => listener.close(resolve)))
    return { url: `http://a.test.example:${(listener.address() as AddressInfo).port}/chat`, heads }
  }

  const switching = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'
  const options = { method: 'CONNECT', protocol: 'websocket' } as const

  it('is a GET with upgrade, and content in both directions after 101', async () => {
    const { url, heads } = await upgradeServer((socket) => {
      socket.write(`HTTP/1.1 100 Continue\r\n\r\n${switching}first,`)
      socket.on('data', (bytes) => socket.write(bytes))
      socket.on('end', () => socket.end('last'))
    })
    const response = await createClient().request({ ...options, url, body: questions(), headers: { 'x-own': '1' } })
    expect([response.status, response.headers.get('upgrade')]).toEqual([101, 'websocket'])
    expect(await response.text()).toBe('first,onetwolast')
    expect(heads[0]).toMatch(
      /^GET \/chat HTTP\/1\.1\r\nhost: [^\r]+\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-own: 1\r\n\r\n$/,
    )
  })

  it('sends no content if the server does not switch, and the response is an ordinary one', async () => {
    const received: string[] = []
    const { url } = await upgradeServer((socket) => {
      socket.on('data', (bytes) => received.push(String(bytes)))
      socket.write('HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno')
    })
    const response = await createClient().request({ ...options, url, body: questions() })
    expect([response.status, await response.text(), received]).toEqual([403, 'no', []])
  })

  it('no other request uses the connection', async () => {
    const { url, heads } = await upgradeServer((socket, head) => {
      socket.write(head.includes('upgrade') ? switching : 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    })
    const client = createClient()
    const controller = new AbortController()
    await client.request({ ...options, url, body: 'hello', signal: controller.signal })
    expect((await client.request({ url })).status).toBe(200)
    expect([heads.length, client.stats().totals.dials]).toEqual([2, 2])
  })

  it('101 without a request for it is refused, as before', async () => {
    const { url } = await upgradeServer((socket) => socket.write(switching))
    await expect(createClient({ replay: 0 }).request({ url })).rejects.toMatchObject({ code: 'ERR_MALFORMED_RESPONSE' })
  })

  it('a slow reader holds the server back', async () => {
    let written = 0
    const { url } = await upgradeServer((socket) => {
      socket.write(switching)
      const part = Buffer.alloc(65_536)
      const fill = (): void => {
        while (!socket.destroyed && written < 64_000_000 && socket.write(part)) written += part.length
        socket.once('drain', fill)
      }
      fill()
    })
    const response = await createClient().request({ ...options, url, body: 'x' })
    const reader = response.body
    await reader.next()
    let before = -1
    while (before !== written) {
      before = written
      for (let i = 0; i < 50; i++) await new Promise(setImmediate)
    }
    expect(written).toBeLessThan(32_000_000)
    await reader.return!()
  })
})

it('a protocol requires CONNECT, and CONNECT a protocol', async () => {
  const client = createClient()
  const url = 'https://a.test.example'
  await expect(client.request({ url, method: 'CONNECT' })).rejects.toThrow('requires the option protocol')
  await expect(client.request({ url, method: 'GET', protocol: 'websocket' })).rejects.toThrow('requires method CONNECT')
  await expect(client.request({ url, method: 'CONNECT', protocol: 'a b' })).rejects.toBeInstanceOf(UsageError)
})
