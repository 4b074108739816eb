/** A server of the service whose methods are those of the case that calls them, and a few answers that are not of a service. */

import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2, createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { Code, ConnectError } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { Service } from './service.mjs'

const { KEY, CERT } = process.env
/** The implementations of cases, by the field `x-case`. */
const implementations = new Map()

/** Registers the methods of one case. Returns the options of its calls. */
export function on(methods) {
  const id = String(implementations.size)
  implementations.set(id, methods)
  return { headers: { 'x-case': id } }
}

function of({ requestHeader }, name) {
  const found = implementations.get(requestHeader.get('x-case'))?.[name]
  if (found === undefined) throw new ConnectError(`no ${name} in this case`, Code.Unimplemented)
  return found
}

function routes(router) {
  router.service(Service, {
    unary: (request, context) => of(context, 'unary')(request, context),
    pure: (request, context) => of(context, 'pure')(request, context),
    serverStream: (request, context) => of(context, 'serverStream')(request, context),
    clientStream: (requests, context) => of(context, 'clientStream')(requests, context),
    bidi: (requests, context) => of(context, 'bidi')(requests, context),
  })
}

/** Answers of servers, proxies and errors outside of the protocols: the path begins with `/raw/`. */
function raw(request, response) {
  const [, , kind, argument] = request.url.split('/')
  request.resume()
  if (kind === 'status') return response.writeHead(Number(argument), { 'content-type': 'text/plain' }).end('an answer')
  if (kind === 'page') return response.writeHead(200, { 'content-type': 'text/html' }).end('<p>a page</p>')
  if (kind === 'redirect') return response.writeHead(302, { location: '/elsewhere' }).end()
  if (kind === 'reset') return reset(response, Number(argument))
  if (kind !== 'cut') return response.writeHead(404).end()
  // A message of 100 bytes of which ten arrive before the stream ends.
  response.writeHead(200, { 'content-type': request.headers['content-type'] })
  response.write(Buffer.from([0, 0, 0, 0, 100, ...Buffer.alloc(10)]), () => reset(response, Number(argument)))
}

function reset(response, code) {
  if (response.stream === undefined) response.socket.destroy()
  else response.stream.close(code)
}

/** Starts a server. @param kind `h2`, `h2c`, `http/1.1`. */
export async function startServer(kind) {
  const adapter = connectNodeAdapter({ routes, connect: true, grpc: true, grpcWeb: true })
  const server = { paths: [], connections: 0, sessions: new Set() }
  const handler = (request, response) => {
    server.paths.push(request.url)
    return request.url.startsWith('/raw/') ? raw(request, response) : adapter(request, response)
  }
  const tls = { key: KEY, cert: CERT }
  const created =
    kind === 'h2' ? createSecureServer(tls, handler) : kind === 'h2c' ? createHttp2(handler) : createHttps(tls, handler)
  const sockets = new Set()
  created.on('connection', (socket) => {
    server.connections++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  })
  created.on('session', (session) => {
    server.sessions.add(session)
    session.on('close', () => server.sessions.delete(session)).on('error', () => undefined)
  })
  await new Promise((resolve) => created.listen(0, '127.0.0.1', resolve))
  server.port = created.address().port
  server.close = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => created.close(resolve))
  }
  return server
}

/** A port that refuses connections. */
export async function closedPort() {
  const server = createHttp()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}
