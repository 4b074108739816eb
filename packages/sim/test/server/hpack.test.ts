import fc from 'fast-check'
import { ByteWriter } from '../../../core/src/h2/hpack/byte-writer.js'
import { HpackEncoder } from '../../../core/src/h2/hpack/encoder.js'
import { encodeBlock, type Field, HpackDecoder } from '../../src/server/h2/hpack.js'

function encode(encoder: HpackEncoder, fields: readonly Field[]): Buffer {
  const writer = new ByteWriter(16)
  encoder.beginBlock(writer)
  for (const [name, value] of fields) encoder.encodeField(writer, name, value, false)
  return Buffer.from(writer.buffer.subarray(0, writer.position))
}

const NAME = fc.constantFrom(':method', ':path', ':authority', 'x-request', 'authorization', 'cookie', 'accept', 'x-a', 'x-b')
const VALUE = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('GET', 'POST', '/', '*/*', 'r'.repeat(300)),
  fc.string({ unit: 'binary-ascii' }),
)
const FIELDS = fc.array(fc.tuple(NAME, VALUE), { maxLength: 12 })

it('the decoder of the modelled servers reads every block that the client encodes, one after the other', () => {
  fc.assert(
    fc.property(fc.array(FIELDS, { minLength: 1, maxLength: 20 }), (blocks) => {
      const encoder = new HpackEncoder({ maxTableBytes: 4_096 })
      const decoder = new HpackDecoder()
      for (const fields of blocks) expect(decoder.decode(encode(encoder, fields))).toEqual(fields)
    }),
    { numRuns: 300 },
  )
})

it('the table becomes smaller when the client says so', () => {
  const encoder = new HpackEncoder()
  const decoder = new HpackDecoder()
  const fields: Field[] = Array.from({ length: 40 }, (_, index) => ['x-name', `a value that takes some room ${index}`])
  expect(decoder.decode(encode(encoder, fields))).toEqual(fields)
  encoder.setMaxTableBytes(100)
  expect(decoder.decode(encode(encoder, fields))).toEqual(fields)
})

it('an index beyond the tables is an error, and not a field', () => {
  expect(() => new HpackDecoder().decode(Buffer.from([0xff, 0x20]))).toThrow('no HPACK entry')
})

it('the encoder without state writes what a decoder reads', () => {
  const fields: Field[] = [
    [':status', '200'],
    [':status', '421'],
    ['x-request', '17'],
  ]
  expect(new HpackDecoder().decode(encodeBlock(fields))).toEqual(fields)
})
