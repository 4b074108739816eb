/**
 * Child process of the suite's own server. Over HTTP/1.1 it runs unchanged. For HTTP/2 its
 * `createServer` is replaced, before it is loaded, by a single port for TLS with HTTP/2 by ALPN,
 * and for plain HTTP/1.1, because some files contain `http:` URLs.
 */

import http, { type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createSecureServer } from 'node:http2'
import { syncBuiltinESMExports } from 'node:module'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

// biome-ignore lint/suspicious/noExplicitAny: objects of the compatibility layer and of node:http are used interchangeably.
type Handler = (request: any, response: any) => unknown
/** First byte of a TLS handshake record (RFC 8446 §5.1). */
const HANDSHAKE = 22

const { suite, key, cert } = JSON.parse(process.env['WPT_SERVER']!) as { suite: string; key?: string; cert?: string }
if (key !== undefined && cert !== undefined) replaceCreateServer(key, cert)
await import(pathToFileURL(join(resolve(suite), 'test/wpt/server/server.mjs')).href)
// A route that writes raw HTTP/1.1 to the socket fails over HTTP/2: only that request fails, not
// the server.
process.on('unhandledRejection', () => undefined)
process.on('uncaughtException', () => undefined)

function replaceCreateServer(key: string, cert: string): void {
  const createPlain = http.createServer
  const create = (options: ServerOptions, handler: Handler): unknown =>
    twoInOne({ ...options, key, cert }, handler, createPlain(options, handler as RequestListener))
  http.createServer = create as typeof http.createServer
  syncBuiltinESMExports()
}

/** Listens on one port and passes each connection to the server for its protocol. */
function twoInOne(options: { key: string; cert: string }, handler: Handler, plain: Server): unknown {
  const secure = createSecureServer({ ...options, allowHTTP1: true }, (request, response) => {
    Promise.resolve(handler(request, response)).catch(() => response.stream?.close(2))
  })
  return createTcpServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null
      if (first === null) return
      socket.unshift(first)
      const server = first[0] === HANDSHAKE ? secure : plain
      server.emit('connection', socket)
    })
  })
}
