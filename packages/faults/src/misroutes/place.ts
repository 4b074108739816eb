/**
 * One server of the misroutes test: an address, from one start to the next. Reports every
 * connection and every delivery.
 */

import type { SecureServerOptions, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import tls, { type SecureContext, type TLSSocket } from 'node:tls'
import { CONNECTION_FIELD, DELAY_FIELD, type DeliveryRow, type Ending, ID_FIELD } from './messages.js'
import type { SeenConnection } from './model.js'
import { ADDRESSES, certificateShown, HTTP1_ADDRESS, KEPT_APART, type Life } from './plan.js'

/** Receives the reports. */
export interface Account {
  connected(connection: SeenConnection): void
  delivered(row: DeliveryRow): void
}

interface Headers {
  readonly [name: string]: string | string[] | undefined
}

const MAX_STREAM_ID = 0x7fff_ffff
const NO_ERROR = 0
const ENHANCE_YOUR_CALM = 11
/** Time without stream capacity, in milliseconds. */
const FULL_MS = 60

let lastConnection = 0
/**
 * Last stream of a connection's GOAWAY: node:http2 still accepts streams that arrive before the
 * frame is sent.
 */
const lastStreams = new WeakMap<ServerHttp2Session, number>()

export class Place {
  readonly #contexts: readonly SecureContext[]
  readonly #account: Account
  readonly #options: SecureServerOptions
  readonly #sockets = new Map<Socket, SeenConnection | undefined>()
  readonly #byPeer = new Map<string, SeenConnection>()
  readonly #connections = new Set<ServerHttp2Session>()
  #life: Life
  #server: Server | undefined

  constructor(life: Life, contexts: readonly SecureContext[], options: SecureServerOptions, account: Account) {
    this.#life = life
    this.#contexts = contexts
    this.#options = options
    this.#account = account
  }

  /** @param port 0 for any free port. Resolves with the port. */
  async start(port: number): Promise<number> {
    const server = this.#create()
    server.on('connection', (socket: Socket) => {
      this.#sockets.set(socket, undefined)
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket))
    })
    server.on('secureConnection', (socket: TLSSocket) => this.#connected(socket))
    server.on('tlsClientError', (_, socket: Socket) => socket.destroy())
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, ADDRESSES[this.#life.address], resolve)
    })
    this.#server = server
    return (server.address() as AddressInfo).port
  }

  /** Closes all connections. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    const closed = new Promise<void>((resolve) => {
      if (server === undefined) resolve()
      else server.close(() => resolve())
    })
    for (const socket of this.#sockets.keys()) socket.destroy()
    await closed
  }

  async restart(life: Life): Promise<void> {
    const { port } = this.#server!.address() as AddressInfo
    await this.stop()
    this.#life = life
    await this.start(port)
  }

  /** Ends a share of the connections, from 0 to 1, the oldest first. */
  end(how: Ending, part: number): void {
    const count = Math.ceil(this.#connections.size * part)
    for (const connection of [...this.#connections].slice(0, count)) {
      if (connection.destroyed || connection.closed) continue
      if (how === 'reset') connection.destroy(undefined, ENHANCE_YOUR_CALM)
      else if (how === 'goaway') goaway(connection)
      else graceful(connection)
    }
  }

  full(): void {
    for (const connection of this.#connections) {
      allow(connection, 0)
      setTimeout(() => allow(connection, this.#life.maxStreams), FULL_MS)
    }
  }

  #create(): Server {
    const { address, maxStreams } = this.#life
    const options = {
      ...this.#options,
      SNICallback: (name: string, callback: (error: Error | null, context?: SecureContext) => void) =>
        callback(null, this.#contexts[certificateShown(this.#life, name)]),
    }
    if (address === HTTP1_ADDRESS) {
      return https.createServer(options, ({ method, headers, socket }, response) => {
        const { status, delayMs, text, fields } = this.#take(headers, String(headers.host), method, this.#of(socket as TLSSocket))
        after(delayMs, () => response.writeHead(status, fields).end(text))
      })
    }
    const server = http2.createSecureServer({ ...options, settings: { maxConcurrentStreams: maxStreams } })
    server.on('session', (connection) => this.#opened(connection))
    server.on('stream', (stream, headers) => this.#stream(stream, headers))
    return server
  }

  #connected(socket: TLSSocket): void {
    const serverName = socket.servername || undefined
    const connection: SeenConnection = {
      number: ++lastConnection,
      address: ADDRESSES[this.#life.address]!,
      serverName,
      certificate: certificateShown(this.#life, serverName ?? ''),
      atMs: Date.now(),
      originHosts: this.#life.address === HTTP1_ADDRESS ? undefined : this.#life.originHosts,
    }
    const peer = peerOf(socket)
    this.#byPeer.set(peer, connection)
    socket
      .on('error', () => undefined)
      .once('close', () => {
        if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer)
      })
    this.#account.connected(connection)
  }

  #opened(connection: ServerHttp2Session): void {
    this.#connections.add(connection)
    connection.on('error', () => undefined).once('close', () => this.#connections.delete(connection))
    const { originHosts } = this.#life
    const { port } = this.#server!.address() as AddressInfo
    // The connection's own origin is always in the set (RFC 8336 §2.3).
    if (originHosts !== undefined) connection.origin(...originHosts.map((host) => `https://${host}:${port}`))
  }

  #stream(stream: ServerHttp2Stream, headers: Headers): void {
    stream.on('error', () => undefined)
    const session = stream.session as ServerHttp2Session | undefined
    // The stream was declared unprocessed, so it must not be processed.
    if (session === undefined || stream.id! > (lastStreams.get(session) ?? MAX_STREAM_ID)) return
    const authority = String(headers[':authority'])
    const connection = this.#of(session.socket as TLSSocket)
    const { status, delayMs, text, fields } = this.#take(headers, authority, String(headers[':method']), connection)
    after(delayMs, () => {
      if (stream.destroyed || stream.closed) return
      stream.respond({ ':status': status, ...fields })
      stream.end(text)
    })
  }

  #of(socket: TLSSocket): SeenConnection | undefined {
    return this.#byPeer.get(peerOf(socket))
  }

  /** Reports a request and returns its response. */
  #take(headers: Headers, authority: string, method: string | undefined, connection: SeenConnection | undefined) {
    const host = authority.replace(/:\d+$/, '')
    const id = String(headers[ID_FIELD])
    const serverName = connection?.serverName ?? host
    const status = host !== serverName && this.#life.disowned.includes(host) ? 421 : 200
    this.#account.delivered([
      Number(id),
      connection?.number ?? 0,
      host,
      String(headers['authorization']),
      status,
      method === 'POST',
    ])
    // A gateway routes by the handshake only.
    const served = KEPT_APART.has(host) || KEPT_APART.has(serverName) ? serverName : host
    const fields = { [ID_FIELD]: id, [CONNECTION_FIELD]: String(connection?.number ?? 0) }
    return { status, fields, text: `${served} ${id}`, delayMs: Number(headers[DELAY_FIELD] ?? 0) }
  }
}

export function contextsOf(certificates: readonly { readonly cert: string; readonly key: string }[]): readonly SecureContext[] {
  return certificates.map((credentials) => tls.createSecureContext(credentials))
}

function after(delayMs: number, act: () => void): void {
  if (delayMs === 0) act()
  else setTimeout(act, delayMs)
}

function peerOf({ remoteAddress, remotePort, localAddress }: TLSSocket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}

function goaway(connection: ServerHttp2Session): void {
  lastStreams.set(connection, connection.state.lastProcStreamID ?? 0)
  connection.goaway(NO_ERROR, 0)
}

/** Shuts down in two steps (RFC 9113 §6.8). */
function graceful(connection: ServerHttp2Session): void {
  connection.goaway(NO_ERROR, MAX_STREAM_ID)
  setImmediate(() => {
    if (connection.destroyed) return
    lastStreams.set(connection, connection.state.lastProcStreamID ?? 0)
    connection.close()
  })
}

function allow(connection: ServerHttp2Session, maxConcurrentStreams: number): void {
  if (!connection.destroyed && !connection.closed) connection.settings({ maxConcurrentStreams })
}
