/**
 * Allowed targets of a request: Unix sockets, default headers, relative URLs. URLs may come from
 * users.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientBehind } from '../../src/fetch/fetch.js'
import { createFetch, Dispatcher, install, uninstall } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { failure, fetchFixtures, type Inspected, PROTOCOLS } from './fixtures.js'

const { client, server } = testEnvironment()
const fixture = fetchFixtures()

describe('URLs of Unix sockets', () => {
  let directory: string
  let url: string
  let requests: number
  const listening = createServer((_request, response) => {
    requests++
    response.end('docker')
  })
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'unix '))
    const path = join(directory, 'a.sock')
    await new Promise<void>((resolve) => listening.listen(path, resolve))
    url = `http+unix://${encodeURIComponent(path)}/v1/info`
  })
  beforeEach(() => {
    requests = 0
  })
  afterAll(async () => {
    await new Promise((resolve) => listening.close(resolve))
    await rm(directory, { recursive: true, force: true })
  })

  it('have an unknown scheme for fetch, even as the global one, and nothing is connected to', async () => {
    const fetch = createFetch(client())
    const refused = failure('ERR_UNSUPPORTED_SCHEME', /http\+unix:/)
    install(fetch)
    try {
      for (const call of [fetch, fetch.with({}), createFetch(client({ unixSockets: false })), globalThis.fetch]) {
        await expect(call(url)).rejects.toMatchObject(refused)
        await expect(call(new URL(url))).rejects.toMatchObject(refused)
        await expect(call(url.toUpperCase().replace('/V1', '/v1'))).rejects.toMatchObject(failure('ERR_UNSUPPORTED_SCHEME'))
        await expect(call(url, { method: 'POST', body: 'x' })).rejects.toMatchObject(refused)
        await expect(call(url.replace('http+', 'https+'))).rejects.toMatchObject(failure('ERR_UNSUPPORTED_SCHEME'))
      }
    } finally {
      uninstall()
    }
    expect(requests).toBe(0)
  })

  it('are fetched if the client was created with unixSockets, and always by client.request', async () => {
    expect(await (await createFetch(client({ unixSockets: true }))(url)).text()).toBe('docker')
    const other = createFetch(client())
    expect(await (await other(url, { unshard: { client: client({ unixSockets: true }) } })).text()).toBe('docker')
    expect(await (await client().request({ url })).text()).toBe('docker')
  })

  it('are refused if a proxy is set, because they would bypass it', async () => {
    const fetch = createFetch(client({ unixSockets: true, proxy: 'http://proxy.test.example:1' }))
    await expect(fetch(url)).rejects.toMatchObject(failure('ERR_PROXY_BYPASS'))
    expect(requests).toBe(0)
  })

  it.each(PROTOCOLS)('redirects never lead to a Unix socket, over %s', async (protocol) => {
    const { fetch, url: from } = await fixture(protocol, {
      client: { unixSockets: true },
      handler: (_request, response) => response.writeHead(302, { location: url }).end(),
    })
    await expect(fetch(from())).rejects.toMatchObject(failure('ERR_REDIRECT_TARGET', 'scheme'))
    expect(requests).toBe(0)
  })
})

describe.each(PROTOCOLS)('paths and headers as received by the server, over %s', (protocol) => {
  it('the question mark of an empty query survives a Request, a redirect, and the Dispatcher', async () => {
    const { fetch, url, origin } = await fixture(protocol, {
      handler: (request, response) => {
        if (request.url === '/go') response.writeHead(302, { location: '/there?' }).end()
        else response.end()
      },
    })
    await fetch(url('/path/?'))
    await fetch(new Request(url('/request?')))
    await fetch(url('/path/?#fragment'))
    await fetch(url('/#?'))
    expect((await fetch(url('/go'))).url).toBe(url('/there?'))
    const dispatcher = new Dispatcher({ client: clientBehind(fetch)! })
    const ask = (path: string, query?: object): Promise<unknown> =>
      new Promise((resolve, reject) =>
        dispatcher.dispatch(
          { origin: new URL(url()).origin, path, method: 'GET', query } as never,
          {
            onConnect: () => undefined,
            onHeaders: () => true,
            onData: () => true,
            onComplete: resolve,
            onError: reject,
          } as never,
        ),
      )
    await ask('/dispatched?')
    await ask('/empty', {})
    expect(origin.requests.map(({ path }) => path)).toEqual([
      '/path/?',
      '/request?',
      '/path/?',
      '/',
      '/go',
      '/there?',
      '/dispatched?',
      '/empty',
    ])
  })

  it('fetch and client.request drop connection-specific fields of pasted headers; fields that change the message are refused', async () => {
    const { fetch, url } = await fixture(protocol)
    const pasted = {
      Connection: 'keep-alive',
      'Proxy-Connection': 'keep-alive',
      'Keep-Alive': 'timeout=5',
      TE: 'gzip',
      'HTTP2-Settings': 'AAMAAABk',
      'Content-Length': '1',
      'X-A': 'b',
    }
    const one = clientBehind(fetch)!
    const request = { url: url('/inspect'), method: 'POST', headers: pasted, body: 'x' }
    const answers = [
      (await (await fetch(request.url, request)).json()) as Inspected,
      (await (await one.request(request)).json()) as Inspected,
    ]
    for (const { headers, body } of answers) {
      expect(headers).toMatchObject({ 'x-a': 'b', 'content-length': '1' })
      expect(body.length).toBe(1)
      for (const name of ['proxy-connection', 'keep-alive', 'te', 'http2-settings']) expect(headers).not.toHaveProperty(name)
      if (protocol === 'h2') expect(headers).not.toHaveProperty('connection')
    }
    for (const [name, value, code] of [
      ['transfer-encoding', 'chunked', 'ERR_FORBIDDEN_FIELD'],
      ['upgrade', 'h2c', 'ERR_FORBIDDEN_FIELD'],
      ['content-length', '2', 'ERR_CONTENT_LENGTH'],
    ] as const) {
      const wrong = { ...request, headers: { [name]: value } }
      await expect(fetch(wrong.url, wrong)).rejects.toMatchObject(failure(code))
      await expect(one.request(wrong)).rejects.toMatchObject({ code })
    }
  })

  it.each<[string, object, object]>([
    ['a range request asks for unencoded content', { range: 'bytes=0-1' }, { 'accept-encoding': 'identity' }],
    ['unless the caller overrides it', { Range: 'bytes=0-1', 'Accept-Encoding': 'gzip' }, { 'accept-encoding': 'gzip' }],
    ['if-none-match', { 'If-None-Match': '"x"' }, { 'cache-control': 'no-cache', pragma: 'no-cache' }],
    ['if-match', { 'if-match': '"x"' }, { 'cache-control': 'no-cache', pragma: 'no-cache' }],
    ['if-modified-since', { 'if-modified-since': 'x' }, { 'cache-control': 'no-cache', pragma: 'no-cache' }],
    ['if-unmodified-since', { 'if-unmodified-since': 'x' }, { 'cache-control': 'no-cache', pragma: 'no-cache' }],
    ['if-range', { range: 'bytes=0-1', 'if-range': '"x"' }, { 'cache-control': 'no-cache', 'accept-encoding': 'identity' }],
    [
      'a user-supplied cache-control is kept',
      { 'if-match': '"x"', 'cache-control': 'max-age=5' },
      { 'cache-control': 'max-age=5', pragma: 'no-cache' },
    ],
  ])('Fetch standard §4.5, steps 8.16 to 8.19: %s', async (_what, headers, expected) => {
    const { fetch, url } = await fixture(protocol)
    const asked = [
      fetch(url('/inspect'), { headers: headers as never }),
      fetch(new Request(url('/inspect'), { headers: headers as never })),
      fetch.with({ headers: headers as never })(url('/inspect')),
    ]
    for (const response of await Promise.all(asked))
      expect(((await response.json()) as Inspected).headers).toMatchObject(expected)
  })

  it('an unconditional request has no cache fields, and force-cache keeps conditions', async () => {
    const { fetch, url } = await fixture(protocol)
    const inits = [
      {},
      { headers: { 'if-x': '1', 'x-if-match': '1' } },
      { headers: { 'if-match': '"x"' }, cache: 'force-cache' as const },
    ]
    for (const init of inits) {
      const { headers } = (await (await fetch(url('/inspect'), init)).json()) as Inspected
      expect(headers).not.toHaveProperty('cache-control')
      expect(headers['accept-encoding']).toContain('gzip')
    }
  })
})

describe.each(PROTOCOLS)('default headers, over %s', (protocol) => {
  const headers = { 'x-key': 'secret', authorization: 'Bearer secret', 'user-agent': 'mine' }
  const secret = async (response: Promise<Response>): Promise<string | undefined> =>
    ((await (await response).json()) as Inspected).headers['x-key']

  it('go to the origin of baseUrl only, however a URL is written', async () => {
    const { fetch, url } = await fixture(protocol)
    const { port, host } = new URL(url('/', 'b'))
    const based = fetch.with({ baseUrl: url('/api/'), headers })
    expect(await secret(based('/inspect'))).toBe('secret')
    expect(await secret(based('../inspect'))).toBe('secret')
    expect(await secret(based(url('/inspect')))).toBe('secret')
    expect(await secret(based(url('/inspect').replace('https://a', 'HTTPS://A')))).toBe('secret')
    expect(await secret(based(new URL(url('/inspect'))))).toBe('secret')
    expect(await secret(based(new Request(url('/inspect'))))).toBe('secret')
    const elsewhere = [
      url('/inspect', 'b'),
      new URL(url('/inspect', 'b')),
      new Request(url('/inspect', 'b')),
      `https:////${host}/inspect`,
      `https:\\\\${host}\\inspect`,
      ` https://${host}/inspect`,
      `https://a.test.example:${port}.b.test.example/`.replace(`:${port}.b.test.example`, `:${port}@b.test.example:${port}`),
    ]
    for (const target of elsewhere.slice(0, -1)) expect(await secret(based(target))).toBeUndefined()
    await expect(based(elsewhere.at(-1)!)).rejects.toMatchObject(failure('ERR_URL_CREDENTIALS'))
    const { headers: sent } = (await (await based(url('/inspect', 'b'))).json()) as Inspected
    expect(sent).toMatchObject({ 'user-agent': 'unshard' })
    expect(JSON.stringify(sent)).not.toContain('secret')
  })

  it('are not sent to another origin after a redirect, nor restored on the way back', async () => {
    const { fetch, url } = await fixture(protocol)
    const based = fetch.with({ baseUrl: url('/'), headers })
    const to = (target: string, host = 'a'): string => url(`/redirect/302?to=${encodeURIComponent(target)}`, host)
    expect(await secret(based(to('/inspect')))).toBe('secret')
    const there = (await (await based(to(url('/inspect', 'b')))).json()) as Inspected
    expect(JSON.stringify(there)).not.toContain('secret')
    expect(there.headers).toMatchObject({ 'user-agent': 'unshard', accept: '*/*' })
    const back = await based(to(to(url('/inspect'), 'b')), { headers: { 'x-own': '1' } })
    const { headers: sent } = (await back.json()) as Inspected
    expect(sent).toMatchObject({ 'x-own': '1' })
    expect(JSON.stringify(sent)).not.toContain('secret')
  })

  it("go to any origin with defaultHeadersFor: 'any', and without a baseUrl", async () => {
    const { fetch, url } = await fixture(protocol)
    const any = fetch.with({ baseUrl: url('/'), headers, defaultHeadersFor: 'any' })
    expect(await secret(any(url('/inspect', 'b')))).toBe('secret')
    expect(await secret(any('/inspect'))).toBe('secret')
    expect(await secret(fetch.with({ headers })(url('/inspect', 'b')))).toBe('secret')
    expect(await secret(any.with({ defaultHeadersFor: 'base-origin' })(url('/inspect', 'b')))).toBeUndefined()
  })
})

it.each([
  '//b.test.example/x',
  '\\\\b.test.example\\x',
  '/\\b.test.example/x',
  '\\/b.test.example/x',
  '/\t/b.test.example/x',
  ' //b.test.example/x',
  '//b.test.example:1@a.test.example/',
])('a relative URL cannot leave the origin of baseUrl: %j', async (text) => {
  const origin = await server()
  const fetch = createFetch(client(), { baseUrl: `https://a.test.example:${origin.port}/api/` })
  await expect(fetch(text)).rejects.toMatchObject(failure('ERR_INVALID_URL', 'leaves the origin of baseUrl'))
  expect(origin.connections).toBe(0)
})
