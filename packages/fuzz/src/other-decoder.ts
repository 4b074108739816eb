/**
 * An HPACK decoder that is not ours (hpack.js), to compare with. Used without its stream: that would leave a callback for the next
 * tick behind for every field, and the fuzzer has no ticks.
 */

import hpack from 'hpack.js'

export class OtherDecoder {
  readonly #decompressor = hpack.decompressor.create({ table: { maxSize: 4_096 } })
  #fields: string[] = []

  constructor() {
    this.#decompressor.push = ({ name, value }) => this.#fields.push(name, value) > 0
    this.#decompressor.emit = (_event, error) => {
      throw error
    }
  }

  /** SETTINGS_HEADER_TABLE_SIZE as announced to the encoder: the most it may choose (RFC 7541 §4.2). */
  set maxTableSize(size: number) {
    this.#decompressor._table.protocolMaxSize = size
  }

  /** Name, value, name, value. @throws what hpack.js says of a block it cannot decode; the decoder is of no use afterwards. */
  decode(block: Uint8Array): readonly string[] {
    this.#fields = []
    this.#decompressor._decoder.push(block)
    this.#decompressor.execute()
    return this.#fields
  }
}
