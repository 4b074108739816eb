/**
 * Watches the streams that stay open after a GOAWAY with an error (RFC 9113 §6.8). They may finish,
 * but an idle one fails: a peer that found an error may never process it.
 */

import type { Clock, ClockTimer } from '../../runtime/clock.js'

/** Idle time after which a stream fails, in milliseconds. */
export const STREAM_QUIET_MS = 30_000
const LOOK_EVERY_MS = 5_000

/** The parts of a stream that the watch needs. */
export interface WatchedStream {
  /** Counter that grows with every byte of this stream, in either direction. */
  readonly progress: number
  /** Whether received content has not been read yet. */
  readonly waitsForReader: boolean
}

/** The watch on one connection. Its timer never keeps the process alive. */
export class GoawayWatch<Stream extends WatchedStream> {
  readonly #clock: Clock
  readonly #open: () => Iterable<Stream>
  readonly #fail: (stream: Stream) => void
  #seen = new Map<Stream, { progress: number; atMs: number }>()
  #timer: ClockTimer | undefined

  constructor(clock: Clock, open: () => Iterable<Stream>, fail: (stream: Stream) => void) {
    this.#clock = clock
    this.#open = open
    this.#fail = fail
    this.#look()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #look(): void {
    const now = this.#clock.now()
    const seen = new Map<Stream, { progress: number; atMs: number }>()
    const quiet: Stream[] = []
    for (const stream of this.#open()) {
      const { progress, waitsForReader } = stream
      const before = this.#seen.get(stream)
      const moved = before === undefined || before.progress !== progress || waitsForReader
      const atMs = moved ? now : before.atMs
      if (now - atMs >= STREAM_QUIET_MS) quiet.push(stream)
      else seen.set(stream, { progress, atMs })
    }
    this.#seen = seen
    this.#timer = this.#clock.startTimer(LOOK_EVERY_MS, () => this.#clock.afterTurn(() => this.#timer && this.#look()))
    this.#timer.unref()
    for (const stream of quiet) this.#fail(stream)
  }
}
