/**
 * Passes fields of the input through our encoder and two decoders: the result must be the same
 * fields in the same order, whatever happens to the table size.
 */

import { ByteWriter } from '../../../core/src/h2/hpack/byte-writer.js'
import { HpackDecoder } from '../../../core/src/h2/hpack/decoder.js'
import { HpackEncoder } from '../../../core/src/h2/hpack/encoder.js'
import { hpackLayout, makeUnit, numberIn, readUnits } from '../hpack-units.js'
import { OtherDecoder } from '../other-decoder.js'
import { must, type Target } from '../target.js'

const CAPS = [65_536, 0, 100, 4_096] as const
/**
 * Units of these kinds change the table size, end a block, or make a value long. All others are one
 * field.
 */
const RESIZE = 15
const END = 14
const LONG = 13
const SENSITIVE = 12
const MAX_UNITS = 200
/** hpack.js reads no integers over 28 bits; our encoder never writes one. */
const MAX_TABLE = 65_536

class Connection {
  readonly #encoder: HpackEncoder
  readonly #decoder = new HpackDecoder({ maxFieldSectionBytes: 10_000_000, maxFields: 100_000 })
  readonly #other = new OtherDecoder()
  readonly #cap: number
  #allowed = 4_096
  #fields: string[] = []
  #writer = new ByteWriter(16)
  #begun = false

  constructor(head: number) {
    this.#cap = CAPS[head & 3]!
    this.#encoder = new HpackEncoder({ maxTableBytes: this.#cap })
  }

  /**
   * Announces a size to both sides: the decoder learns that it was acknowledged, the encoder that
   * it may be used.
   */
  resize(bytes: number): void {
    this.endBlock()
    this.#allowed = bytes
    this.#encoder.setMaxTableBytes(bytes)
    this.#decoder.setMaxTableBytes(Math.min(bytes, MAX_TABLE))
    this.#other.maxTableSize = Math.min(bytes, MAX_TABLE)
  }

  field(name: string, value: string, sensitive: boolean): void {
    if (!this.#begun) this.#encoder.beginBlock(this.#writer)
    this.#begun = true
    this.#encoder.encodeField(this.#writer, name, value, sensitive)
    must(this.#encoder.tableBytes <= Math.min(this.#cap, this.#allowed), "the encoder's table exceeds its limit")
    this.#fields.push(name, value)
  }

  endBlock(): void {
    if (!this.#begun) return
    const block = this.#writer.buffer.subarray(0, this.#writer.position)
    const expected = this.#fields.join('\n')
    let decoded: string
    let other: string
    try {
      decoded = this.#decoder.decode(block).fields.join('\n')
      other = this.#other.decode(block).join('\n')
    } catch (error) {
      must(false, `a block of our encoder cannot be decoded: ${String(error)}`)
    }
    must(decoded === expected, 'our decoder reads other fields')
    must(other === expected, 'the other decoder reads other fields')
    must(this.#decoder.tableBytes === this.#encoder.tableBytes, 'the two tables differ in size')
    this.#fields = []
    this.#writer = new ByteWriter(16)
    this.#begun = false
  }
}

/** Splits a unit's payload into name and value at the first NUL. */
function fieldOf(payload: Uint8Array): [name: string, value: string] {
  const text = Buffer.from(payload).toString('latin1')
  const at = text.indexOf('\0')
  return at < 0 ? ['x', text] : [text.slice(0, at), text.slice(at + 1)]
}

export const target: Target = {
  name: 'hpack-roundtrip',
  layout: hpackLayout,
  seeds() {
    const field = (text: string, kind = 0): Uint8Array => makeUnit(kind, Buffer.from(text, 'latin1'))
    const resize = (bytes: number): Uint8Array => makeUnit(RESIZE, Uint8Array.of(0, 0, bytes >>> 8, bytes & 255))
    const end = makeUnit(END, new Uint8Array(0))
    return [
      Buffer.concat([Uint8Array.of(0), field(':status\u0000200'), field('a\u0000b'), end, field('a\u0000b'), field('a\u0000c')]),
      Buffer.concat([
        Uint8Array.of(0),
        field('cookie\u0000a=b'),
        field('x-a\u0000secret', SENSITIVE),
        field('x-a\u0000\u00ff', LONG),
      ]),
      Buffer.concat([
        Uint8Array.of(0),
        field('a\u0000b'),
        resize(0),
        field('a\u0000b'),
        resize(0),
        resize(4_096),
        field('a\u0000b'),
      ]),
      Buffer.concat([Uint8Array.of(2), ...Array.from({ length: 40 }, (_, i) => field(`n${i}\u0000v`)), end, field('n39\u0000v')]),
    ]
  },
  run(input, trace) {
    const connection = new Connection(input[0] ?? 0)
    for (const { kind, payload } of readUnits(input).slice(0, MAX_UNITS)) {
      trace?.(`kind ${kind} ${Buffer.from(payload).toString('hex')}`)
      if (kind === RESIZE) connection.resize(numberIn(payload))
      else if (kind === END) connection.endBlock()
      else {
        const [name, value] = fieldOf(payload)
        connection.field(name, kind === LONG ? value.repeat(50) : value, kind === SENSITIVE)
      }
    }
    connection.endBlock()
  },
}
