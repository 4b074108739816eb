/** Bytes on their way out: once each turn of the event loop, in one write, and none while the socket has more than it can send. */

import type { Duplex } from 'node:stream'
import { nextTick, queueMicrotask } from '../runtime/event-loop.js'

/** The way out of one connection. */
export class WriteScheduler {
  readonly #socket: Duplex
  readonly #write: () => void
  #scheduled = false
  #blocked = false
  /** Bytes written since {@link resetCount}. */
  writtenBytes = 0

  /** @param write called when it is time: takes what there is, and hands it to {@link write}. */
  constructor(socket: Duplex, write: () => void) {
    this.#socket = socket
    this.#write = write
  }

  /** The socket has more than it can send: what is handed over now would only pile up. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Counts from here. */
  resetCount(): void {
    this.writtenBytes = 0
  }

  /** After all that this turn has to say: a microtask, so that everything that runs now is in, then a tick, after the other microtasks. */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(this.#defer)
  }

  /** Writes at once. */
  write(chunks: readonly Uint8Array[]): void {
    const socket = this.#socket
    for (const { length } of chunks) this.writtenBytes += length
    if (chunks.length === 1) {
      this.#blocked = !socket.write(chunks[0]!)
      return
    }
    socket.cork()
    let ready = true
    for (const chunk of chunks) ready = socket.write(chunk)
    socket.uncork()
    this.#blocked = !ready
  }

  /** The socket has caught up. */
  onDrain(): void {
    this.#blocked = false
  }

  readonly #defer = (): void => nextTick(this.#run)

  readonly #run = (): void => {
    this.#scheduled = false
    this.#write()
  }
}
