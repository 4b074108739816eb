/**
 * A foreign HPACK decoder (hpack.js) for comparison. Its stream API is not used: it would leave a
 * callback per field for the next tick, and the fuzzer has no ticks.
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

  /**
   * SETTINGS_HEADER_TABLE_SIZE as announced to the encoder: the largest size it may choose (RFC
   * 7541 §4.2).
   */
  set maxTableSize(size: number) {
    this.#decompressor._table.protocolMaxSize = size
  }

  /**
   * Returns name, value, name, value. @throws the error of hpack.js for an undecodable block; the
   * decoder is unusable afterwards.
   */
  decode(block: Uint8Array): readonly string[] {
    this.#fields = []
    this.#decompressor._decoder.push(block)
    this.#decompressor.execute()
    return this.#fields
  }
}
