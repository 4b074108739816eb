/** Helpers of the HPACK tests: bytes, field blocks and dynamic tables. */

import { ByteWriter } from '../../../src/h2/hpack/byte-writer.js'
import type { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { HpackEncoder } from '../../../src/h2/hpack/encoder.js'

export function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

export function written(writer: ByteWriter): Buffer {
  return writer.buffer.subarray(0, writer.position)
}

export function writtenHex(writer: ByteWriter): string {
  return written(writer).toString('hex')
}

/**
 * Reads the dynamic table of the decoder, newest entry first, and expects exactly `entries` of
 * them.
 */
export function dynamicTable(decoder: HpackDecoder, entries: number): readonly string[] {
  expect(() => decoder.decode(Buffer.of(0xbe + entries))).toThrow('index is beyond the tables')
  return decoder.decode(Buffer.from(Array.from({ length: entries }, (_, i) => 0xbe + i))).fields
}

/** Encodes name, value, name, value … as one block. */
export function encodeBlock(encoder: HpackEncoder, fields: readonly string[], sensitive = false): Buffer {
  const writer = new ByteWriter(16)
  encoder.beginBlock(writer)
  for (let i = 0; i < fields.length; i += 2) encoder.encodeField(writer, fields[i]!, fields[i + 1]!, sensitive)
  return written(writer)
}

export function encodeHex(encoder: HpackEncoder, fields: readonly string[], sensitive = false): string {
  return encodeBlock(encoder, fields, sensitive).toString('hex')
}

export function newEncoder(maxTableBytes?: number): HpackEncoder {
  return new HpackEncoder(maxTableBytes === undefined ? {} : { maxTableBytes })
}
