/**
 * Small parts of content that wait for a reader. Each is an object, and a view of what came from the socket, which it keeps alive: a
 * peer that sends one octet and 255 of padding a frame, or a TLS record for every octet, would make us hold hundreds of octets for each
 * that its window allows. So they are copied together.
 */

/** A part that is less than this share of its memory is copied: unread content costs at most so many times its size. */
const SHARE = 8
/** Shorter parts are copied whatever their memory: an object costs about as much. In octets. */
const SMALL_BYTES = 1_024
const FIRST_BLOCK_BYTES = 1_024
const LARGEST_BLOCK_BYTES = 16_384

/** Whether `part` costs much more than its octets. */
export function isCostly(part: Uint8Array): boolean {
  return part.length < SMALL_BYTES || part.length * SHARE < part.buffer.byteLength
}

/** Gathers the small parts of one body in blocks of its own. */
export class Gatherer {
  #block: Buffer = NO_BLOCK
  #used = 0
  #size = FIRST_BLOCK_BYTES

  /** Adds a copy of `part` behind `parts`, as one with the last of them where that was gathered too. */
  append(parts: Uint8Array[], part: Uint8Array): void {
    const fits = part.length <= this.#block.length - this.#used
    if (!fits) this.#open(part.length)
    const start = this.#used
    this.#block.set(part, start)
    this.#used += part.length
    const last = parts.at(-1)
    const continues = fits && last !== undefined && last.buffer === this.#block.buffer
    if (continues) parts[parts.length - 1] = this.#block.subarray(last.byteOffset, this.#used)
    else parts.push(this.#block.subarray(start, this.#used))
  }

  #open(bytes: number): void {
    this.#block = Buffer.allocUnsafeSlow(Math.max(this.#size, bytes))
    this.#used = 0
    this.#size = Math.min(this.#size * 2, LARGEST_BLOCK_BYTES)
  }
}

const NO_BLOCK = Buffer.allocUnsafeSlow(0)
