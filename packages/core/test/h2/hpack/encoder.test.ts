/** Encoding of field blocks: representations, insertions and table size updates. */

import { ByteWriter } from '../../../src/h2/hpack/byte-writer.js'
import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { HpackEncoder } from '../../../src/h2/hpack/encoder.js'
import { encodeBlock, encodeHex, newEncoder, writtenHex } from './blocks.js'

function sizeUpdates(encoder: ReturnType<typeof newEncoder>): string {
  return encodeHex(encoder, [])
}

describe('representations (RFC 7541 §6)', () => {
  it('a field of the static table is one byte', () => {
    const fields = [':method', 'GET', ':method', 'POST', ':scheme', 'https', ':path', '/', 'accept-encoding', 'gzip, deflate']
    expect(encodeHex(newEncoder(), fields)).toBe('8283878490')
  })

  it('the requests of RFC 7541 C.4 have the bytes of the RFC', () => {
    const encoder = newEncoder()
    const head = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com']
    expect(encodeHex(encoder, head)).toBe('828684418cf1e3c2e5f23a6ba0ab90f4ff')
    expect(encodeHex(encoder, [...head, 'cache-control', 'no-cache'])).toBe('828684be5886a8eb10649cbf')
    expect(
      encodeHex(encoder, [
        ':method',
        'GET',
        ':scheme',
        'https',
        ':path',
        '/index.html',
        ...head.slice(6),
        'custom-key',
        'custom-value',
      ]),
    ).toBe('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf')
    expect(encoder.tableBytes).toBe(164)
  })

  it('a repeated field is one byte, and a repeated name an index', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-a', '1', 'x-b', '1'])
    expect(encodeHex(encoder, ['x-b', '1', 'x-a', '1'])).toBe('bebf')
    expect(encodeHex(encoder, ['x-a', '2'])).toBe('7f000132')
    expect(encodeHex(encoder, ['x-a', '2', 'x-a', '1'])).toBe('bec0')
  })

  it('a repeated name refers to its newest entry', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-a', '1', 'x-b', '1', 'x-a', '2'])
    expect(encodeHex(encoder, ['x-a', '3'])).toBe('7e0133')
  })

  it('an index over 126 has two bytes', () => {
    const encoder = newEncoder()
    for (let i = 0; i < 70; i++) encodeBlock(encoder, ['x-a', String(i)])
    expect(encodeHex(encoder, ['x-a', '5'])).toBe('fe')
    expect(encodeHex(encoder, ['x-a', '4'])).toBe('ff00')
    expect(encodeHex(encoder, ['x-a', '0'])).toBe('ff04')
  })

  it('Huffman coding is used only if it is strictly shorter', () => {
    // Two 5-bit codes need two bytes, the length of the text; eight codes need five bytes.
    expect(encodeHex(newEncoder(), [':path', '00'])).toBe('04023030')
    expect(encodeHex(newEncoder(), [':path', '00000000'])).toBe('04850000000000')
    expect(encodeHex(newEncoder(), [':path', '\x01\x02'])).toBe('04020102')
    expect(encodeHex(newEncoder(), [':path', ''])).toBe('0400')
    expect(encodeHex(newEncoder(), ['', ''])).toBe('400000')
    expect(encodeHex(newEncoder(), [':path', '{'.repeat(200)])).toBe(`047f49${'7b'.repeat(200)}`)
    expect(encodeHex(newEncoder(), [':path', '0'.repeat(200)])).toBe(`04fd${'00'.repeat(125)}`)
  })

  it.each([125, 126, 127, 128, 300, 5000])('strings of %i bytes are written with and without Huffman coding', (length) => {
    for (const character of ['e', '{', '\xff']) {
      const fields = [':path', character.repeat(length), character.repeat(length), character]
      expect(new HpackDecoder({ maxFieldSectionBytes: 1e6 }).decode(encodeBlock(newEncoder(), fields)).fields).toEqual(fields)
    }
  })
})

