/**
 * Huffman-coded string literals (RFC 7541 §5.2): Latin-1 text to bytes and back, a whole byte at a time.
 * The decoder is a state machine: a state is a node of the code tree, an byte leads to the next and yields up to two symbols.
 */

import { type ByteWriter, latin1Slice } from './byte-writer.js'
import { HpackError } from './hpack-error.js'
import { EOS, HUFFMAN_CODES, HUFFMAN_LENGTHS } from './huffman-code.js'

/** 257 leaves make 256 inner nodes. Node 0 is the root; the state after them is where a whole EOS leads, for good. */
const DEAD = 256
/** The longest padding: a prefix of EOS strictly shorter than an byte (RFC 7541 §5.2). */
const MAX_PADDING_BITS = 7
/** The shortest code has five bits, so n bytes are at most n * 8 / 5 symbols. */
const MAX_EXPANSION = 8 / 5
/** Longer strings decode into a buffer of their own, which is then let go. */
const SCRATCH_BYTES = 8192

const scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
/** Filled where strings lead, 257 KiB when it is full: to build all of it takes the first response of a process five milliseconds. */
let transitions: Int32Array | undefined
/** Built on first use: a process that only encodes never pays for it. */
let tree: Int32Array
/** acceptable[state] is 1 where a string may end: at the root, or after at most seven bits of EOS. */
const acceptable = new Uint8Array(DEAD + 1)

/** How many bytes `text` takes when Huffman-coded. */
export function huffmanLength(text: string): number {
  const lengths = HUFFMAN_LENGTHS
  let bits = 0
  for (let i = 0; i < text.length; i++) bits += lengths[text.charCodeAt(i) & 0xff]!
  return (bits + 7) >>> 3
}

/** Writes `text` Huffman-coded, without a length before it. */
export function huffmanEncode(text: string, writer: ByteWriter): void {
  writer.ensure(huffmanLength(text))
  writer.position = huffmanEncodeInto(text, writer.buffer, writer.position)
}

/** Writes at `position` and returns the position behind; the caller has made room (four bytes a character always suffice). */
export function huffmanEncodeInto(text: string, buffer: Buffer, position: number): number {
  const codes = HUFFMAN_CODES
  const lengths = HUFFMAN_LENGTHS
  let pending = 0
  let bits = 0
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i) & 0xff
    const code = codes[symbol]!
    const length = lengths[symbol]!
    bits += length
    if (bits <= 32) {
      pending = (pending << length) | code
      continue
    }
    // The code crosses the 32-bit word: its head completes it. Its tail starts the next word; bits above the tail shift out later.
    bits -= 32
    const word = (pending << (length - bits)) | (code >>> bits)
    buffer[position] = word >>> 24
    buffer[position + 1] = word >>> 16
    buffer[position + 2] = word >>> 8
    buffer[position + 3] = word
    position += 4
    pending = code
  }
  while (bits >= 8) {
    bits -= 8
    buffer[position++] = pending >>> bits
  }
  // RFC 7541 §5.2: the last byte is filled with the most significant bits of EOS, which are ones.
  if (bits > 0) buffer[position++] = (pending << (8 - bits)) | (0xff >>> bits)
  return position
}

/**
 * Decodes the bytes [start, end) to Latin-1 text.
 * @throws HpackError on EOS and on padding that is over seven bits or not all ones
 */
export function huffmanDecode(bytes: Buffer, start: number, end: number): string {
  const room = Math.ceil((end - start) * MAX_EXPANSION) + 2
  const output = room <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(room)
  return latin1Slice(output, 0, decodeInto(output, bytes, start, end))
}

/** How many bytes [start, end) decode to: every check of `huffmanDecode`, but no text is made. */
export function huffmanDecodedLength(bytes: Buffer, start: number, end: number): number {
  const table = transitions ?? makeTable()
  let state = 0
  let length = 0
  for (let i = start; i < end; i++) {
    const index = (state << 8) | bytes[i]!
    const step = table[index]! || walk(table, index)
    length += (step >>> 16) & 3
    state = step >>> 18
  }
  checkEnd(state)
  return length
}

/** Returns how many symbols it put into `output`, which has room for two more. */
function decodeInto(output: Buffer, bytes: Buffer, start: number, end: number): number {
  const table = transitions ?? makeTable()
  let state = 0
  let length = 0
  for (let i = start; i < end; i++) {
    const index = (state << 8) | bytes[i]!
    const step = table[index]! || walk(table, index)
    // Both are stored without asking how many there are; `length` says which count, the next byte overwrites the others.
    output[length] = step
    output[length + 1] = step >>> 8
    length += (step >>> 16) & 3
    state = step >>> 18
  }
  checkEnd(state)
  return length
}

function checkEnd(state: number): void {
  if (acceptable[state] === 1) return
  // RFC 7541 §5.2: a string that contains EOS, padding over seven bits and padding other than ones are decoding errors.
  throw new HpackError(state === DEAD ? 'Huffman-coded string contains EOS' : 'Huffman-coded string ends in wrong padding')
}

function makeTable(): Int32Array {
  tree = buildTree()
  transitions = new Int32Array((DEAD + 1) * 256)
  return transitions
}

/**
 * One number for each (state, byte), found by walking the code tree and kept: two symbols in bits 0 to 15, how many of them count in
 * 16 and 17, the next state above. None of them is 0: an byte that ends at the root has completed a symbol. Two symbols at most,
 * because the shortest code has five bits.
 */
function walk(table: Int32Array, index: number): number {
  let node = index >>> 8
  let symbols = 0
  let count = 0
  for (let bit = 7; bit >= 0 && node !== DEAD; bit--) {
    const child = tree[node * 2 + ((index >>> bit) & 1)]!
    if (child >= 0) node = child
    else if (~child === EOS) node = DEAD
    else {
      symbols |= ~child << (8 * count++)
      node = 0
    }
  }
  const step = (node << 18) | (count << 16) | symbols
  table[index] = step
  return step
}

/** Two children for each inner node: an inner node, or the complement of the leaf's symbol. Marks `acceptable` on the way. */
function buildTree(): Int32Array {
  const tree = new Int32Array(DEAD * 2)
  let nodes = 1
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const code = HUFFMAN_CODES[symbol]!
    let node = 0
    for (let bit = HUFFMAN_LENGTHS[symbol]! - 1; bit > 0; bit--) {
      const edge = node * 2 + ((code >>> bit) & 1)
      // No edge leads back to the root, so 0 is an edge not yet drawn.
      if (tree[edge] === 0) tree[edge] = nodes++
      node = tree[edge]!
    }
    tree[node * 2 + (code & 1)] = ~symbol
  }
  acceptable[0] = 1
  for (let bits = 1, node = 0; bits <= MAX_PADDING_BITS; bits++) {
    node = tree[node * 2 + 1]!
    acceptable[node] = 1
  }
  return tree
}
