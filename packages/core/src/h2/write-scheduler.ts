/**
 * Writes the engine's pending output once per event-loop turn, in one write, and not while the
 * socket's buffer is full. Knows which streams were written.
 */

import type { Duplex } from 'node:stream'
import { nextTick, queueMicrotask } from '../runtime/event-loop.js'

/** The engine, as far as its output is concerned. */
export interface OutputSource {
  readonly hasOutput: boolean
  /** Takes the pending output. */
  takeOutput(): readonly Uint8Array[]
  /** Continues content that waits because output is pending. */
  resume(): void
}

/** Schedules the writes of one connection. */
export class WriteScheduler {
  readonly #socket: Duplex
  readonly #engine: OutputSource
  readonly #onWrite: () => void
  #scheduled = false
  #blocked = false
  #stopped = false
  /** Highest stream that was opened. */
  #openedStreamId = 0
  /** Highest stream whose request was written to the socket; no byte of a later stream was sent. */
  writtenStreamId = 0
  /** Bytes written since {@link resetCount}. */
  writtenBytes = 0

  /** @param onWrite called before each write. */
  constructor(socket: Duplex, engine: OutputSource, onWrite: () => void) {
    this.#socket = socket
    this.#engine = engine
    this.#onWrite = onWrite
  }

  /** A stream was opened. Opening a source may open another one, whose identifier is then higher. */
  opened(streamId: number): void {
    this.#openedStreamId = Math.max(this.#openedStreamId, streamId)
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

  /** Called when the socket's buffer is empty again. */
  onDrain(): void {
    this.#blocked = false
    this.#resume()
  }

  /**
   * Takes the last output: nothing is written after {@link end}. Requests in it count as written,
   * even if the peer never reads them.
   */
  takeLast(): readonly Uint8Array[] {
    this.#stopped = true
    const last = this.#engine.takeOutput()
    if (last.length > 0) this.writtenStreamId = this.#openedStreamId
    return last
  }

  /** Writes the last output. */
  end(last: readonly Uint8Array[]): void {
    if (last.length > 0) this.#write(last)
  }

  readonly #defer = (): void => nextTick(this.#run)

  readonly #run = (): void => {
    this.#scheduled = false
    if (this.#stopped) return
    this.#onWrite()
    if (this.#blocked) return
    const chunks = this.#engine.takeOutput()
    if (chunks.length === 0) return
    this.writtenStreamId = this.#openedStreamId
    this.#write(chunks)
    // Resume content held back by pending output: a socket with a large buffer never emits `drain`.
    if (!this.#blocked) this.#resume()
  }

  #resume(): void {
    this.#engine.resume()
    if (this.#engine.hasOutput) this.schedule()
  }

  #write(chunks: readonly Uint8Array[]): void {
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
}
