/**
 * The bytes waiting to be sent, in order. Small things are copied into one slab; large bodies are kept by reference.
 * A slab is never written twice: whoever took the chunks may keep them until the socket has sent them.
 */

import { OctetWriter } from '../hpack/octet-writer.js'

/** Big enough for about 500 small requests; smaller than V8's limit for moving buffers around cheaply. */
const SLAB_BYTES = 65_536
/** Below this a body is cheaper to copy than to send as a chunk of its own. */
const COPY_LIMIT_BYTES = 4_096

/** Where the sending half writes frames, and the connection takes chunks for its socket. */
export class Output extends OctetWriter {
  /** Where the frame that is being written starts, see {@link openFrame}. */
  #frameStart = 0
  #taken = 0
  #chunks: Uint8Array[] = []
  #chunkBytes = 0

  constructor() {
    super(SLAB_BYTES)
  }

  /** Octets written and not yet taken. */
  get pendingBytes(): number {
    return this.#chunkBytes + this.position - this.#taken
  }

  /** Makes room for `extra` octets in one piece. The slab is replaced, never enlarged in place: its start may be in flight. */
  override ensure(extra: number): void {
    if (this.position + extra <= this.buffer.length) return
    const unsent = this.position - this.#taken
    const slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, (unsent + extra) * 2))
    this.buffer.copy(slab, 0, this.#taken, this.position)
    this.buffer = slab
    this.#frameStart -= this.#taken
    this.#taken = 0
    this.position = unsent
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

  /** Appends body octets: copied when small, else kept by reference until they are sent. */
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

  #cut(): void {
    if (this.position === this.#taken) return
    const part = this.buffer.subarray(this.#taken, this.position)
    this.#chunks.push(part)
    this.#chunkBytes += part.length
    this.#taken = this.position
  }
}
