/**
 * HPACK (RFC 7541) of the modelled servers: a synchronous decoder, and an encoder without state. The
 * tables are those of hpack.js, so that nothing is shared with core.
 */

import huffman from 'hpack.js/lib/hpack/huffman.js'
import statics from 'hpack.js/lib/hpack/static-table.js'

export type Field = readonly [name: string, value: string]

const STATIC: readonly Field[] = statics.table.map(({ name, value }) => [name, value])
const TABLE_BYTES = 4_096

/** Children of each node by bit: an index of a node, or `~symbol`. */
const tree: number[] = [0, 0]

function plant(symbol: number, bits: number, code: number): void {
  let node = 0
  for (let bit = bits - 1; bit > 0; bit--) {
    const at = node * 2 + ((code >>> bit) & 1)
    if (tree[at] === 0) {
      tree[at] = tree.length / 2
      tree.push(0, 0)
    }
    node = tree[at]!
  }
  tree[node * 2 + (code & 1)] = ~symbol
}

for (const [symbol, [bits, code]] of huffman.encode.entries()) if (symbol < 256) plant(symbol, bits, code)

function decodeHuffman(bytes: Uint8Array): string {
  let text = ''
  let node = 0
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const next = tree[node * 2 + ((byte >> bit) & 1)]!
      if (next < 0) text += String.fromCharCode(~next)
      node = Math.max(next, 0)
    }
  }
  return text
}

/** The decoder of one connection. */
export class HpackDecoder {
  readonly #dynamic: Field[] = []
  #size = 0
  #max = TABLE_BYTES
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0

  /** @throws Error for a block that refers to nothing. */
  decode(block: Uint8Array): Field[] {
    this.#bytes = block
    this.#at = 0
    const fields: Field[] = []
    while (this.#at < block.length) {
      const first = block[this.#at]!
      if (first & 0x80) fields.push(this.#entry(this.#integer(7)))
      else if ((first & 0xe0) === 0x20) this.#resize(this.#integer(5))
      else fields.push(this.#literal((first & 0x40) !== 0))
    }
    return fields
  }

  #literal(indexed: boolean): Field {
    const index = this.#integer(indexed ? 6 : 4)
    const name = index === 0 ? this.#string() : this.#entry(index)[0]
    const field: Field = [name, this.#string()]
    if (indexed) this.#add(field)
    return field
  }

  #add(field: Field): void {
    this.#dynamic.unshift(field)
    this.#size += sizeOf(field)
    this.#evict()
  }

  #resize(max: number): void {
    this.#max = max
    this.#evict()
  }

  #evict(): void {
    while (this.#size > this.#max) this.#size -= sizeOf(this.#dynamic.pop()!)
  }

  #entry(index: number): Field {
    const field = index <= STATIC.length ? STATIC[index - 1] : this.#dynamic[index - 1 - STATIC.length]
    if (field === undefined) throw new Error(`no HPACK entry ${index}`)
    return field
  }

  /** RFC 7541 §5.1. */
  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1
    let value = this.#bytes[this.#at++]! & mask
    if (value < mask) return value
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * 2 ** shift
      if ((byte & 0x80) === 0) return value
    }
  }

  #string(): string {
    const isHuffman = (this.#bytes[this.#at]! & 0x80) !== 0
    const length = this.#integer(7)
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('latin1')
  }
}

function sizeOf([name, value]: Field): number {
  return name.length + value.length + 32
}

const STATUS = new Map([
  ['200', 8],
  ['204', 9],
  ['404', 13],
  ['500', 14],
])

/** Encodes fields as literals that are not indexed; no name or value may be longer than 126 bytes. */
export function encodeBlock(fields: readonly Field[]): Buffer {
  const parts: number[] = []
  for (const [name, value] of fields) {
    const known = name === ':status' ? STATUS.get(value) : undefined
    if (known !== undefined) {
      parts.push(0x80 | known)
      continue
    }
    parts.push(0, name.length)
    for (let at = 0; at < name.length; at++) parts.push(name.charCodeAt(at))
    parts.push(value.length)
    for (let at = 0; at < value.length; at++) parts.push(value.charCodeAt(at))
  }
  return Buffer.from(parts)
}
