// A real Node server, HTTP/2 and HTTP/1.1 by ALPN or in cleartext, that counts connections and
// handshakes and records every delivered request, so that tests can check which requests shared a
// connection and that none arrived twice.
import http from 'node:http'
import http2, { type ServerHttp2Session } from 'node:http2'
import https from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import type { Credentials } from './certificates.js'
import {
  authorityOf,
  createDefaultRoutes,
  type OriginHandler,
  type OriginRequest,
  type OriginResponse,
} from './default-routes.js'

export interface OriginServerOptions {
  /** Without it the server speaks cleartext. `ca` verifies client certificates. */
  readonly tls?: (Credentials & { readonly ca?: string }) | undefined
  /** Certificates by server name (exact, or `*.` for one label); all other names get `tls`. */
  readonly sni?: Readonly<Record<string, Credentials>>
  /** In ALPN order. Default both. Cleartext is HTTP/1.1 unless this is `['h2']`. */
  readonly protocols?: readonly ('h2' | 'http/1.1')[]
  /** Default 127.0.0.1. */
  readonly address?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Default: the routes of default-routes.ts. */
  readonly handler?: OriginHandler
  readonly settings?: http2.Settings
  /**
   * Origins of an ORIGIN frame sent on every HTTP/2 connection (RFC 8336); a function gets the
   * port.
   */
  readonly origins?: readonly string[] | ((port: number) => readonly string[])
  /** Requests a client certificate, but also accepts connections without one. */
  readonly requestCert?: boolean
}

/** One request that reached a handler. */
export interface Delivery {
  readonly method: string
  readonly authority: string
  readonly path: string
  /** Without pseudo-fields. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly protocol: 'h2' | 'http/1.1'
  /** 1 for the first TCP connection accepted, 2 for the next. */
  readonly connectionId: number
  /** The server name of the TLS handshake. */
  readonly servername: string | undefined
  /** Common name of the client certificate, if one was requested and sent. */
  readonly clientName: string | undefined
}

export interface OriginServer {
  readonly port: number
  readonly address: string
  /** Returns the origin with the given host. Default: the address. */
  url(host?: string): string
  /** TCP connections accepted so far. */
  readonly connections: number
  /** TLS handshakes completed so far. */
  readonly handshakes: number
  readonly openSockets: number
  readonly requests: readonly Delivery[]
  /**
   * Open HTTP/2 connections. With TLS 1.3 a client is connected before the server knows: send a
   * request first.
   */
  readonly sessions: ReadonlySet<ServerHttp2Session>
  /** Resolves when this many requests have been delivered, counted from the start. */
  delivered(count: number): Promise<void>
  /** Releases all held /slow responses. */
  release(): void
  /**
   * Sends GOAWAY on every HTTP/2 connection. `lastStreamId` 0 means the last processed stream, as
   * in node:http2.
   */
  goaway(errorCode?: number, lastStreamId?: number): void
  /** Closes connections without a request in flight, HTTP/2 ones with GOAWAY. */
  closeIdle(): void
  /** Destroys every connection and stops listening. */
  close(): Promise<void>
}

interface Peer {
  readonly id: number
  /** The TCP socket. */
  readonly socket: Socket
  /**
   * Socket that carries HTTP: the TCP socket, or the TLS socket on it once the handshake is done.
   */
  plain?: Socket
  session?: ServerHttp2Session
  active: number
}

