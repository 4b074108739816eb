import { ByteWriter } from '../../../src/h2/hpack/byte-writer.js'
import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { HpackEncoder } from '../../../src/h2/hpack/encoder.js'
import { encodeBlock, encodeHex, newEncoder, writtenHex } from './blocks.js'

function sizeUpdates(encoder: ReturnType<typeof newEncoder>): string {
  return encodeHex(encoder, [])
}

describe('representations, RFC 7541 §6', () => {
  it('writes what the static table knows as one byte', () => {
    const fields = [':method', 'GET', ':method', 'POST', ':scheme', 'https', ':path', '/', 'accept-encoding', 'gzip, deflate']
    expect(encodeHex(newEncoder(), fields)).toBe('8283878490')
  })

  it('writes the requests of RFC 7541 C.4 as the RFC does', () => {
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

  it('writes a repeated field as one byte, and a known name as an index', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-a', '1', 'x-b', '1'])
    expect(encodeHex(encoder, ['x-b', '1', 'x-a', '1'])).toBe('bebf')
    expect(encodeHex(encoder, ['x-a', '2'])).toBe('7f000132')
    expect(encodeHex(encoder, ['x-a', '2', 'x-a', '1'])).toBe('bec0')
  })

  it('refers to the newest entry with a name', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-a', '1', 'x-b', '1', 'x-a', '2'])
    expect(encodeHex(encoder, ['x-a', '3'])).toBe('7e0133')
  })

  it('writes indexes over 126 in two bytes', () => {
    const encoder = newEncoder()
    for (let i = 0; i < 70; i++) encodeBlock(encoder, ['x-a', String(i)])
    expect(encodeHex(encoder, ['x-a', '5'])).toBe('fe')
    expect(encodeHex(encoder, ['x-a', '4'])).toBe('ff00')
    expect(encodeHex(encoder, ['x-a', '0'])).toBe('ff04')
  })

  it('uses Huffman coding only where that is strictly shorter', () => {
    // Two 5-bit codes take two bytes, as the text does; eight take five.
    expect(encodeHex(newEncoder(), [':path', '00'])).toBe('04023030')
    expect(encodeHex(newEncoder(), [':path', '00000000'])).toBe('04850000000000')
    expect(encodeHex(newEncoder(), [':path', '\x01\x02'])).toBe('04020102')
    expect(encodeHex(newEncoder(), [':path', ''])).toBe('0400')
    expect(encodeHex(newEncoder(), ['', ''])).toBe('400000')
    expect(encodeHex(newEncoder(), [':path', '{'.repeat(200)])).toBe(`047f49${'7b'.repeat(200)}`)
    expect(encodeHex(newEncoder(), [':path', '0'.repeat(200)])).toBe(`04fd${'00'.repeat(125)}`)
  })

  it.each([125, 126, 127, 128, 300, 5000])('writes strings of %i bytes, coded or not', (length) => {
    for (const character of ['e', '{', '\xff']) {
      const fields = [':path', character.repeat(length), character.repeat(length), character]
      expect(new HpackDecoder({ maxFieldSectionBytes: 1e6 }).decode(encodeBlock(newEncoder(), fields)).fields).toEqual(fields)
    }
  })
})

describe('what enters the table', () => {
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
  ])('not %s, which differs from message to message (§6.2.2)', (name, value, start) => {
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
  ])('not %s, a secret that can be guessed: "never indexed" (§7.1.3)', (name, value, start) => {
    const encoder = newEncoder()
    expect(encodeHex(encoder, [name, value]).startsWith(start)).toBe(true)
    expect(encodeHex(encoder, [name, value]).startsWith(start)).toBe(true)
    expect(encoder.tableBytes).toBe(0)
  })

  it('a cookie of twenty bytes or more', () => {
    const encoder = newEncoder()
    const cookie = ['cookie', 'long=012345678901234']
    encodeBlock(encoder, cookie)
    expect(encodeHex(encoder, cookie)).toBe('be')
  })

  it('nothing that the caller calls sensitive, not even where a table has it already', () => {
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

  it('nothing over three quarters of the table', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x', 'y'.repeat(3072 - 32)])
    expect(encoder.tableBytes).toBe(0)
    encodeBlock(encoder, ['x', 'y'.repeat(3072 - 33)])
    expect(encoder.tableBytes).toBe(3072)
  })

  it('evicts the oldest, and forgets it', () => {
    const encoder = newEncoder(100)
    encodeBlock(encoder, ['x-a', '1', 'x-b', '1'])
    expect(encodeHex(encoder, ['x-a', '1', 'x-b', '1'])).toBe('bfbe')
    encodeBlock(encoder, ['x-c', '1'])
    expect(encoder.tableBytes).toBe(72)
    expect(encodeHex(encoder, ['x-c', '1', 'x-b', '1'])).toBe('bebf')
    expect(encodeHex(encoder, ['x-a', '1'])).toMatch(/^40/)
  })

  it('refers by name to the entry that the insertion evicts (§4.4), and still knows the new one', () => {
    const encoder = newEncoder(54)
    encodeBlock(encoder, ['x-a', '1'])
    expect(encodeHex(encoder, ['x-a', '2'])).toBe('7e0132')
    expect(encodeHex(encoder, ['x-a', '2'])).toBe('be')
    expect(encodeHex(encoder, ['server', '1', 'server', '2', 'server', '2'])).toBe('760131760132be')
  })

  it('[abuse: endless names and values] keeps no more than the table has room for', () => {
    const encoder = newEncoder()
    for (let i = 0; i < 20_000; i++) encodeBlock(encoder, [`x-${i}`, `${i}`, 'server', `${i}`])
    expect(encoder.tableBytes).toBeLessThanOrEqual(4096)
    const names = (encoder as unknown as { names: Map<string, { values: Map<string, number> }> }).names
    // As many as fit: in the end only those, for `server` is given up.
    expect(names.size).toBeLessThanOrEqual(Math.floor(4096 / (32 + 'x-19999'.length + '19999'.length)) + 1)
    expect(names.get('server')!.values.size).toBeLessThan(64)
  })
})

