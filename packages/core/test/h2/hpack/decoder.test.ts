/** Decoding of field blocks, its limits, and the memo of decoded blocks. */

import { HpackDecoder, hashBlock } from '../../../src/h2/hpack/decoder.js'
import { HpackError } from '../../../src/h2/hpack/hpack-error.js'
import { bytes, dynamicTable, encodeBlock, newEncoder } from './blocks.js'

function decodeHex(decoder: HpackDecoder, hex: string) {
  return decoder.decode(bytes(hex))
}

/** Literal with incremental indexing, name and value raw and shorter than 127 bytes. */
function inserted(name: string, value: string): string {
  return literal(0x40, name, value)
}

function literal(first: number, name: string, value: string): string {
  const bytes = [first, name.length, ...Buffer.from(name, 'latin1'), value.length, ...Buffer.from(value, 'latin1')]
  return Buffer.from(bytes).toString('hex')
}

describe('decoding errors', () => {
  it.each([
    ['80', 'index 0', '"The index value of 0 [...] MUST be treated as a decoding error", §6.1'],
    [
      'be',
      'index is beyond the tables',
      '"Indices strictly greater than the sum of the lengths of both tables MUST be treated as a decoding error", §2.3.3',
    ],
    ['ff00', 'index is beyond the tables', 'an index of two bytes beyond the tables'],
    ['7e0161', 'index is beyond the tables', 'the name of an inserted literal beyond the tables'],
    ['0f2f0161', 'index is beyond the tables', 'the name of a literal beyond the tables'],
    ['ff', 'block ends inside an integer', 'the index is truncated'],
    ['40', 'block ends where an integer must begin', 'the name is missing'],
    ['400161', 'block ends where an integer must begin', 'the value is missing'],
    ['04', 'block ends where an integer must begin', 'the value is missing after an indexed name'],
    ['400a61', 'string is longer than the block', 'the name is truncated'],
    ['0001610262', 'string is longer than the block', 'the value is truncated'],
    ['007fffff', 'block ends inside an integer', 'the length is truncated'],
    ['007f80ffffff07', 'string is longer than the block', 'a length of 2^31-1 allocates nothing'],
    ['00016184ffffffff', 'Huffman-coded string contains EOS', 'RFC 7541 §5.2'],
    ['000161821fff', 'Huffman-coded string ends in wrong padding', 'RFC 7541 §5.2'],
    [
      '3fe21f',
      'table size update is over the limit',
      '"A value that exceeds this limit MUST be treated as a decoding error", §6.3',
    ],
    [
      '8220',
      'table size update is not at the beginning of the block',
      '"MUST occur at the beginning of the first header block", §4.2',
    ],
    ['20202082', 'more than two table size updates', '"resulting in at most two dynamic table size updates", §4.2'],
  ])('the block %s throws "%s": %s', (hex, reason) => {
    expect(() => decodeHex(new HpackDecoder(), hex)).toThrow(new HpackError(reason))
  })

  it('HpackError has the reason in its message', () => {
    const error = new HpackError('index 0')
    expect([error.name, error.reason, error.message]).toEqual(['HpackError', 'index 0', 'HPACK: index 0'])
    expect(error instanceof Error).toBe(true)
  })

  it('no byte after the given end is read', () => {
    const block = bytes(`82${inserted('a', '1')}`)
    for (let end = 2; end < block.length; end++) {
      expect(() => new HpackDecoder().decode(block, 0, end)).toThrow(HpackError)
    }
    expect(new HpackDecoder().decode(block, 1, block.length).fields).toEqual(['a', '1'])
  })
})

