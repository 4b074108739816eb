// Real proxies that record what reached them: HTTP/1.1 and HTTP/2 CONNECT, forwarding (RFC 9112
// §3.2.2), SOCKS 4 and 5. They resolve every name to 127.0.0.1, including names that no resolver
// knows.
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import https from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Credentials } from './certificates.js'
import { serveSocks } from './socks-server.js'

/** A request for a tunnel. */
export interface TunnelRequest {
  /** Requested host and port. */
  readonly authority: string
  readonly protocol: 'h2' | 'http/1.1' | 'socks5' | 'socks4'
  /** Fields of the CONNECT; empty for SOCKS. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** 1 for the first TCP connection that the proxy accepted. */
  readonly connectionId: number
}

/** A forwarded request. */
export interface ForwardedRequest {
  readonly method: string
  /** The request target, in absolute form if the client is correct. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly connectionId: number
}

export interface TestProxyOptions {
  /** Default `http`. */
  readonly kind?: 'http' | 'socks'
  /** Certificate, if the proxy itself uses TLS. */
  readonly tls?: Credentials
  /** Protocols offered over TLS. Default both. */
  readonly protocols?: readonly ('h2' | 'http/1.1')[]
  /** Required `user:password`; for SOCKS 4 only the user. */
  readonly credentials?: string
  readonly settings?: http2.Settings
  /**
   * Answers a CONNECT in a custom way, over a raw socket or an HTTP/2 stream. Returns false if the
   * proxy should continue as usual.
   */
  readonly answer?: (tunnel: TunnelRequest, stream: Duplex | ServerHttp2Stream, index: number) => boolean
  /** Returns the address to connect to for a host. Default: always 127.0.0.1. */
  readonly resolve?: (host: string) => string
}

export interface TestProxy {
  readonly port: number
  /**
   * URL of the proxy, with user information if given as `user:password`. The host is `127.0.0.1`,
   * or `proxy.test.example` over TLS.
   */
  url(userinfo?: string): string
  /** Number of TCP connections accepted so far, and of those still open. */
  readonly connections: number
  readonly openConnections: number
  readonly tunnels: readonly TunnelRequest[]
  readonly openTunnels: number
  readonly forwarded: readonly ForwardedRequest[]
  /** Local ports of its connections to origins: the remote ports seen by origins. */
  readonly ports: ReadonlySet<number>
  readonly sessions: ReadonlySet<ServerHttp2Session>
  /**
   * Resolves when the condition holds. Checked whenever a connection opens or closes or a request
   * arrives.
   */
  until(holds: () => boolean): Promise<void>
  /** Ends every open tunnel: over HTTP/2 with RST_STREAM, else by closing its connection. */
  cut(): void
  /** Ends only the oldest tunnel. */
  cutOne(): void
  /** Destroys all accepted connections. */
  die(): void
  close(): Promise<void>
}

/** Functions of a proxy for its servers. */
export interface ProxyBooks {
  readonly options: TestProxyOptions
  connectionIdOf(socket: Socket | undefined): number
  onTunnel(tunnel: TunnelRequest): void
  /** Connects to an origin. */
  dial(host: string, port: number, connected: () => void): Socket
  /** Relays bytes in both directions until both sides are closed. */
  tie(near: Duplex, far: Socket, cut: () => void): void
}

export async function startTestProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const { kind = 'http', tls, resolve: resolveName = () => '127.0.0.1' } = options
  const accepted = new Map<string, number>()
  const sockets = new Set<Socket>()
  const tunnels: TunnelRequest[] = []
  const forwarded: ForwardedRequest[] = []
  const sessions = new Set<ServerHttp2Session>()
  const open = new Set<() => void>()
  const ports = new Set<number>()
  const origins = new Set<Socket>()
  const watchers = new Set<() => void>()
  const changed = (): void => {
    for (const watch of [...watchers]) watch()
  }
  let connections = 0

  const books: ProxyBooks = {
    options,
    connectionIdOf: (socket) => accepted.get(keyOf(socket)) ?? 0,
    onTunnel(tunnel) {
      tunnels.push(tunnel)
      changed()
    },
    dial(host, port, connected) {
      const socket = net.connect({ host: resolveName(host), port, allowHalfOpen: true, noDelay: true }, () => {
        ports.add(socket.localPort!)
        connected()
      })
      origins.add(socket)
      socket.once('close', () => origins.delete(socket))
      return socket
    },
    tie(near, far, cut) {
      open.add(cut)
      near.pipe(far)
      far.pipe(near)
      let left = 2
      const closed = (): void => {
        if (--left > 0) return
        open.delete(cut)
        changed()
      }
      near
        .on('error', () => far.destroy())
        .once('close', () => {
          far.destroy()
          closed()
        })
      far.once('close', closed)
      changed()
    },
  }

  const server =
    kind === 'socks' ? net.createServer({ noDelay: true }, (socket) => serveSocks(socket, books)) : createHttpProxy(options)
  server.on('connection', (socket: Socket) => {
    accepted.set(keyOf(socket), ++connections)
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      sockets.delete(socket)
      changed()
    })
    changed()
  })
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.on('error', () => {})
    session.once('close', () => sessions.delete(session))
  })
  server.on('connect', (request: IncomingMessage & { stream?: ServerHttp2Stream }, stream: Duplex, head: Buffer) =>
    onConnect(books, request, stream, head, tunnels.length),
  )
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', headers } = request
    forwarded.push({ method, target: url, headers, connectionId: books.connectionIdOf(request.socket) })
    if (!isAuthorized(options, headers)) return void response.writeHead(407, { 'proxy-authenticate': 'Basic realm="x"' }).end()
    forward(request, response)
    changed()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    port,
    tunnels,
    forwarded,
    ports,
    sessions,
    url(userinfo) {
      const scheme = kind === 'socks' ? 'socks5h' : tls === undefined ? 'http' : 'https'
      const host = tls === undefined ? '127.0.0.1' : 'proxy.test.example'
      return `${scheme}://${userinfo === undefined ? '' : `${userinfo}@`}${host}:${port}`
    },
    get connections() {
      return connections
    },
    get openConnections() {
      return sockets.size
    },
    get openTunnels() {
      return open.size
    },
    until(holds) {
      return new Promise((resolve) => {
        const watch = (): void => {
          if (!holds()) return
          watchers.delete(watch)
          resolve()
        }
        watchers.add(watch)
        watch()
      })
    },
    cut() {
      for (const each of [...open]) each()
    },
    cutOne() {
      for (const each of [...open].slice(0, 1)) each()
    },
    die() {
      for (const socket of sockets) socket.destroy()
    },
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve())
        for (const session of sessions) session.destroy()
        for (const socket of [...sockets, ...origins]) socket.destroy()
      })
    },
  }
}