export async function startOriginServer(options: OriginServerOptions = {}): Promise<OriginServer> {
  const { address = '127.0.0.1' } = options
  const routes = createDefaultRoutes()
  const handler = options.handler ?? routes.handler
  const server = createServer(options)
  const peers = new Map<string, Peer>()
  const requests: Delivery[] = []
  const sessions = new Set<ServerHttp2Session>()
  const waiting = new Set<() => void>()
  let connections = 0
  let handshakes = 0
  let closing: Promise<void> | undefined

  server.on('connection', (socket: Socket) => {
    const peer: Peer = { id: ++connections, socket, active: 0, ...(options.tls === undefined && { plain: socket }) }
    const key = peerKey(socket)
    peers.set(key, peer)
    socket.on('error', () => {})
    socket.once('close', () => {
      if (peers.get(key) === peer) peers.delete(key)
    })
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    handshakes++
    const peer = peers.get(peerKey(socket))
    if (peer !== undefined) peer.plain = socket
  })
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
    const peer = peers.get(peerKey(session.socket))
    if (peer !== undefined) peer.session = session
    const { origins } = options
    if (origins !== undefined) session.origin(...(typeof origins === 'function' ? origins(port) : origins))
  })
  server.on('unknownProtocol', (socket: Socket) => socket.destroy())
  server.on('request', (request: OriginRequest, response: OriginResponse) => {
    const peer = peers.get(peerKey(request.socket))
    if (peer !== undefined) {
      peer.active++
      response.once('close', () => peer.active--)
    }
    requests.push(deliveryOf(request, peer?.id ?? 0))
    for (const wake of waiting) wake()
    handler(request, response)
  })

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, address, resolve)
  })
  const { port } = server.address() as AddressInfo
  const scheme = options.tls === undefined ? 'http' : 'https'

  return {
    port,
    address,
    requests,
    sessions,
    url: (host = net.isIPv6(address) ? `[${address}]` : address) => `${scheme}://${host}:${port}`,
    get connections() {
      return connections
    },
    get handshakes() {
      return handshakes
    },
    get openSockets() {
      return peers.size
    },
    delivered(count) {
      return new Promise((resolve) => {
        const check = (): void => {
          if (requests.length < count) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      })
    },
    release: () => routes.release(),
    goaway(errorCode = 0, lastStreamId = 0) {
      for (const session of sessions) session.goaway(errorCode, lastStreamId)
    },
    closeIdle() {
      for (const { active, session, plain } of peers.values()) {
        if (active > 0) continue
        if (session === undefined) plain?.end()
        else session.close()
      }
    },
    close() {
      closing ??= new Promise((resolve) => {
        server.close(() => resolve())
        for (const session of sessions) session.destroy()
        for (const { socket } of peers.values()) socket.destroy()
      })
      return closing
    },
  }
}

// The four servers have a common base class but different events; only the names used above matter
// here.
function createServer(options: OriginServerOptions): net.Server {
  const { protocols = ['h2', 'http/1.1'], settings = {} } = options
  if (options.tls === undefined) {
    return protocols.includes('http/1.1') ? http.createServer() : http2.createServer({ settings })
  }
  const secure = {
    ...options.tls,
    ALPNProtocols: [...protocols],
    requestCert: options.requestCert ?? false,
    rejectUnauthorized: false,
    SNICallback: chooseContext(options.sni ?? {}),
  }
  if (!protocols.includes('h2')) return https.createServer(secure)
  return http2.createSecureServer({ ...secure, settings, allowHTTP1: protocols.includes('http/1.1') })
}

type ContextCallback = (error: Error | null, context?: SecureContext) => void

function chooseContext(sni: Readonly<Record<string, Credentials>>): (servername: string, callback: ContextCallback) => void {
  const contexts = new Map(Object.entries(sni).map(([name, credentials]) => [name, tls.createSecureContext(credentials)]))
  return (servername, callback) => {
    callback(null, contexts.get(servername) ?? contexts.get(servername.replace(/^[^.]*/, '*')))
  }
}

/**
 * Node represents a connection as TCP socket, TLS socket or session proxy; all of them know the
 * peer's port.
 */
function peerKey(socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined }): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

function deliveryOf(request: OriginRequest, connectionId: number): Delivery {
  const socket = request.socket as Partial<TLSSocket>
  const clientName = socket.getPeerCertificate?.()?.subject?.CN
  return {
    method: request.method ?? '',
    authority: authorityOf(request),
    path: request.url ?? '',
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(':'))),
    protocol: request.httpVersionMajor === 2 ? 'h2' : 'http/1.1',
    connectionId,
    servername: (socket as { servername?: string | false }).servername || undefined,
    clientName: typeof clientName === 'string' ? clientName : undefined,
  }
}
