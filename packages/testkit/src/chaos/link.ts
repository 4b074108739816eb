// One connection through a chaos proxy: the client's socket, the server's socket, and a lane in
// each direction.
import type { Socket } from 'node:net'
import { Lane } from './lane.js'
import type { Toxics, Way } from './toxics.js'

export class Link {
  readonly toServer: Lane
  readonly toClient: Lane
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<void>
  /** Resolves when the client has closed its side or was cut off. */
  readonly clientGone: Promise<void>
  readonly #client: Socket
  readonly #server: Socket

  constructor(client: Socket, server: Socket, random: () => number) {
    this.#client = client
    this.#server = server
    this.toServer = new Lane(client, server, random)
    this.toClient = new Lane(server, client, random)
    const closed = (socket: Socket): Promise<void> =>
      new Promise((resolve) => {
        socket.once('close', () => resolve())
      })
    this.closed = Promise.all([closed(client), closed(server)]).then(() => undefined)
    this.clientGone = new Promise((resolve) => {
      client.once('end', () => resolve()).once('close', () => resolve())
    })
    tie(client, server)
    tie(server, client)
  }

  set(way: Way | 'both', toxics: Toxics): void {
    if (way !== 'toServer') this.toClient.set(toxics)
    if (way !== 'toClient') this.toServer.set(toxics)
  }

  /** Sends RST to both sides. */
  reset(): void {
    reset(this.#client)
    reset(this.#server)
  }

  /** Sends FIN to the client, as if from the server; bytes from the client still pass. */
  halfClose(): void {
    this.toClient.set({ truncateAfter: 0 })
  }

  destroy(): void {
    for (const socket of [this.#client, this.#server]) if (!resetting.has(socket)) socket.destroy()
  }
}

const resetting = new WeakSet<Socket>()

/**
 * Sends RST once, and only if nothing waits to be sent: Node shuts the socket down before it resets
 * it, and a socket destroyed in between is never closed.
 */
function reset(socket: Socket): void {
  if (socket.destroyed || resetting.has(socket)) return
  if (socket.writableEnded || socket.writableLength > 0 || socket.connecting) return void socket.destroy()
  resetting.add(socket)
  socket.resetAndDestroy()
}

/** An error of one socket resets the other; a close without FIN closes it. */
function tie(socket: Socket, other: Socket): void {
  socket.on('error', () => reset(other))
  socket.once('close', () => {
    if (!socket.readableEnded && !resetting.has(other)) other.destroy()
  })
}
