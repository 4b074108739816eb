/**
 * The bytes waiting to be sent, in order. Small things are copied into one slab; large bodies are kept by reference.
 * A slab is never written twice: whoever took the chunks may keep them until the socket has sent them.
 */

import { ByteWriter } from '../hpack/byte-writer.js'

/** The first slab of a busy period: about 15 small requests, and what a connection keeps that sends nothing. */
const LEAST_SLAB_BYTES = 2_048
/** Slabs double up to here while a busy period lasts: about 500 small requests. */
const MOST_SLAB_BYTES = 65_536
/** Below this a body is cheaper to copy than to send as a chunk of its own. */
const COPY_LIMIT_BYTES = 4_096

/** Where the sending half writes frames, and the connection takes chunks for its socket. */
export class Output extends ByteWriter {
  /** Where the frame that is being written starts, see {@link openFrame}. */
  #frameStart = 0
  #taken = 0
  /** How large the next slab is. */
  #slabBytes = LEAST_SLAB_BYTES
  #chunks: Uint8Array[] = []
  #chunkBytes = 0

  constructor() {
    super(LEAST_SLAB_BYTES)
  }

  /** Bytes written and not yet taken. */
  get pendingBytes(): number {
    return this.#chunkBytes + this.position - this.#taken
  }

  /** Makes room for `extra` bytes in one piece. The slab is replaced, never enlarged in place: its start may be in flight. */
  override ensure(extra: number): void {
    if (this.position + extra <= this.buffer.length) return
    this.#moveTo(Math.max(this.#slabBytes, (this.position - this.#taken + extra) * 2))
    this.#slabBytes = Math.min(this.#slabBytes * 2, MOST_SLAB_BYTES)
  }

  /** A busy period is over, and everything taken: a large slab is given back. */
  rest(): void {
    this.#slabBytes = LEAST_SLAB_BYTES
    if (this.buffer.length > LEAST_SLAB_BYTES) this.#moveTo(LEAST_SLAB_BYTES)
  }

  /** Starts a frame whose length is not known yet: leaves `headerBytes` free in front of it. */
  openFrame(headerBytes: number): void {
    this.ensure(headerBytes)
    this.#frameStart = this.position
    this.position += headerBytes
  }

  /** Where the frame opened last starts; writing since may have moved it. */
  get frameStart(): number {
    return this.#frameStart
  }

  /** Appends body bytes: copied when small, else kept by reference until they are sent. */
  appendBody(bytes: Uint8Array): void {
    if (bytes.length <= COPY_LIMIT_BYTES) {
      this.writeBytes(bytes)
      return
    }
    this.#cut()
    this.#chunks.push(bytes)
    this.#chunkBytes += bytes.length
  }

  /** Takes everything written so far; the caller sends the chunks in order. Empty when there is nothing. */
  take(): Uint8Array[] {
    this.#cut()
    const chunks = this.#chunks
    if (chunks.length > 0) this.#chunks = []
    this.#chunkBytes = 0
    return chunks
  }

  /** Goes on in a new slab of so many bytes, with what was not taken out of the old one. */
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