describe('table size updates, RFC 7541 §4.2', () => {
  it('writes none as long as nothing changes', () => {
    const encoder = newEncoder()
    expect(sizeUpdates(encoder)).toBe('')
    encoder.setMaxTableBytes(4096)
    expect(sizeUpdates(encoder)).toBe('')
  })

  it('begins the next block with one, and only that', () => {
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

  it('signals only what changes', () => {
    const encoder = newEncoder()
    for (const size of [8192, 4096]) encoder.setMaxTableBytes(size)
    expect(sizeUpdates(encoder)).toBe('')
    for (const size of [8192, 10_000]) encoder.setMaxTableBytes(size)
    expect(sizeUpdates(encoder)).toBe('3ff14d')
  })

  it('grows with the peer, up to its own cap', () => {
    const roomy = new HpackEncoder()
    roomy.setMaxTableBytes(0xffffffff)
    expect(sizeUpdates(roomy)).toBe('3fe1ff03')
    const frugal = newEncoder(1000)
    expect(sizeUpdates(frugal)).toBe('3fc907')
    frugal.setMaxTableBytes(8192)
    expect(sizeUpdates(frugal)).toBe('')
  })

  it('does without a table when the peer has none', () => {
    const encoder = newEncoder()
    encoder.setMaxTableBytes(0)
    expect(encodeHex(encoder, ['x-a', '1'])).toMatch(/^2000/)
    expect(encoder.tableBytes).toBe(0)
  })
})

describe('the writer it is given', () => {
  it('is appended to, and may have replaced its buffer', () => {
    const writer = new ByteWriter(1)
    writer.writeByte(0xaa)
    const encoder = newEncoder()
    encoder.beginBlock(writer)
    encoder.encodeField(writer, ':method', 'GET', false)
    encoder.encodeField(writer, 'x-a', '\x01'.repeat(50), false)
    expect(writtenHex(writer)).toMatch(new RegExp(`^aa824003782d6132${'01'.repeat(50)}$`))
  })
})

describe('a name whose values are driven out before they come again', () => {
  const LITERAL_INSERTED = '41'
  const LITERAL = '01'
  const of = (i: number): string => `host-${String(i).padStart(60, 'x')}.example`
  const first = (encoder: HpackEncoder, value: string): string => encodeHex(encoder, [':authority', value]).slice(0, 2)

  it('takes no place in the table any more: thousands of origins leave room for what repeats', () => {
    const encoder = newEncoder()
    encodeBlock(encoder, ['x-repeated', 'always the same'])
    let inserted = 0
    while (first(encoder, of(inserted)) === LITERAL_INSERTED) inserted++
    // Those that the table had room for, and 64 that were driven out for the next ones.
    expect(inserted).toBeGreaterThan(64)
    expect(inserted).toBeLessThan(110)
    for (let i = 0; i < 40; i++) expect(first(encoder, of(500 + i))).toBe(LITERAL)
    encodeBlock(encoder, ['x-repeated', 'always the same'])
    for (let i = 0; i < 20; i++) encodeBlock(encoder, [':authority', of(1_000 + i)])
    expect(encodeHex(encoder, ['x-repeated', 'always the same'])).toHaveLength(2)
  })

  it('one in 64 is tried, and a value that comes again has its place back', () => {
    const encoder = newEncoder()
    let tried = 0
    while (first(encoder, of(tried)) === LITERAL_INSERTED) tried++
    const written = Array.from({ length: 63 }, (_, i) => first(encoder, of(1_000 + i)))
    expect(written).toEqual([...Array(62).fill(LITERAL), LITERAL_INSERTED])
    for (let i = 0; i < 200; i++) expect(encodeHex(encoder, [':authority', of(1_062)])).toHaveLength(2)
    expect(first(encoder, of(500))).toBe(LITERAL_INSERTED)
    expect(encodeHex(encoder, [':authority', of(500)])).toHaveLength(2)
  })

  it('a few values in turn are never too many', () => {
    const encoder = newEncoder()
    for (let round = 0; round < 50; round++) for (let i = 0; i < 10; i++) encodeBlock(encoder, [':authority', of(i)])
    for (let i = 0; i < 10; i++) expect(encodeHex(encoder, [':authority', of(i)])).toHaveLength(2)
  })

  it('a decoder follows all of it', () => {
    const [encoder, decoder] = [newEncoder(), new HpackDecoder({ maxTableBytes: 4_096, maxFieldSectionBytes: 65_536 })]
    for (let i = 0; i < 1_000; i++) {
      const fields = [':authority', of((i * i) % 300), 'x-a', String(i % 3)]
      expect(decoder.decode(encodeBlock(encoder, fields)).fields).toEqual(fields)
    }
  })
})
