import { inspect } from 'node:util'
import * as zlib from 'node:zlib'
import type { OriginHandler } from '@unshard/testkit'
import type { Progress } from '../../src/index.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()
const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer }
const CODERS: Record<string, (bytes: Uint8Array) => Buffer> = {
  gzip: zlib.gzipSync,
  'x-gzip': zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
}
const text = 'unsharded content, '.repeat(500)

/** Sends `content` with `coding`, with or without its length. */
const coded =
  (coding: string, content: Uint8Array, withLength = true): OriginHandler =>
  (_request, response) => {
    response.writeHead(200, { 'content-encoding': coding, ...(withLength ? { 'content-length': content.length } : {}) })
    response.end(content)
  }

describe.each(PROTOCOLS)('content over %s', (protocol) => {
  describe.each([true, false])('removes codings (RFC 9110 §8.4.1), content-length known: %s', (withLength) => {
    it.each([
      ...Object.entries(CODERS).map(([name, code]) => [name, code(Buffer.from(text))] as const),
      ['deflate', zlib.deflateRawSync(text)] as const,
      ['GZIP , br,identity', zlib.brotliCompressSync(zlib.gzipSync(text))] as const,
      [
        'gzip,gzip,gzip,gzip,gzip',
        [1, 2, 3, 4, 5].reduce<Uint8Array>((bytes) => zlib.gzipSync(bytes), Buffer.from(text)),
      ] as const,
    ])('%s', async (coding, content) => {
      const { fetch, url } = await fixture(protocol, { handler: coded(coding, content, withLength) })
      const response = await fetch(url())
      expect(await response.clone().text()).toBe(text)
      const bytes = await (await fetch(url())).bytes()
      expect(Buffer.from(bytes).toString()).toBe(text)
      expect(bytes.buffer.byteLength).toBe(bytes.length)
      expect(await new Response((await fetch(url())).body).text()).toBe(text)
    })

    it('empty content decodes to empty content, and an unknown coding is passed on as it is', async () => {
      const { fetch, url } = await fixture(protocol, { handler: coded('gzip', Buffer.alloc(0), withLength) })
      expect(await (await fetch(url())).text()).toBe('')
      const { fetch: other, url: at } = await fixture(protocol, { handler: coded('lunch', Buffer.from('raw'), withLength) })
      expect(await (await other(at())).text()).toBe('raw')
    })

    it.each([
      ['gzip', zlib.gzipSync(Buffer.alloc(3_000_000))],
      ['br', zlib.brotliCompressSync(Buffer.alloc(3_000_000), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } })],
      ['gzip, gzip', zlib.gzipSync(zlib.gzipSync(Buffer.alloc(3_000_000)))],
    ])('%s: at most maxDecodedBytes are returned, from text() and from a stream (H09)', async (coding, content) => {
      const { fetch, url } = await fixture(protocol, {
        handler: coded(coding, content, withLength),
        defaults: { maxDecodedBytes: 1_000_000 },
      })
      const cause = { name: 'ResponseError', code: 'ERR_DECODED_TOO_LARGE' }
      await expect((await fetch(url())).text()).rejects.toMatchObject({ name: 'TypeError', cause })
      await expect((await fetch(url(), { unshard: { maxDecodedBytes: 100 } })).bytes()).rejects.toMatchObject({
        name: 'TypeError',
        cause,
      })
      await expect(new Response((await fetch(url())).body).text()).rejects.toMatchObject({ cause })
      expect(await (await fetch(url(), { unshard: { maxDecodedBytes: 3_000_000 } })).bytes()).toHaveLength(3_000_000)
    })
  })

  const zstd = zstdCompressSync
  const withZstd = zstd === undefined ? it.skip : it
  withZstd(`zstd (RFC 8878)${zstd === undefined ? `: skipped, Node ${process.version} has none` : ''}`, async () => {
    const { fetch, url } = await fixture(protocol, { handler: coded('zstd', zstd!(Buffer.from(text))) })
    expect(await (await fetch(url())).text()).toBe(text)
  })

  it('zstd is accepted only if this Node can decode it', async () => {
    const { fetch, url } = await fixture(protocol)
    const { headers } = (await (await fetch(url('/inspect'))).json()) as { headers: Record<string, string> }
    expect(headers['accept-encoding']).toBe(zstd === undefined ? 'gzip, deflate, br' : 'gzip, deflate, br, zstd')
  })

  it('text() is UTF-8 whatever the charset, without a byte order mark (Encoding §6, "UTF-8 decode")', async () => {
    const handler: OriginHandler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain; charset=iso-8859-1' })
      response.end(Buffer.from('\ufeffhéllo \ufeff'))
    }
    const { fetch, url } = await fixture(protocol, { handler })
    expect(await (await fetch(url())).text()).toBe('héllo \ufeff')
    expect(await (await fetch(url())).clone().text()).toBe('héllo \ufeff')
  })

  it('statusText is the reason phrase of HTTP/1.1; HTTP/2 has none (RFC 9113 §8.3.2)', async () => {
    const handler: OriginHandler = (_request, response) => {
      if (response.stream === undefined) response.statusMessage = 'I’m a teapot'.replace('’', "'")
      response.statusCode = 418
      response.end()
    }
    const { fetch, url } = await fixture(protocol, { handler })
    expect((await fetch(url())).statusText).toBe(protocol === 'h2' ? '' : "I'm a teapot")
  })

  it('returned bytes belong to the reader: their buffer holds nothing else, and no other response changes', async () => {
    const { fetch, url } = await fixture(protocol)
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(url('/bytes/5000'))))
    const [one, two] = responses.slice(0, 2)
    const reader = one!.body!.getReader()
    for (let result = await reader.read(); !result.done; result = await reader.read()) {
      expect(result.value.byteOffset).toBe(0)
      expect(result.value.buffer.byteLength).toBe(result.value.length)
      structuredClone(result.value, { transfer: [result.value.buffer] })
    }
    const bytes = await two!.bytes()
    expect(bytes.buffer.byteLength).toBe(5_000)
    bytes.fill(0)
    for (const response of responses.slice(2)) {
      const content = Buffer.from(await response.arrayBuffer())
      expect(content.every((byte, at) => byte === at % 251)).toBe(true)
    }
  })

  it('content can be read once: afterwards the stream is locked, and clone() fails (§5.3)', async () => {
    const { fetch, url } = await fixture(protocol)
    for (const path of ['/bytes/100', '/gzip']) {
      const response = await fetch(url(path))
      expect(response.bodyUsed).toBe(false)
      await response.text()
      expect(response.bodyUsed).toBe(true)
      expect(response.body?.locked).toBe(true)
      expect(() => response.clone()).toThrow(TypeError)
      await expect(response.arrayBuffer()).rejects.toMatchObject({ name: 'TypeError' })
      const locked = await fetch(url(path))
      const reader = locked.body!.getReader()
      await expect(locked.text()).rejects.toMatchObject({ name: 'TypeError' })
      expect(() => locked.clone()).toThrow(TypeError)
      await reader.cancel()
    }
  })

  it('a response looks like the platform’s, and the platform accepts it', async () => {
    const { fetch, url } = await fixture(protocol)
    const response = await fetch(url('/set-cookie'))
    expect(Object.prototype.toString.call(response)).toBe('[object Response]')
    expect(Object.prototype.toString.call(response.headers)).toBe('[object Headers]')
    expect(response.constructor).toBe(Response)
    expect(response.headers.constructor).toBe(Headers)
    expect(inspect(response)).toMatch(/^Response \{\n {2}status: 200,/)
    expect(inspect(response.headers)).toMatch(/^Headers \{/)
    const copy = new Response(response.body, response)
    expect(copy.headers.getSetCookie()).toHaveLength(2)
    expect([copy.status, await copy.text()]).toEqual([200, 'two cookies'])
  })

  it('download progress counts bytes before decoding, with the total if it is known', async () => {
    const { fetch, url } = await fixture(protocol)
    for (const read of ['text', 'body', 'clone'] as const) {
      const seen: Progress[] = []
      const response = await fetch(url('/bytes/300000'), {
        unshard: { onDownloadProgress: (progress) => void seen.push(progress) },
      })
      if (read === 'text') await response.text()
      else if (read === 'body') await new Response(response.body).text()
      else await Promise.all([response.clone().text(), response.text()])
      expect(seen.at(-1)).toEqual({ bytes: 300_000, total: 300_000 })
    }
    const seen: Progress[] = []
    await (await fetch(url('/gzip'), { unshard: { onDownloadProgress: (progress) => void seen.push(progress) } })).text()
    expect(seen.at(-1)!.bytes).toBeLessThan(1_000)
  })

  it('trailers and interim responses', async () => {
    const { fetch, url } = await fixture(protocol)
    const response = await fetch(url('/trailers'))
    await response.text()
    expect(response.trailers?.get('x-checksum')).toMatch(/^[0-9a-f]{64}$/)
    const hints: [number, string | null][] = []
    const onInformational = (status: number, headers: Headers): void => void hints.push([status, headers.get('link')])
    expect(await (await fetch(url('/early-hints'), { unshard: { onInformational } })).text()).toBe('after early hints')
    expect(hints).toEqual([[103, expect.stringContaining('</style.css>')]])
  })

  it.each([
    [{ priority: 'high' }, 'u=1'],
    [{ priority: 'low' }, 'u=5'],
    [{ priority: 'auto' }, undefined],
    [{ unshard: { httpPriority: { urgency: 0, incremental: true } } }, 'u=0, i'],
    [{ priority: 'high', unshard: { httpPriority: { urgency: 6 } } }, 'u=6'],
    [{ priority: 'high', headers: { Priority: 'u=2' } }, 'u=2'],
  ] as const)('priority (RFC 9218 §4): %j', async (init, sent) => {
    const { fetch, url } = await fixture(protocol)
    const { headers } = (await (await fetch(url('/inspect'), init)).json()) as { headers: Record<string, string> }
    expect(headers['priority']).toBe(sent)
  })
})
