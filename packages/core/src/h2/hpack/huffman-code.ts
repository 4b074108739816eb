/**
 * The Huffman code of RFC 7541 Appendix B, symbol by symbol; symbol 256 is EOS. The code is
 * canonical (shorter codes first, equal lengths in symbol order), so the lengths define it.
 */

/** End of string: only a part of its code may appear, as padding (RFC 7541 §5.2). */
export const EOS = 256

/** Code length of each symbol, in bits. */
// biome-ignore format: sixteen symbols per line, like an ASCII table
export const HUFFMAN_LENGTHS: Uint8Array = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
)

const LONGEST = 30

/** The code of each symbol, in the low HUFFMAN_LENGTHS[symbol] bits. */
export const HUFFMAN_CODES: Uint32Array = canonicalCodes()

function canonicalCodes(): Uint32Array {
  const many = new Uint32Array(LONGEST + 1)
  for (const length of HUFFMAN_LENGTHS) many[length]!++
  // The next code of each length.
  const next = new Uint32Array(LONGEST + 1)
  for (let length = 1; length <= LONGEST; length++) next[length] = (next[length - 1]! + many[length - 1]!) * 2
  return Uint32Array.from(HUFFMAN_LENGTHS, (length) => next[length]!++)
}
