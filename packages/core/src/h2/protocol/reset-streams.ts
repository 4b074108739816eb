/**
 * Late frames on reset streams. RFC 9113 §5.1 requires ignoring frames that the peer sent before it
 * received our RST_STREAM, but no others. So each stream allows DATA up to its window, and a few
 * field sections. After RST_STREAM of the peer none are allowed, but they are discarded: the C core
 * of gRPC answers a call twice if it is canceled and its deadline passes.
 */

import { MAX_REMEMBERED_PEER_RESETS, MAX_REMEMBERED_RESETS } from './abuse-limits.js'

/** Maximum field sections of one response: interim responses, final response, trailers. */
const MAX_SECTIONS = 18

/** Frames that the peer may have sent before it received our RST_STREAM. */
class ResetStream {
  #windowBytes: number
  #sections = 0

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
  }

  /** Counts late DATA. Returns false beyond the window. */
  excusesData(bytes: number): boolean {
    this.#windowBytes -= bytes
    return this.#windowBytes >= 0
  }

  /** Counts a late field section. Returns false beyond the maximum of one response. */
  excusesSection(): boolean {
    return ++this.#sections <= MAX_SECTIONS
  }
}

/** Late frames allowed on a closed stream. Other frames count against the peer's limits. */
export type LateFrames = Pick<ResetStream, 'excusesData' | 'excusesSection'>

/** Allows no late frames: for a stream without a record. */
export const NOTHING_KNOWN: LateFrames = { excusesData: () => false, excusesSection: () => false }

/** The most recently reset streams of one connection. */
export class ResetStreams {
  /** `undefined` until a stream is reset: most connections reset none. */
  #streams: Map<number, ResetStream> | undefined
  /** The newest streams that the peer has reset. `undefined` until it resets one. */
  #byPeer: Set<number> | undefined
  #forgotten = 0

  /** Records a reset stream that had `windowBytes` of its receive window left. */
  add(streamId: number, windowBytes: number): void {
    this.#streams ??= new Map()
    this.#streams.set(streamId, new ResetStream(windowBytes))
    if (this.#streams.size <= MAX_REMEMBERED_RESETS) return
    const oldest = this.#streams.keys().next().value!
    this.#streams.delete(oldest)
    this.#forgotten = Math.max(this.#forgotten, oldest)
  }

  /** Records a stream that the peer has reset. */
  addOfPeer(streamId: number): void {
    this.#byPeer ??= new Set()
    this.#byPeer.add(streamId)
    if (this.#byPeer.size > MAX_REMEMBERED_PEER_RESETS) this.#byPeer.delete(this.#byPeer.values().next().value!)
  }

  /**
   * Returns the late frames allowed on a closed stream; `undefined` if it was not reset. Streams
   * below evicted records count as reset.
   */
  find(streamId: number): LateFrames | undefined {
    const found = this.#streams?.get(streamId)
    if (found !== undefined) return found
    return streamId <= this.#forgotten || this.#byPeer?.has(streamId) === true ? NOTHING_KNOWN : undefined
  }

  /** Removes a stream that the peer has ended too: no more frames can arrive. */
  ended(streamId: number): void {
    this.#streams?.delete(streamId)
  }
}
