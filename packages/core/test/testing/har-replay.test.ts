/** `mockClient.fromHar()`: files of this project, Chrome and Firefox as the server of a test. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreamError, UsageError } from '../../src/errors/errors.js'
import { type HarClientOptions, type MockedClient, mockClient } from '../../src/testing/index.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unshard-har-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function file(text: string): Promise<string> {
  const path = join(folder, 'x.har')
  await writeFile(path, text)
  return path
}

async function replay(entries: readonly object[], options?: HarClientOptions): Promise<MockedClient> {
  return mockClient.fromHar(await file(JSON.stringify({ log: { version: '1.2', entries } })), options)
}

/** An entry with the least that programs write. */
function entry(method: string, url: string, text: string, more: object = {}): object {
  return { request: { method, url }, response: { status: 200, headers: [], content: { text } }, ...more }
}

const URL_ = 'https://api.example/a'
const textOf = async ({ client }: MockedClient, url: string): Promise<string> => (await client.get(url)).text()

it('answers each recorded request once, in the order of its method and URL, whatever the order of the others', async () => {
  const mocked = await replay([entry('GET', URL_, 'first'), entry('GET', `${URL_}?b`, 'other'), entry('GET', URL_, 'second')])
  expect(await textOf(mocked, `${URL_}?b`)).toBe('other')
  expect(await textOf(mocked, `${URL_}#fragment`)).toBe('first')
  expect(await textOf(mocked, URL_)).toBe('second')
  await expect(mocked.client.get(URL_)).rejects.toThrow(
    /"GET https:\/\/api.example\/a" is recorded 2 times, and was sent once more/,
  )
  await expect(mocked.client.get(`${URL_}?b`)).rejects.toThrow(/is recorded once, and was sent once more/)
})

it('entries are in the order in which their requests started, not in that of the file', async () => {
  const mocked = await replay([
    entry('GET', URL_, 'second', { startedDateTime: '2026-01-01T00:00:02.000Z' }),
    entry('GET', URL_, 'first', { startedDateTime: '2026-01-01T00:00:01.000Z' }),
  ])
  expect([await textOf(mocked, URL_), await textOf(mocked, URL_)]).toEqual(['first', 'second'])
})

it('an unknown request fails with its method and URL, and the nearest recorded URL', async () => {
  const { client } = await replay([entry('GET', `${URL_}/users/1`, ''), entry('POST', 'https://other.example/x', '')])
  const error = await client.post(`${URL_}/users/2`).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(UsageError)
  expect(error).toMatchObject({
    code: 'ERR_HAR_NO_ENTRY',
    message:
      'no response is recorded for "POST https://api.example/a/users/2": the nearest recorded one is "GET https://api.example/a/users/1"',
  })
  await expect((await replay([])).client.get(URL_)).rejects.toThrow(/the file has no requests/)
})

it('loose: the last entry repeats, and the order of query parameters does not matter', async () => {
  const entries = [entry('GET', `${URL_}?x=1&y=2`, 'first'), entry('GET', `${URL_}?y=2&x=1`, 'second')]
  const mocked = await replay(entries, { match: 'loose' })
  const texts: string[] = []
  for (const query of ['y=2&x=1', 'x=1&y=2', 'y=2&x=1']) texts.push(await textOf(mocked, `${URL_}?${query}`))
  expect(texts).toEqual(['first', 'second', 'second'])
  await expect(textOf(mocked, `${URL_}?x=1`)).rejects.toMatchObject({ code: 'ERR_HAR_NO_ENTRY' })
})

it('any value matches a parameter whose recorded value was redacted', async () => {
  const mocked = await replay([
    entry('GET', `${URL_}?key=redacted&page=1`, 'one'),
    entry('GET', `${URL_}?key=redacted&page=2`, 'two'),
  ])
  expect(await textOf(mocked, `${URL_}?key=real&page=2`)).toBe('two')
  await expect(textOf(mocked, `${URL_}?key=real&page=3`)).rejects.toMatchObject({ code: 'ERR_HAR_NO_ENTRY' })
})

it('a redirect is followed through its entries', async () => {
  const moved = {
    request: { method: 'GET', url: URL_ },
    response: { status: 301, headers: [{ name: 'Location', value: '/b' }], redirectURL: '/b', content: {} },
  }
  const mocked = await replay([moved, entry('GET', 'https://api.example/b', 'moved')])
  expect(await textOf(mocked, URL_)).toBe('moved')
})

it('a recorded failure fails again, once, before or within the content', async () => {
  const { client } = await replay([
    { request: { method: 'GET', url: URL_ }, response: { status: 0 }, _error: 'ERR_CONNECTION_LOST: lost' },
    { request: { method: 'GET', url: URL_ }, response: { status: 0, _error: 'net::ERR_FAILED' } },
    { ...entry('GET', URL_, 'part'), _error: 'ERR_STREAM_RESET: reset' },
    entry('GET', URL_, 'whole'),
  ])
  await expect(client.get(URL_)).rejects.toThrow('the recorded request failed: ERR_CONNECTION_LOST: lost (https://api.example)')
  await expect(client.get(URL_)).rejects.toThrow(/net::ERR_FAILED/)
  const { body } = await client.get(URL_)
  expect(Buffer.from((await body.next()).value as Uint8Array).toString()).toBe('part')
  await expect(body.next()).rejects.toThrow(StreamError)
  expect(await (await client.get(URL_)).text()).toBe('whole')
})

