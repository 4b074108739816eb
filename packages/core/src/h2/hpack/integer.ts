/**
 * Integers with an N-bit prefix (RFC 7541 §5.1): written after the flag bits of a representation, read at a cursor.
 */

import type { ByteWriter } from './byte-writer.js'
import { HpackError } from './hpack-error.js'

/**
 * Read position in a block. One object is reused for a whole block, so that reading allocates
 * nothing.
 */
export interface Cursor {
  position: number
}

/** Largest accepted integer: far above every valid count, size or index. */
export const MAX_INTEGER: number = 0x7fffffff
/**
 * Maximum continuation bytes. Five carry 35 bits, enough for MAX_INTEGER; limits runs of
 * zero-valued bytes.
 */
const MAX_CONTINUATION = 5

/** Writes `value` (0 to MAX_INTEGER) below `flags`, the bits of the first byte above the prefix. */
export function encodeInteger(writer: ByteWriter, flags: number, prefixBits: number, value: number): void {
  writer.ensure(MAX_CONTINUATION + 1)
  const buffer = writer.buffer
  const prefixMax = (1 << prefixBits) - 1
  if (value < prefixMax) {
    buffer[writer.position++] = flags | value
    return
  }
  buffer[writer.position++] = flags | prefixMax
  let rest = value - prefixMax
  while (rest >= 0x80) {
    buffer[writer.position++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[writer.position++] = rest
}

/**
 * Reads the integer at the cursor and moves the cursor past it.
 * @throws HpackError if it is truncated, has over five continuation bytes, or exceeds MAX_INTEGER
 */
export function decodeInteger(bytes: Uint8Array, cursor: Cursor, end: number, prefixBits: number): number {
  let position = cursor.position
  if (position >= end) throw new HpackError('block ends where an integer must begin')
  const prefixMax = (1 << prefixBits) - 1
  let value = bytes[position++]! & prefixMax
  if (value === prefixMax) {
    // RFC 7541 §5.1: an integer over our limits, in value or length, is a decoding error.
    const last = position + MAX_CONTINUATION
    // Multiply instead of shifting: the fifth byte exceeds 32 bits.
    for (let scale = 1; ; scale *= 0x80) {
      if (position === last) throw new HpackError('integer is encoded in too many bytes')
      if (position >= end) throw new HpackError('block ends inside an integer')
      const byte = bytes[position++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
    }
    if (value > MAX_INTEGER) throw new HpackError('integer is too large')
  }
  cursor.position = position
  return value
}
