/**
 * Byte sequences with a meaning in HTTP/2 and HPACK: inserting them reaches code that single-bit
 * mutations would need ages for.
 */

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/**
 * Encodes literals without indexing, with new names and without Huffman codes (RFC 7541 §6.2.2).
 */
function fieldBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const text = (value: string): Buffer => {
    const length = value.length < 127 ? [value.length] : [127, ...longLength(value.length - 127)]
    return Buffer.concat([Uint8Array.from(length), Buffer.from(value, 'latin1')])
  }
  return Buffer.concat(fields.flatMap(([name, value]) => [Uint8Array.of(0), text(name), text(value)]))
}

function longLength(rest: number): number[] {
  return rest < 128 ? [rest] : [(rest & 127) | 128, rest >> 7]
}

/** Field blocks: responses, trailers, malformed ones, table updates, and violations of HPACK. */
export const BLOCKS: readonly Uint8Array[] = [
  hex('88'), // :status 200
  hex('89'), // :status 204
  hex('8b'), // :status 304
  hex('8d'), // :status 404
  fieldBlock([[':status', '100']]),
  fieldBlock([[':status', '103']]),
  fieldBlock([[':status', '101']]),
  hex('88 40 02 696e 04 73746570'), // inserts in: step
  hex('88 be'), // the newest dynamic entry
  hex('88 be bf c0'),
  fieldBlock([
    [':status', '200'],
    ['content-length', '5'],
  ]),
  fieldBlock([
    [':status', '200'],
    ['content-length', '0'],
  ]),
  fieldBlock([
    [':status', '200'],
    ['content-length', '5, 5'],
  ]),
  fieldBlock([['t', 'u']]),
  hex('10 01 74 01 75'), // never indexed
  hex('0f 0d 01 35'), // content-length: 5 with the name by index
  hex('5c 01 35'), // the same, inserted
  hex('88 61 96 df697e9403ca693b2a6d9e6a3b94'), // a Huffman-coded date, cut off
  hex('48 82 6402 58 85 aec3771a4b'), // :status 302, cache-control: private, Huffman-coded
  hex('20 88'),
  hex('3f e1 1f 88'), // a size update to 4096
  hex('20 3f e1 1f 88'),
  hex('3f e1 ff 03 88'),
  hex('80'),
  hex('ff ff ff ff ff 7f'),
  hex('00 01 41 01 62'), // an upper-case name
  fieldBlock([[':path', '/']]),
  fieldBlock([
    ['a', 'b'],
    [':status', '200'],
  ]),
  fieldBlock([
    [':status', '200'],
    [':status', '200'],
  ]),
  fieldBlock([
    [':status', '200'],
    ['connection', 'close'],
  ]),
  fieldBlock([
    [':status', '200'],
    ['te', 'trailers'],
  ]),
  fieldBlock([
    [':status', '200'],
    ['big', 'x'.repeat(400)],
  ]),
  hex(''),
]

/** 32-bit numbers at the edges of the ranges in the RFCs. */
export const NUMBERS: readonly number[] = [
  0, 1, 2, 3, 5, 8, 20, 100, 101, 127, 128, 255, 256, 1_000, 4_095, 4_096, 4_097, 16_383, 16_384, 16_385, 32_767, 32_768, 65_534,
  65_535, 65_536, 70_000, 131_070, 16_777_215, 16_777_216, 0x7ffe_ffff, 0x7fff_0000, 0x7fff_fffe, 0x7fff_ffff, 0x8000_0000,
  0xffff_ffff,
]

/** Single bytes at edges. */
export const EDGE_BYTES: readonly number[] = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 31, 32, 62, 63, 64, 65, 126, 127, 128, 129, 191, 254, 255,
]
