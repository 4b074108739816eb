/**
 * Splits bytes into frames (RFC 9113 §4.1), at any chunk boundaries. DATA is passed on as it
 * arrives, without a copy; every other frame is passed on whole. Must not know meaning or size
 * limits of frames.
 */

import { ErrorCode, ProtocolFault } from './error-code.js'
import { Flag, FRAME_HEADER_BYTES, FrameType } from './frame.js'

/** Callbacks of the reader. Offsets are into `bytes`, which is only valid during the call. */
export interface FrameSink {
  /**
   * Called for each frame header, before any payload is kept: throws to reject the frame (e.g. for
   * its size, RFC 9113 §4.2), or returns false to discard it.
   */
  frameHeader(type: number, flags: number, streamId: number, length: number): boolean
  /** Called with a whole frame other than DATA. */
  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void
  /** Called with a part of the content of the current DATA frame. */
  dataPart(streamId: number, bytes: Buffer, start: number, end: number): void
  /** Called when the DATA frame is complete, including its padding. */
  dataEnd(streamId: number, flags: number): void
}

const AT_HEADER = 0
const AT_PAYLOAD = 1
const AT_PAD_LENGTH = 2
const AT_DATA = 3
const AT_DISCARD = 4
const AT_PADDING = 5

/**
 * Reads the frames of one connection.
 * @throws ProtocolFault for invalid padding, and any error of the sink.
 */
export class FrameReader {
  readonly #sink: FrameSink
  #state: number = AT_HEADER
  #type = 0
  #flags = 0
  #streamId = 0
  /** Missing bytes of the current part. */
  #left = 0
  #padding = 0
  /** Whether the sink wants the current DATA frame. A discarded frame is still checked. */
  #wanted = true
  /** An incomplete header. */
  readonly #header: Buffer = Buffer.alloc(FRAME_HEADER_BYTES)
  #headerFilled = 0
  /** An incomplete payload, allocated at full length so that each byte is copied once. */
  #payload: Buffer | undefined
  #payloadFilled = 0

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /** Whether the bytes so far end between two frames, so that no frame is truncated. */
  get atBoundary(): boolean {
    return this.#state === AT_HEADER && this.#headerFilled === 0
  }

  /** Reads a chunk. The sink may be called any number of times, synchronously. */
  read(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) at = this.#step(bytes, at)
  }

  /**
   * Takes one step at `at`, with at least one byte available. Returns the offset of the next step.
   */
  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case AT_HEADER:
        return this.#headerFilled === 0 && bytes.length - at >= FRAME_HEADER_BYTES
          ? this.#readHeader(bytes, at, bytes, at + FRAME_HEADER_BYTES)
          : this.#collectHeader(bytes, at)
      case AT_PAYLOAD:
        return this.#collectPayload(bytes, at)
      case AT_PAD_LENGTH:
        return this.#readPadLength(bytes, at)
      default:
        return this.#readPart(bytes, at)
    }
  }

  #collectHeader(bytes: Buffer, at: number): number {
    const next = Math.min(at + FRAME_HEADER_BYTES - this.#headerFilled, bytes.length)
    this.#headerFilled += bytes.copy(this.#header, this.#headerFilled, at, next)
    if (this.#headerFilled < FRAME_HEADER_BYTES) return next
    this.#headerFilled = 0
    return this.#readHeader(this.#header, 0, bytes, next)
  }

  /** Reads the header at `from` in `header`. The available payload starts at `at` in `bytes`. */
  #readHeader(header: Buffer, from: number, bytes: Buffer, at: number): number {
    const length = (header[from]! << 16) | (header[from + 1]! << 8) | header[from + 2]!
    const type = header[from + 3]!
    const flags = header[from + 4]!
    this.#type = type
    this.#flags = flags
    // RFC 9113 §4.1: the reserved bit MUST be ignored.
    this.#streamId = ((header[from + 5]! & 0x7f) << 24) | (header[from + 6]! << 16) | (header[from + 7]! << 8) | header[from + 8]!
    this.#wanted = this.#sink.frameHeader(type, flags, this.#streamId, length)
    this.#left = length
    this.#padding = 0
    if (type === FrameType.DATA && (flags & Flag.PADDED) !== 0) this.#state = AT_PAD_LENGTH
    else if (!this.#wanted) this.#state = AT_DISCARD
    else this.#state = type === FrameType.DATA ? AT_DATA : AT_PAYLOAD
    if (this.#state === AT_PAYLOAD) return bytes.length - at >= length ? this.#readPayload(bytes, at) : at
    // An empty part is complete at once.
    return length === 0 ? this.#readPart(bytes, at) : at
  }

  #readPayload(bytes: Buffer, at: number): number {
    const end = at + this.#left
    this.#state = AT_HEADER
    this.#sink.frame(this.#type, this.#flags, this.#streamId, bytes, at, end)
    return end
  }

  #collectPayload(bytes: Buffer, at: number): number {
    this.#payload ??= Buffer.allocUnsafe(this.#left)
    const payload = this.#payload
    const next = Math.min(at + payload.length - this.#payloadFilled, bytes.length)
    this.#payloadFilled += bytes.copy(payload, this.#payloadFilled, at, next)
    if (this.#payloadFilled < payload.length) return next
    this.#payload = undefined
    this.#payloadFilled = 0
    this.#readPayload(payload, 0)
    return next
  }

  #readPadLength(bytes: Buffer, at: number): number {
    this.#padding = bytes[at]!
    // RFC 9113 §6.1: padding as long as the payload or longer is a connection error of type PROTOCOL_ERROR.
    if (this.#padding >= this.#left) throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, 'DATA padding exceeds its payload')
    this.#left -= 1
    this.#state = AT_DISCARD
    if (this.#wanted) {
      this.#left -= this.#padding
      this.#state = AT_DATA
    }
    return this.#left === 0 ? this.#readPart(bytes, at + 1) : at + 1
  }

  /** Reads the available bytes of content, of padding, or of a discarded payload. */
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
    this.#state = AT_HEADER
    if (this.#wanted) this.#sink.dataEnd(this.#streamId, this.#flags)
    return end
  }
}
