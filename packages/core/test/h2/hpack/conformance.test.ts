/**
 * Requirements of RFC 7541 without another test. docs/contributing/conformance.md lists all
 * requirements with their tests.
 */

import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { bytes, dynamicTable, encodeBlock, encodeHex, newEncoder } from './blocks.js'

/** Fields in every representation, with repeated names and values. */
const fields: readonly string[] = [
  ...[':method', 'GET', 'x-b', '1', 'x-a', '2', 'cookie', 'a=b', 'x-b', '1', 'x-a', '1'],
  ...['accept', '*/*', 'authorization', 'secret', 'x-b', '2', ':path', '/z', 'x-a', '2', 'x-b', '1'],
]

describe('header list ordering (RFC 7541 §2.1)', () => {
  it('"An encoder MUST order header field representations in the header block according to their ordering in the original header list" (§2.1)', () => {
    const encoder = newEncoder()
    const singleEncoder = newEncoder()
    for (let i = 0; i < 3; i++) {
      const parts: Buffer[] = []
      for (let at = 0; at < fields.length; at += 2) parts.push(Buffer.from(encodeBlock(singleEncoder, fields.slice(at, at + 2))))
      expect(encodeBlock(encoder, fields)).toEqual(Buffer.concat(parts))
    }
  })

  it('"A decoder MUST order header fields in the decoded header list according to their ordering in the header block" (§2.1)', () => {
    // Indexed from both tables, inserted, not indexed and never indexed, in an order that is not
    // sorted.
    const block = bytes('40017a0131 82 0001790132 40017a0133 be bf 1001780134 84'.replaceAll(' ', ''))
    const expected = 'z 1 :method GET y 2 z 3 z 3 z 1 x 4 :path /'.split(' ')
    expect(new HpackDecoder().decode(block).fields).toEqual(expected)
  })
})

describe('tables (RFC 7541 §2.3)', () => {
  it('"duplicate entries MUST NOT be treated as an error by a decoder": the table has both (§2.3.2)', () => {
    const decoder = new HpackDecoder()
    expect(decoder.decode(bytes('400161013140016101314001620132')).fields).toEqual(['a', '1', 'a', '1', 'b', '2'])
    expect(dynamicTable(decoder, 3)).toEqual(['b', '2', 'a', '1', 'a', '1'])
  })
})

describe('"To ensure that the decoding will successfully produce a header list, a decoder MUST obey the following rules" (RFC 7541 §3.2)', () => {
  it.each<[string, string, string[], string[]]>([
    ['an indexed representation of the static table is emitted', '82', [':method', 'GET'], []],
    ['an indexed representation of the dynamic table is emitted', '4001610131be', ['a', '1', 'a', '1'], ['a', '1']],
    ['a literal without indexing is emitted, with "no effect on the dynamic table"', '0001610131', ['a', '1'], []],
    ['a literal never indexed is emitted, without effect on the dynamic table', '1001610131', ['a', '1'], []],
    [
      'a literal with indexing is emitted and "inserted at the beginning of the dynamic table"',
      '40016101314001620132',
      ['a', '1', 'b', '2'],
      ['b', '2', 'a', '1'],
    ],
    ['a literal whose name is an index is emitted and inserted', '44012f', [':path', '/'], [':path', '/']],
  ])('%s', (_title, hex, emitted, table) => {
    const decoder = new HpackDecoder()
    expect(decoder.decode(bytes(hex)).fields).toEqual(emitted)
    expect(dynamicTable(decoder, table.length / 2)).toEqual(table)
  })
})

describe('table size (RFC 7541 §4.2, §6.3)', () => {
  it('"the chosen size MUST stay lower than or equal to the maximum set by the protocol", and to the cap of the encoder (§4.2)', () => {
    for (const cap of [0, 100, 4_096, 65_536]) {
      for (const limit of [0, 99, 4_095, 4_096, 4_097, 65_537, 0xffff_ffff]) {
        const encoder = newEncoder(cap)
        encodeBlock(encoder, [])
        encoder.setMaxTableBytes(limit)
        const decoder = new HpackDecoder({ maxTableBytes: limit })
        // A decoder with that limit refuses a larger update.
        for (let i = 0; i < 20; i++) {
          const block = encodeBlock(encoder, ['x-name', `${i}`.repeat(200)])
          expect(decoder.decode(block).fields[0]).toBe('x-name')
        }
        expect(encoder.tableBytes).toBeLessThanOrEqual(Math.min(limit, cap))
      }
    }
  })

  it('"This dynamic table size update MUST occur at the beginning of the first header block following the change", and in no other (§4.2)', () => {
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

  it('"The new maximum size MUST be lower than or equal to the limit determined by the protocol using HPACK": the limit is accepted (§6.3)', () => {
    const decoder = new HpackDecoder({ maxTableBytes: 200 })
    expect(decoder.decode(bytes('3fa90182')).fields).toEqual([':method', 'GET'])
    expect(() => decoder.decode(bytes('3faa0182'))).toThrow('table size update is over the limit')
  })
})

it('"When a header field is represented as a literal header field never indexed, it MUST always be encoded with this specific literal representation" (§6.2.3)', () => {
  const encoder = newEncoder()
  // The table has the field already, and the name.
  encodeBlock(encoder, ['x-key', 'abc'])
  for (let i = 0; i < 3; i++) {
    expect(encodeBlock(encoder, ['x-key', 'abc'], true)[0]! & 0xf0).toBe(0x10)
    expect(encodeBlock(encoder, ['authorization', 'Basic eA=='])[0]! & 0xf0).toBe(0x10)
    expect(encodeBlock(encoder, ['x-new', 'abc'], true)[0]).toBe(0x10)
  }
  expect(encoder.tableBytes).toBe('x-keyabc'.length + 32)
})
