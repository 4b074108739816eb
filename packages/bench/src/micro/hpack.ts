/**
 * HPACK, ours and hpack.js: repeated field blocks, blocks with new values, and Huffman-coded text.
 */

import hpack from 'hpack.js'
import { ByteWriter } from '../../../core/dist/h2/hpack/byte-writer.js'
import { HpackDecoder } from '../../../core/dist/h2/hpack/decoder.js'
import { HpackEncoder } from '../../../core/dist/h2/hpack/encoder.js'
import type { Contestant } from './measure.js'

type Fields = readonly (readonly [name: string, value: string])[]

/** Typical response of an API: seven fields, the same every time. */
const RESPONSE: Fields = [
  [':status', '200'],
  ['server', 'nginx'],
  ['content-type', 'application/json'],
  ['cache-control', 'no-cache, private'],
  ['vary', 'accept-encoding'],
  ['strict-transport-security', 'max-age=31536000'],
  ['x-frame-options', 'DENY'],
]
/** Typical request: seven fields, the same every time. */
const REQUEST: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'api.example.com'],
  [':path', '/v1/items?limit=50'],
  ['accept', 'application/json'],
  ['user-agent', 'unshard/1.0'],
  ['accept-encoding', 'gzip, br'],
]
/** Different sets of values, far more than a table of 4,096 bytes holds. */
const FRESH = 512

const fresh = (fields: Fields, i: number): Fields =>
  fields.map(([name, value], at) => (at === 0 ? [name, value] : [name, `${value}-${i}`]))
const freshSets = (fields: Fields): Fields[] => Array.from({ length: FRESH }, (_, i) => fresh(fields, i))
/** Codes of five to seven bits: the shortest of the Huffman code. */
const HUFFMAN: Fields = [
  ['x-text', 'the quick brown fox jumps over the lazy dog and asks for 2024-11-21 11:59:59 in return'.repeat(4)],
]

/** Blocks for a decoder to read in order, created by the encoder of hpack.js. */
function blocksOf(sets: readonly Fields[], huffman: boolean, incremental = true): Buffer[] {
  const compressor = hpack.compressor.create({ table: { maxSize: 4_096 } })
  return sets.map((fields) => {
    compressor.write(fields.map(([name, value]) => ({ name, value, huffman, incremental })))
    return Buffer.from(compressor.read()!)
  })
}

/** Each decoder reads `first`, then the same blocks repeatedly. */
function decoders(blocks: readonly Buffer[], first?: Buffer): Contestant[] {
  const ours = new HpackDecoder()
  const theirs = hpack.decompressor.create({ table: { maxSize: 4_096 } })
  const decodeTheirs = (block: Buffer): number => {
    theirs.write(block)
    theirs.execute()
    let fields = 0
    while (theirs.read() !== null) fields++
    return fields
  }
  if (first !== undefined) {
    ours.decode(first)
    decodeTheirs(first)
  }
  let [a, b] = [0, 0]
  return [
    { name: 'unshard', run: () => ours.decode(blocks[a++ % blocks.length]!).fields.length / 2 },
    { name: 'hpack.js', run: () => decodeTheirs(blocks[b++ % blocks.length]!) },
  ]
}

function encoders(sets: readonly Fields[]): Contestant[] {
  const ours = new HpackEncoder()
  const theirs = hpack.compressor.create({ table: { maxSize: 4_096 } })
  const writer = new ByteWriter(65_536)
  const pairs = sets.map((fields) => fields.map(([name, value]) => ({ name, value, huffman: true })))
  let [a, b] = [0, 0]
  return [
    {
      name: 'unshard',
      run() {
        const fields = sets[a++ % sets.length]!
        writer.position = 0
        ours.beginBlock(writer)
        for (const [name, value] of fields) ours.encodeField(writer, name, value, false)
        return fields.length
      },
    },
    {
      name: 'hpack.js',
      run() {
        const fields = pairs[b++ % pairs.length]!
        theirs.write(fields)
        while (theirs.read() !== null);
        return fields.length
      },
    },
  ]
}

/** The second block of a kind, after the first is in the table. */
function repeated(): Contestant[] {
  const [first, again] = blocksOf([RESPONSE, RESPONSE], true) as [Buffer, Buffer]
  return decoders([again], first)
}

/** All cases by name, each a set of contestants. */
export const hpackCases: ReadonlyMap<string, () => Contestant[]> = new Map([
  ['decode, repeated block', repeated],
  ['decode, fresh block', () => decoders(blocksOf(freshSets(RESPONSE), false))],
  ['decode, Huffman', () => decoders(blocksOf([HUFFMAN], true, false))],
  ['encode, repeated block', () => encoders([REQUEST])],
  ['encode, fresh block', () => encoders(freshSets(REQUEST))],
  [
    'encode, Huffman',
    () => encoders(Array.from({ length: 64 }, (_, i) => HUFFMAN.map(([name, value]) => [name, value + i] as const))),
  ],
])
