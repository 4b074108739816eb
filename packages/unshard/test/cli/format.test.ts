/** Numbers for readers. */

import { colorsOf } from '../../src/cli/colors.js'
import { byteSize, count, counted, milliseconds } from '../../src/cli/format.js'

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.00 kB'],
  [12_345, '12.3 kB'],
  [999_499, '999 kB'],
  [999_500, '1.00 MB'],
  [5e15, '5000 TB'],
])('%d bytes are %s', (bytes, text) => expect(byteSize(bytes)).toBe(text))

it.each([
  [0, '0.00 ms'],
  [0.123, '0.12 ms'],
  [9.996, '10.0 ms'],
  [123.4, '123 ms'],
  [1_234, '1.23 s'],
])('%d ms are %s', (ms, text) => expect(milliseconds(ms)).toBe(text))

it('counts have thousands separated, and a noun in the plural', () => {
  expect([count(1_234_567), counted(1, 'entry'), counted(2, 'request')]).toEqual(['1,234,567', '1 entry', '2 requests'])
})

it('a file or a pipe gets no colors, unless FORCE_COLOR asks for them', () => {
  expect(colorsOf({}).red('x')).toBe('x')
})
