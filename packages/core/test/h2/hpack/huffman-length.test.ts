/** The only calls of this file: the table of transitions is made by whichever function needs it first. */

import { huffmanDecodedLength } from '../../../src/h2/hpack/huffman.js'
import { bytes } from './blocks.js'

it('measures a string before any string has been decoded: RFC 7541 §C.4.1', () => {
  expect(huffmanDecodedLength(bytes('f1e3c2e5f23a6ba0ab90f4ff'), 0, 12)).toBe('www.example.com'.length)
})