describe('field sections', () => {
  it('an empty block decodes to no fields', () => {
    expect(decodeHex(new HpackDecoder(), '')).toEqual({ fields: [], bytes: 0, tooLarge: false, parsed: undefined })
  })

  it('a field counts as its name, its value and 32 bytes (RFC 9113 §6.5.2)', () => {
    expect(decodeHex(new HpackDecoder(), `8288${inserted('ab', 'cde')}${literal(0, 'x', '')}`).bytes).toBe(42 + 42 + 37 + 33)
  })

  it('empty, upper-case and control characters in names and values are unchanged', () => {
    const block = `${inserted('', '')}${inserted('A', '\r')}${literal(0x10, 'b:c', ' \x00\xff ')}`
    expect(decodeHex(new HpackDecoder(), block).fields).toEqual(['', '', 'A', '\r', 'b:c', ' \x00\xff '])
  })

  it('an insertion may take its name from the entry that it evicts (RFC 7541 §4.4)', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 40 })
    expect(decodeHex(decoder, `${inserted('name', '1')}7e0132be`).fields).toEqual(['name', '1', 'name', '2', 'name', '2'])
    expect(dynamicTable(decoder, 1)).toEqual(['name', '2'])
  })

  it('"An attempt to add an entry larger than the maximum size [...] is not an error"', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 40 })
    decodeHex(decoder, inserted('name', '1'))
    expect(decodeHex(decoder, inserted('name', '12345')).fields).toEqual(['name', '12345'])
    expect(dynamicTable(decoder, 0)).toEqual([])
  })
})

describe('limits', () => {
  it('fields over maxFields are not collected (abuse: many small fields)', () => {
    const decoder = new HpackDecoder({ maxFields: 2 })
    expect(decodeHex(decoder, '8286').tooLarge).toBe(false)
    expect(decodeHex(decoder, '828687')).toEqual({
      fields: [':method', 'GET', ':scheme', 'http'],
      bytes: 42 + 43 + 44,
      tooLarge: true,
      parsed: undefined,
    })
  })

  it('the default limits are 1000 fields and 65536 bytes', () => {
    const decoder = new HpackDecoder()
    expect(decoder.decode(Buffer.alloc(1000, 0x82)).tooLarge).toBe(false)
    expect(decoder.decode(Buffer.alloc(1001, 0x82)).tooLarge).toBe(true)
    expect(decoder.decode(Buffer.alloc(1001, 0x82)).fields.length).toBe(2000)
    const value = 'x'.repeat(65_536 - 33)
    expect(decoder.decode(encodeBlock(newEncoder(), ['a', value])).tooLarge).toBe(false)
    expect(decoder.decode(encodeBlock(newEncoder(), ['a', `${value}x`])).tooLarge).toBe(true)
  })

  it('a reference to a large entry counts with the full size of the entry (abuse: HPACK bomb)', () => {
    const decoder = new HpackDecoder()
    decoder.decode(encodeBlock(newEncoder(), ['a', 'x'.repeat(3000)]))
    const section = decoder.decode(Buffer.alloc(10_000, 0xbe))
    expect(section.tooLarge).toBe(true)
    expect(section.fields.length).toBe(2 * 21)
    expect(section.bytes).toBe(10_000 * 3033)
  })

  it('a section that is too large keeps the dynamic table in step', () => {
    const decoder = new HpackDecoder({ maxFieldSectionBytes: 50 })
    const section = decodeHex(decoder, `82${inserted('a', '1')}${literal(0, 'b', '22')}0f2f0133${literal(0x10, 'c', '')}7e0134`)
    expect(section.tooLarge).toBe(true)
    expect(section.fields).toEqual([':method', 'GET'])
    expect(section.bytes).toBe(42 + 34 + 35 + 34 + 33 + 34)
    expect(decoder.tableBytes).toBe(68)
    expect(decoder.decode(Buffer.of(0xbe)).fields).toEqual(['a', '4'])
    expect(decoder.decode(Buffer.of(0xbf)).fields).toEqual(['a', '1'])
  })

  it('strings over the limits are validated and counted', () => {
    const decoder = new HpackDecoder({ maxFields: 0 })
    // 'custom-key' and 'custom-value' of RFC 7541 C.4.3, not inserted.
    const section = decodeHex(decoder, '82008825a849e95ba97d7f8925a849e95bb8e8b4bf048264ff')
    expect(section).toEqual({ fields: [], bytes: 42 + 54 + (5 + 2 + 32), tooLarge: true, parsed: undefined })
    expect(() => decodeHex(decoder, '8204821fff')).toThrow('wrong padding')
  })
})

