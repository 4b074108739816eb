/**
 * The memory of content: the engine's is lent, and overwritten by the next read; what a reader gets is its own, whatever the size of the
 * part and whenever it was read.
 */

import { HttpResponse } from '../../../src/message/response.js'
import { ResponseBody } from '../../../src/message/response-body.js'

const SOURCE = { consumed: () => undefined, cancel: () => undefined }
const SIZES = [1, 31, 32, 33, 1_023, 1_024, 1_025, 16_384, 65_536, 200_000]

/** The socket's memory: the same for every read. */
const lent = Buffer.alloc(262_144)

/** One read of `length` bytes, of value `fill`, which lie at `at` of the socket's memory until the next one. */
function receive(body: ResponseBody, length: number, fill: number, at = 9): void {
  lent.fill(0xee)
  lent.fill(fill, at, at + length)
  body.push(lent, at, at + length)
  lent.fill(0xdd)
}

function respond(body: ResponseBody): HttpResponse {
  const rest = { fields: [], trailers: () => undefined, reprioritize: () => false, connection: () => ({}) as never }
  return new HttpResponse({ status: 200, body, ...rest, timings: { sentMs: 0, headersMs: 0 }, totalSince: 0 })
}

const filled = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)

/** Whether `bytes` are what they should be, without printing 200,000 of them. */
function same(bytes: Uint8Array, expected: Uint8Array): boolean {
  return Buffer.compare(bytes, expected) === 0
}

describe.each(SIZES)('parts of %i bytes', (size) => {
  it('wait for a reader who comes later, and for one who is there', async () => {
    const body = new ResponseBody(SOURCE)
    for (const fill of [1, 2, 3]) receive(body, size, fill)
    const read: Uint8Array[] = []
    while (body.buffered > 0) read.push((await body.next()).value as Uint8Array)
    expect(same(Buffer.concat(read), Buffer.concat([1, 2, 3].map((fill) => filled(size, fill))))).toBe(true)
    const next = body.next()
    receive(body, size, 4)
    expect(same((await next).value as Uint8Array, filled(size, 4))).toBe(true)
  })

  it('are each in memory of their own: one that is written to, or given away, takes nothing with it', async () => {
    const bodies = [new ResponseBody(SOURCE), new ResponseBody(SOURCE)]
    for (const fill of [1, 2, 3]) for (const body of bodies) receive(body, size, fill)
    const parts: Uint8Array[] = []
    for (const body of bodies) while (body.buffered > 0) parts.push((await body.next()).value as Uint8Array)
    const pending = bodies.map((body) => body.next())
    for (const body of bodies) receive(body, size, 4)
    for (const each of pending) parts.push((await each).value as Uint8Array)
    expect(new Set(parts.map(({ buffer }) => buffer)).size).toBe(parts.length)
    const copies = parts.map((part) => Uint8Array.from(part))
    for (let i = 1; i < parts.length; i += 2) structuredClone(parts[i]!.buffer, { transfer: [parts[i]!.buffer as ArrayBuffer] })
    for (let i = 0; i < parts.length; i += 2) expect(same(parts[i]!, copies[i]!)).toBe(true)
  })

  it.each(['before', 'while', 'after'])('are collected by who asks %s they arrive', async (when) => {
    const body = new ResponseBody(SOURCE, size * 3)
    const response = respond(body)
    const early = when === 'before' ? response.bytes() : undefined
    receive(body, size, 1)
    const middle = when === 'while' ? response.bytes() : undefined
    receive(body, size, 2)
    receive(body, size, 3, 70)
    body.end()
    const bytes = await (early ?? middle ?? response.bytes())
    expect(same(bytes, Buffer.concat([1, 2, 3].map((fill) => filled(size, fill))))).toBe(true)
    expect(bytes.constructor).toBe(Uint8Array)
    expect(bytes.buffer.byteLength).toBe(size * 3)
  })
})

it('bytes that were read never change, whatever arrives after them', async () => {
  const kept: { bytes: Uint8Array; copy: Uint8Array }[] = []
  for (let i = 0; i < 300; i++) {
    const body = new ResponseBody(SOURCE)
    const response = respond(body)
    receive(body, SIZES[i % SIZES.length]!, i % 256)
    body.end()
    const bytes = await response.bytes()
    kept.push({ bytes, copy: Uint8Array.from(bytes) })
  }
  expect(kept.every(({ bytes, copy }) => same(bytes, copy))).toBe(true)
})