describe('insertions into the table', () => {
  it.each([
    [':path', '/a', '0402'],
    ['age', '5', '0f06'],
    ['content-length', '5', '0f0d'],
    ['etag', '"a"', '0f13'],
    ['if-none-match', '"a"', '0f1a'],
    ['if-modified-since', 'x', '0f19'],
    ['location', 'x', '0f1f'],
    ['set-cookie', 'x', '0f28'],
    ['range', 'x', '0f23'],
    ['x-request-id', 'x', '00'],
    ['traceparent', 'x', '00'],
    ['idempotency-key', 'x', '00'],
  ])('%s is not inserted, because its value differs between messages (§6.2.2)', (name, value, start) => {
    const encoder = newEncoder()
    const first = encodeHex(encoder, [name, value])
    expect(first.startsWith(start)).toBe(true)
    expect(encodeHex(encoder, [name, value])).toBe(first)
    expect(encoder.tableBytes).toBe(0)
  })

  it.each([
    ['authorization', 'Bearer 0123456789012345678901234567890123456789', '1f08'],
    ['proxy-authorization', 'Basic 0123456789', '1f22'],
    ['cookie', 'short=0123456789012', '1f11'],
  ])('%s, a secret that can be guessed, is "never indexed" (§7.1.3)', (name, value, start) => {
    const encoder = newEncoder()
    expect(encodeHex(encoder, [name, value]).startsWith(start)).toBe(true)
    expect(encodeHex(encoder, [name, value]).startsWith(start)).toBe(true)
    expect(encoder.tableBytes).toBe(0)
  })

  it('a cookie of twenty bytes or more is inserted', () => {
    const encoder = newEncoder()
    const cookie = ['cookie', 'long=012345678901234']
    encodeBlock(encoder, cookie)
    expect(encodeHex(encoder, cookie)).toBe('be')
  })

  it('a sensitive field is never indexed, even if a table has it already', () => {
    const encoder = newEncoder()
    const field = ['x-key', 'abc']
    expect(encodeHex(encoder, field, true)).toMatch(/^10/)
    expect(encodeHex(encoder, field, true)).toMatch(/^10/)
    expect(encoder.tableBytes).toBe(0)
    encodeBlock(encoder, field)
    expect(encodeHex(encoder, field)).toBe('be')
    expect(encodeHex(encoder, field, true)).toMatch(/^1f2f/)
    expect(encodeHex(encoder, [':method', 'GET'], true)).toMatch(/^12/)
    expect(encodeHex(encoder, ['cookie', ''])).toBe('1f1100')
  })

  it('a field over three quarters of the table is not inserted', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x', 'y'.repeat(3072 - 32)])
    expect(encoder.tableBytes).toBe(0)
    encodeBlock(encoder, ['x', 'y'.repeat(3072 - 33)])
    expect(encoder.tableBytes).toBe(3072)
  })

  it('an insertion evicts the oldest entry, which is then a literal again', () => {
    const encoder = newEncoder(100)
    encodeBlock(encoder, ['x-a', '1', 'x-b', '1'])
    expect(encodeHex(encoder, ['x-a', '1', 'x-b', '1'])).toBe('bfbe')
    encodeBlock(encoder, ['x-c', '1'])
    expect(encoder.tableBytes).toBe(72)
    expect(encodeHex(encoder, ['x-c', '1', 'x-b', '1'])).toBe('bebf')
    expect(encodeHex(encoder, ['x-a', '1'])).toMatch(/^40/)
  })

  it('an insertion may refer to the name of the entry that it evicts (§4.4)', () => {
    const encoder = newEncoder(54)
    encodeBlock(encoder, ['x-a', '1'])
    expect(encodeHex(encoder, ['x-a', '2'])).toBe('7e0132')
    expect(encodeHex(encoder, ['x-a', '2'])).toBe('be')
    expect(encodeHex(encoder, ['server', '1', 'server', '2', 'server', '2'])).toBe('760131760132be')
  })

  it('the index of names and values has at most the entries of the table (abuse: endless names and values)', () => {
    const encoder = newEncoder()
    for (let i = 0; i < 20_000; i++) encodeBlock(encoder, [`x-${i}`, `${i}`, 'server', `${i}`])
    expect(encoder.tableBytes).toBeLessThanOrEqual(4096)
    const names = (encoder as unknown as { names: Map<string, { values: Map<string, number> }> }).names
    // Only entries in the table: `server` is no longer inserted.
    expect(names.size).toBeLessThanOrEqual(Math.floor(4096 / (32 + 'x-19999'.length + '19999'.length)) + 1)
    expect(names.get('server')!.values.size).toBeLessThan(64)
  })
})

