/**
 * The memory of content. The engine lends its memory, which the next read overwrites;
 * a reader gets its own memory, whatever the size of a part and the time of the read.
 */

import { HttpResponse } from '../../../src/message/response.js'
import { ResponseBody } from '../../../src/message/response-body.js'

const SOURCE = { consumed: () => undefined, cancel: () => undefined }
const SIZES = [1, 31, 32, 33, 1_023, 1_024, 1_025, 16_384, 65_536, 200_000]

/** The memory of the socket, the same for every read. */
const socketMemory = Buffer.alloc(262_144)

/** Simulates a read of `length` bytes of value `fill`, which the next read overwrites. */
function receive(body: ResponseBody, length: number, fill: number, at = 9): void {
  socketMemory.fill(0xee)
  socketMemory.fill(fill, at, at + length)
  body.push(socketMemory, at, at + length)
  socketMemory.fill(0xdd)
}

function respond(body: ResponseBody): HttpResponse {
  const rest = { fields: [], trailers: () => undefined, reprioritize: () => false, connection: () => ({}) as never }
  return new HttpResponse({
    status: 200,
    body,
    ...rest,
    timings: { queuedMs: 0, dnsMs: 0, connectMs: 0, tlsMs: 0, sentMs: 0, headersMs: 0, endMs: undefined },
    receivedBytes: 0,
    sentBytes: 0,
    totalSince: 0,
    url: () => 'https://a.example/',
    maxBodyBytes: Number.POSITIVE_INFINITY,
  })
}

const filledBytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)

/** Compares without printing up to 200,000 bytes. */
function equalBytes(bytes: Uint8Array, expected: Uint8Array): boolean {
  return Buffer.compare(bytes, expected) === 0
}

describe.each(SIZES)('parts of %i bytes', (size) => {
  it('are buffered for a later reader, and delivered to a waiting reader', async () => {
    const body = new ResponseBody(SOURCE)
    for (const fill of [1, 2, 3]) receive(body, size, fill)
    const read: Uint8Array[] = []
    while (body.buffered > 0) read.push((await body.next()).value as Uint8Array)
    expect(equalBytes(Buffer.concat(read), Buffer.concat([1, 2, 3].map((fill) => filledBytes(size, fill))))).toBe(true)
    const next = body.next()
    receive(body, size, 4)
    expect(equalBytes((await next).value as Uint8Array, filledBytes(size, 4))).toBe(true)
  })

  it('have separate memory: writing to one or transferring one changes no other', async () => {
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
    for (let i = 0; i < parts.length; i += 2) expect(equalBytes(parts[i]!, copies[i]!)).toBe(true)
  })

  it.each(['before', 'while', 'after'])('are collected if the call is made %s they arrive', async (time) => {
    const body = new ResponseBody(SOURCE, size * 3)
    const response = respond(body)
    const before = time === 'before' ? response.bytes() : undefined
    receive(body, size, 1)
    const during = time === 'while' ? response.bytes() : undefined
    receive(body, size, 2)
    receive(body, size, 3, 70)
    body.end()
    const bytes = await (before ?? during ?? response.bytes())
    expect(equalBytes(bytes, Buffer.concat([1, 2, 3].map((fill) => filledBytes(size, fill))))).toBe(true)
    expect(bytes.constructor).toBe(Uint8Array)
    expect(bytes.buffer.byteLength).toBe(size * 3)
  })
})

it('bytes do not change after they were read, whatever arrives afterwards', async () => {
  const kept: { bytes: Uint8Array; copy: Uint8Array }[] = []
  for (let i = 0; i < 300; i++) {
    const body = new ResponseBody(SOURCE)
    const response = respond(body)
    receive(body, SIZES[i % SIZES.length]!, i % 256)
    body.end()
    const bytes = await response.bytes()
    kept.push({ bytes, copy: Uint8Array.from(bytes) })
  }
  expect(kept.every(({ bytes, copy }) => equalBytes(bytes, copy))).toBe(true)
})

