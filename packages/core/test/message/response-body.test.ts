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
    timings: { sentMs: 1, headersMs: 2 },
    totalSince: 0,
  }
  return { body, consumed, cancelled, response: new HttpResponse(parts) }
}

const bytes = (text: string): Buffer => Buffer.from(text)

describe('the content of a response', () => {
  it('an unread body gives no credit back; reading does, part by part', async () => {
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

  it('collecting gives credit as parts arrive, whether they came before or after', async () => {
    const { body, consumed, response } = open()
    body.push(bytes('ab'))
    const text = response.text()
    body.push(bytes('cd'))
    body.end()
    expect(await text).toBe('abcd')
    expect(consumed).toEqual([2, 2])
    expect(response.trailers?.get('t')).toBe('1')
  })

  it('what is made of the whole is made the moment its end comes, and no promise holds the parts', async () => {
    const { body } = open()
    const seen: string[] = []
    const made = body.collect((parts) => seen.push(decodeUtf8(parts)))
    body.push(bytes('ab'))
    expect(seen).toEqual([])
    body.end()
    expect(seen).toEqual(['ab'])
    expect(await made).toBe(1)
  })

  it("what cannot be made of it is the promise's rejection, whether the end came before or after, and nobody else's", async () => {
    for (const early of [true, false]) {
      const { body, response } = open()
      body.push(bytes('{'))
      if (early) body.end()
      const json = response.json()
      if (!early) expect(() => body.end()).not.toThrow()
      await expect(json).rejects.toMatchObject({ code: 'ERR_INVALID_JSON' })
    }
  })

  it('trailers are there when the content is complete, and not before', () => {
    const { body, response } = open()
    expect(response.trailers).toBeUndefined()
    body.end()
    expect(response.trailers).toBeDefined()
  })

  it('what arrived before a failure is still read', async () => {
    const { body, response } = open()
    body.push(bytes('ab'))
    body.fail(new Error('lost'))
    body.fail(new Error('again'))
    body.end()
    const iterator = response.body
    expect((await iterator.next()).value).toEqual(bytes('ab'))
    await expect(iterator.next()).rejects.toThrow('lost')
  })

  it('a failure while somebody waits, reads or collects reaches them', async () => {
    const one = open()
    const next = one.response.body.next()
    one.body.fail(new Error('lost'))
    await expect(next).rejects.toThrow('lost')
    const two = open()
    const text = two.response.text()
    two.body.fail(new Error('lost'))
    await expect(text).rejects.toThrow('lost')
    await expect(open().response.json()).toBeInstanceOf(Promise)
  })

  it('leaving the loop cancels what is still to come, once', async () => {
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

  it('bytes are memory of the caller’s own: the engine’s chunk can change without a trace', async () => {
    const { body, response } = open()
    const chunk = Buffer.from('abcd')
    body.push(chunk.subarray(1, 3))
    body.end()
    const read = await response.bytes()
    chunk.fill(0)
    expect(Buffer.from(read).toString()).toBe('bc')
    expect(read.buffer.byteLength).toBe(2)
  })

  it('JSON that is none says so', async () => {
    const { body, response } = open()
    body.push(bytes('{"a":'))
    body.end()
    await expect(response.json()).rejects.toMatchObject({ code: 'ERR_INVALID_JSON' })
  })

  it('flows into Node and web streams, byte streams included', async () => {
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

  it('destroying or cancelling a stream cancels the content', async () => {
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
  ])('%j', (bytes, text) => {
    expect(decodeUtf8([Uint8Array.from(bytes)])).toBe(text)
  })

  it('a sequence cut between two parts is one character', () => {
    expect(decodeUtf8([Uint8Array.of(0xe2, 0x82), Uint8Array.of(0xac)])).toBe('€')
  })
})
