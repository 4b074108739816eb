/** Encoding and decoding of integers. */

import fc from 'fast-check'
import { ByteWriter } from '../../../src/h2/hpack/byte-writer.js'
import { HpackError } from '../../../src/h2/hpack/hpack-error.js'
import { type Cursor, decodeInteger, encodeInteger, MAX_INTEGER } from '../../../src/h2/hpack/integer.js'
import { bytes, written, writtenHex } from './blocks.js'

function decodeHex(hex: string, prefixBits: number): number {
  return decodeInteger(bytes(hex), { position: 0 }, hex.length / 2, prefixBits)
}

describe('integers (RFC 7541 §5.1)', () => {
  it('any value decodes to itself, with any prefix and any flags', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_INTEGER }), fc.integer({ min: 1, max: 8 }), (value, prefixBits) => {
        const writer = new ByteWriter(1)
        const flags = (0xff << prefixBits) & 0xff
        encodeInteger(writer, flags, prefixBits, value)
        const cursor: Cursor = { position: 0 }
        expect(decodeInteger(written(writer), cursor, writer.position, prefixBits)).toBe(value)
        expect(cursor.position).toBe(writer.position)
        expect(writer.buffer[0]! & flags).toBe(flags)
      }),
    )
  })

  it.each([
    [30, '1e'],
    [31, '1f00'],
    [158, '1f7f'],
    [159, '1f8001'],
  ])('%i is written at the limits of a 5-bit prefix', (value, hex) => {
    const writer = new ByteWriter()
    encodeInteger(writer, 0, 5, value)
    expect(writtenHex(writer)).toBe(hex)
  })

  it('the largest value and zero-valued continuation bytes are read', () => {
    expect(decodeHex('ff80ffffff07', 7)).toBe(MAX_INTEGER)
    expect(decodeHex('ff8080808000', 7)).toBe(127)
  })

  it.each([
    ['integer is too large', 'ff81ffffff07'],
    ['integer is too large', 'ffffffffff7f'],
    ['integer is encoded in too many bytes', 'ff808080808000'],
    ['block ends inside an integer', 'ff'],
    ['block ends inside an integer', 'ffff'],
    ['block ends where an integer must begin', ''],
  ])(
    '"Integer encodings that exceed implementation limits -- in value or octet length -- MUST be treated as decoding errors": %s, %s',
    (reason, hex) => {
      expect(() => decodeHex(hex, 7)).toThrow(new HpackError(reason))
    },
  )
})