/** Counts the buffers of `bytes` bytes that `run` allocates. */
function preallocated(bytes: number, run: () => void): number {
  const original = Buffer.allocUnsafeSlow
  let pieces = 0
  Buffer.allocUnsafeSlow = (size) => {
    if (size === bytes) pieces++
    return original(size)
  }
  try {
    run()
  } finally {
    Buffer.allocUnsafeSlow = original
  }
  return pieces
}

describe('content with a known length', () => {
  const MILLION = 1_000_000

  it('is not preallocated before a sixteenth of it is received', () => {
    const body = new ResponseBody(SOURCE, MILLION)
    body.collect((parts) => parts).catch(() => undefined)
    expect(preallocated(MILLION, () => receive(body, 62_499, 1))).toBe(0)
    expect(preallocated(MILLION, () => receive(body, 1, 1))).toBe(1)
    body.discard(undefined)
  })

  it('above the limit of one buffer is collected in parts', async () => {
    const body = new ResponseBody(SOURCE, 2 ** 40)
    const parts = body.collect((parts) => parts)
    receive(body, 200_000, 1)
    body.end()
    expect((await parts)[0]).toHaveLength(200_000)
  })

  it('is preallocated up to a limit for all responses, and its memory is released at the end', async () => {
    const length = 60_000_000
    const bodies = Array.from({ length: 8 }, () => new ResponseBody(SOURCE, length))
    const results = bodies.map((body) => body.collect((parts) => parts.length).catch((error: Error) => error.message))
    const pieces = preallocated(length, () => {
      for (const body of bodies) for (let i = 0; i < 20; i++) receive(body, 200_000, 1)
    })
    // Content beyond the limit is kept in parts.
    expect(pieces).toBe(4)
    for (const body of bodies.slice(0, 7)) body.fail(new Error('lost'))
    bodies[7]!.discard(new Error('enough'))
    expect(await Promise.all(results)).toEqual([...Array.from({ length: 7 }, () => 'lost'), 'enough'])
    const later = [1, 2, 3, 4].map(() => new ResponseBody(SOURCE, 600_000))
    const parts = later.map((body) => body.collect((all) => all.length))
    for (const body of later) {
      for (let i = 0; i < 3; i++) receive(body, 200_000, 1)
      body.end()
    }
    expect(await Promise.all(parts)).toEqual([1, 1, 1, 1])
  })

  it('is collected in parts if no memory is available, and no other stream fails', async () => {
    const original = Buffer.allocUnsafeSlow
    Buffer.allocUnsafeSlow = (size) => {
      if (size > 250_000) throw new RangeError('Array buffer allocation failed')
      return original(size)
    }
    try {
      const body = new ResponseBody(SOURCE, 600_000)
      receive(body, 200_000, 1)
      const parts = body.collect((all) => all.map(({ length }) => length))
      for (const fill of [2, 3]) receive(body, 200_000, fill)
      body.end()
      expect(await parts).toEqual([200_000, 200_000, 200_000])
    } finally {
      Buffer.allocUnsafeSlow = original
    }
  })

  it('is kept neither by a body that was read nor by one that failed', async () => {
    const messages: string[] = []
    const read = new ResponseBody(SOURCE, 200_000)
    const whole = read.collect((parts) => parts[0])
    receive(read, 200_000, 1)
    read.end()
    expect(await whole).toHaveLength(200_000)
    expect(read.take()).toEqual([])
    const broken = new ResponseBody(SOURCE, 200_000)
    broken.collect(() => undefined).catch(({ message }: Error) => messages.push(message))
    receive(broken, 100_000, 1)
    broken.fail(new Error('lost'))
    await Promise.resolve()
    expect([messages, broken.take()]).toEqual([['lost'], []])
  })

  it('is not preallocated after a part of it was read', async () => {
    const body = new ResponseBody(SOURCE, 200_000)
    receive(body, 100_000, 1)
    await body.next()
    const rest = body.collect((parts) => parts.map(({ length }) => length))
    receive(body, 100_000, 2)
    body.end()
    expect(await rest).toEqual([100_000])
  })

  it('that ends early fails', async () => {
    const body = new ResponseBody(SOURCE, 100_000)
    const bytes = respond(body).bytes()
    receive(body, 90_000, 1)
    body.fail(new Error('lost'))
    await expect(bytes).rejects.toThrow('lost')
  })
})
