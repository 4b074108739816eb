/** Servers of this process's Node. */

import type http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import type { Credentials } from '@unshard/testkit'
import { type RealServer, SLOW, SLOW_MS, STREAMED } from './real-server.js'

/** node:http2. Its application ends the sessions. */
export async function startNodeHttp2({ cert, key }: Credentials): Promise<RealServer> {
  const sessions = new Set<http2.ServerHttp2Session>()
  const server = http2.createSecureServer({ cert, key }, (request, response) => {
    request.resume().on('end', () => setTimeout(() => response.end('ok'), request.url === SLOW ? SLOW_MS : 0))
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.on('close', () => sessions.delete(session)).on('error', () => undefined)
  })
  return {
    port: await listen(server),
    shutdown: () => {
      for (const session of sessions) session.close()
      return Promise.resolve()
    },
    stop: () => {
      for (const session of sessions) session.destroy()
      return close(server)
    },
  }
}

/** node:https: the HTTP/1.1 beside node:http2 (`allowHTTP1`) has no idle time of its own. */
export async function startNodeHttps({ cert, key }: Credentials): Promise<RealServer> {
  const server = https.createServer({ cert, key }, (request: http.IncomingMessage, response: http.ServerResponse) => {
    request.resume()
    if (request.url !== STREAMED) return void response.end('ok')
    response.write('one')
    setTimeout(() => response.end('two'), 50)
  })
  const shutdown = (): Promise<void> => {
    server.closeIdleConnections()
    return Promise.resolve()
  }
  const stop = (): Promise<void> => {
    server.closeAllConnections()
    return close(server)
  }
  return { port: await listen(server), shutdown, stop }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
  })
}
