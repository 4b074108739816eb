/** Requirements of RFC 7541 that no other test of this folder shows by itself. docs/contributing/conformance.md lists all of them, with their tests. */

import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { bytes, dynamicTable, encodeBlock, encodeHex, newEncoder } from './blocks.js'

/** Every representation once or more, names and values mixed, some of them repeated. */
const fields: readonly string[] = [
  ...[':method', 'GET', 'x-b', '1', 'x-a', '2', 'cookie', 'a=b', 'x-b', '1', 'x-a', '1'],
  ...['accept', '*/*', 'authorization', 'secret', 'x-b', '2', ':path', '/z', 'x-a', '2', 'x-b', '1'],
]

describe('RFC 7541 §2.1 header list ordering', () => {
  it('§2.1 "An encoder MUST order header field representations in the header block according to their ordering in the original header list"', () => {
    const encoder = newEncoder()
    const alone = newEncoder()
    for (let i = 0; i < 3; i++) {
      const parts: Buffer[] = []
      for (let at = 0; at < fields.length; at += 2) parts.push(Buffer.from(encodeBlock(alone, fields.slice(at, at + 2))))
      expect(encodeBlock(encoder, fields)).toEqual(Buffer.concat(parts))
    }
  })

  it('§2.1 "A decoder MUST order header fields in the decoded header list according to their ordering in the header block"', () => {
    // Indexed from both tables, inserted, not indexed and never indexed, in an order that no sorting gives.
    const block = bytes('40017a0131 82 0001790132 40017a0133 be bf 1001780134 84'.replaceAll(' ', ''))
    const wanted = 'z 1 :method GET y 2 z 3 z 3 z 1 x 4 :path /'.split(' ')
    expect(new HpackDecoder().decode(block).fields).toEqual(wanted)
  })
})

describe('RFC 7541 §2.3 tables', () => {
  it('§2.3.2 "duplicate entries MUST NOT be treated as an error by a decoder": both are there, each in its place', () => {
    const decoder = new HpackDecoder()
    expect(decoder.decode(bytes('400161013140016101314001620132')).fields).toEqual(['a', '1', 'a', '1', 'b', '2'])
    expect(dynamicTable(decoder, 3)).toEqual(['b', '2', 'a', '1', 'a', '1'])
  })
})

describe('RFC 7541 §3.2 "To ensure that the decoding will successfully produce a header list, a decoder MUST obey the following rules"', () => {
  it.each<[string, string, string[], string[]]>([
    ['an indexed representation of the static table: emitted', '82', [':method', 'GET'], []],
    ['an indexed representation of the dynamic table: emitted', '4001610131be', ['a', '1', 'a', '1'], ['a', '1']],
    ['a literal that is not added: emitted, "no effect on the dynamic table"', '0001610131', ['a', '1'], []],
    ['a literal never indexed: the same', '1001610131', ['a', '1'], []],
    [
      'a literal that is added: emitted, "inserted at the beginning of the dynamic table"',
      '40016101314001620132',
      ['a', '1', 'b', '2'],
      ['b', '2', 'a', '1'],
    ],
    ['its name by index', '44012f', [':path', '/'], [':path', '/']],
  ])('%s', (_title, hex, emitted, table) => {
    const decoder = new HpackDecoder()
    expect(decoder.decode(bytes(hex)).fields).toEqual(emitted)
    expect(dynamicTable(decoder, table.length / 2)).toEqual(table)
  })
})

describe('RFC 7541 §4.2, §6.3 the size of the table', () => {
  it('§4.2 "the chosen size MUST stay lower than or equal to the maximum set by the protocol", whatever that is and our own cap', () => {
    for (const cap of [0, 100, 4_096, 65_536]) {
      for (const limit of [0, 99, 4_095, 4_096, 4_097, 65_537, 0xffff_ffff]) {
        const encoder = newEncoder(cap)
        encodeBlock(encoder, [])
        encoder.setMaxTableBytes(limit)
        const decoder = new HpackDecoder({ maxTableBytes: limit })
        // A decoder of that limit takes the update, which it would not if it were over it.
        for (let i = 0; i < 20; i++) {
          const block = encodeBlock(encoder, ['x-name', `${i}`.repeat(200)])
          expect(decoder.decode(block).fields[0]).toBe('x-name')
        }
        expect(encoder.tableBytes).toBeLessThanOrEqual(Math.min(limit, cap))
      }
    }
  })

  it('§4.2 "This dynamic table size update MUST occur at the beginning of the first header block following the change", and in no other', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-a', '1'])
    for (const size of [2_000, 3_000]) {
      encoder.setMaxTableBytes(size)
      const first = encodeBlock(encoder, [':method', 'GET', ':path', '/'])
      expect(first[0]! & 0xe0).toBe(0x20)
      expect(first.subarray(-2)).toEqual(bytes('8284'))
      expect(encodeHex(encoder, [':method', 'GET'])).toBe('82')
    }
  })

  it('§6.3 "The new maximum size MUST be lower than or equal to the limit determined by the protocol using HPACK": at the limit it is taken', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 200 })
    expect(decoder.decode(bytes('3fa90182')).fields).toEqual([':method', 'GET'])
    expect(() => decoder.decode(bytes('3faa0182'))).toThrow('table size update is over the limit')
  })
})

it('§6.2.3 "When a header field is represented as a literal header field never indexed, it MUST always be encoded with this specific literal representation"', () => {
  const encoder = newEncoder()
  // The table knows the field already, and the name.
  encodeBlock(encoder, ['x-key', 'abc'])
  for (let i = 0; i < 3; i++) {
    expect(encodeBlock(encoder, ['x-key', 'abc'], true)[0]! & 0xf0).toBe(0x10)
    expect(encodeBlock(encoder, ['authorization', 'Basic eA=='])[0]! & 0xf0).toBe(0x10)
    expect(encodeBlock(encoder, ['x-new', 'abc'], true)[0]).toBe(0x10)
  }
  expect(encoder.tableBytes).toBe('x-keyabc'.length + 32)
})
