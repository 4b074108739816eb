/** Content in tiny, unread parts: it must not keep the memory of the received chunks alive. */

import { ResponseBody } from '../../../src/message/response-body.js'

const SOCKET_CHUNK = 65_536

function open(): ResponseBody {
  return new ResponseBody({ consumed: () => undefined, cancel: () => undefined })
}

/** A view of `text.length` bytes in memory of the size of a socket's chunk. */
function view(text: string): Buffer {
  const chunk = Buffer.alloc(SOCKET_CHUNK, '#')
  return chunk.subarray(100, 100 + chunk.write(text, 100))
}

describe('unread content with one byte and 255 bytes of padding in every frame (E22)', () => {
  it('costs its own bytes and at most one chunk of the socket', () => {
    const body = open()
    for (let i = 0; i < 50_000; i++) body.push(view(String(i % 10)))
    body.end()
    const parts = body.take()
    const memory = new Set(parts.map((part) => part.buffer))
    const bytes = [...memory].reduce((sum, buffer) => sum + buffer.byteLength, 0)
    expect(parts.length).toBeLessThan(20)
    expect(bytes).toBeLessThan(SOCKET_CHUNK + 50_000 + 16_384)
    expect(Buffer.concat(parts).toString()).toBe('0123456789'.repeat(5_000))
  })

  it('keeps its order with large parts in between and with reads in between', async () => {
    const body = open()
    const large = Buffer.alloc(SOCKET_CHUNK / 8, 'L')
    const read: string[] = []
    const next = async (): Promise<number> => read.push(String((await body.next()).value))
    for (const text of ['a', 'b', 'c']) body.push(view(text))
    body.push(large)
    for (const text of ['d', 'e']) body.push(view(text))
    await next()
    await next()
    for (const text of ['f', 'g']) body.push(view(text))
    await next()
    await next()
    body.push(view('h'))
    body.push(view('i'))
    await next()
    await next()
    expect(read).toEqual(['a', 'bc', large.toString(), 'defg', 'h', 'i'])
    expect(body.buffered).toBe(0)
  })

  it('is not disturbed by a reader that transfers the memory of a part', async () => {
    const body = open()
    for (const text of ['a', 'b', 'c']) body.push(view(text))
    await body.next()
    const { value } = await body.next()
    structuredClone(value.buffer, { transfer: [value.buffer] })
    for (const text of ['d', 'e', 'f']) body.push(view(text))
    body.end()
    expect(Buffer.concat(body.take()).toString()).toBe('def')
  })

  it('costs no more with a TLS record for every byte, where each part has its own memory', () => {
    const body = open()
    for (let i = 0; i < 50_000; i++) body.push(Buffer.from(String(i % 10)))
    body.end()
    const parts = body.take()
    expect(parts.length).toBeLessThan(20)
    expect(Buffer.concat(parts).toString()).toBe('0123456789'.repeat(5_000))
  })

  it('is read in time proportional to the number of parts, even if parts arrive in the meantime', async () => {
    const body = open()
    const part = Buffer.alloc(1_024, 'x')
    for (let i = 0; i < 20_000; i++) body.push(part)
    let bytes = 0
    for (let i = 0; i < 30_000; i++) {
      if (i < 10_000) body.push(part)
      bytes += (await body.next()).value.length
    }
    expect([bytes, body.buffered]).toEqual([30_000 * 1_024, 0])
    body.push(part)
    body.end()
    expect(body.take()).toEqual([part])
  })

  it('is not returned again after it was read', async () => {
    const body = open()
    const parts = [1, 2, 3].map((fill) => Buffer.alloc(2_000, fill))
    for (const part of parts) body.push(part)
    expect((await body.next()).value).toEqual(parts[0])
    body.end()
    expect(body.take()).toEqual(parts.slice(1))
  })

  it('is not merged if its parts are large: each has memory of its length', () => {
    const body = open()
    const parts = [1, 2, 3].map((fill) => Buffer.alloc(10_000, fill))
    for (const part of parts) body.push(part)
    const kept = body.take()
    expect(kept).toEqual(parts)
    expect(kept.map(({ buffer }) => buffer.byteLength)).toEqual([10_000, 10_000, 10_000])
  })

  it('costs no more for small parts between large ones than for the large ones', () => {
    const body = open()
    const large = Buffer.alloc(1_024, 'L')
    for (let i = 0; i < 1_000; i++) {
      body.push(large)
      body.push(view('x'))
    }
    const memory = new Set(body.take().map((part) => part.buffer))
    const bytes = [...memory].reduce((sum, buffer) => sum + buffer.byteLength, 0)
    expect(bytes).toBeLessThanOrEqual(2 * 1_000 * 1_024)
  })
})
