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
  readonly #parts: Uint8Array[] = []
  /** Bytes of the first part that are read. */
  #offset = 0
  /** Bytes of all parts that are not read. */
  #unread = 0
  /** Length of the message whose prefix is read; -1 before that. */
  #length = -1
  #isCompressed = false

  /** @param mostBytes maximum length of a message, as it is received. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Whether a message has begun and is not complete. */
  get isInside(): boolean {
    return this.#unread > 0 || this.#length >= 0
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
    if (this.#length < 0) {
      if (this.#unread < PREFIX_BYTES) return undefined
      this.#readPrefix()
    }
    if (this.#unread < this.#length) return undefined
    const bytes = this.#take(this.#length)
    this.#length = -1
    return { isCompressed: this.#isCompressed, bytes }
  }

  #readPrefix(): void {
    const flag = this.#byte()
    if (flag > 1) throw new FrameError(`the flag of a message is ${flag}, not 0 or 1`, false)
    const length = ((this.#byte() << 24) | (this.#byte() << 16) | (this.#byte() << 8) | this.#byte()) >>> 0
    if (length > this.#mostBytes)
      throw new FrameError(`a message of ${length} bytes is larger than the maximum of ${this.#mostBytes} bytes`, true)
    this.#isCompressed = flag === 1
    this.#length = length
  }

  #byte(): number {
    const byte = this.#parts[0]![this.#offset]!
    this.#skip(1)
    return byte
  }

  /** Returns the next bytes: a view of the first part if they are all in it. */
  #take(length: number): Uint8Array {
    if (length === 0) return Buffer.alloc(0)
    const first = this.#parts[0]!
    if (first.length - this.#offset < length) return this.#joined(length)
    const bytes = first.subarray(this.#offset, this.#offset + length)
    this.#skip(length)
    return bytes
  }

  #joined(length: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; ) {
      const part = this.#parts[0]!
      const end = Math.min(part.length, this.#offset + length - at)
      bytes.set(part.subarray(this.#offset, end), at)
      at += end - this.#offset
      this.#skip(end - this.#offset)
    }
    return bytes
  }

  /** Skips bytes of the first part. */
  #skip(count: number): void {
    this.#unread -= count
    this.#offset += count
    if (this.#offset < this.#parts[0]!.length) return
    this.#parts.shift()
    this.#offset = 0
  }
}
