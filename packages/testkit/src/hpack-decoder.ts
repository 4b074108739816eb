// A foreign HPACK decoder (the npm package hpack.js), so that our encoder is tested by an
// independent implementation of RFC 7541. One per connection: field blocks must be decoded in the
// order in which they arrive (§2.2).
import hpack from 'hpack.js'
import type { Field } from './frames.js'

export class HpackDecoder {
  readonly #decompressor = hpack.decompressor.create({ table: { maxSize: 4096 } })
  #failure: Error | undefined

  constructor() {
    this.#decompressor.on('error', (error) => {
      this.#failure = error
    })
  }

  /**
   * SETTINGS_HEADER_TABLE_SIZE as announced to the encoder: the largest size it may choose (RFC
   * 7541 §4.2).
   */
  set maxTableSize(size: number) {
    this.#decompressor._table.protocolMaxSize = size
  }

  /** @throws the error of hpack.js for an undecodable block; the decoder is unusable afterwards. */
  decode(block: Uint8Array): Field[] {
    this.#decompressor.write(Buffer.from(block))
    this.#decompressor.execute()
    if (this.#failure !== undefined) throw this.#failure
    const fields: Field[] = []
    for (let field = this.#decompressor.read(); field !== null; field = this.#decompressor.read()) {
      fields.push([field.name, field.value])
    }
    return fields
  }
}
