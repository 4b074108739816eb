// A TCP relay in front of any server that can be slow (a round-trip time), silent (a black hole) or
// interrupted (a reset). Bytes stay in order; a half-close is delayed like bytes.
import net, { type AddressInfo, type Socket } from 'node:net'

export interface TcpProxyOptions {
  /** Delay of each direction in milliseconds; the round trip takes twice as long. Default 0. */
  readonly delayMs?: number
  /** Where to listen. Default 127.0.0.1. */
  readonly address?: string
  /** Where the target listens. Default 127.0.0.1. */
  readonly targetAddress?: string
}

export interface TcpProxy {
  readonly port: number
  readonly address: string
  /** Connections accepted so far. */
  readonly connections: number
  /** Number of connections on which the target has answered a TLS handshake. */
  readonly handshakes: number
  /** Number of open connections. */
  readonly openSockets: number
  /** Holds all bytes in both directions from now on; connections are still accepted. */
  pause(): void
  /** Delivers the held bytes and continues. */
  resume(): void
  /** Resets every open connection (TCP RST). */
  reset(): void
  close(): Promise<void>
}

/**
 * RFC 8446 §5.1 and §4: a record's type, the length of its header, and the type of its first
 * message.
 */
const TLS_HANDSHAKE = 22
const RECORD_HEADER_BYTES = 5
const SERVER_HELLO = 2

interface Relay {
  flush(): void
}

export async function startTcpProxy(targetPort: number, options: TcpProxyOptions = {}): Promise<TcpProxy> {
  const { delayMs = 0, address = '127.0.0.1', targetAddress = '127.0.0.1' } = options
  const clients = new Map<Socket, readonly [Relay, Relay]>()
  const gate = { paused: false }
  let connections = 0
  let handshakes = 0
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    connections++
    const target = net.connect({ port: targetPort, host: targetAddress, allowHalfOpen: true, noDelay: true })
    clients.set(client, [relay(client, target, delayMs, gate), relay(target, client, delayMs, gate)])
    client.once('close', () => clients.delete(client))
    tie(client, target)
    tie(target, client)
    target.once('data', (bytes: Buffer) => {
      if (bytes[0] === TLS_HANDSHAKE && bytes[RECORD_HEADER_BYTES] === SERVER_HELLO) handshakes++
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, address, resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    port,
    address,
    get connections() {
      return connections
    },
    get handshakes() {
      return handshakes
    },
    get openSockets() {
      return clients.size
    },
    pause() {
      gate.paused = true
    },
    resume() {
      gate.paused = false
      for (const relays of clients.values()) for (const each of relays) each.flush()
    },
    reset() {
      for (const client of clients.keys()) client.resetAndDestroy()
    },
    close() {
      for (const client of clients.keys()) client.destroy()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}

/** When one side closes, the other is closed in the same way. */
function tie(socket: Socket, other: Socket): void {
  socket.on('error', () => other.resetAndDestroy())
  // After a clean end, the queue ends the other side.
  socket.once('close', () => {
    if (!socket.readableEnded) other.destroy()
  })
}

function relay(from: Socket, to: Socket, delayMs: number, gate: { readonly paused: boolean }): Relay {
  const queue: { due: number; bytes: Buffer | undefined }[] = []
  const flush = (): void => {
    while (!gate.paused) {
      const head = queue[0]
      if (head === undefined || head.due > performance.now()) break
      queue.shift()
      if (head.bytes === undefined) to.end()
      else if (!to.write(head.bytes)) from.pause()
    }
    const head = queue[0]
    if (head !== undefined && !gate.paused) setTimeout(flush, Math.max(1, Math.ceil(head.due - performance.now())))
  }
  const push = (bytes: Buffer | undefined): void => {
    queue.push({ due: performance.now() + delayMs, bytes })
    // Otherwise a timer is pending for the bytes before these, or resume() will flush them.
    if (queue.length === 1) flush()
  }
  from.on('data', push)
  from.once('end', () => push(undefined))
  to.on('drain', () => from.resume())
  return { flush }
}