/** How many pieces of so many bytes are set aside while `run` runs. */
function setAside(bytes: number, run: () => void): number {
  const real = Buffer.allocUnsafeSlow
  let pieces = 0
  Buffer.allocUnsafeSlow = (size) => {
    if (size === bytes) pieces++
    return real(size)
  }
  try {
    run()
  } finally {
    Buffer.allocUnsafeSlow = real
  }
  return pieces
}

describe('content whose length was announced', () => {
  const MILLION = 1_000_000

  it('is not believed before a sixteenth of it is there', () => {
    const body = new ResponseBody(SOURCE, MILLION)
    body.collect((parts) => parts).catch(() => undefined)
    expect(setAside(MILLION, () => receive(body, 62_499, 1))).toBe(0)
    expect(setAside(MILLION, () => receive(body, 1, 1))).toBe(1)
    body.discard(undefined)
  })

  it('beyond what is set aside in one piece is collected as what comes', async () => {
    const body = new ResponseBody(SOURCE, 2 ** 40)
    const parts = body.collect((parts) => parts)
    receive(body, 200_000, 1)
    body.end()
    expect((await parts)[0]).toHaveLength(200_000)
  })

  it('many announcements together are believed up to a bound, which those that end give back', async () => {
    const announced = 60_000_000
    const bodies = Array.from({ length: 8 }, () => new ResponseBody(SOURCE, announced))
    const results = bodies.map((body) => body.collect((parts) => parts.length).catch((error: Error) => error.message))
    const pieces = setAside(announced, () => {
      for (const body of bodies) for (let i = 0; i < 20; i++) receive(body, 200_000, 1)
    })
    // The others are kept in parts.
    expect(pieces).toBe(4)
    for (const body of bodies.slice(0, 7)) body.fail(new Error('lost'))
    bodies[7]!.discard(new Error('enough'))
    expect(await Promise.all(results)).toEqual([...Array.from({ length: 7 }, () => 'lost'), 'enough'])
    const after = [1, 2, 3, 4].map(() => new ResponseBody(SOURCE, 600_000))
    const parts = after.map((body) => body.collect((all) => all.length))
    for (const body of after) {
      for (let i = 0; i < 3; i++) receive(body, 200_000, 1)
      body.end()
    }
    expect(await Promise.all(parts)).toEqual([1, 1, 1, 1])
  })

  it('for which there is no memory is collected as what comes, and no other stream notices', async () => {
    const real = Buffer.allocUnsafeSlow
    Buffer.allocUnsafeSlow = (size) => {
      if (size > 250_000) throw new RangeError('Array buffer allocation failed')
      return real(size)
    }
    try {
      const body = new ResponseBody(SOURCE, 600_000)
      receive(body, 200_000, 1)
      const parts = body.collect((all) => all.map(({ length }) => length))
      for (const fill of [2, 3]) receive(body, 200_000, fill)
      body.end()
      expect(await parts).toEqual([200_000, 200_000, 200_000])
    } finally {
      Buffer.allocUnsafeSlow = real
    }
  })

  it('is not kept by a body that was read, and not by one that broke off', async () => {
    const gone: string[] = []
    const read = new ResponseBody(SOURCE, 200_000)
    const whole = read.collect((parts) => parts[0])
    receive(read, 200_000, 1)
    read.end()
    expect(await whole).toHaveLength(200_000)
    expect(read.take()).toEqual([])
    const broken = new ResponseBody(SOURCE, 200_000)
    broken.collect(() => undefined).catch(({ message }: Error) => gone.push(message))
    receive(broken, 100_000, 1)
    broken.fail(new Error('lost'))
    await Promise.resolve()
    expect([gone, broken.take()]).toEqual([['lost'], []])
  })

  it('and of which a part was read is never put together with what is not there', async () => {
    const body = new ResponseBody(SOURCE, 200_000)
    receive(body, 100_000, 1)
    await body.next()
    const rest = body.collect((parts) => parts.map(({ length }) => length))
    receive(body, 100_000, 2)
    body.end()
    expect(await rest).toEqual([100_000])
  })

  it('that breaks off fails', async () => {
    const body = new ResponseBody(SOURCE, 100_000)
    const bytes = respond(body).bytes()
    receive(body, 90_000, 1)
    body.fail(new Error('lost'))
    await expect(bytes).rejects.toThrow('lost')
  })
})
