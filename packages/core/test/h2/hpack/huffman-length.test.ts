/** A file of its own, because the first call of a function creates the table of transitions. */

import { huffmanDecodedLength } from '../../../src/h2/hpack/huffman.js'
import { bytes } from './blocks.js'

it('a string is measured before any string was decoded (RFC 7541 §C.4.1)', () => {
  expect(huffmanDecodedLength(bytes('f1e3c2e5f23a6ba0ab90f4ff'), 0, 12)).toBe('www.example.com'.length)
})
