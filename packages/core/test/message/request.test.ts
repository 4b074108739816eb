/** Requests as the caller gives them: methods, fields and content. */

import { Readable } from 'node:stream'
import { KEPT_BYTES } from '../../src/message/recorded-source.js'
import { checkRequest, isIdempotent } from '../../src/message/request.js'
import { toContent } from '../../src/message/request-content.js'

const url = 'https://a.example/'
const field = (fields: readonly string[], name: string): string | undefined => {
  const at = fields.indexOf(name)
  return at === -1 ? undefined : fields[at + 1]
}

describe('checkRequest', () => {
  it('defaults to GET and the authority of the URL', () => {
    expect(checkRequest({ url: 'https://a.example:8443/x' })).toMatchObject({
      method: 'GET',
      scheme: 'https',
      authority: 'a.example:8443',
      path: '/x',
      fields: [],
      close: false,
    })
    expect(checkRequest({ url, headers: { host: 'vhost.example' } }).authority).toBe('vhost.example')
  })

  it.each(['', 'G T', 'GET\r\n', 'GÉT', 'CONNECT'])('refuses the method %j', (method) => {
    expect(() => checkRequest({ url, method })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_METHOD',
        processed: 'no',
        message: expect.stringContaining(JSON.stringify(method).slice(1, -1)),
      }),
    )
  })

  it('adds content-length and content-type if the content implies them (RFC 9110 §8.3, §8.6)', () => {
    const text = checkRequest({ url, method: 'POST', body: 'h€llo' }).fields
    expect(field(text, 'content-length')).toBe('7')
    expect(field(text, 'content-type')).toBe('text/plain;charset=UTF-8')
    const form = checkRequest({
      url,
      method: 'POST',
      body: new URLSearchParams({ a: 'b c' }),
      headers: { 'content-type': 'x/y' },
    }).fields
    expect(field(form, 'content-length')).toBe('5')
    expect(form.filter((name) => name === 'content-type')).toHaveLength(1)
    expect(checkRequest({ url, method: 'POST' }).fields).toEqual(['content-length', '0'])
    expect(checkRequest({ url, method: 'DELETE' }).fields).toEqual([])
    expect(field(checkRequest({ url, method: 'PUT', body: new Blob(['xyz'], { type: 'a/b' }) }).fields, 'content-length')).toBe(
      '3',
    )
  })

  it('refuses a content-length that differs from the content', () => {
    expect(() => checkRequest({ url, method: 'POST', body: 'abc', headers: { 'content-length': '4' } })).toThrow(
      expect.objectContaining({ code: 'ERR_CONTENT_LENGTH' }),
    )
    expect(() => checkRequest({ url, method: 'POST', headers: { 'content-length': '4' } })).toThrow(
      expect.objectContaining({ code: 'ERR_CONTENT_LENGTH' }),
    )
  })

  it('refuses trailers without content', () => {
    expect(() => checkRequest({ url, trailers: () => ({}) })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_TRAILERS' }))
  })

  it('isIdempotent accepts the methods that may be sent twice (RFC 9110 §9.2.2)', () => {
    expect(['GET', 'HEAD', 'QUERY', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'].every(isIdempotent)).toBe(true)
    expect(['POST', 'PATCH', 'get', 'PURGE'].some(isIdempotent)).toBe(false)
  })
})

describe('toContent', () => {
  it('accepts bytes in every form without copying them', () => {
    const bytes = new Uint8Array([1, 2, 3, 4])
    expect(toContent(bytes).bytes).toBe(bytes)
    expect(toContent(bytes.buffer).bytes).toEqual(bytes)
    expect(toContent(new DataView(bytes.buffer, 1, 2)).bytes).toEqual(bytes.subarray(1, 3))
    expect(toContent('é').bytes).toEqual(new Uint8Array(Buffer.from('é')))
    expect(() => toContent(bytes).open()).toThrow(expect.objectContaining({ code: 'ERR_INVALID_BODY' }))
  })

  it('replays up to 16 KiB of a stream, and a Blob without limit', async () => {
    const stream = toContent(Readable.from(['a', 'x'.repeat(KEPT_BYTES)]))
    expect(stream.replayable).toBe(true)
    await stream.open().next()
    expect(stream.replayable).toBe(true)
    const replayed = stream.open()
    expect((await replayed.next()).value).toBe('a')
    await replayed.next()
    expect(stream.replayable).toBe(false)
    const blob = toContent(new Blob(['abc']))
    for (let i = 0; i < 2; i++) {
      const { value } = await blob.open().next()
      expect(Buffer.from(value as Uint8Array).toString()).toBe('abc')
    }
    expect(blob.replayable).toBe(true)
  })

  it('refuses a used stream', async () => {
    const web = new Response('x').body!
    await web.getReader().read()
    const locked = new Response('x').body!
    locked.getReader()
    const node = Readable.from(['a'])
    await node.toArray()
    for (const body of [web, locked, node]) {
      expect(() => toContent(body)).toThrow(expect.objectContaining({ code: 'ERR_BODY_USED' }))
    }
  })

  it.each([5, true, {}, [], Symbol('x'), null])('refuses a value that is not a body', (body) => {
    expect(() => toContent(body as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_BODY' }))
  })
})
