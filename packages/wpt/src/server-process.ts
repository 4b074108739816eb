/**
 * The child process of the suite's own server. Over HTTP/1.1 it runs as it is. For HTTP/2 its `createServer` is replaced, before it is
 * loaded, by one port that takes TLS with HTTP/2 by ALPN, and plain HTTP/1.1 for the `http:` URLs that some files write out.
 */

import http, { type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createSecureServer } from 'node:http2'
import { syncBuiltinESMExports } from 'node:module'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

// biome-ignore lint/suspicious/noExplicitAny: the compatibility layer's objects and those of node:http are used as one kind.
type Handler = (request: any, response: any) => unknown
/** Octet 0 of a TLS record that holds a handshake (RFC 8446 §5.1). */
const HANDSHAKE = 22

const { suite, key, cert } = JSON.parse(process.env['WPT_SERVER']!) as { suite: string; key?: string; cert?: string }
if (key !== undefined && cert !== undefined) replaceCreateServer(key, cert)
await import(pathToFileURL(join(resolve(suite), 'test/wpt/server/server.mjs')).href)
// A route that writes raw HTTP/1.1 to the socket cannot do that in HTTP/2: that is its request's failure and not the server's.
process.on('unhandledRejection', () => undefined)
process.on('uncaughtException', () => undefined)

function replaceCreateServer(key: string, cert: string): void {
  const createPlain = http.createServer
  const create = (options: ServerOptions, handler: Handler): unknown =>
    twoInOne({ ...options, key, cert }, handler, createPlain(options, handler as RequestListener))
  http.createServer = create as typeof http.createServer
  syncBuiltinESMExports()
}

/** Listens like any server, and hands each connection to the one that understands it. */
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
