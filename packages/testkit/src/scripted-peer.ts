// A server that sends over a raw socket exactly what a test's script says: it answers nothing by
// itself, not even PING. Everything it reads is recorded in `received`, errors of scripts in
// `failures`.
import net, { type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'
import type { Credentials } from './certificates.js'
import { ScriptedConnection } from './scripted-connection.js'

export { type DecodedRequest, PeerClosedError, type ScriptedConnection } from './scripted-connection.js'

/**
 * Runs once for each accepted connection (over TLS: each completed handshake); `index` is 0 for the
 * first.
 */
export type Script = (peer: ScriptedConnection, index: number) => void | Promise<void>

export interface ScriptedPeerOptions {
  /** Without it the peer speaks cleartext. */
  readonly tls?: Credentials | undefined
  /** Default `['h2']`; an empty list negotiates nothing. */
  readonly alpn?: readonly string[]
  /** Default 127.0.0.1. */
  readonly address?: string
}

export interface ScriptedPeer {
  readonly port: number
  readonly address: string
  /** TCP connections accepted so far. */
  readonly connections: number
  readonly peers: readonly ScriptedConnection[]
  /**
   * Errors thrown by scripts, except those caused by a connection that the client closed. Expected
   * to be empty.
   */
  readonly failures: readonly unknown[]
  close(): Promise<void>
}

export async function startScriptedPeer(script: Script, options: ScriptedPeerOptions = {}): Promise<ScriptedPeer> {
  const { address = '127.0.0.1', alpn = ['h2'] } = options
  const peers: ScriptedConnection[] = []
  const failures: unknown[] = []
  const sockets = new Set<Socket>()
  let connections = 0

  const run = async (socket: Socket): Promise<void> => {
    const peer = new ScriptedConnection(socket)
    peers.push(peer)
    try {
      await script(peer, peers.length - 1)
    } catch (error) {
      if (!isPeerClosed(error)) failures.push(error)
    }
  }
  const server: net.Server =
    options.tls === undefined
      ? net.createServer((socket) => void run(socket))
      : tls.createServer({ ...options.tls, ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }) }, (socket) => void run(socket))
  server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, address, resolve)
  })

  return {
    port: (server.address() as AddressInfo).port,
    address,
    peers,
    failures,
    get connections() {
      return connections
    },
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve())
        for (const peer of peers) peer.destroy()
        for (const socket of sockets) socket.destroy()
      })
    },
  }
}

const CLOSED_CODES: readonly unknown[] = [
  'PEER_CLOSED',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_WRITE_AFTER_END',
]

function isPeerClosed(error: unknown): boolean {
  return CLOSED_CODES.includes((error as { code?: unknown } | null)?.code)
}
