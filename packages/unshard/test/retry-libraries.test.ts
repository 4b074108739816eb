/**
 * Retry libraries recognize our errors by the message of the TypeError and the code of its cause.
 */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { Octokit } from '@octokit/core'
import { retry } from '@octokit/plugin-retry'
import { isClockSkewCorrectedError, isServerError, isTransientError } from '@smithy/service-error-classification'
import isNetworkError from 'is-network-error'
import pRetry from 'p-retry'
import { type ClientOptions, createClient, createFetch, type UnshardError } from 'unshard'

const servers: Server[] = []
const clients: ReturnType<typeof createClient>[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  for (const server of servers.splice(0)) server.close()
})

const fetchWith = (options: ClientOptions = {}): ReturnType<typeof createFetch> => {
  const client = createClient({ replay: 0, ...options })
  clients.push(client)
  return createFetch(client)
}

/**
 * A server that sends the bytes of `answers` on successive connections, and resets or closes them.
 */
async function serving(answers: readonly (string | 'reset' | 'close')[]): Promise<{ url: string; connections(): number }> {
  let connections = 0
  const server = createServer((socket) => {
    const answer = answers[Math.min(connections++, answers.length - 1)]!
    socket.on('error', () => undefined)
    socket.once('data', () => {
      if (answer === 'reset') socket.resetAndDestroy()
      else if (answer === 'close') socket.end()
      else socket.end(answer)
    })
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, connections: () => connections }
}

async function unused(): Promise<string> {
  const { url } = await serving(['close'])
  const server = servers.pop()!
  await new Promise((resolve) => server.close(resolve))
  return url
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'
const CUT = 'HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nnot all of it'

async function failureOf(failing: Promise<unknown>): Promise<TypeError & { cause: UnshardError }> {
  return failing.then(
    () => Promise.reject(new Error('the call did not fail')),
    (error) => error,
  )
}

const KINDS: [string, string, () => Promise<unknown>][] = [
  ['a refused connection', 'ECONNREFUSED', async () => fetchWith()(await unused())],
  ['a host name that does not exist', 'ENOTFOUND', async () => fetchWith()('http://nowhere.invalid/')],
  [
    'an unavailable resolver',
    'EAI_AGAIN',
    async () =>
      fetchWith({
        lookup: ((_host: string, _options: object, callback: (error: Error) => void) =>
          callback(
            Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN', errno: -3001, syscall: 'getaddrinfo' }),
          )) as never,
      })('http://a.example/'),
  ],
  ['a reset connection', 'ECONNRESET', async () => fetchWith()((await serving(['reset'])).url)],
]

describe.each(KINDS)('%s', (_what, code, fail) => {
  it(`is a TypeError with the built-in's message, and a cause with code ${code}`, async () => {
    const error = await failureOf(fail())
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe('fetch failed')
    expect(error.cause).toMatchObject({
      code,
      syscall: expect.any(String),
      errno: expect.any(Number),
      processed: expect.any(String),
    })
  })

  it('is a network error for is-network-error, and transient for @smithy/service-error-classification', async () => {
    const error = await failureOf(fail())
    expect(isNetworkError(error)).toBe(true)
    // It knows these codes, on an error and on its causes.
    if (code === 'ECONNRESET' || code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
      expect(isTransientError(error.cause as never)).toBe(true)
      expect(isTransientError(Object.assign(new Error('wrapped'), { cause: error.cause }) as never)).toBe(true)
    }
    expect([isServerError(error as never), isClockSkewCorrectedError(error as never)]).toEqual([false, undefined])
  })
})

it('truncated content ends in "terminated", which is-network-error recognizes', async () => {
  const { url } = await serving([CUT])
  const response = await fetchWith()(url)
  const error = await failureOf(response.text())
  expect([error.message, isNetworkError(error)]).toEqual(['terminated', true])
  expect(error.cause).toMatchObject({ name: 'ConnectionError', code: expect.any(String), processed: 'yes' })
  const again = await fetchWith()(url)
  const streamed = await failureOf(
    (async () => {
      for await (const _part of again.body as unknown as AsyncIterable<Uint8Array>);
    })(),
  )
  expect(streamed).toMatchObject({ name: 'TypeError', message: 'terminated', cause: { processed: 'yes' } })
})

it.each<[string, string, object | undefined]>([
  ['a blocked port', 'http://127.0.0.1:25/', undefined],
  ['a scheme', 'ftp://a.example/', undefined],
  ['credentials', 'http://user:secret@a.example/', undefined],
  ['a method', 'http://a.example/', { method: 'TRACE' }],
  ['a header', 'http://a.example/', { headers: { 'a b': 'c' } }],
  ['an unknown extension', 'http://a.example/', { unshard: { lunch: 1 } }],
])('%s that is refused has the same message, and a cause with a code of unshard', async (_what, url, init) => {
  const error = await failureOf(fetchWith()(url, init as never))
  expect([error.message, isNetworkError(error)]).toEqual(['fetch failed', true])
  expect(error.cause).toMatchObject({ name: 'UsageError', code: expect.stringMatching(/^ERR_/), processed: 'no' })
})

it('p-retry retries after a network error, but not after an abort', async () => {
  const { url, connections } = await serving(['reset', 'reset', OK])
  const fetch = fetchWith()
  const options = { retries: 4, minTimeout: 1, maxTimeout: 2 }
  expect(await (await pRetry(() => fetch(url, { method: 'POST', body: 'x' }), options)).text()).toBe('ok')
  expect(connections()).toBe(3)
  const reason = new TypeError('enough')
  await expect(pRetry(() => fetch(url, { signal: AbortSignal.abort(reason) }), options)).rejects.toBe(reason)
})

it('@octokit/plugin-retry retries after a network error', async () => {
  const { url, connections } = await serving(['reset', OK.replace('\r\n\r\nok', '\r\ncontent-type: text/plain\r\n\r\nok')])
  const Retrying = Octokit.plugin(retry)
  const octokit = new Retrying({ request: { fetch: fetchWith() }, retry: { retryAfterBaseValue: 1 } })
  const { status } = await octokit.request(`GET ${url}`)
  expect([status, connections()]).toEqual([200, 2])
})
