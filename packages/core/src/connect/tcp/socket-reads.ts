/**
 * Reads from dialed sockets into one shared buffer (`onread` of `net.connect`). Consumers copy the
 * bytes they keep. Without it, every read allocates a buffer, and large bodies produce four times
 * more garbage than the collector can keep up with.
 *
 * Sharing is safe: the event loop delivers one read at a time, and reads never nest.
 */

import type { OnReadOpts, Socket } from 'node:net'
import { copyOut } from '../../message/memory/copies.js'
import { nextTick } from '../../runtime/event-loop.js'

/** Size of the buffer, in bytes: four TLS records. */
const MEMORY_BYTES = 65_536
let memory: Buffer | undefined

/** The reads of one socket. Until `start`, bytes are buffered in the socket's stream. */
export class SocketReads {
  #socket: Socket | undefined
  #sink: ((bytes: Buffer) => void) | undefined

  /** The `onread` option for the socket about to be created. */
  get onread(): OnReadOpts {
    memory ??= Buffer.allocUnsafeSlow(MEMORY_BYTES)
    return { buffer: memory, callback: (length) => this.#received(memory!.subarray(0, length)) }
  }

  /** Sets the socket that was created with {@link onread}. */
  of(socket: Socket): this {
    this.#socket = socket
    return this
  }

  /**
   * Passes bytes to `sink` from now on. `sink` must not keep them after it returns. Bytes buffered
   * before are delivered first, in the next tick. Also listens to the stream, because libraries
   * that mock servers in tests push into it.
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

  /** Returns false to pause the socket until the stream is read. */
  #received(bytes: Buffer): boolean {
    if (this.#sink === undefined) return this.#socket!.push(copyOut(bytes, 0, bytes.length))
    this.#sink(bytes)
    return true
  }
}
