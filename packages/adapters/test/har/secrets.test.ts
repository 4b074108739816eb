/** Secrets and bodies of a recording: what is replaced, what is omitted, and what is recorded on request. */

import type { OriginHandler } from '@unshard/testkit'
import { COMPRESSED_TEXT } from '@unshard/testkit'
import { createFetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { harFiles, valueIn } from './fixture.js'

const environment = testEnvironment()
const files = harFiles()
const HOST = 'a.test.example'

const handler: OriginHandler = (_request, response) => {
  response.setHeader('set-cookie', [
    'sid=SECRET; Path=/; Domain=test.example; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure; HttpOnly',
    'theme=SECRET',
    'SECRET',
  ])
  response.setHeader('location', 'https://user:SECRET@b.test.example/next?token=SECRET&page=2')
  response.setHeader('link', '</a?token=SECRET>; rel="next", <//user:SECRET@b.test.example/>; rel="prev"')
  response.setHeader('x-api-key', 'SECRET')
  response.writeHead(302, { 'content-type': 'text/plain' }).end('hello')
}

it('replaces the values of credentials, cookies and user info in URLs, and of the fields and parameters that the caller names', async () => {
  const server = await environment.server({ handler })
  const client = environment.client()
  const { finish } = files.record(client, { bodies: {}, redact: { fields: ['X-API-Key'], query: ['Token', 'a b'] } })
  await (
    await client.request({
      url: `${server.url(HOST)}/?token=SECRET&page=1&a%20b=SECRET&a+b=SECRET`,
      method: 'POST',
      headers: {
        ...{ authorization: 'Bearer SECRET', 'proxy-authorization': 'Basic SECRET', cookie: 'sid=SECRET; theme=SECRET; SECRET' },
        ...{ 'x-api-key': 'SECRET', referer: 'https://b.test.example/?token=SECRET', 'x-other': 'kept' },
      },
      body: new URLSearchParams({ token: 'SECRET', page: '1' }),
    })
  ).text()
  const document = await finish()
  expect(JSON.stringify(document)).not.toContain('SECRET')
  const { request, response } = document.log.entries[0]!
  expect(request).toMatchObject({
    url: `${server.url(HOST)}/?token=redacted&page=1&a%20b=redacted&a+b=redacted`,
    cookies: [
      { name: 'sid', value: 'redacted' },
      { name: 'theme', value: 'redacted' },
    ],
    postData: { text: 'token=redacted&page=1' },
  })
  expect(valueIn(request.headers, 'authorization')).toBe('redacted')
  expect(valueIn(request.headers, 'x-other')).toBe('kept')
  expect(response.redirectURL).toBe('https://b.test.example/next?token=redacted&page=2')
  expect(response.cookies).toEqual([
    {
      ...{ name: 'sid', value: 'redacted', path: '/', domain: 'test.example', expires: '2026-10-21T07:28:00.000Z' },
      ...{ secure: true, httpOnly: true },
    },
    { name: 'theme', value: 'redacted' },
    { name: '', value: 'redacted' },
  ])
})

it('records no bodies by default', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client)
  await (await client.post(`${server.url(HOST)}/echo`, { json: { a: 1 } })).text()
  const { request, response } = (await finish()).log.entries[0]!
  expect(request).not.toHaveProperty('postData')
  expect(response.content).toEqual({ size: 7, mimeType: 'application/json' })
})

it('records text as it is and other bytes as base64, in requests and responses', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client, { bodies: {} })
  const bytes = Uint8Array.of(0, 255, 128)
  await (await client.post(`${server.url(HOST)}/echo`, { json: { a: 'é' } })).text()
  await (await client.post(`${server.url(HOST)}/echo`, { body: bytes })).bytes()
  await (await client.post(`${server.url(HOST)}/echo`, { body: new Blob(['streamed']).stream() })).bytes()
  const entries = (await finish()).log.entries.map(({ request, response }) => [request.postData, response.content])
  expect(entries).toEqual([
    [
      { mimeType: 'application/json', text: '{"a":"é"}' },
      { size: 10, mimeType: 'application/json', text: '{"a":"é"}' },
    ],
    [
      { mimeType: 'x-unknown', text: 'AP+A', _encoding: 'base64' },
      { size: 3, mimeType: 'application/octet-stream', text: 'AP+A', encoding: 'base64' },
    ],
    [undefined, { size: 8, mimeType: 'application/octet-stream', text: 'streamed' }],
  ])
})

it.each(['gzip', 'deflate', 'br'])(
  'records content with the coding %s decoded, and the reader gets what the server sent',
  async (coding) => {
    const server = await environment.server()
    const client = environment.client()
    const { finish } = files.record(client, { bodies: {} })
    const response = await createFetch(client)(`${server.url(HOST)}/${coding}`)
    expect(await response.text()).toBe(COMPRESSED_TEXT)
    const { bodySize, content } = (await finish()).log.entries[0]!.response
    expect(content).toMatchObject({
      size: COMPRESSED_TEXT.length,
      text: COMPRESSED_TEXT,
      compression: COMPRESSED_TEXT.length - bodySize,
    })
  },
)

it('omits bodies over the limit before or after decoding, and those that cannot be decoded', async () => {
  const broken: OriginHandler = (_request, response) => {
    response.setHeader('content-encoding', 'gzip')
    response.end('not gzip')
  }
  const [server, malformed] = [await environment.server(), await environment.server({ handler: broken })]
  const client = environment.client()
  const { finish } = files.record(client, { bodies: { maxBytes: 1_000 } })
  expect(await (await client.get(`${server.url(HOST)}/bytes/1001`)).bytes()).toHaveLength(1_001)
  await (await client.get(`${server.url(HOST)}/gzip`)).bytes()
  await (await client.get(malformed.url(HOST))).bytes()
  await (await client.post(`${server.url(HOST)}/status/204`, { body: 'x'.repeat(1_001) })).bytes()
  const { entries } = (await finish()).log
  expect(entries.map(({ response }) => response.content.text)).toEqual([undefined, undefined, undefined, ''])
  expect(entries.map(({ response }) => response.content.comment?.slice(0, 12))).toEqual([
    ...Array(3).fill('not recorded'),
    undefined,
  ])
  expect(entries[0]!.response.content.size).toBe(1_001)
  expect(entries[3]!.request).not.toHaveProperty('postData')
})

it('reading a response in parts keeps its pace: an unread body is not read for the recording', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client, { bodies: {} })
  const response = await client.get(`${server.url(HOST)}/bytes/9000000`)
  await response.body.next()
  response.discard()
  const [entry] = (await finish()).log.entries
  // That a reader wants no more is not a failure.
  expect(entry).toMatchObject({ response: { status: 200 } })
  expect(entry).not.toHaveProperty('_error')
  expect(entry!.response.bodySize).toBeLessThan(9_000_000)
})
