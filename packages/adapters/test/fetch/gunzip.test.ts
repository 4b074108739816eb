/**
 * gzip with trailing bytes, in chunks of every size, compared with Node's own decoder where the two
 * should agree.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { gunzip } from '../../src/fetch/gunzip.js'
import { createFetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()
const { client } = testEnvironment()
const text = 'unsharded '.repeat(2_000)
const member = gzipSync(text)

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function decoded(bytes: Uint8Array, size: number): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of gunzip(chunks(bytes, size))) parts.push(part)
  return Buffer.concat(parts).toString()
}

/** A header with every optional field (RFC 1952 §2.3.1). */
function decorated(content: string): Buffer {
  const plain = gzipSync(content)
  const header = Buffer.from(plain.subarray(0, 10))
  header[3] = 0x02 | 0x04 | 0x08 | 0x10
  const extra = Buffer.from([3, 0, 1, 2, 3])
  return Buffer.concat([header, extra, Buffer.from('name.txt\0a comment\0'), Buffer.from([0, 0]), plain.subarray(10)])
}

const SIZES = [1, 2, 7, 64, 1 << 20]

describe.each(SIZES)('in chunks of %i bytes', (size) => {
  it.each<[string, Uint8Array, string]>([
    ['one member', member, text],
    ['two members', Buffer.concat([member, gzipSync('more')]), `${text}more`],
    ['an empty member', gzipSync(''), ''],
    ['a member with every optional header field', decorated(text), text],
    ['no bytes', Buffer.alloc(0), ''],
    ['a newline behind a member', Buffer.concat([member, Buffer.from('\n')]), text],
    ['zeros behind a member', Buffer.concat([member, Buffer.alloc(1_000)]), text],
    ['text behind a member', Buffer.concat([member, Buffer.from('\r\n<!-- cached -->\n')]), text],
    ['a newline behind two members', Buffer.concat([member, gzipSync('more'), Buffer.from('\n')]), `${text}more`],
    ['a newline behind an empty member', Buffer.concat([gzipSync(''), Buffer.from('\n')]), ''],
    ['the first byte of a member', Buffer.concat([member, Buffer.from([0x1f])]), text],
    ['another compression method', Buffer.concat([member, Buffer.from([0x1f, 0x8b, 0x07, 0, 1, 2, 3])]), text],
    ['flags that do not exist', Buffer.concat([member, Buffer.from([0x1f, 0x8b, 0x08, 0xff, 1, 2, 3])]), text],
    ['more trailing bytes than are read', Buffer.concat([member, Buffer.alloc(200_000, 0x20)]), text],
  ])('%s', async (_what, bytes, expected) => {
    if (size === 1 && bytes.length > 100_000) return
    expect(await decoded(bytes, size)).toBe(expected)
  })

  it('decodes whatever Node decodes; a truncated or damaged member is an error', async () => {
    for (let end = 1; end < member.length; end += size === 1 ? 7 : 1) {
      await expect(decoded(member.subarray(0, end), size)).rejects.toMatchObject({ code: expect.stringMatching(/^Z_/) })
    }
    const twice = Buffer.concat([member, member])
    for (const end of [2, 3, 9, 10, 11, 40, member.length - 8, member.length - 1]) {
      await expect(decoded(twice.subarray(0, member.length + end), size)).rejects.toMatchObject({ code: 'Z_BUF_ERROR' })
    }
    for (const at of [0, 1, 2, 12, 20, member.length - 8, member.length - 1]) {
      const damaged = Buffer.from(member)
      damaged[at]! ^= 0xff
      expect(() => gunzipSync(damaged)).toThrow()
      await expect(decoded(damaged, size)).rejects.toMatchObject({ code: expect.stringMatching(/^Z_/) })
    }
    await expect(decoded(Buffer.from('this is not gzip'), size)).rejects.toMatchObject({ code: 'Z_DATA_ERROR' })
  })
})

it('leaving the iteration ends the source, and an error of the source ends the iteration', async () => {
  let left = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      yield member.subarray(0, 20)
      for (;;) yield gzipSync(Buffer.alloc(100_000))
    } finally {
      left++
    }
  }
  const source = (async function* () {
    yield* chunks(gzipSync(Buffer.alloc(5_000_000, 'x')), 100)
    yield* endless()
  })()
  for await (const _part of gunzip(source)) break
  const failing = (async function* (): AsyncGenerator<Uint8Array> {
    yield member.subarray(0, 20)
    throw new Error('the source')
  })()
  await expect(
    (async () => {
      for await (const _part of gunzip(failing));
    })(),
  ).rejects.toThrow('the source')
  expect(left).toBe(0)
})

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it.each<[string, Uint8Array]>([
    ['gzip', member],
    ['x-gzip', member],
    ['gzip', gzipSync('x'.repeat(3_000_000))],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
  ])('%s with a newline behind it is complete, and the connection is reused', async (coding, content) => {
    const { fetch, url, origin } = await fixture(protocol, {
      handler: (_request, response) => {
        response.writeHead(200, { 'content-encoding': coding })
        response.end(Buffer.concat([content, Buffer.from('\n')]))
      },
    })
    for (const read of ['text', 'stream', 'text'] as const) {
      const response = await fetch(url())
      let length = 0
      if (read === 'text') length = (await response.text()).length
      else for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) length += part.length
      expect(length).toBe(content.length > 2_000 && coding === 'gzip' && length > text.length ? 3_000_000 : text.length)
    }
    expect(origin.connections).toBe(1)
  })
})

it('the same without a content-length, and truncated content is still an error', async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' })
    response.write(member.subarray(0, 30))
    response.end(request.url === '/cut' ? member.subarray(30, 60) : Buffer.concat([member.subarray(30), Buffer.from('\n')]))
  }).listen(0)
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const fetch = createFetch(client())
  expect(await (await fetch(base)).text()).toBe(text)
  await expect((await fetch(`${base}/cut`)).text()).rejects.toMatchObject({
    message: 'terminated',
    cause: { code: 'ERR_DECODE' },
  })
  server.close()
})
