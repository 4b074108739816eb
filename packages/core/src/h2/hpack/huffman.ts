/**
 * Huffman-coded string literals (RFC 7541 §5.2): Latin-1 text to bytes and back, one byte at a
 * time. The decoder is a state machine over the nodes of the code tree; each byte yields up to two
 * symbols.
 */

import { type ByteWriter, latin1Slice } from './byte-writer.js'
import { HpackError } from './hpack-error.js'
import { EOS, HUFFMAN_CODES, HUFFMAN_LENGTHS } from './huffman-code.js'

/**
 * State after a complete EOS, with no way out. 257 leaves make 256 inner nodes, 0 to 255; node 0 is
 * the root.
 */
const DEAD = 256
/** The longest padding: a prefix of EOS shorter than one byte (RFC 7541 §5.2). */
const MAX_PADDING_BITS = 7
/** The shortest code has five bits, so n bytes are at most n * 8 / 5 symbols. */
const MAX_EXPANSION = 8 / 5
/** Size of the shared decoding buffer, in bytes. Longer strings use a temporary buffer. */
const SCRATCH_BYTES = 8192

const scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
/**
 * Filled lazily, 257 KiB when full: filling it at once would add 5 ms to the first response of a
 * process.
 */
let transitions: Int32Array | undefined
/** Built on first use, so that a process that only encodes does not need it. */
let tree: Int32Array
/**
 * acceptable[state] is 1 if a string may end in it: at the root, or after at most seven bits of
 * EOS.
 */
const acceptable = new Uint8Array(DEAD + 1)

/** Returns the Huffman-coded size of `text`, in bytes. */
export function huffmanLength(text: string): number {
  const lengths = HUFFMAN_LENGTHS
  let bits = 0
  for (let i = 0; i < text.length; i++) bits += lengths[text.charCodeAt(i) & 0xff]!
  return (bits + 7) >>> 3
}

/** Writes `text` Huffman-coded, without a length prefix. */
export function huffmanEncode(text: string, writer: ByteWriter): void {
  writer.ensure(huffmanLength(text))
  writer.position = huffmanEncodeInto(text, writer.buffer, writer.position)
}

/**
 * Writes at `position` and returns the position after it. The caller must reserve four bytes per
 * character.
 */
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
    // The code crosses the 32-bit word: its head completes the word, its tail starts the next one.
    // Bits above the tail are shifted out later.
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

/**
 * Returns the decoded size of [start, end), in bytes, with the checks of `huffmanDecode`. Creates
 * no string.
 */
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

/**
 * Decodes into `output`, which must have room for two extra symbols. Returns the number of symbols.
 */
function decodeInto(output: Buffer, bytes: Buffer, start: number, end: number): number {
  const table = transitions ?? makeTable()
  let state = 0
  let length = 0
  for (let i = start; i < end; i++) {
    const index = (state << 8) | bytes[i]!
    const step = table[index]! || walk(table, index)
    // Store both symbols without a branch: `length` advances by the valid ones only.
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
 * Computes and stores the transition for one (state, byte): up to two symbols in bits 0 to 15,
 * their number in bits 16 and 17, the next state above. At most two, because the shortest code has
 * five bits. A transition is never 0: a byte that ends at the root has completed a symbol.
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

/**
 * Builds two children for each inner node: an inner node, or the complement of a leaf's symbol.
 * Also fills `acceptable`.
 */
function buildTree(): Int32Array {
  const tree = new Int32Array(DEAD * 2)
  let nodes = 1
  for (let symbol = 0; symbol <= EOS; symbol++) {
    const code = HUFFMAN_CODES[symbol]!
    let node = 0
    for (let bit = HUFFMAN_LENGTHS[symbol]! - 1; bit > 0; bit--) {
      const edge = node * 2 + ((code >>> bit) & 1)
      // No edge leads back to the root, so 0 means that the edge does not exist yet.
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
