/** Length-prefixed messages (doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). */

/** A flag and a length of four bytes precede each message. */
const PREFIX_BYTES = 5

/** Returns a message with its prefix, in one piece. */
export function frameOf(message: Uint8Array, isCompressed: boolean): Uint8Array {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length)
  frame[0] = isCompressed ? 1 : 0
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, PREFIX_BYTES)
  return frame
}

/** Returns the bytes as a Buffer, which functions of `@grpc/grpc-js` expect. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A message without its prefix. */
export interface Frame {
  readonly isCompressed: boolean
  readonly bytes: Uint8Array
}

/** A message that is not acceptable. */
export class FrameError extends Error {
  readonly isTooLarge: boolean
  constructor(message: string, isTooLarge: boolean) {
    super(message)
    this.isTooLarge = isTooLarge
  }
}

/** Splits content into messages. Copies only messages that arrive in several parts. */
export class FrameReader {
  readonly #mostBytes: number
  #parts: Uint8Array[] = []
  #buffered = 0
  /** Length of the next message with its prefix; `undefined` before the prefix is complete. */
  #needed: number | undefined

  /** @param mostBytes maximum length of a message, as it is received. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Whether a message has begun and is not complete. */
  get isInside(): boolean {
    return this.#buffered > 0
  }

  /** Adds a part. Its memory must stay as it is. */
  add(part: Uint8Array): void {
    if (part.length === 0) return
    this.#parts.push(part)
    this.#buffered += part.length
  }

  /**
   * Returns the next message, if it is complete.
   * @throws FrameError if it is too large, or its flag is not 0 or 1.
   */
  next(): Frame | undefined {
    if (this.#needed === undefined) {
      if (this.#buffered < PREFIX_BYTES) return undefined
      this.#needed = this.#lengthOfNext()
    }
    if (this.#buffered < this.#needed) return undefined
    const frame = this.#take(this.#needed)
    this.#needed = undefined
    return { isCompressed: frame[0] === 1, bytes: frame.subarray(PREFIX_BYTES) }
  }

  #lengthOfNext(): number {
    const first = this.#parts[0]!
    const prefix = first.length >= PREFIX_BYTES ? first : this.#join()
    if (prefix[0]! > 1) throw new FrameError(`the flag of a message is ${prefix[0]}, not 0 or 1`, false)
    const length = ((prefix[1]! << 24) | (prefix[2]! << 16) | (prefix[3]! << 8) | prefix[4]!) >>> 0
    if (length > this.#mostBytes)
      throw new FrameError(`a message of ${length} bytes is larger than the maximum of ${this.#mostBytes} bytes`, true)
    return PREFIX_BYTES + length
  }

  #take(length: number): Uint8Array {
    const first = this.#parts[0]!
    this.#buffered -= length
    if (first.length === length) return this.#parts.shift()!
    const whole = first.length > length ? first : this.#join()
    if (whole.length === length) this.#parts = []
    else this.#parts[0] = whole.subarray(length)
    return whole.subarray(0, length)
  }

  /** Joins all parts, once for each message: `next()` does so only when enough bytes have arrived. */
  #join(): Uint8Array {
    const whole = Buffer.concat(this.#parts)
    this.#parts = [whole]
    return whole
  }
}
