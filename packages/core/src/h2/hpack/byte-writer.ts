/**
 * A growing buffer that encoders append to, and conversion of Latin-1 text in both directions.
 * Must not know what the bytes mean. Hot code may write to `buffer` at `position` after `ensure`.
 */

const DEFAULT_CAPACITY = 1024
/** Maximum length for which a JavaScript loop beats a native call (measured on Node 20). */
const SHORT_TEXT = 24

export class ByteWriter {
  /**
   * Bytes [0, position) are written. Do not keep a reference across calls: growing replaces the
   * buffer.
   */
  buffer: Buffer
  position: number

  /** @param capacity initial size in bytes, default 1024 */
  constructor(capacity: number = DEFAULT_CAPACITY) {
    // `Slow` allocates outside Node's shared pool, so that a long-lived writer does not pin a pool
    // slab.
    this.buffer = Buffer.allocUnsafeSlow(capacity)
    this.position = 0
  }

  /** Makes room for `extra` more bytes after `position`. */
  ensure(extra: number): void {
    const needed = this.position + extra
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.position)
    this.buffer = larger
  }

  writeByte(byte: number): void {
    if (this.position === this.buffer.length) this.ensure(1)
    this.buffer[this.position++] = byte
  }

  /** Writes one byte for each character; characters over 0xFF lose their high bits. */
  writeLatin1(text: string): void {
    const length = text.length
    this.ensure(length)
    if (length > SHORT_TEXT) {
      this.position += this.buffer.write(text, this.position, length, 'latin1')
      return
    }
    const buffer = this.buffer
    const at = this.position
    for (let i = 0; i < length; i++) buffer[at + i] = text.charCodeAt(i)
    this.position = at + length
  }

  writeBytes(bytes: Uint8Array): void {
    this.ensure(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }
}

/**
 * The method behind `toString('latin1')`, without parsing the encoding name; @types/node does not
 * list it.
 */
interface Latin1Source {
  latin1Slice(start: number, end: number): string
}

/**
 * Returns the bytes [start, end) as text, one character each. A copy, so it does not keep `bytes`
 * alive.
 */
export function latin1Slice(bytes: Buffer, start: number, end: number): string {
  return (bytes as unknown as Latin1Source).latin1Slice(start, end)
}