it('attempts that the client replayed by itself are not played again', async () => {
  const lost = { request: { method: 'GET', url: URL_ }, response: { status: 0 }, _error: 'lost', _replayed: true }
  expect(await textOf(await replay([lost, entry('GET', URL_, 'answer')]), URL_)).toBe('answer')
})

it('plays a file of Chrome: decoded content, pseudo-fields, fields joined by line feeds, WebSockets and data URLs', async () => {
  const { client } = await replay([
    entry('GET', 'data:text/plain,x', 'x'),
    { request: { method: 'GET', url: 'wss://api.example/' }, response: { status: 101, headers: [] } },
    { request: { method: 'GET', url: URL_ }, response: { status: 101, headers: [] } },
    {
      _initiator: { type: 'other' },
      _priority: 'High',
      _resourceType: 'fetch',
      request: { method: 'GET', url: URL_, httpVersion: 'http/2.0', headers: [{ name: ':path', value: '/a' }] },
      response: {
        status: 200,
        statusText: '',
        httpVersion: 'http/2.0',
        headers: [
          { name: ':status', value: '200' },
          { name: 'content-encoding', value: 'br' },
          { name: 'content-length', value: '5' },
          { name: 'set-cookie', value: 'a=1\nb=2' },
          { name: 'x-redacted', value: 'redacted' },
        ],
        content: { size: 4, mimeType: 'image/png', compression: -1, text: 'iVBORw==', encoding: 'base64' },
        _transferSize: 100,
        _error: null,
      },
    },
  ])
  const response = await client.get(URL_)
  expect(response.headers.getAll('set-cookie')).toEqual(['a=1', 'b=2'])
  expect([response.headers.get('content-encoding'), response.headers.get('content-length')]).toEqual([undefined, '4'])
  expect([response.headers.get('content-type'), response.headers.has('x-redacted')]).toEqual(['image/png', false])
  expect([...(await response.bytes())]).toEqual([0x89, 0x50, 0x4e, 0x47])
})

it('plays a file of Firefox: a byte order mark, no encoding, content with a comment, blocked requests', async () => {
  const entries = [
    {
      pageref: 'page_1',
      request: { method: 'GET', url: URL_, postData: null },
      response: { status: 0, headers: [], content: {} },
    },
    {
      request: { method: 'GET', url: `${URL_}/b` },
      response: {
        ...{ status: 200, statusText: 'OK', httpVersion: 'HTTP/2', headers: [{ name: 'Content-Type', value: 'text/html' }] },
        content: { mimeType: 'text/html', size: 3, text: 'hé', comment: 'Response bodies are not included.' },
      },
    },
    { request: { method: 'GET', url: `${URL_}/c` }, response: { status: 204, headers: [], content: { text: '', size: 0 } } },
  ]
  const { client } = mockClient.fromHar(pathToFileURL(await file(`\ufeff${JSON.stringify({ log: { entries } })}`)))
  await expect(client.get(URL_)).rejects.toThrow('the recorded request failed (https://api.example)')
  const response = await client.get(`${URL_}/b`)
  expect([response.headers.get('content-type'), await response.text()]).toEqual(['text/html', 'hé'])
  expect((await client.get(`${URL_}/c`)).status).toBe(204)
})

it('takes the options of a mock client', async () => {
  const { client } = await replay([entry('GET', URL_, 'x')], { protocol: 'http/1.1' })
  expect((await client.get(URL_)).connection.protocol).toBe('http/1.1')
})

it.each<[string, string, RegExp]>([
  ['is not JSON', 'no JSON', /"\/.*x\.har" cannot be read: .*JSON/],
  ['has no entries', '{"log":{}}', /is not a HAR file: it has no list log\.entries/],
  ['is null', 'null', /is not a HAR file/],
  ['has an entry that is not an object', '{"log":{"entries":[1]}}', /is not a HAR file/],
  ['has no method', '{"log":{"entries":[{"request":{"url":"https://a.example/"}}]}}', /has an invalid request: undefined/],
  ['has a malformed URL', '{"log":{"entries":[{"request":{"method":"GET","url":"https://"}}]}}', /has an invalid request: "GET"/],
  [
    'has a status that is text',
    '{"log":{"entries":[{"request":{"method":"GET","url":"https://a.example/"},"response":{"status":"200"}}]}}',
    /has the invalid status "200"/,
  ],
])('refuses a file that %s', async (_what, content, message) => {
  const path = await file(content)
  expect(() => mockClient.fromHar(path)).toThrow(
    expect.objectContaining({ code: 'ERR_HAR_FILE', message: expect.stringMatching(message) }),
  )
})

it('refuses a file that does not exist, and unknown options', async () => {
  expect(() => mockClient.fromHar('/no/such.har')).toThrow(/"\/no\/such\.har" cannot be read: ENOENT/)
  await expect(replay([], { match: 'any' as never })).rejects.toThrow(/option match takes 'strict' or 'loose', not "any"/)
  await expect(replay([], { matches: 'loose' } as never)).rejects.toThrow(/unknown option "matches"/)
})
