/**
 * How the sockets that we connect ourselves are read (`onread` of `net.connect`): into one piece of memory, the same for every read of
 * every socket, because whoever is handed what was read copies what is to be kept. Without it every read makes memory for the garbage
 * collector, four times as often as it can cope with when content is large.
 *
 * A read is handed over before the next one begins, on whatever socket: both happen in the event loop, and never inside one another.
 */

import type { OnReadOpts, Socket } from 'node:net'
import { copyOut } from '../../message/memory/copies.js'
import { nextTick } from '../../runtime/event-loop.js'

/** What a TLS record holds, four times. Bytes. */
const MEMORY_BYTES = 65_536
let memory: Buffer | undefined

/** The reads of one socket. Until they are wanted, they wait in the stream that the socket is. */
export class SocketReads {
  #socket: Socket | undefined
  #sink: ((bytes: Buffer) => void) | undefined

  /** For the socket that is to be made: what its option `onread` is. */
  get onread(): OnReadOpts {
    memory ??= Buffer.allocUnsafeSlow(MEMORY_BYTES)
    return { buffer: memory, callback: (length) => this.#received(memory!.subarray(0, length)) }
  }

  /** The socket that was made. */
  of(socket: Socket): this {
    this.#socket = socket
    return this
  }

  /**
   * From now on `sink` gets what is read, and may look at it until it returns. What has been read before comes first, after this turn. The stream
   * is listened to as well: libraries that answer in place of servers, in tests, push into it.
   */
  start(sink: (bytes: Buffer) => void): void {
    nextTick(() => {
      const socket = this.#socket!
      const waiting: Buffer | null = socket.read()
      if (waiting !== null) sink(waiting)
      this.#sink = sink
      socket.on('data', sink)
    })
  }

  /** False stops the socket until the stream is read. */
  #received(bytes: Buffer): boolean {
    if (this.#sink === undefined) return this.#socket!.push(copyOut(bytes, 0, bytes.length))
    this.#sink(bytes)
    return true
  }
}
