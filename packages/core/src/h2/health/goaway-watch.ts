/**
 * Streams that a GOAWAY with an error has left open, on a socket that stays open (RFC 9113 §6.8). They may finish; one on which nothing
 * moves fails, because a peer that has found an error may never get to it.
 */

import type { Clock, ClockTimer } from '../../runtime/clock.js'

/** Time without a byte of its own after which a stream fails, milliseconds. */
export const STREAM_QUIET_MS = 30_000
const LOOK_EVERY_MS = 5_000

/** A stream, as the watch sees it. */
export interface WatchedStream {
  /** Grows with every byte of this stream, either way. */
  readonly progress: number
  /** Content has been received and waits for its reader. */
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