describe('table size updates (RFC 7541 §4.2, §6.3)', () => {
  it('a block may begin with two updates, which evict entries', () => {
    const decoder = new HpackDecoder()
    decodeHex(decoder, inserted('a', '1'))
    expect(decodeHex(decoder, '203fe11f82').fields).toEqual([':method', 'GET'])
    expect(dynamicTable(decoder, 0)).toEqual([])
    expect(decoder.tableBytes).toBe(0)
  })

  it('a block may consist of one update', () => {
    const decoder = new HpackDecoder()
    expect(decodeHex(decoder, '20').fields).toEqual([])
    decodeHex(decoder, inserted('a', '1'))
    expect(decoder.tableBytes).toBe(0)
  })

  it.each(['82', '', '3f4682', 'be'])(
    '"This dynamic table size update MUST occur at the beginning of the first header block following the change": a limit lowered to 100 refuses "%s"',
    (hex) => {
      const decoder = new HpackDecoder()
      decodeHex(decoder, inserted('a', '1'))
      decoder.setMaxTableBytes(100)
      expect(() => decodeHex(decoder, hex)).toThrow(HpackError)
    },
  )

  it('a lowered limit requires one update', () => {
    const decoder = new HpackDecoder()
    decoder.setMaxTableBytes(100)
    expect(decodeHex(decoder, '3f4582').fields).toEqual([':method', 'GET'])
    expect(decodeHex(decoder, '82').fields).toEqual([':method', 'GET'])
    expect(() => decodeHex(decoder, '3f4682')).toThrow('table size update is over the limit')
  })

  it('a lowered limit requires the update even before a block that was decoded already', () => {
    const decoder = new HpackDecoder()
    decodeHex(decoder, '82')
    decodeHex(decoder, '82')
    decoder.setMaxTableBytes(0)
    expect(() => decodeHex(decoder, '82')).toThrow('table size update is missing')
  })

  it('no update is required if the table is small enough already, or if the limit was raised', () => {
    const decoder = new HpackDecoder()
    decodeHex(decoder, '3f45')
    decoder.setMaxTableBytes(100)
    expect(decodeHex(decoder, '82').fields.length).toBe(2)
    decoder.setMaxTableBytes(8192)
    expect(decodeHex(decoder, '82').fields.length).toBe(2)
    expect(decodeHex(decoder, '3fe13f82').fields.length).toBe(2)
  })

  it.each([
    ['3f4582', false],
    ['3f4482', true],
    ['3f443fe11f82', true],
    ['3fe11f3f4482', true],
    ['3fe11f82', false],
  ])(
    '"the smallest maximum table size that occurs in that interval MUST be signaled": after 4096, 99, 200 and 4096 the block "%s" is valid: %s',
    (hex, valid) => {
      const decoder = new HpackDecoder()
      for (const size of [99, 200, 4096]) decoder.setMaxTableBytes(size)
      if (valid) expect(decodeHex(decoder, hex).fields).toEqual([':method', 'GET'])
      else expect(() => decodeHex(decoder, hex)).toThrow('table size update is missing')
    },
  )
})

