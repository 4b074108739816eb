/**
 * Joins small unread parts of content. Otherwise a peer that sends one byte per frame would cause
 * an object of about 100 bytes for each byte that its window allows.
 */

const FIRST_BLOCK_BYTES = 1_024
const LARGEST_BLOCK_BYTES = 16_384

/** Collects the small parts of one body in blocks; each block becomes one part. */
export class SmallParts {
  #block: Buffer = NO_BLOCK
  #used = 0
  #size = FIRST_BLOCK_BYTES

  /**
   * Appends a copy of `bytes` from `start` to `end` to `parts`, or to the last part if that is a
   * block with room.
   */
  append(parts: Uint8Array[], bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    const last = parts.at(-1)
    const continues = last !== undefined && last.buffer === this.#block.buffer
    if (continues && length <= this.#block.length - this.#used) {
      this.#block.set(bytes.subarray(start, end), this.#used)
      this.#used += length
      parts[parts.length - 1] = this.#block.subarray(0, this.#used)
      return
    }
    // The last part was read, is large, or is full. After a full block, allocate a larger one.
    this.#size = continues ? Math.min(this.#size * 2, LARGEST_BLOCK_BYTES) : FIRST_BLOCK_BYTES
    this.#block = Buffer.allocUnsafeSlow(Math.max(this.#size, length))
    this.#block.set(bytes.subarray(start, end))
    this.#used = length
    parts.push(this.#block.subarray(0, length))
  }
}

const NO_BLOCK = Buffer.allocUnsafeSlow(0)
