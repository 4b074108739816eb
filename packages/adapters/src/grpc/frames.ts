/** Length-prefixed messages (doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). */

/** A flag and a length of four bytes precede each message. */
export const PREFIX_BYTES = 5

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
  /** Bytes of the first part that are read. */
  #offset = 0
  /** Bytes of all parts that are not read. */
  #unread = 0
  /** Length of the next message with its prefix; 0 before the prefix is complete. */
  #needed = 0

  /** @param mostBytes maximum length of a message, as it is received. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Whether a message has begun and is not complete. */
  get isInside(): boolean {
    return this.#unread > 0
  }

  /** Adds a part. Its memory must stay as it is. */
  add(part: Uint8Array): void {
    if (part.length === 0) return
    this.#parts.push(part)
    this.#unread += part.length
  }

  /**
   * Returns the next message, if it is complete.
   * @throws FrameError if it is too large, or its flag is not 0 or 1.
   */
  next(): Frame | undefined {
    if (this.#needed === 0) {
      if (this.#unread < PREFIX_BYTES) return undefined
      this.#needed = this.#lengthOfNext()
    }
    const needed = this.#needed
    if (this.#unread < needed) return undefined
    const part = this.#atLeast(needed)
    const start = this.#offset
    const bytes = Buffer.from(part.buffer, part.byteOffset + start + PREFIX_BYTES, needed - PREFIX_BYTES)
    this.#needed = 0
    this.#unread -= needed
    this.#offset += needed
    if (this.#offset === part.length) {
      this.#parts.shift()
      this.#offset = 0
    }
    return { isCompressed: part[start] === 1, bytes }
  }

  #lengthOfNext(): number {
    const part = this.#atLeast(PREFIX_BYTES)
    const at = this.#offset
    const flag = part[at]!
    if (flag > 1) throw new FrameError(`the flag of a message is ${flag}, not 0 or 1`, false)
    const length = ((part[at + 1]! << 24) | (part[at + 2]! << 16) | (part[at + 3]! << 8) | part[at + 4]!) >>> 0
    if (length > this.#mostBytes)
      throw new FrameError(`a message of ${length} bytes is larger than the maximum of ${this.#mostBytes} bytes`, true)
    return PREFIX_BYTES + length
  }

  /** The first part, joined with the others if fewer bytes of it are unread. */
  #atLeast(bytes: number): Uint8Array {
    const first = this.#parts[0]!
    if (first.length - this.#offset >= bytes) return first
    this.#parts[0] = first.subarray(this.#offset)
    const whole = Buffer.concat(this.#parts)
    this.#parts = [whole]
    this.#offset = 0
    return whole
  }
}
