import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { ProtocolName } from '@unshard/core'
import { COMPRESSED_TEXT, type OriginServer } from '@unshard/testkit'
import type { FetchInit, FetchResponse } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { failure } from './fixtures.js'

const { server, peer, fetch } = testEnvironment()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

interface Inspected {
  method: string
  authority: string
  headers: Record<string, string>
  body: { length: number; sha256: string }
}

describe.each<ProtocolName>(['h2', 'http/1.1'])('fetch over %s', (protocol) => {
  let origin: OriginServer
  let base: string
  let other: string
  beforeEach(async () => {
    origin = await server({ protocols: [protocol] })
    base = `https://a.test.example:${origin.port}`
    other = `https://b.test.example:${origin.port}`
  })
  const inspected = async (input: string | URL | Request, init?: FetchInit): Promise<Inspected> =>
    (await (await fetch()(input, init)).json()) as Inspected

  describe('the response', () => {
    it('is a Response with a Headers object, and names its connection', async () => {
      const response = await fetch()(`${base}/#top`)
      expect(response).toBeInstanceOf(Response)
      expect(response.headers).toBeInstanceOf(Headers)
      expect(response).toMatchObject({ status: 200, ok: true, redirected: false, type: 'basic', bodyUsed: false })
      expect(response.statusText).toBe(protocol === 'h2' ? '' : 'OK')
      expect(response.url).toBe(`${base}/`)
      expect(response.connection?.protocol).toBe(protocol)
      expect(await response.text()).toMatch(/^hello from a\.test\.example/)
      expect(response.bodyUsed).toBe(true)
    })

    it('has immutable headers, sorted and combined', async () => {
      const { headers } = await fetch()(`${base}/set-cookie`)
      for (const change of [() => headers.set('a', 'b'), () => headers.append('a', 'b'), () => headers.delete('date')]) {
        expect(change).toThrow(TypeError)
      }
      expect(headers.getSetCookie()).toHaveLength(2)
      expect([...headers.keys()]).toEqual([...headers.keys()].sort())
      expect([...headers].filter(([name]) => name === 'set-cookie')).toHaveLength(2)
      expect(headers.get('SET-COOKIE')).toContain(', ')
      expect(headers.has('nope')).toBe(false)
      expect(headers.get('nope')).toBeNull()
      expect(() => headers.get('bad name')).toThrow(TypeError)
      const seen: string[] = []
      headers.forEach((value, name) => void seen.push(`${name}: ${value}`))
      expect(seen).toHaveLength([...headers.values()].length)
      expect([...new Headers(headers)]).toEqual([...headers])
      expect(inspect(headers)).toContain('set-cookie')
    })

    it('can be read once, as text, JSON, bytes, buffer, Blob or form', async () => {
      const get = (path: string): Promise<FetchResponse> => fetch()(`${base}${path}`)
      expect(await (await get('/json')).json()).toBeDefined()
      expect((await (await get('/bytes/1000')).arrayBuffer()).byteLength).toBe(1000)
      expect(await (await get('/bytes/1000')).bytes()).toBeInstanceOf(Uint8Array)
      const blob = await (await get('/')).blob()
      expect(blob).toMatchObject({ size: (await (await get('/')).text()).length, type: expect.stringContaining('text/plain') })
      const response = await get('/')
      await response.text()
      for (const again of [response.text(), response.json(), response.bytes(), response.arrayBuffer(), response.blob()]) {
        await expect(again).rejects.toThrow(TypeError)
      }
      expect(() => response.clone()).toThrow(TypeError)
      await expect((await get('/')).json()).rejects.toThrow(SyntaxError)
    })

    it('returns form data', async () => {
      const form = new FormData()
      form.set('name', 'välue')
      form.set('file', new File(['content'], 'a.txt', { type: 'text/plain' }))
      const response = await fetch()(`${base}/echo`, { method: 'POST', body: form })
      const back = await response.formData()
      expect(back.get('name')).toBe('välue')
      expect(await (back.get('file') as File).text()).toBe('content')
    })

    it('streams: bytes, BYOB, cancel', async () => {
      const send = fetch()
      const reader = (await send(`${base}/bytes/100000`)).body!.getReader({ mode: 'byob' })
      const { value } = await reader.read(new Uint8Array(10))
      expect(value).toHaveLength(10)
      await reader.cancel()
      let length = 0
      for await (const part of (await send(`${base}/bytes/100000`)).body!) length += part.length
      expect(length).toBe(100_000)
      const read = await send(`${base}/`)
      const text = await new Response(read.body).text()
      expect(text).toMatch(/^hello/)
      expect(read.bodyUsed).toBe(true)
    })

    it('can be cloned, and both copies are complete', async () => {
      const response = await fetch()(`${base}/bytes/50000`)
      const clone = response.clone() as FetchResponse
      expect(clone).toBeInstanceOf(Response)
      const [one, two] = await Promise.all([response.bytes(), clone.bytes()])
      expect(one).toHaveLength(50_000)
      expect(Buffer.compare(one, two)).toBe(0)
    })

    it.each([204, 205, 304])('has no body for status %i', async (status) => {
      const response = await fetch()(`${base}/status/${status}`)
      expect(response).toMatchObject({ status, body: null })
      expect(await response.text()).toBe('')
      expect(response.clone().status).toBe(status)
    })

    it('has no body for HEAD', async () => {
      const response = await fetch()(`${base}/bytes/100`, { method: 'HEAD' })
      expect(response.body).toBeNull()
      expect(response.headers.get('content-length')).toBe('100')
      expect((await response.arrayBuffer()).byteLength).toBe(0)
    })

    it('prints its members in console.log', async () => {
      expect(inspect(await fetch()(`${base}/`))).toContain(base)
    })
  })

  describe('content codings (RFC 9110 §8.4)', () => {
    it.each(['gzip', 'deflate', 'br'])('%s', async (coding) => {
      const response = await fetch()(`${base}/${coding}`)
      expect(response.headers.get('content-encoding')).toBe(coding)
      expect(await response.text()).toBe(COMPRESSED_TEXT)
    })

    it('are removed in streams and through clone()', async () => {
      const response = await fetch()(`${base}/gzip`)
      const clone = response.clone()
      expect(await new Response(response.body).text()).toBe(COMPRESSED_TEXT)
      expect(await clone.text()).toBe(COMPRESSED_TEXT)
    })
  })

  describe('the request', () => {
    it.each<[string, () => NonNullable<FetchInit['body']>, string, string | undefined]>([
      ['a string', () => 'hällo', 'hällo', 'text/plain;charset=UTF-8'],
      ['bytes', () => Buffer.from('hällo'), 'hällo', undefined],
      ['an ArrayBuffer', () => new TextEncoder().encode('hällo').buffer, 'hällo', undefined],
      ['a view', () => new DataView(new TextEncoder().encode('hällo').buffer), 'hällo', undefined],
      ['a Blob', () => new Blob(['hällo'], { type: 'a/b' }), 'hällo', 'a/b'],
      ['search parameters', () => new URLSearchParams({ a: 'ö' }), 'a=%C3%B6', 'application/x-www-form-urlencoded;charset=UTF-8'],
      ['a web stream', () => new Blob(['hällo']).stream() as ReadableStream, 'hällo', undefined],
      ['a Node stream', () => Readable.from([Buffer.from('hällo')]), 'hällo', undefined],
      ['anything else as text', () => 5 as never, '5', 'text/plain;charset=UTF-8'],
    ])('sends %s', async (_kind, body, text, type) => {
      const seen = await inspected(`${base}/inspect`, { method: 'post', body: body(), duplex: 'half' })
      expect(seen).toMatchObject({ method: 'POST', body: { length: Buffer.byteLength(text), sha256: sha256(text) } })
      expect(seen.headers['content-type']).toBe(type)
    })

    it('sends a Request, with init taking precedence', async () => {
      const request = new Request(`${base}/inspect`, { method: 'PUT', body: 'one', headers: { 'x-a': '1' } })
      const seen = await inspected(request.clone())
      expect(seen).toMatchObject({ method: 'PUT', body: { sha256: sha256('one') }, headers: { 'x-a': '1' } })
      const over = await inspected(request, { body: 'two', headers: { 'x-b': '2' } })
      expect(over).toMatchObject({ method: 'PUT', body: { sha256: sha256('two') }, headers: { 'x-b': '2' } })
      expect(over.headers['x-a']).toBeUndefined()
    })

    it('accepts headers as a record, pairs or Headers, and adds defaults for missing ones', async () => {
      const defaults = { accept: '*/*', 'accept-encoding': expect.stringContaining('gzip, deflate, br'), 'user-agent': 'unshard' }
      expect((await inspected(`${base}/inspect`)).headers).toMatchObject(defaults)
      for (const headers of [
        { 'X-A': ' 1 ', Accept: 'x/y' },
        [
          ['X-A', '1'],
          ['Accept', 'x/y'],
        ],
        new Headers({ 'X-A': '1', Accept: 'x/y' }),
      ]) {
        const seen = await inspected(new URL(`${base}/inspect`), { headers: headers as never })
        expect(seen.headers).toMatchObject({ ...defaults, accept: 'x/y', 'x-a': '1' })
      }
    })

    it.each<[string, string, FetchInit | undefined, string, RegExp]>([
      ['an invalid URL', 'nope', undefined, 'ERR_INVALID_URL', /"nope"/],
      ['credentials in the URL', 'https://u:p@a.test.example/', undefined, 'ERR_URL_CREDENTIALS', /a\.test\.example/],
      ['an unsupported scheme', 'ftp://a.test.example/', undefined, 'ERR_UNSUPPORTED_SCHEME', /ftp:/],
      ['an invalid method', 'https://a.test.example/', { method: 'B AD' }, 'ERR_INVALID_METHOD', /B AD/],
      ['CONNECT', 'https://a.test.example/', { method: 'connect' }, 'ERR_INVALID_METHOD', /connect/],
      ['TRACE', 'https://a.test.example/', { method: 'TRACE' }, 'ERR_INVALID_METHOD', /TRACE/],
      ['a body on GET', 'https://a.test.example/', { body: 'x' }, 'ERR_INVALID_BODY', /GET/],
      ['a body on HEAD', 'https://a.test.example/', { method: 'HEAD', body: 'x' }, 'ERR_INVALID_BODY', /HEAD/],
      ['an invalid header name', 'https://a.test.example/', { headers: { 'b ad': 'x' } }, 'ERR_INVALID_FIELD_NAME', /"b ad"/],
      [
        'an invalid header value',
        'https://a.test.example/',
        { headers: { 'x-a': 'a\r\nb' } },
        'ERR_INVALID_FIELD_VALUE',
        /"x-a"/,
      ],
      [
        'transfer-encoding',
        'https://a.test.example/',
        { headers: { 'transfer-encoding': 'chunked' } },
        'ERR_FORBIDDEN_FIELD',
        /transfer-encoding/,
      ],
      ['upgrade', 'https://a.test.example/', { headers: { upgrade: 'websocket' } }, 'ERR_FORBIDDEN_FIELD', /upgrade/],
      [
        'a stream without duplex',
        'https://a.test.example/',
        { method: 'POST', body: new Blob(['x']).stream() as ReadableStream },
        'ERR_INVALID_BODY',
        /duplex/,
      ],
      ['an unknown redirect mode', 'https://a.test.example/', { redirect: 'maybe' as never }, 'ERR_INVALID_OPTION', /maybe/],
      ['invalid headers', 'https://a.test.example/', { headers: 'x' as never }, 'ERR_INVALID_HEADERS', /headers/],
      [
        'a pair of three values',
        'https://a.test.example/',
        { headers: [['a', 'b', 'c']] as never },
        'ERR_INVALID_HEADERS',
        /pair/,
      ],
      [
        'an unknown timeout',
        'https://a.test.example/',
        { unshard: { timeouts: { lunch: 1 } as never } },
        'ERR_UNKNOWN_OPTION',
        /timeouts\.lunch/,
      ],
    ])('refuses %s with a TypeError whose cause names it', async (_what, url, init, code, message) => {
      await expect(fetch()(url, init)).rejects.toMatchObject(failure(code, message))
    })

    it('refuses a used body', async () => {
      const request = new Request(`${base}/`, { method: 'POST', body: 'x' })
      await request.text()
      await expect(fetch()(request)).rejects.toThrow(TypeError)
      const body = new Blob(['x']).stream() as ReadableStream
      await body.getReader().read()
      await expect(fetch()(`${base}/`, { method: 'POST', body, duplex: 'half' })).rejects.toThrow(TypeError)
    })
  })

  describe('redirects (Fetch standard §4.4)', () => {
    const to = (status: number, target: string): string => `${base}/redirect/${status}?to=${encodeURIComponent(target)}`

    it.each([
      [301, 'POST', 'GET', false],
      [302, 'POST', 'GET', false],
      [303, 'PUT', 'GET', false],
      [307, 'POST', 'POST', true],
      [308, 'PUT', 'PUT', true],
      [301, 'PUT', 'PUT', true],
      [302, 'GET', 'GET', false],
      [301, 'QUERY', 'QUERY', true],
      [302, 'QUERY', 'QUERY', true],
      [307, 'QUERY', 'QUERY', true],
      [308, 'QUERY', 'QUERY', true],
      [303, 'QUERY', 'GET', false],
    ])('%i makes %s a %s', async (status, method, then, keepsBody) => {
      const init = method === 'GET' ? {} : { body: 'content', headers: { 'content-type': 'x/y' } }
      const response = await fetch()(to(status, '/inspect'), { method, ...init })
      expect(response).toMatchObject({ redirected: true, url: `${base}/inspect` })
      const seen = (await response.json()) as Inspected
      expect(seen.method).toBe(then)
      expect(seen.body.length).toBe(keepsBody ? 7 : 0)
      expect(seen.headers['content-type']).toBe(keepsBody ? 'x/y' : undefined)
    })

    it('credentials are not sent to another origin and are not restored on the way back', async () => {
      const headers = { authorization: 'secret', cookie: 'a=b', 'proxy-authorization': 'p', 'x-kept': '1' }
      const there = (await (await fetch()(to(302, `${other}/inspect`), { headers })).json()) as Inspected
      expect(there.headers).not.toMatchObject({ authorization: expect.anything() })
      expect(there.headers).toMatchObject({ 'x-kept': '1' })
      expect(JSON.stringify(there)).not.toMatch(/secret|a=b|proxy-authorization/)
      const back = `${other}/redirect/302?to=${encodeURIComponent(`${base}/inspect`)}`
      expect(JSON.stringify(await (await fetch()(to(302, back), { headers })).json())).not.toMatch(/secret/)
      const same = (await (await fetch()(to(302, '/inspect'), { headers })).json()) as Inspected
      expect(same.headers).toMatchObject({ authorization: 'secret', cookie: 'a=b' })
    })

    it('manual returns the redirect, error refuses it, and a loop ends after 20', async () => {
      const manual = await fetch()(to(302, '/inspect'), { redirect: 'manual' })
      expect(manual).toMatchObject({ status: 302, redirected: false })
      expect(manual.headers.get('location')).toBe('/inspect')
      await manual.text()
      await expect(fetch()(to(302, '/inspect'), { redirect: 'error' })).rejects.toMatchObject(failure('ERR_REDIRECT_REFUSED'))
      const before = origin.requests.length
      await expect(fetch()(`${base}/redirect/302?to=${encodeURIComponent('/redirect/302?to=')}`)).rejects.toThrow(TypeError)
      expect(origin.requests.length - before).toBeLessThanOrEqual(21)
    })

    it('error also refuses a redirect without a location; other modes return it', async () => {
      const { port } = await server({
        protocols: [protocol],
        handler: (_request, response) => response.writeHead(302).end('nowhere'),
      })
      await expect(fetch()(`https://a.test.example:${port}/`, { redirect: 'error' })).rejects.toMatchObject(
        failure('ERR_REDIRECT_REFUSED', 'redirect'),
      )
      const response = await fetch()(`https://a.test.example:${port}/`)
      expect([response.status, await response.text()]).toEqual([302, 'nowhere'])
    })

    it('a streamed body cannot be sent again', async () => {
      const body = new Blob(['x']).stream() as ReadableStream
      await expect(fetch()(to(307, '/inspect'), { method: 'POST', body, duplex: 'half' })).rejects.toMatchObject(
        failure('ERR_REDIRECT_BODY', 'stream'),
      )
    })

    it('a form is sent again after 307', async () => {
      const form = new FormData()
      form.set('a', 'b')
      const seen = (await (await fetch()(to(307, '/inspect'), { method: 'POST', body: form })).json()) as Inspected
      expect(seen.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
      expect(seen.body.length).toBeGreaterThan(50)
    })

    it.each(['ftp://a.example/', 'http://', 'https://u:p@a.test.example/'])('to %s is an error', async (target) => {
      await expect(fetch()(to(302, target))).rejects.toThrow(TypeError)
    })
  })

  describe('aborts and failures', () => {
    it('an abort rejects with the signal’s reason at every stage', async () => {
      const reason = new RangeError('changed my mind')
      await expect(fetch()(`${base}/`, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
      const waiting = new AbortController()
      const never = fetch()(`${base}/never`, { signal: waiting.signal })
      await origin.delivered(1)
      waiting.abort()
      await expect(never).rejects.toMatchObject({ name: 'AbortError' })
      const reading = new AbortController()
      const slow = await fetch()(new Request(`${base}/slow`, { signal: reading.signal }))
      const text = slow.text()
      reading.abort(reason)
      await expect(text).rejects.toMatchObject({ message: 'changed my mind' })
      const streaming = new AbortController()
      const stream = (await fetch()(`${base}/slow`, { signal: streaming.signal })).body!.getReader()
      const all = (async () => {
        while (!(await stream.read()).done);
      })()
      streaming.abort(reason)
      await expect(all).rejects.toBe(reason)
    })

    it('a failure is TypeError("fetch failed") with the typed error as its cause', async () => {
      await expect(fetch()('https://nowhere.example/')).rejects.toMatchObject({
        name: 'TypeError',
        message: 'fetch failed',
        cause: { code: 'ENOTFOUND', processed: 'no' },
      })
      const cut = await fetch()(`${base}/reset`)
      await expect(cut.text()).rejects.toMatchObject({ name: 'TypeError', cause: { processed: 'yes' } })
    })
  })
})

it('a status above 599 is returned (the built-in returns 999)', async () => {
  const { port } = await peer(async (p) => {
    await p.handshake()
    p.respond((await p.nextRequest()).streamId, 999, [], Buffer.from('odd'))
  })
  const response = await fetch()(`https://a.test.example:${port}/`)
  expect(response).toMatchObject({ status: 999, ok: false })
  expect(await response.text()).toBe('odd')
})

describe('invalid content codings', () => {
  const answer = (coding: string, body: Buffer) =>
    server({ handler: (_request, response) => response.writeHead(200, { 'content-encoding': coding }).end(body) })

  it.each([
    ['broken', 'gzip', Buffer.from('this is not gzip')],
    ['cut off', 'gzip', gzipSync(Buffer.alloc(10_000, 'x')).subarray(0, 30)],
    ['broken', 'br', Buffer.from('this is not brotli at all, no')],
    ['broken', 'deflate', Buffer.from([0x78, 0x9c, 1, 2, 3])],
  ])('%s %s is an error, not a short text', async (_how, coding, body) => {
    const { port } = await answer(coding, body)
    const response = await fetch()(`https://a.test.example:${port}/`)
    await expect(response.text()).rejects.toMatchObject({
      name: 'TypeError',
      message: 'terminated',
      cause: { code: 'ERR_DECODE' },
    })
  })

  it('nested codings are removed in order, at most five', async () => {
    const { port } = await answer('gzip, gzip', gzipSync(gzipSync('twice')))
    expect(await (await fetch()(`https://a.test.example:${port}/`)).text()).toBe('twice')
    const many = await answer(Array(6).fill('gzip').join(), Buffer.alloc(1))
    await expect(fetch()(`https://a.test.example:${many.port}/`)).rejects.toMatchObject(failure('ERR_TOO_MANY_CODINGS'))
    const head = await fetch()(`https://a.test.example:${many.port}/`, { method: 'HEAD' })
    expect(head.status).toBe(200)
  })

  it('an unknown coding is passed on, and empty content stays empty', async () => {
    const { port } = await answer('unknown', Buffer.from('as it is'))
    expect(await (await fetch()(`https://a.test.example:${port}/`)).text()).toBe('as it is')
    const empty = await answer('gzip', Buffer.alloc(0))
    expect(await (await fetch()(`https://a.test.example:${empty.port}/`)).text()).toBe('')
  })
})