describe('memo of blocks that do not change the table', () => {
  it('the same bytes return the same section', () => {
    const decoder = new HpackDecoder()
    const first = decodeHex(decoder, '8286')
    first.parsed = 'mine'
    expect(decoder.decode(bytes('00828600'), 1, 3)).toBe(first)
    expect(decodeHex(decoder, '8287')).not.toBe(first)
    expect(decodeHex(decoder, '82')).not.toBe(first)
    expect(decodeHex(decoder, '8286').parsed).toBe('mine')
  })

  it('a later change of the input buffer does not change the memo', () => {
    const decoder = new HpackDecoder()
    const block = bytes('8286')
    const first = decoder.decode(block)
    block[1] = 0x87
    expect(decoder.decode(block).fields).toEqual([':method', 'GET', ':scheme', 'https'])
    expect(decodeHex(decoder, '8286')).toBe(first)
  })

  it('blocks with dynamic entries and indexes of two bytes are memoized', () => {
    const decoder = new HpackDecoder()
    for (let i = 0; i < 80; i++) decodeHex(decoder, inserted('a', String(i)))
    const first = decodeHex(decoder, '88beff00ff0d')
    expect(first.fields).toEqual([':status', '200', 'a', '79', 'a', '14', 'a', '1'])
    expect(decodeHex(decoder, '88beff00ff0d')).toBe(first)
  })

  it.each([
    ['an insertion', inserted('a', '2')],
    ['an insertion that does not fit', inserted('a', '2'.repeat(110))],
    ['a size update', '3f21'],
  ])('%s clears the memo', (_title, change) => {
    const decoder = new HpackDecoder({ maxTableBytes: 100 })
    decodeHex(decoder, inserted('a', '1') + inserted('b', '1'))
    const first = decodeHex(decoder, '82be')
    decodeHex(decoder, change)
    expect(decodeHex(decoder, '82')).not.toBe(first)
    let again: unknown
    try {
      again = decodeHex(decoder, '82be')
    } catch (error) {
      again = error
    }
    expect(again).not.toBe(first)
  })

  it('never-indexed literals (RFC 7541 §7.1.3), insertions and long blocks are not memoized', () => {
    const decoder = new HpackDecoder()
    for (const block of [bytes('8210016101ff'), bytes('82400161016282'), Buffer.alloc(129, 0x82)]) {
      expect(decoder.decode(block)).not.toBe(decoder.decode(block))
    }
    expect(decoder.decode(bytes('82040161'))).toBe(decoder.decode(bytes('82040161')))
    expect(decoder.decode(Buffer.alloc(128, 0x82))).toBe(decoder.decode(Buffer.alloc(128, 0x82)))
  })

  it('blocks with the same hash decode to their own fields (abuse: hash collisions)', () => {
    const blocksByHash = new Map<number, Buffer>()
    const pairs: [Buffer, Buffer][] = []
    const isWanted = (a: Buffer, b: Buffer) => pairs.every(([c, d]) => (a.length === b.length) !== (c.length === d.length))
    for (let i = 0; pairs.length < 2 && i < 5_000_000; i++) {
      const length = 6 + (i % 2)
      const block = Buffer.from(
        Array.from({ length }, (_, place) => 0x81 + (((i * 2654435761 + place * 40503 * (i >> 4)) >>> (place * 3)) % 61)),
      )
      const hash = hashBlock(block, 0, length)
      const stored = blocksByHash.get(hash)
      if (stored === undefined) blocksByHash.set(hash, block)
      else if (!stored.equals(block) && isWanted(block, stored)) pairs.push([block, stored])
    }
    expect(pairs.length).toBe(2)
    for (const [a, b] of pairs) {
      const decoder = new HpackDecoder()
      decoder.decode(a)
      expect(decoder.decode(b)).toEqual(new HpackDecoder().decode(b))
      expect(decoder.decode(a)).toEqual(new HpackDecoder().decode(a))
    }
  })

  it('thousands of different blocks decode correctly (abuse: memo overflow)', () => {
    const decoder = new HpackDecoder()
    const blocks: Buffer[] = []
    for (let first = 1; first <= 61; first++)
      for (let second = 1; second <= 61; second++) blocks.push(Buffer.of(0x80 | first, 0x80 | second))
    const decodeByte = (byte: number) => new HpackDecoder().decode(Buffer.of(byte)).fields
    const expected = Array.from({ length: 62 }, (_, i) => (i === 0 ? [] : decodeByte(0x80 | i)))
    for (let round = 0; round < 2; round++) {
      for (const block of blocks) {
        expect(decoder.decode(block).fields).toEqual([...expected[block[0]! & 0x7f]!, ...expected[block[1]! & 0x7f]!])
      }
    }
  })
})
