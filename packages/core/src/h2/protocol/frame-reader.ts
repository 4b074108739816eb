/**
 * Octets to frames (RFC 9113 §4.1), however the octets are cut. DATA is passed on as it arrives, without waiting for the whole
 * frame and without a copy; every other frame is passed on whole. Knows the layout, not what a frame means nor how long it may be.
 */

import { ErrorCode, ProtocolFault } from './error-code.js'
import { Flag, FRAME_HEADER_BYTES, FrameType } from './frame.js'

/** What the reader calls. Offsets are into `bytes`, which is only valid during the call. */
export interface FrameSink {
  /**
   * A frame's header has been read: the moment to refuse it, above all for its size (RFC 9113 §4.2), before any of its payload is
   * kept. Returns false to discard it.
   */
  frameHeader(type: number, flags: number, streamId: number, length: number): boolean
  /** A whole frame other than DATA. */
  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void
  /** Part of the content of the DATA frame whose header came last. */
  dataPart(streamId: number, bytes: Buffer, start: number, end: number): void
  /** That DATA frame is complete, its padding included. */
  dataEnd(streamId: number, flags: number): void
}

const AT_HEADER = 0
const AT_PAYLOAD = 1
const AT_PAD_LENGTH = 2
const AT_DATA = 3
const AT_DISCARD = 4
const AT_PADDING = 5

/** One connection's reader. Throws what its sink throws, and {@link ProtocolFault} for padding that does not fit. */
export class FrameReader {
  readonly #sink: FrameSink
  #state: number = AT_HEADER
  #type = 0
  #flags = 0
  #streamId = 0
  /** Octets of the current part still to come. */
  #left = 0
  #padding = 0
  /** The start of a header or payload that was cut. Empty between frames. */
  #kept: Buffer = EMPTY

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Whether the octets so far end between two frames: where a connection may end without loss. */
  get atBoundary(): boolean {
    return this.#state === AT_HEADER && this.#kept.length === 0
  }

  /** Reads a chunk. The sink may be called any number of times, synchronously. */
  read(chunk: Buffer): void {
    let bytes = chunk
    if (this.#kept.length > 0) {
      bytes = Buffer.concat([this.#kept, chunk])
      this.#kept = EMPTY
    }
    let at = 0
    for (;;) {
      const next = this.#step(bytes, at)
      if (next < 0) break
      at = next
    }
    if (at < bytes.length) this.#kept = at === 0 ? bytes : bytes.subarray(at)
  }

  /** One step from `at`: returns where the next one starts, or -1 when it needs more octets than there are. */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case AT_HEADER:
        return bytes.length - at < FRAME_HEADER_BYTES ? -1 : this.#readHeader(bytes, at)
      case AT_PAYLOAD:
        return bytes.length - at < this.#left ? -1 : this.#readPayload(bytes, at)
      case AT_PAD_LENGTH:
        return bytes.length === at ? -1 : this.#readPadLength(bytes, at)
      default:
        return bytes.length === at && this.#left > 0 ? -1 : this.#readPart(bytes, at)
    }
  }

  #readHeader(bytes: Buffer, at: number): number {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    this.#type = bytes[at + 3]!
    this.#flags = bytes[at + 4]!
    // RFC 9113 §4.1: the reserved bit MUST be ignored.
    this.#streamId = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!
    const wanted = this.#sink.frameHeader(this.#type, this.#flags, this.#streamId, length)
    this.#left = length
    this.#padding = 0
    if (!wanted) this.#state = AT_DISCARD
    else if (this.#type !== FrameType.DATA) this.#state = AT_PAYLOAD
    else this.#state = (this.#flags & Flag.PADDED) === 0 ? AT_DATA : AT_PAD_LENGTH
    const next = at + FRAME_HEADER_BYTES
    return this.#state === AT_PAYLOAD && bytes.length - next >= length ? this.#readPayload(bytes, next) : next
  }

  #readPayload(bytes: Buffer, at: number): number {
    const end = at + this.#left
    this.#state = AT_HEADER
    this.#left = 0
    this.#sink.frame(this.#type, this.#flags, this.#streamId, bytes, at, end)
    return end
  }

  #readPadLength(bytes: Buffer, at: number): number {
    this.#padding = bytes[at]!
    // RFC 9113 §6.1: padding as long as the payload or longer is a connection error of type PROTOCOL_ERROR.
    if (this.#padding >= this.#left) throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, 'DATA padding exceeds its payload')
    this.#left -= 1 + this.#padding
    this.#state = AT_DATA
    return at + 1
  }

  /** Content, padding, or the payload of a frame that is being discarded: whatever is there of it. */
  #readPart(bytes: Buffer, at: number): number {
    const end = Math.min(at + this.#left, bytes.length)
    this.#left -= end - at
    if (this.#state === AT_DATA && end > at) this.#sink.dataPart(this.#streamId, bytes, at, end)
    if (this.#left > 0) return end
    if (this.#state === AT_DATA && this.#padding > 0) {
      this.#left = this.#padding
      this.#padding = 0
      this.#state = AT_PADDING
      return end
    }
    const wasData = this.#state !== AT_DISCARD
    this.#state = AT_HEADER
    if (wasData) this.#sink.dataEnd(this.#streamId, this.#flags)
    return end
  }
}

const EMPTY = Buffer.alloc(0)
