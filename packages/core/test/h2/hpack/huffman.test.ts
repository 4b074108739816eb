/** The Huffman code, and strings encoded with it. */

import fc from 'fast-check'
import { ByteWriter } from '../../../src/h2/hpack/byte-writer.js'
import { HpackError } from '../../../src/h2/hpack/hpack-error.js'
import { huffmanDecode, huffmanDecodedLength, huffmanEncode, huffmanLength } from '../../../src/h2/hpack/huffman.js'
import { EOS, HUFFMAN_CODES, HUFFMAN_LENGTHS } from '../../../src/h2/hpack/huffman-code.js'
import { bytes, written, writtenHex } from './blocks.js'

function encode(text: string): ByteWriter {
  const writer = new ByteWriter(1)
  huffmanEncode(text, writer)
  return writer
}

function decodeHex(hex: string): string {
  return huffmanDecode(bytes(hex), 0, hex.length / 2)
}

const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 300 })

describe('Huffman code (RFC 7541 Appendix B)', () => {
  it('is complete: every sequence of bits is the start of a symbol', () => {
    expect(HUFFMAN_LENGTHS.length).toBe(EOS + 1)
    expect(HUFFMAN_LENGTHS.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1)
  })

  it.each([
    ['0', 0x0, 5],
    ['t', 0x9, 5],
    [' ', 0x14, 6],
    ['u', 0x2d, 6],
    [':', 0x5c, 7],
    ['&', 0xf8, 8],
    ['!', 0x3f8, 10],
    ['#', 0xffa, 12],
    ['$', 0x1ff9, 13],
    ['{', 0x7ffe, 15],
    ['\\', 0x7fff0, 19],
    ['\n', 0x3ffffffc, 30],
    ['\x00', 0x1ff8, 13],
    ['\xff', 0x3ffffee, 26],
  ])('has the code of the appendix for %j', (character, code, length) => {
    const symbol = character.charCodeAt(0)
    expect([HUFFMAN_CODES[symbol], HUFFMAN_LENGTHS[symbol]]).toEqual([code, length])
  })

  it('has an EOS of 30 one bits', () => {
    expect([HUFFMAN_CODES[EOS], HUFFMAN_LENGTHS[EOS]]).toEqual([0x3fffffff, 30])
  })
})

describe('Huffman-coded strings (RFC 7541 §5.2)', () => {
  it('any Latin-1 text decodes to itself, and has the bytes that huffmanLength returns', () => {
    fc.assert(
      fc.property(latin1, (text) => {
        const writer = encode(text)
        expect(writer.position).toBe(huffmanLength(text))
        expect(huffmanDecode(written(writer), 0, writer.position)).toBe(text)
        expect(huffmanDecodedLength(written(writer), 0, writer.position)).toBe(text.length)
      }),
      { numRuns: 500 },
    )
  })

  it('every pair of symbols decodes to itself', () => {
    for (let first = 0; first < 256; first++) {
      let text = ''
      for (let second = 0; second < 256; second++) text += String.fromCharCode(first, second)
      const writer = encode(text)
      expect(huffmanDecode(written(writer), 0, writer.position)).toBe(text)
    }
  })

  it('a string longer than the scratch buffer is decoded', () => {
    const text = '0123456789'.repeat(10_000)
    const writer = encode(text)
    expect(huffmanDecode(written(writer), 0, writer.position)).toBe(text)
  })

  it('the empty string has no bytes', () => {
    expect(writtenHex(encode(''))).toBe('')
    expect(decodeHex('')).toBe('')
  })

  it('no byte outside the given range is read', () => {
    expect(huffmanDecode(bytes('0007ff'), 1, 2)).toBe('0')
  })

  it.each([
    ['8 bits after a complete code', '1fff'],
    ['one byte of only padding', 'ff'],
    ['three bytes of only padding', 'ffffff'],
  ])('"A padding strictly longer than 7 bits MUST be treated as a decoding error": %s', (_title, hex) => {
    expect(() => decodeHex(hex)).toThrow(new HpackError('Huffman-coded string ends in wrong padding'))
    expect(() => huffmanDecodedLength(bytes(hex), 0, hex.length / 2)).toThrow(HpackError)
  })

  it('padding of up to 7 bits is accepted', () => {
    // 6 + n * 5 bits leave every remainder.
    for (let count = 0; count < 8; count++) {
      const text = ` ${'0'.repeat(count)}`
      const writer = encode(text)
      expect(huffmanDecode(written(writer), 0, writer.position)).toBe(text)
    }
    expect(decodeHex('07')).toBe('0')
  })

  it.each(['00', '06', '18'])(
    '"A padding not corresponding to the most significant bits of the code for the EOS symbol MUST be treated as a decoding error": %s',
    (hex) => {
      expect(() => decodeHex(hex)).toThrow(new HpackError('Huffman-coded string ends in wrong padding'))
    },
  )

  it.each(['ffffffff', 'fffffffc', '1fffffffff', 'ffffffff07', 'ffffffff00000000'])(
    '"A Huffman-encoded string literal containing the EOS symbol MUST be treated as a decoding error": %s',
    (hex) => {
      expect(() => decodeHex(hex)).toThrow(new HpackError('Huffman-coded string contains EOS'))
    },
  )
})
