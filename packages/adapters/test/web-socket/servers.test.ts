/** WebSockets through third-party servers. A warning names each server that is not installed. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type ExternalServer,
  type ExternalServerOptions,
  startApache,
  startCaddy,
  startH2o,
  startHaproxy,
  startNghttpx,
  startNginx,
  type UpgradeListener,
} from '@unshard/testkit'
import { WebSocketServer } from 'ws'
import { createWebSocket, type WebSocket, WebSocketStream } from '../../src/web-socket/index.js'
import { httpFixture } from '../http/fixture.js'

const fixture = httpFixture()

/** nghttpx in front of a server of this process. */
async function startNghttpxOrigin({ tls, sockets }: ExternalServerOptions): Promise<ExternalServer | undefined> {
  const behind = createServer().on('upgrade', sockets!)
  behind.listen(0, '127.0.0.1')
  await once(behind, 'listening')
  fixture.defer(() => void behind.close())
  return startNghttpx({ tls: tls!, nextPort: (behind.address() as AddressInfo).port, reverse: true })
}

type Start = (options: ExternalServerOptions) => Promise<ExternalServer | undefined>

/** Whether the server of this version offers extended CONNECT. */
const servers: readonly (readonly [name: string, start: Start, offersStreams: boolean])[] = [
  ['Apache', startApache, true],
  ['HAProxy', startHaproxy, true],
  ['nghttpx', startNghttpxOrigin, true],
  ['nginx', startNginx, false],
  ['h2o', startH2o, false],
  ['Caddy', startCaddy, false],
]

/** Resolves with the next event of a type. */
function next<Kind extends Event>(socket: WebSocket, type: string): Promise<Kind> {
  return new Promise((resolve) => socket.addEventListener(type, (event) => resolve(event as Kind), { once: true }))
}

/** Handles upgrades: sends each message back, compressed. */
function echoing(): UpgradeListener {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true })
  return (request, socket, head) => {
    if (request.url !== '/socket') return void socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n')
    sockets.handleUpgrade(request, socket, head, (open) => {
      open.on('message', (data, binary) => (String(data) === 'close' ? open.close(3_000, 'bye') : open.send(data, { binary })))
    })
  }
}

describe.each(servers)('%s', (name, starter, offersStreams) => {
  async function start(): Promise<string | undefined> {
    const server = await starter({ tls: await fixture.tls(), sockets: echoing(), http1: true })
    if (server === undefined) {
      console.warn(`${name} is not installed: its tests are skipped`)
      return undefined
    }
    fixture.defer(() => server.stop())
    return `wss://a.test.example:${server.port}/socket`
  }

  it(`opens WebSockets ${offersStreams ? 'on streams of one connection' : 'on connections of HTTP/1.1'}`, async () => {
    const url = await start()
    if (url === undefined) return
    const client = fixture.client()
    const sockets = Array.from({ length: 5 }, () => createWebSocket(client, url))
    await Promise.all(sockets.map((socket) => next(socket, 'open')))
    const { connections } = client.stats()
    const ofHttp2 = connections.filter(({ protocol }) => protocol === 'h2')
    const ofHttp1 = connections.filter(({ protocol }) => protocol === 'http/1.1')
    expect([ofHttp2.length, ofHttp1.length]).toEqual([1, offersStreams ? 0 : 5])
    await Promise.all(
      sockets.map(async (socket, i) => {
        socket.binaryType = 'arraybuffer'
        socket.send(`message ${i}`)
        expect((await next<MessageEvent>(socket, 'message')).data).toBe(`message ${i}`)
        const bytes = Buffer.alloc(300_000, `part ${i}`)
        socket.send(bytes)
        expect(bytes.equals(Buffer.from((await next<MessageEvent>(socket, 'message')).data as ArrayBuffer))).toBe(true)
        socket.close(4_000 + i, 'done')
        expect(await next(socket, 'close')).toMatchObject({ code: 4_000 + i, reason: 'done', wasClean: true })
      }),
    )
  })

  it('passes the close of the server on', async () => {
    const url = await start()
    if (url === undefined) return
    const socket = new WebSocketStream(url, { client: fixture.client() })
    const { writable } = await socket.opened
    await writable.getWriter().write('close')
    expect(await socket.closed).toEqual({ closeCode: 3_000, reason: 'bye' })
  })

  it('a path without WebSockets is refused with its status', async () => {
    const url = await start()
    if (url === undefined) return
    const socket = new WebSocketStream(url.replace('/socket', '/small.txt'), { client: fixture.client() })
    await expect(socket.opened).rejects.toMatchObject({ cause: { code: 'ERR_WEBSOCKET_REFUSED' } })
  })
})
