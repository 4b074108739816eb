/** A server of WebSockets over HTTP/2 (RFC 8441) and HTTP/1.1 (RFC 6455), which leaves frames to its caller. */

import { createHash } from 'node:crypto'
import { createSecureServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import WebSocket from 'ws'
import type { TestWorld } from './world.js'

/** Protocols and settings of a server. */
export interface WebSocketOffer {
  readonly h2: boolean
  readonly connectProtocol: boolean
}

/** The three ways in which a WebSocket is opened, for `describe.each`. */
export const WEB_SOCKET_WAYS: readonly (readonly [title: string, offer: WebSocketOffer, kind: 'stream' | 'upgrade'])[] = [
  ['a stream of HTTP/2', { h2: true, connectProtocol: true }, 'stream'],
  ['HTTP/1.1 of a server whose HTTP/2 has no extended CONNECT', { h2: true, connectProtocol: false }, 'upgrade'],
  ['HTTP/1.1', { h2: false, connectProtocol: false }, 'upgrade'],
]

/** Fields of a response, or a status that refuses the WebSocket. */
export type WebSocketAnswer = Readonly<Record<string, string>> | number

/** Chooses the response, and takes the stream of an open WebSocket. */
export interface WebSocketScript {
  answer?(headers: IncomingHttpHeaders): WebSocketAnswer
  open(stream: Duplex, headers: IncomingHttpHeaders): void
}

export interface WebSocketTestServer {
  readonly url: string
  readonly port: number
  /** How each WebSocket was opened. */
  readonly kinds: string[]
  readonly headers: IncomingHttpHeaders[]
  readonly connections: number
}

/**
 * Starts a server, which ends with the test. Requests other than those for WebSockets are answered with `hello`.
 * @param names of its certificate. Default: `*.test.example`.
 */
export async function webSocketServer(
  world: Pick<TestWorld, 'tls' | 'defer'>,
  { h2, connectProtocol }: WebSocketOffer,
  script: WebSocketScript,
  ...names: string[]
): Promise<WebSocketTestServer> {
  const [kinds, headers]: [string[], IncomingHttpHeaders[]] = [[], []]
  const tls = await world.tls(...names)
  const settings = { enableConnectProtocol: connectProtocol }
  const server = (h2 ? createSecureServer({ ...tls, allowHTTP1: true, settings }) : createServer(tls)) as Server
  let connections = 0
  server.on('secureConnection', () => connections++)
  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    kinds.push('upgrade')
    headers.push(request.headers)
    socket.on('error', () => undefined)
    const answer = script.answer?.(request.headers) ?? {}
    if (typeof answer === 'number') return void socket.end(`HTTP/1.1 ${answer} No\r\ncontent-length: 2\r\n\r\nno`)
    const fields = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-accept': acceptOf(request.headers), ...answer }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\n${Object.entries(fields)
        .map((line) => `${line.join(': ')}\r\n`)
        .join('')}\r\n`,
    )
    if (head.length > 0) socket.unshift(head)
    script.open(socket, request.headers)
  })
  server.on('stream', (stream: ServerHttp2Stream, given: IncomingHttpHeaders) => {
    stream.on('error', () => undefined)
    if (given[':method'] !== 'CONNECT') return void stream.end('hello')
    kinds.push('stream')
    headers.push(given)
    const answer = script.answer?.(given) ?? {}
    stream.respond(typeof answer === 'number' ? { ':status': answer } : { ':status': 200, ...answer })
    if (typeof answer === 'number') stream.end('no')
    else script.open(stream, given)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  world.defer(() => void server.close())
  const { port } = server.address() as AddressInfo
  return {
    ...{ port, kinds, headers, url: `wss://a.test.example:${port}` },
    get connections() {
      return connections
    },
  }
}

function acceptOf(headers: IncomingHttpHeaders): string {
  return createHash('sha1').update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** Makes a WebSocket of `ws` of a stream, as servers over HTTP/2 do. */
export function webSocketServerEnd(stream: Duplex): WebSocket {
  const socket = new WebSocket(null as never, undefined, { autoPong: true, closeTimeout: 30_000 } as object)
  const options = { allowSynchronousEvents: true, maxPayload: 0, skipUTF8Validation: false }
  const { setSocket } = socket as unknown as { setSocket(stream: object, head: Buffer, options: object): void }
  setSocket.call(socket, Object.assign(stream, { setNoDelay: () => undefined }), Buffer.alloc(0), options)
  return socket
}

/** A script that sends each message back. `ends` has the server's ends. */
export function echoScript(ends: WebSocket[] = []): WebSocketScript {
  return {
    open(stream) {
      const socket = webSocketServerEnd(stream)
      ends.push(socket)
      socket.on('message', (data, binary) => socket.send(data, { binary }))
    },
  }
}
