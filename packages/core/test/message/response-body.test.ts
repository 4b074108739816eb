/** The body of a response: credit, collection, failures, streams. */

import { decodeUtf8, HttpResponse, type ResponseSource } from '../../src/message/response.js'
import { ResponseBody } from '../../src/message/response-body.js'

function open(): { body: ResponseBody; consumed: number[]; cancelled: unknown[]; response: HttpResponse } {
  const consumed: number[] = []
  const cancelled: unknown[] = []
  const body = new ResponseBody({ consumed: (bytes) => consumed.push(bytes), cancel: (reason) => cancelled.push(reason) })
  const parts: ResponseSource = {
    status: 200,
    fields: ['x', 'y'],
    body,
    trailers: () => ['t', '1'],
    reprioritize: () => false,
    connection: () => ({}) as never,
    timings: { queuedMs: 0, dnsMs: 0, connectMs: 0, tlsMs: 0, sentMs: 1, headersMs: 2, endMs: undefined },
    receivedBytes: 0,
    sentBytes: 0,
    totalSince: 0,
    url: () => 'https://a.example/',
    maxBodyBytes: Number.POSITIVE_INFINITY,
  }
  return { body, consumed, cancelled, response: new HttpResponse(parts) }
}

const bytes = (text: string): Buffer => Buffer.from(text)

describe('the content of a response', () => {
  it('gives credit only for parts that are read, one by one', async () => {
    const { body, consumed, response } = open()
    body.push(bytes('abc'))
    body.push(bytes('de'))
    expect(consumed).toEqual([])
    expect(body.buffered).toBe(5)
    const iterator = response.body
    expect((await iterator.next()).value).toEqual(bytes('abc'))
    expect(consumed).toEqual([3])
    const waiting = iterator.next()
    await waiting
    const next = iterator.next()
    body.push(bytes('f'))
    expect((await next).value).toEqual(bytes('f'))
    expect(consumed).toEqual([3, 2, 1])
    body.end()
    expect((await iterator.next()).done).toBe(true)
  })

  it('gives credit for parts that arrive before or after the call that collects them', async () => {
    const { body, consumed, response } = open()
    body.push(bytes('ab'))
    const text = response.text()
    body.push(bytes('cd'))
    body.end()
    expect(await text).toBe('abcd')
    expect(consumed).toEqual([2, 2])
    expect(response.trailers?.get('t')).toBe('1')
  })

  it('is converted as soon as its end arrives, and no promise keeps the parts', async () => {
    const { body } = open()
    const texts: string[] = []
    const result = body.collect((parts) => texts.push(decodeUtf8(parts)))
    body.push(bytes('ab'))
    expect(texts).toEqual([])
    body.end()
    expect(texts).toEqual(['ab'])
    expect(await result).toBe(1)
  })

  it('rejects a failed conversion only to its caller, before or after the end', async () => {
    for (const endsFirst of [true, false]) {
      const { body, response } = open()
      body.push(bytes('{'))
      if (endsFirst) body.end()
      const json = response.json()
      if (!endsFirst) expect(() => body.end()).not.toThrow()
      await expect(json).rejects.toMatchObject({ code: 'ERR_INVALID_JSON' })
    }
  })

  it('has trailers after it is complete, not before', () => {
    const { body, response } = open()
    expect(response.trailers).toBeUndefined()
    body.end()
    expect(response.trailers).toBeDefined()
  })

  it('is read up to a failure', async () => {
    const { body, response } = open()
    body.push(bytes('ab'))
    body.fail(new Error('lost'))
    body.fail(new Error('again'))
    body.end()
    const iterator = response.body
    expect((await iterator.next()).value).toEqual(bytes('ab'))
    await expect(iterator.next()).rejects.toThrow('lost')
  })

  it('fails for a caller that waits, reads or collects', async () => {
    const reading = open()
    const next = reading.response.body.next()
    reading.body.fail(new Error('lost'))
    await expect(next).rejects.toThrow('lost')
    const collecting = open()
    const text = collecting.response.text()
    collecting.body.fail(new Error('lost'))
    await expect(text).rejects.toThrow('lost')
    await expect(open().response.json()).toBeInstanceOf(Promise)
  })

  it('is cancelled once when the caller leaves the loop', async () => {
    const { body, cancelled, response } = open()
    body.push(bytes('ab'))
    for await (const part of response.body) {
      expect(part).toHaveLength(2)
      break
    }
    expect(cancelled).toHaveLength(1)
    expect(body.buffered).toBe(0)
  })

  it('is read once, in one way', async () => {
    const { body, response } = open()
    body.end()
    expect(response.bodyUsed).toBe(false)
    await response.text()
    expect(response.bodyUsed).toBe(true)
    await expect(response.bytes()).rejects.toMatchObject({ code: 'ERR_BODY_USED' })
    expect(() => response.body).toThrow(expect.objectContaining({ code: 'ERR_BODY_USED' }))
    expect(() => response.webStream()).toThrow(expect.objectContaining({ code: 'ERR_BODY_USED' }))
  })

  it('is copied: later changes to the memory of the engine do not affect it', async () => {
    const { body, response } = open()
    const chunk = Buffer.from('abcd')
    body.push(chunk.subarray(1, 3))
    body.end()
    const read = await response.bytes()
    chunk.fill(0)
    expect(Buffer.from(read).toString()).toBe('bc')
    expect(read.buffer.byteLength).toBe(2)
  })

  it('is rejected if it is not valid JSON', async () => {
    const { body, response } = open()
    body.push(bytes('{"a":'))
    body.end()
    await expect(response.json()).rejects.toMatchObject({ code: 'ERR_INVALID_JSON' })
  })

  it('is available as Node stream, web stream and byte stream', async () => {
    const node = open()
    node.body.push(bytes('ab'))
    node.body.push(bytes('cd'))
    node.body.end()
    expect(Buffer.concat(await node.response.nodeStream().toArray()).toString()).toBe('abcd')
    const web = open()
    web.body.push(bytes('abcd'))
    web.body.end()
    const reader = web.response.webStream().getReader({ mode: 'byob' })
    const { value } = await reader.read(new Uint8Array(3))
    expect(Buffer.from(value!).toString()).toBe('abc')
    const rest = await reader.read(new Uint8Array(3))
    expect(Buffer.from(rest.value!).toString()).toBe('d')
    expect((await reader.read(new Uint8Array(3))).done).toBe(true)
  })

  it('is cancelled when its stream is destroyed or cancelled', async () => {
    const node = open()
    const stream = node.response.nodeStream()
    stream.on('error', () => undefined)
    stream.resume()
    const closed = new Promise((resolve) => stream.once('close', resolve))
    node.body.push(bytes('ab'))
    stream.once('data', () => stream.destroy())
    await closed
    expect(node.cancelled).toHaveLength(1)
    const web = open()
    await web.response.webStream().cancel('enough')
    expect(web.cancelled).toEqual(['enough'])
  })
})

