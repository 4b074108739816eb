/**
 * Arbitrary blocks: only an HpackError may be thrown, the table stays within its limit, and decoded
 * fields can be encoded again.
 */

import { ByteWriter } from '../../../core/src/h2/hpack/byte-writer.js'
import { HpackDecoder } from '../../../core/src/h2/hpack/decoder.js'
import { HpackEncoder } from '../../../core/src/h2/hpack/encoder.js'
import { HpackError } from '../../../core/src/h2/hpack/hpack-error.js'
import { BLOCKS } from '../dictionary.js'
import { hpackLayout, makeUnit, numberIn, readUnits } from '../hpack-units.js'
import { OtherDecoder } from '../other-decoder.js'
import { must, type Target } from '../target.js'

const TABLE_BYTES = [4_096, 0, 100, 65_536] as const
/** Units of this kind change the limit of the table. */
const RESIZE = 15
const SMALL_SECTION = 300
const MAX_FIELDS = 20
const MAX_UNITS = 100

class Round {
  readonly #decoder: HpackDecoder
  readonly #other = new OtherDecoder()
  readonly #encoder = new HpackEncoder()
  readonly #roundTripDecoder = new HpackDecoder({ maxFieldSectionBytes: 1_000_000, maxFields: 100_000 })
  readonly #limited: boolean
  #tableBytes: number
  #otherFailed = false

  constructor(head: number) {
    this.#tableBytes = TABLE_BYTES[head & 3]!
    this.#limited = (head & 4) !== 0
    const limits = this.#limited ? { maxFieldSectionBytes: SMALL_SECTION, maxFields: MAX_FIELDS } : {}
    this.#decoder = new HpackDecoder({ maxTableBytes: this.#tableBytes, ...limits })
    this.#other.maxTableSize = this.#tableBytes
    // hpack.js starts with a table of 4096 bytes: any other size must be announced to it by a
    // block.
    if (this.#tableBytes !== 4_096) this.#otherFailed = true
  }

  resize(bytes: number): void {
    this.#tableBytes = bytes
    this.#decoder.setMaxTableBytes(bytes)
    this.#other.maxTableSize = bytes
  }

  /** Returns whether the decoder can continue. */
  block(block: Buffer): boolean {
    let section: ReturnType<HpackDecoder['decode']>
    const copy = Buffer.from(block)
    try {
      section = this.#decoder.decode(block)
    } catch (error) {
      must(error instanceof HpackError, `decode throws ${String(error)}`)
      return false
    }
    must(block.equals(copy), 'decode changes the block')
    must(this.#decoder.tableBytes <= this.#tableBytes, 'the table exceeds its limit')
    must(section.fields.length % 2 === 0, 'a field without a value')
    let bytes = 0
    for (let i = 0; i < section.fields.length; i += 2) bytes += section.fields[i]!.length + section.fields[i + 1]!.length + 32
    if (section.tooLarge) must(this.#limited || bytes <= section.bytes, 'a section too large although there is no limit')
    else must(bytes === section.bytes, 'the size of a section is wrong')
    if (this.#limited)
      must(bytes <= SMALL_SECTION && section.fields.length <= MAX_FIELDS * 2, 'a section over its limits is returned')
    this.#compare(block, section.fields, section.tooLarge)
    this.#encodeAgain(section.fields)
    return true
  }

  #compare(block: Buffer, fields: readonly string[], tooLarge: boolean): void {
    if (this.#otherFailed) return
    let others: string[]
    try {
      others = [...this.#other.decode(block)]
    } catch {
      // If only one of them accepts a block, hpack.js may be the stricter one: it reads no integers
      // over 28 bits.
      this.#otherFailed = true
      return
    }
    if (tooLarge) others.length = fields.length
    must(fields.join('\n') === others.join('\n'), 'two decoders read a block differently')
  }

  #encodeAgain(fields: readonly string[]): void {
    const writer = new ByteWriter()
    this.#encoder.beginBlock(writer)
    for (let i = 0; i < fields.length; i += 2) this.#encoder.encodeField(writer, fields[i]!, fields[i + 1]!, false)
    const decoded = this.#roundTripDecoder.decode(writer.buffer, 0, writer.position)
    must(decoded.fields.join('\n') === fields.join('\n') && !decoded.tooLarge, 'a section differs after encoding it again')
  }
}

export const target: Target = {
  name: 'hpack-decode',
  layout: hpackLayout,
  seeds: () => [
    ...BLOCKS.map((block) => Buffer.concat([Uint8Array.of(0), makeUnit(0, block), makeUnit(0, block)])),
    Buffer.concat([Uint8Array.of(3), makeUnit(RESIZE, Uint8Array.of(0, 0, 0, 0)), makeUnit(0, BLOCKS[19]!)]),
    Buffer.concat([Uint8Array.of(4), ...Array.from({ length: 30 }, () => makeUnit(0, BLOCKS[9]!))]),
    Buffer.concat([
      Uint8Array.of(0),
      ...Array.from({ length: 60 }, (_, i) => makeUnit(0, Uint8Array.of(0x40, 1, 0x60 + i, 2, i, i))),
    ]),
  ],
  run(input, trace) {
    const round = new Round(input[0] ?? 0)
    for (const { kind, payload } of readUnits(input).slice(0, MAX_UNITS)) {
      trace?.(`${kind === RESIZE ? 'resize' : 'block'} ${Buffer.from(payload).toString('hex')}`)
      if (kind === RESIZE) round.resize(numberIn(payload))
      else if (!round.block(Buffer.from(payload))) return
    }
  },
}
