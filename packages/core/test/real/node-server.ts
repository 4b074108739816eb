/** Node's own server, with nghttp2 inside, and with the documents of the other servers. */

import type { RequestListener } from 'node:http'
import http2, { type ServerHttp2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { type ExternalServer, type ExternalServerOptions, patternBytes, SMALL_TEXT } from '@unshard/testkit'

const DOCUMENTS: Readonly<Record<string, string | Buffer>> = {
  '/small.txt': SMALL_TEXT,
  '/10k.json': JSON.stringify(Array.from({ length: 128 }, (_, id) => ({ id, name: `item ${id}` }))),
  '/1m.bin': patternBytes(1_048_576),
}

export async function startNode({ tls, behind }: ExternalServerOptions): Promise<ExternalServer> {
  // By default nghttp2 sends no field block above 64 KiB.
  const options = { maxSendHeaderBlockLength: 4 << 20 }
  const server = tls === undefined ? http2.createServer(options) : http2.createSecureServer({ ...options, ...tls })
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', ((request, response) => {
    const path = request.url ?? ''
    if (path.startsWith('/behind/')) return void behind?.(request, response)
    request.resume().once('end', () => {
      const document = path === '/upload' ? 'ok' : DOCUMENTS[path]
      response.writeHead(document === undefined ? 404 : 200).end(document)
    })
  }) satisfies RequestListener as never)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    name: 'node',
    port: (server.address() as AddressInfo).port,
    pid: process.pid,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const session of sessions) session.destroy()
        // After goaway() Node leaves a connection half closed when its client ends it.
        for (const socket of sockets) socket.destroy()
      }),
    pause: () => {},
    resume: () => {},
    reload: async () => {
      // In a separate turn: during a read Node names the current stream, and still accepts others.
      await setImmediate()
      for (const session of sessions) session.goaway()
    },
  }
}