describe('decodeUtf8', () => {
  it.each([
    [[0xef, 0xbb, 0xbf, 0x61], 'a'],
    [[0xff, 0x61], '\ufffda'],
    [[], ''],
  ])('decodes %j', (bytes, text) => {
    expect(decodeUtf8([Uint8Array.from(bytes)])).toBe(text)
  })

  it('decodes a sequence that is split between two parts as one character', () => {
    expect(decodeUtf8([Uint8Array.of(0xe2, 0x82), Uint8Array.of(0xac)])).toBe('€')
  })
})

describe('pour()', () => {
  it('passes parts before and after the call to the function, in order, and gives credit for each', async () => {
    const { body, consumed, response } = open()
    body.push(bytes('ab'))
    const poured: string[] = []
    const over = response.pour((part) => void poured.push(Buffer.from(part).toString()))
    body.push(bytes('xcdx'), 1, 3)
    body.end()
    await over
    expect(poured).toEqual(['ab', 'cd'])
    expect(consumed).toEqual([2, 2])
    expect(response.bodyUsed).toBe(true)
  })

  it('passes content that has arrived as a whole', async () => {
    const { body, response } = open()
    body.push(bytes('abc'))
    body.end()
    const poured: string[] = []
    await response.pour((part) => void poured.push(Buffer.from(part).toString()))
    expect(poured).toEqual(['abc'])
  })

  it('rejects with the error of the content, after the parts before it', async () => {
    const { body, response } = open()
    const poured: string[] = []
    const over = response.pour((part) => void poured.push(Buffer.from(part).toString()))
    body.push(bytes('abc'))
    body.fail(new Error('the content broke off'))
    await expect(over).rejects.toThrow('the content broke off')
    expect(poured).toEqual(['abc'])
  })

  it.each([[true], [false]])('an error of the function cancels the content, and is the error of the call: %s', async (isOpen) => {
    const { body, cancelled, response } = open()
    if (!isOpen) {
      body.push(bytes('abc'))
      body.end()
    }
    const error = new Error('the disk is full')
    let calls = 0
    const over = response.pour(() => {
      calls++
      throw error
    })
    if (isOpen) for (const part of ['abc', 'def']) body.push(bytes(part))
    await expect(over).rejects.toBe(error)
    expect(calls).toBe(1)
    expect(cancelled).toEqual(isOpen ? [error] : [])
  })

  it('an error of the function is not lost if the content ends in the same read', async () => {
    const { body, response } = open()
    const error = new Error('the disk is full')
    const over = response.pour(() => {
      throw error
    })
    body.push(bytes('abc'))
    body.end()
    await expect(over).rejects.toBe(error)
  })

  it('passes the parts that arrived before the content failed, and then rejects', async () => {
    const { body, response } = open()
    body.push(bytes('abc'))
    body.fail(new Error('the content broke off'))
    const poured: string[] = []
    await expect(response.pour((part) => void poured.push(Buffer.from(part).toString()))).rejects.toThrow('the content broke off')
    expect(poured).toEqual(['abc'])
  })
})
