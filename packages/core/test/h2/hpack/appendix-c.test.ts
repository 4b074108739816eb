/** The examples of RFC 7541 Appendix C, each with the dynamic table after it. */

import { ByteWriter } from '../../../src/h2/hpack/byte-writer.js'
import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { type Cursor, decodeInteger, encodeInteger } from '../../../src/h2/hpack/integer.js'
import { bytes, dynamicTable, writtenHex } from './blocks.js'

describe('integers of RFC 7541 Appendix C', () => {
  it.each([
    ['10 with a 5-bit prefix (C.1.1)', 10, 5, '0a'],
    ['1337 with a 5-bit prefix (C.1.2)', 1337, 5, '1f9a0a'],
    ['42 at a byte boundary (C.1.3)', 42, 8, '2a'],
  ])('%s are encoded and decoded', (_title, value, prefixBits, hex) => {
    const writer = new ByteWriter()
    encodeInteger(writer, 0, prefixBits, value)
    expect(writtenHex(writer)).toBe(hex)
    const cursor: Cursor = { position: 0 }
    expect(decodeInteger(bytes(hex), cursor, hex.length / 2, prefixBits)).toBe(value)
    expect(cursor.position).toBe(hex.length / 2)
  })
})

interface Step {
  readonly block: string
  readonly fields: readonly string[]
  readonly table: readonly string[]
  readonly tableBytes: number
}

const authority = [':authority', 'www.example.com']
const cacheControl = ['cache-control', 'no-cache']
const custom = ['custom-key', 'custom-value']
const status302 = [':status', '302']
const status307 = [':status', '307']
const isPrivate = ['cache-control', 'private']
const date21 = ['date', 'Mon, 21 Oct 2013 20:13:21 GMT']
const date22 = ['date', 'Mon, 21 Oct 2013 20:13:22 GMT']
const location = ['location', 'https://www.example.com']
const gzip = ['content-encoding', 'gzip']
const setCookie = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1']

function requests(...blocks: readonly [string, string, string]): Step[] {
  return [
    {
      block: blocks[0],
      fields: [':method', 'GET', ':scheme', 'http', ':path', '/', ...authority],
      table: authority,
      tableBytes: 57,
    },
    {
      block: blocks[1],
      fields: [':method', 'GET', ':scheme', 'http', ':path', '/', ...authority, ...cacheControl],
      table: [...cacheControl, ...authority],
      tableBytes: 110,
    },
    {
      block: blocks[2],
      fields: [':method', 'GET', ':scheme', 'https', ':path', '/index.html', ...authority, ...custom],
      table: [...custom, ...cacheControl, ...authority],
      tableBytes: 164,
    },
  ]
}

function responses(...blocks: readonly [string, string, string]): Step[] {
  return [
    {
      block: blocks[0],
      fields: [...status302, ...isPrivate, ...date21, ...location],
      table: [...location, ...date21, ...isPrivate, ...status302],
      tableBytes: 222,
    },
    {
      block: blocks[1],
      fields: [...status307, ...isPrivate, ...date21, ...location],
      table: [...status307, ...location, ...date21, ...isPrivate],
      tableBytes: 222,
    },
    {
      block: blocks[2],
      fields: [':status', '200', ...isPrivate, ...date22, ...location, ...gzip, ...setCookie],
      table: [...setCookie, ...gzip, ...date22],
      tableBytes: 215,
    },
  ]
}

function singleStep(block: string, fields: readonly string[], table: readonly string[], tableBytes: number): Step[] {
  return [{ block, fields, table, tableBytes }]
}

const examples: readonly (readonly [string, number, readonly Step[]])[] = [
  [
    'a literal with indexing (C.2.1)',
    4096,
    singleStep(
      '400a637573746f6d2d6b65790d637573746f6d2d686561646572',
      ['custom-key', 'custom-header'],
      ['custom-key', 'custom-header'],
      55,
    ),
  ],
  ['a literal without indexing (C.2.2)', 4096, singleStep('040c2f73616d706c652f70617468', [':path', '/sample/path'], [], 0)],
  ['a literal never indexed (C.2.3)', 4096, singleStep('100870617373776f726406736563726574', ['password', 'secret'], [], 0)],
  ['an indexed field (C.2.4)', 4096, singleStep('82', [':method', 'GET'], [], 0)],
  [
    'requests without Huffman coding (C.3)',
    4096,
    requests(
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ),
  ],
  [
    'requests with Huffman coding (C.4)',
    4096,
    requests(
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ),
  ],
  [
    'responses without Huffman coding (C.5)',
    256,
    responses(
      '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      '4803333037c1c0bf',
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
    ),
  ],
  [
    'responses with Huffman coding (C.6)',
    256,
    responses(
      '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      '4883640effc1c0bf',
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ),
  ],
]

describe('examples of RFC 7541 Appendix C', () => {
  it.each(examples)('%s: the decoder returns the fields and updates the table', (_title, maxTableBytes, steps) => {
    const decoder = new HpackDecoder({ maxTableBytes })
    for (const step of steps) {
      expect(decoder.decode(bytes(step.block)).fields).toEqual(step.fields)
      expect(decoder.tableBytes).toBe(step.tableBytes)
      expect(dynamicTable(decoder, step.table.length / 2)).toEqual(step.table)
    }
  })
})