describe('table size updates (RFC 7541 §4.2)', () => {
  it('no update is written without a change', () => {
    const encoder = newEncoder()
    expect(sizeUpdates(encoder)).toBe('')
    encoder.setMaxTableBytes(4096)
    expect(sizeUpdates(encoder)).toBe('')
  })

  it('only the next block begins with an update', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-a', '1'])
    encoder.setMaxTableBytes(30)
    expect(encodeHex(encoder, [':method', 'GET'])).toBe('3e82')
    expect(encoder.tableBytes).toBe(0)
    expect(encodeHex(encoder, [':method', 'GET'])).toBe('82')
  })

  it('"the smallest maximum table size that occurs in that interval MUST be signaled [...] The final maximum size is always signaled"', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-a', '1', 'x-b', '1'])
    for (const size of [200, 40, 0, 100, 4096]) encoder.setMaxTableBytes(size)
    expect(encodeHex(encoder, ['x-b', '1'])).toMatch(/^203fe11f40/)
    for (const size of [40, 100]) encoder.setMaxTableBytes(size)
    expect(encodeHex(encoder, ['x-b', '1'])).toBe('3f093f45be')
  })

  it('only a changed size is signaled', () => {
    const encoder = newEncoder()
    for (const size of [8192, 4096]) encoder.setMaxTableBytes(size)
    expect(sizeUpdates(encoder)).toBe('')
    for (const size of [8192, 10_000]) encoder.setMaxTableBytes(size)
    expect(sizeUpdates(encoder)).toBe('3ff14d')
  })

  it('the table grows to the limit of the peer, up to the cap of the encoder', () => {
    const largeEncoder = new HpackEncoder()
    largeEncoder.setMaxTableBytes(0xffffffff)
    expect(sizeUpdates(largeEncoder)).toBe('3fe1ff03')
    const smallEncoder = newEncoder(1000)
    expect(sizeUpdates(smallEncoder)).toBe('3fc907')
    smallEncoder.setMaxTableBytes(8192)
    expect(sizeUpdates(smallEncoder)).toBe('')
  })

  it('no field is inserted if the limit of the peer is 0', () => {
    const encoder = newEncoder()
    encoder.setMaxTableBytes(0)
    expect(encodeHex(encoder, ['x-a', '1'])).toMatch(/^2000/)
    expect(encoder.tableBytes).toBe(0)
  })
})

describe('the writer', () => {
  it('is appended to, and may replace its buffer', () => {
    const writer = new ByteWriter(1)
    writer.writeByte(0xaa)
    const encoder = newEncoder()
    encoder.beginBlock(writer)
    encoder.encodeField(writer, ':method', 'GET', false)
    encoder.encodeField(writer, 'x-a', '\x01'.repeat(50), false)
    expect(writtenHex(writer)).toMatch(new RegExp(`^aa824003782d6132${'01'.repeat(50)}$`))
  })
})

describe('a name whose values are evicted before they repeat', () => {
  const LITERAL_INSERTED = '41'
  const LITERAL = '01'
  const hostName = (i: number): string => `host-${String(i).padStart(60, 'x')}.example`
  const first = (encoder: HpackEncoder, value: string): string => encodeHex(encoder, [':authority', value]).slice(0, 2)

  it('is no longer inserted, so that repeated fields stay in the table', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-repeated', 'always the same'])
    let inserted = 0
    while (first(encoder, hostName(inserted)) === LITERAL_INSERTED) inserted++
    // The entries that fit into the table, and 64 evicted ones.
    expect(inserted).toBeGreaterThan(64)
    expect(inserted).toBeLessThan(110)
    for (let i = 0; i < 40; i++) expect(first(encoder, hostName(500 + i))).toBe(LITERAL)
    encodeBlock(encoder, ['x-repeated', 'always the same'])
    for (let i = 0; i < 20; i++) encodeBlock(encoder, [':authority', hostName(1_000 + i)])
    expect(encodeHex(encoder, ['x-repeated', 'always the same'])).toHaveLength(2)
  })

  it('is inserted once in 64 values, and always again after a value repeats', () => {
    const encoder = newEncoder()
    let inserts = 0
    while (first(encoder, hostName(inserts)) === LITERAL_INSERTED) inserts++
    const written = Array.from({ length: 63 }, (_, i) => first(encoder, hostName(1_000 + i)))
    expect(written).toEqual([...Array(62).fill(LITERAL), LITERAL_INSERTED])
    for (let i = 0; i < 200; i++) expect(encodeHex(encoder, [':authority', hostName(1_062)])).toHaveLength(2)
    expect(first(encoder, hostName(500))).toBe(LITERAL_INSERTED)
    expect(encodeHex(encoder, [':authority', hostName(500)])).toHaveLength(2)
  })

  it('is inserted if a few values alternate', () => {
    const encoder = newEncoder()
    for (let round = 0; round < 50; round++) for (let i = 0; i < 10; i++) encodeBlock(encoder, [':authority', hostName(i)])
    for (let i = 0; i < 10; i++) expect(encodeHex(encoder, [':authority', hostName(i)])).toHaveLength(2)
  })

  it('decodes to the same fields', () => {
    const [encoder, decoder] = [newEncoder(), new HpackDecoder({ maxTableBytes: 4_096, maxFieldSectionBytes: 65_536 })]
    for (let i = 0; i < 1_000; i++) {
      const fields = [':authority', hostName((i * i) % 300), 'x-a', String(i % 3)]
      expect(decoder.decode(encodeBlock(encoder, fields)).fields).toEqual(fields)
    }
  })
})
