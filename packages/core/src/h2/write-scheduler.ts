/**
 * Writes pending output once per event-loop turn, in one write, and not while the socket's buffer
 * is full.
 */

import type { Duplex } from 'node:stream'
import { nextTick, queueMicrotask } from '../runtime/event-loop.js'

/** Schedules the writes of one connection. */
export class WriteScheduler {
  readonly #socket: Duplex
  readonly #write: () => void
  #scheduled = false
  #blocked = false
  /** Bytes written since {@link resetCount}. */
  writtenBytes = 0

  /** @param write called when output is due: passes the pending chunks to {@link write}. */
  constructor(socket: Duplex, write: () => void) {
    this.#socket = socket
    this.#write = write
  }

  /** Whether the socket's buffer is full, so that further writes would only pile up. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Sets {@link writtenBytes} to 0. */
  resetCount(): void {
    this.writtenBytes = 0
  }

  /**
   * Schedules a write after all work of this turn: a microtask, then `nextTick`, after the other
   * microtasks.
   */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(this.#defer)
  }

  /** Writes the chunks now. */
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

  /** Called when the socket's buffer is empty again. */
  onDrain(): void {
    this.#blocked = false
  }

  readonly #defer = (): void => nextTick(this.#run)

  readonly #run = (): void => {
    this.#scheduled = false
    this.#write()
  }
}