function createHttpProxy({ tls, protocols = ['h2', 'http/1.1'], settings = {} }: TestProxyOptions): net.Server {
  if (tls === undefined) return http.createServer()
  if (!protocols.includes('h2')) return https.createServer({ ...tls, ALPNProtocols: [...protocols] })
  const allowHTTP1 = protocols.includes('http/1.1')
  return http2.createSecureServer({ ...tls, allowHTTP1, settings, ALPNProtocols: [...protocols] })
}

/** Over HTTP/1.1 the request comes with a socket, over HTTP/2 it has its own stream. */
function onConnect(
  books: ProxyBooks,
  request: IncomingMessage & { stream?: ServerHttp2Stream; authority?: string },
  socket: Duplex,
  head: Buffer,
  index: number,
): void {
  const { stream } = request
  const isH2 = request.httpVersionMajor === 2
  const near: Duplex = isH2 ? (stream as unknown as Duplex) : socket
  near.on('error', () => {})
  const authority = isH2 ? (request.authority ?? '') : (request.url ?? '')
  const { headers } = request
  const connectionId = books.connectionIdOf(isH2 ? (stream!.session!.socket as Socket) : request.socket)
  const tunnel: TunnelRequest = { authority, protocol: isH2 ? 'h2' : 'http/1.1', headers, connectionId }
  books.onTunnel(tunnel)
  if (books.options.answer?.(tunnel, near, index) === true) return
  const say = (status: number): void => {
    if (isH2) stream!.respond({ ':status': status }, { endStream: status >= 300 })
    else if (status < 300) socket.write(`HTTP/1.1 ${status} Connected\r\n\r\n`)
    else socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`)
  }
  if (!isAuthorized(books.options, headers)) return say(407)
  const { hostname, port } = new URL(`http://${authority}`)
  let tied = false
  // With an error Node sends only RST_STREAM, otherwise DATA with END_STREAM first.
  const cut = (): void => void near.destroy(isH2 ? new Error('cut') : undefined)
  const far = books.dial(hostname.replace(/^\[|\]$/g, ''), Number(port || 80), () => {
    if (near.destroyed) return void far.destroy()
    tied = true
    say(200)
    if (!isH2 && head.length > 0) far.write(head)
    books.tie(near, far, cut)
  })
  far.on('error', () => (tied ? cut() : near.destroyed || say(502)))
  near.once('close', () => far.destroy())
}

function forward(request: IncomingMessage, response: ServerResponse): void {
  const { url = '', method, headers } = request
  const { 'proxy-authorization': _secret, 'proxy-connection': _connection, ...passed } = headers
  if (!URL.canParse(url)) return void response.writeHead(400).end('requests to a proxy must use the absolute form')
  const { port, pathname, search, host } = new URL(url)
  // RFC 9112 §3.2.2: the received host field is replaced by that of the target.
  const options = { host: '127.0.0.1', port: port || 80, method, path: pathname + search, headers: { ...passed, host } }
  const onward = http.request(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.once('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  request.pipe(onward)
}

function isAuthorized({ credentials }: TestProxyOptions, headers: TunnelRequest['headers']): boolean {
  if (credentials === undefined) return true
  return headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`
}

/** TCP, TLS and HTTP/2 represent one socket by different objects: all know the peer's port. */
function keyOf(
  socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined } | undefined,
): string {
  return `${socket?.remoteAddress} ${socket?.remotePort}`
}
