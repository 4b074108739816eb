/**
 * Encoder and decoder of one connection: all fields decode to themselves, whatever the changes of
 * the table size.
 */

import fc from 'fast-check'
import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { encodeBlock, newEncoder } from './blocks.js'

const name = fc.oneof(
  fc.constantFrom(
    ':method',
    ':path',
    ':status',
    'cookie',
    'authorization',
    'accept',
    'x-request-id',
    'etag',
    'server',
    'x-a',
    'x-b',
  ),
  fc.string({ unit: fc.constantFrom(...'abcxyz-0189'), minLength: 1, maxLength: 12 }),
)
const value = fc.oneof(
  fc.constantFrom('', 'GET', '/', '200', 'gzip, deflate', 'a', 'b'),
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)), maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789-/=; '), maxLength: 2000 }),
)
const field = fc.tuple(name, value, fc.boolean())
const tableBytes = fc.oneof(fc.constantFrom(0, 31, 40, 64, 100, 256, 4096, 65_536), fc.integer({ min: 0, max: 10_000 }))

describe('round trip', () => {
  it('any fields decode to themselves, with any changes of the table size and any cap', () => {
    const turn = fc.record({
      sizes: fc.array(tableBytes, { maxLength: 3 }),
      fields: fc.array(field, { maxLength: 12 }),
      repeats: fc.integer({ min: 1, max: 3 }),
    })
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 20 }), fc.option(tableBytes, { nil: undefined }), (turns, cap) => {
        const encoder = newEncoder(cap)
        const decoder = new HpackDecoder({ maxFieldSectionBytes: 1e6 })
        for (const { sizes, fields, repeats } of turns) {
          for (const size of sizes) {
            encoder.setMaxTableBytes(size)
            decoder.setMaxTableBytes(size)
          }
          for (let i = 0; i < repeats; i++) {
            const flat = fields.flatMap((entry) => entry.slice(0, 2) as [string, string])
            expect(decoder.decode(encodeBlock(encoder, flat)).fields).toEqual(flat)
            const [sensitive] = fields.filter((entry) => entry[2])
            if (sensitive !== undefined) {
              const pair = [sensitive[0], sensitive[1]]
              const previousBytes = encoder.tableBytes
              expect(decoder.decode(encodeBlock(encoder, pair, true)).fields).toEqual(pair)
              expect(encoder.tableBytes).toBe(previousBytes)
            }
            expect(decoder.tableBytes).toBe(encoder.tableBytes)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it('random bytes decode or throw HpackError (abuse: random bytes)', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder({ maxFieldSectionBytes: 500, maxFields: 5 })
        try {
          for (const block of blocks) {
            const section = decoder.decode(Buffer.from(block))
            expect(section.fields.length).toBeLessThanOrEqual(10)
            expect(decoder.tableBytes).toBeLessThanOrEqual(4096)
          }
        } catch (error) {
          expect((error as Error).name).toBe('HpackError')
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('a repeated request has one byte for each field, and a repeated block decodes to the same object', () => {
    const encoder = newEncoder()
    const decoder = new HpackDecoder()
    const fields = [':method', 'GET', ':scheme', 'https', ':authority', 'example.com', 'user-agent', 'unshard', 'accept', '*/*']
    decoder.decode(encodeBlock(encoder, fields))
    const block = encodeBlock(encoder, fields)
    expect(block.length).toBe(5)
    expect(decoder.decode(block)).toBe(decoder.decode(encodeBlock(encoder, fields)))
  })
})
