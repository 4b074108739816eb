/**
 * Small parts of content that wait for a reader, put together. A peer that sends one byte a frame would make us hold an object, some
 * hundred bytes, for each byte that its window allows.
 */

const FIRST_BLOCK_BYTES = 1_024
const LARGEST_BLOCK_BYTES = 16_384

/** Gathers the small parts of one body in blocks of its own, each of which is one part in the end. */
export class SmallParts {
  #block: Buffer = NO_BLOCK
  #used = 0
  #size = FIRST_BLOCK_BYTES

  /** Adds a copy of `bytes` from `start` to `end` behind `parts`: as one with the last of them where that was gathered too, and has room. */
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
    // The last one was read, or large, or is full. A block that follows a full one is larger: more of the kind is on its way.
    this.#size = continues ? Math.min(this.#size * 2, LARGEST_BLOCK_BYTES) : FIRST_BLOCK_BYTES
    this.#block = Buffer.allocUnsafeSlow(Math.max(this.#size, length))
    this.#block.set(bytes.subarray(start, end))
    this.#used = length
    parts.push(this.#block.subarray(0, length))
  }
}

const NO_BLOCK = Buffer.allocUnsafeSlow(0)
