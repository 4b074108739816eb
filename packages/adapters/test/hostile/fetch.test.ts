/** Rows H08 to H10 and I04 of the matrix of hostile servers: what fetch does with codings, redirects and forms. */

import * as zlib from 'node:zlib'
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import type { OriginHandler } from '@unshard/testkit'
import type { Fetch } from '../../src/index.js'
import { rig } from '../rig.js'

const { fetch: fetchOf, server } = rig()

const transports: [string, boolean][] = [
  ['TLS', true],
  ['h2c', false],
]

describe.each(transports)('over %s', (_name, secure) => {
  const plain = secure ? {} : { tls: undefined }
  /** A server, where it is, and a fetch that has another origin's answer half read until the end of the test. */
  async function stage(handler: OriginHandler): Promise<{ fetch: Fetch; url: (path?: string, host?: string) => string }> {
    const origin = await server({ protocols: ['h2'], ...plain, handler })
    const fetch = fetchOf(secure ? {} : { cleartextProtocol: 'h2' })
    return { fetch, url: (path = '/', host = 'a') => origin.url(`${host}.test.example`) + path }
  }

  const coded = (coding: string, content: Uint8Array): Promise<{ fetch: Fetch; url: (path?: string) => string }> =>
    stage((request, response) => {
      if (request.url !== '/') return void response.end('alive')
      response.writeHead(200, { 'content-encoding': coding })
      response.end(content)
    })

  it.each([5, 6, 1_000])('H08 CVE-2022-32206 gzip × %i: five codings are taken off, more are an error', async (count) => {
    let content: Uint8Array = Buffer.from('deep')
    for (let i = 0; i < Math.min(count, 6); i++) content = gzipSync(content)
    const { fetch, url } = await coded(Array.from({ length: count }, () => 'gzip').join(), content)
    const asked = fetch(url())
    if (count === 5) expect(await (await asked).text()).toBe('deep')
    else await expect(asked).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'ERR_TOO_MANY_CODINGS' } })
    expect(await (await fetch(url('/next'))).text()).toBe('alive')
  })

  const text = Buffer.from('unsharded '.repeat(1_000))
  it.each<[string, string, Uint8Array]>([
    ['truncated gzip', 'gzip', gzipSync(text).subarray(0, -10)],
    ['gzip that is none', 'gzip', Buffer.from('no gzip at all')],
    ['gzip with a wrong checksum', 'gzip', Buffer.concat([gzipSync(text).subarray(0, -8), Buffer.alloc(8)])],
    ['truncated deflate', 'deflate', deflateSync(text).subarray(0, -6)],
    ['bad zlib', 'deflate', Buffer.from('78ff00112233', 'hex')],
    ['truncated brotli', 'br', brotliCompressSync(text).subarray(0, -3)],
    ['brotli that is none', 'br', Buffer.alloc(100, 0xff)],
  ])('H09 %s: an error, never a short content', async (_what, coding, content) => {
    const { fetch, url } = await coded(coding, content)
    const reading = (await fetch(url())).text()
    await expect(reading).rejects.toMatchObject({ name: 'TypeError', cause: { name: 'ResponseError', code: 'ERR_DECODE' } })
    expect(await (await fetch(url('/next'))).text()).toBe('alive')
  })

  it.each<[string, string, (bytes: Uint8Array) => Uint8Array]>([
    ['gzip', 'gzip', gzipSync],
    ['brotli', 'br', (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } })],
  ])('H09 CVE-2026-42587 a bomb of %s, over 900:1: decoded as it is read, and no further', async (_what, coding, compress) => {
    const bomb = compress(Buffer.alloc(33_554_432))
    expect(33_554_432 / bomb.length).toBeGreaterThan(900)
    const { fetch, url } = await coded(coding, bomb)
    const before = process.memoryUsage().arrayBuffers
    const response = await fetch(url())
    const reader = response.body!.getReader()
    expect((await reader.read()).done).toBe(false)
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
    // Not even with the garbage that is not collected yet.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_777_216)
    await reader.cancel()
    expect(await (await fetch(url('/next'))).text()).toBe('alive')
  })

  it('H09 a bomb that is read whole is over after maxDecodedBytes, whatever its coding', async () => {
    const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer }
    const zeros = Buffer.alloc(16_777_216)
    const bombs = [['gzip', gzipSync(zeros)] as const, ['gzip, gzip', gzipSync(gzipSync(zeros))] as const]
    // Before Node 22.15 there is no zstd: it is not asked for, and passed on as it is.
    if (zstdCompressSync !== undefined) bombs.push(['zstd' as never, zstdCompressSync(zeros) as never])
    for (const [coding, bomb] of bombs) {
      const { fetch, url } = await coded(coding, bomb)
      const reading = (await fetch(url(), { unshard: { maxDecodedBytes: 1_048_576 } })).text()
      await expect(reading).rejects.toMatchObject({ cause: { name: 'ResponseError', code: 'ERR_DECODED_TOO_LARGE' } })
      expect(await (await fetch(url('/next'))).text()).toBe('alive')
    }
  })

  it('H10 a loop ends after 20 redirects', async () => {
    let requests = 0
    const { fetch, url } = await stage((_request, response) => {
      requests++
      response.writeHead(302, { location: '/again' }).end()
    })
    await expect(fetch(url())).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { code: 'ERR_TOO_MANY_REDIRECTS', message: 'more than 20 redirects' },
    })
    expect(requests).toBe(21)
  })

  it('H10 credentials do not go to another origin, another scheme or another port, and do not come back', async () => {
    const seen: [string, string[]][] = []
    let elsewhere = ''
    const { fetch, url } = await stage((request, response) => {
      seen.push([request.url!, Object.keys(request.headers)])
      if (request.url === '/') response.writeHead(307, { location: elsewhere }).end()
      else response.end('there')
    })
    const other = await server({
      protocols: ['h2'],
      tls: undefined,
      handler: (request, response) => {
        seen.push(['other', Object.keys(request.headers)])
        response.writeHead(302, { location: url('/back') }).end()
      },
    })
    elsewhere = secure ? url('/there', 'b') : `${other.url('b.test.example')}/`
    const headers = { authorization: 'Bearer secret', 'proxy-authorization': 'Basic secret', cookie: 'a=1', 'x-kept': 'yes' }
    await (await fetch(url(), { headers })).text()
    expect(seen[0]![1]).toEqual(expect.arrayContaining(['authorization', 'cookie', 'x-kept']))
    for (const [, names] of seen.slice(1)) {
      for (const name of ['authorization', 'proxy-authorization', 'cookie']) expect(names).not.toContain(name)
      expect(names).toContain('x-kept')
    }
    expect(seen).toHaveLength(secure ? 2 : 3)
  })

  it('H10 a location with user information is refused: nothing is sent there', async () => {
    let requests = 0
    const { fetch, url } = await stage((_request, response) => {
      requests++
      response.writeHead(302, { location: url('/').replace('//', '//user:secret@') }).end()
    })
    await expect(fetch(url())).rejects.toThrow(TypeError)
    expect(requests).toBe(1)
  })

  it('I04 CVE-2025-22150 the boundary of a form cannot be guessed, and is another one each time', async () => {
    const types: string[] = []
    const { fetch, url } = await stage((request, response) => {
      types.push(request.headers['content-type']!)
      request.resume().on('end', () => response.end())
    })
    const form = new FormData()
    form.set('a', 'b')
    for (let i = 0; i < 20; i++) await (await fetch(url(), { method: 'POST', body: form })).text()
    expect(new Set(types).size).toBe(20)
    // 144 bits: not to be guessed by who writes one part and would like to write the next.
    for (const type of types) expect(type).toMatch(/^multipart\/form-data; boundary=----unshard[A-Za-z0-9_-]{24}$/)
  })
})
