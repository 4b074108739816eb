/**
 * Streams that we have reset, and what may still be on its way to them: RFC 9113 §5.1 wants frames ignored that the peer sent before
 * it knew, and no others. So each keeps what its window allowed, and a little for field sections.
 */

import { MAX_REMEMBERED_RESETS } from './abuse-limits.js'

/** One response's field sections at most: interim ones, the final one, trailers. */
const MAX_SECTIONS = 18

/** What the peer could have sent before our RST_STREAM reached it. */
class ResetStream {
  #windowBytes: number
  #sections = 0

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
  }

  /** DATA that still arrives: false past the window. */
  excusesData(bytes: number): boolean {
    this.#windowBytes -= bytes
    return this.#windowBytes >= 0
  }

  /** A field section that still arrives: false past what one response can have. */
  excusesSection(): boolean {
    return ++this.#sections <= MAX_SECTIONS
  }
}

/** What {@link ResetStreams} answers: whether a frame is what the peer may well have sent before it knew. Others are counted. */
export type LateFrames = Pick<ResetStream, 'excusesData' | 'excusesSection'>

/** For a stream of which nothing is known any more. */
export const NOTHING_KNOWN: LateFrames = { excusesData: () => false, excusesSection: () => false }

/** The streams that one connection has reset, the latest of them. */
export class ResetStreams {
  /** `undefined` until one is: most connections never reset any. */
  #streams: Map<number, ResetStream> | undefined
  #forgotten = 0

  /** A stream was reset with so much of its window open. */
  add(streamId: number, windowBytes: number): void {
    this.#streams ??= new Map()
    this.#streams.set(streamId, new ResetStream(windowBytes))
    if (this.#streams.size <= MAX_REMEMBERED_RESETS) return
    const oldest = this.#streams.keys().next().value!
    this.#streams.delete(oldest)
    this.#forgotten = Math.max(this.#forgotten, oldest)
  }

  /** What is excused on a closed stream; `undefined` for one that we did not reset. Below what was forgotten, each might have been. */
  find(streamId: number): LateFrames | undefined {
    return this.#streams?.get(streamId) ?? (streamId <= this.#forgotten ? NOTHING_KNOWN : undefined)
  }

  /** The peer has ended it too: nothing more can be on its way. */
  ended(streamId: number): void {
    this.#streams?.delete(streamId)
  }
}
