/**
 * Pending output, in order. Frames and small bodies are copied into a slab; large bodies are kept
 * by reference. Bytes of a slab are never overwritten: the socket may hold taken chunks until they
 * are sent.
 */

import { ByteWriter } from '../hpack/byte-writer.js'

/** Size of the first slab, about 15 small requests, in bytes. An idle connection keeps one. */
const LEAST_SLAB_BYTES = 2_048
/**
 * Maximum slab size, about 500 small requests, in bytes. Slabs double up to it in a busy period.
 */
const MOST_SLAB_BYTES = 65_536
/** Size below which copying a body is cheaper than a separate chunk, in bytes. */
const COPY_LIMIT_BYTES = 4_096

/** The output buffer: the sender writes frames, and the connection takes chunks for its socket. */
export class Output extends ByteWriter {
  /** Start of the frame being written, see {@link openFrame}. */
  #frameStart = 0
  #taken = 0
  /** Size of the next slab, in bytes. */
  #slabBytes = LEAST_SLAB_BYTES
  #chunks: Uint8Array[] = []
  #chunkBytes = 0

  constructor() {
    super(LEAST_SLAB_BYTES)
  }

  /** Bytes written but not yet taken. */
  get pendingBytes(): number {
    return this.#chunkBytes + this.position - this.#taken
  }

  /**
   * Makes room for `extra` contiguous bytes. Replaces the slab, because its start may be in flight.
   */
  override ensure(extra: number): void {
    if (this.position + extra <= this.buffer.length) return
    this.#moveTo(Math.max(this.#slabBytes, (this.position - this.#taken + extra) * 2))
    this.#slabBytes = Math.min(this.#slabBytes * 2, MOST_SLAB_BYTES)
  }

  /** Releases a large slab once all output is taken and the busy period is over. */
  rest(): void {
    this.#slabBytes = LEAST_SLAB_BYTES
    if (this.buffer.length > LEAST_SLAB_BYTES) this.#moveTo(LEAST_SLAB_BYTES)
  }

  /** Starts a frame of unknown length: reserves `headerBytes` in front of it. */
  openFrame(headerBytes: number): void {
    this.ensure(headerBytes)
    this.#frameStart = this.position
    this.position += headerBytes
  }

  /** Start of the frame opened last; later writes may have moved it. */
  get frameStart(): number {
    return this.#frameStart
  }

  /** Appends body bytes: copies small ones, keeps large ones by reference until they are sent. */
  appendBody(bytes: Uint8Array): void {
    if (bytes.length <= COPY_LIMIT_BYTES) {
      this.writeBytes(bytes)
      return
    }
    this.#cut()
    this.#chunks.push(bytes)
    this.#chunkBytes += bytes.length
  }

  /** Returns and removes all pending chunks, to be sent in order. */
  take(): Uint8Array[] {
    this.#cut()
    const chunks = this.#chunks
    if (chunks.length > 0) this.#chunks = []
    this.#chunkBytes = 0
    return chunks
  }

  /** Continues in a new slab of `bytes` bytes, and moves the bytes that were not taken yet. */
  #moveTo(bytes: number): void {
    const slab = Buffer.allocUnsafeSlow(bytes)
    const unsent = this.buffer.copy(slab, 0, this.#taken, this.position)
    this.buffer = slab
    this.#frameStart -= this.#taken
    this.#taken = 0
    this.position = unsent
  }

  #cut(): void {
    if (this.position === this.#taken) return
    const part = this.buffer.subarray(this.#taken, this.position)
    this.#chunks.push(part)
    this.#chunkBytes += part.length
    this.#taken = this.position
  }
}
