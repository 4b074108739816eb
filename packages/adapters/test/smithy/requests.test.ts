/** The server receives requests as they were signed, and the Smithy client gets the response. */

import { PassThrough, Readable } from 'node:stream'
import { type OriginHandler, patternBytes } from '@unshard/testkit'
import { requestHandler, type SmithyRequest } from '../../src/smithy/index.js'
import { CONNECTIONS, requestTo, smithyFixture, textOf } from './fixture.js'

const { setup, client } = smithyFixture()

interface Inspected {
  readonly method: string
  readonly authority: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: { readonly length: number; readonly sha256: string }
}

describe.each(CONNECTIONS)('over %s', (kind) => {
  async function inspect(changes: Partial<SmithyRequest>): Promise<Inspected> {
    const { handler, request } = await setup(kind)
    const { response } = await handler.handle(request({ path: '/inspect', ...changes }))
    return JSON.parse(await textOf(response.body)) as Inspected
  }

  it('sends method, authority and fields as they are, and no field that was not signed', async () => {
    const { handler, request, server } = await setup(kind)
    const headers = {
      'X-Amz-Date': '20261130T000000Z',
      authorization: 'AWS4-HMAC-SHA256 Credential=x',
      'amz-sdk-request': 'attempt=1; max=3',
    }
    const { response } = await handler.handle(request({ method: 'DELETE', path: '/inspect', headers }))
    const inspected = JSON.parse(await textOf(response.body)) as Inspected
    expect(inspected).toMatchObject({ method: 'DELETE', authority: `a.test.example:${server.port}`, body: { length: 0 } })
    const names = Object.keys(inspected.headers).filter((name) => !name.startsWith(':') && name !== 'host')
    expect(names.filter((name) => name !== 'connection').sort()).toEqual(['amz-sdk-request', 'authorization', 'x-amz-date'])
    expect(inspected.headers['x-amz-date']).toBe('20261130T000000Z')
  })

  it.each([
    ['/inspect/a/../b', {}, '/inspect/a/../b'],
    ['/inspect/./..', {}, '/inspect/./..'],
    ['/inspect//a//b', {}, '/inspect//a//b'],
    ['/inspect/%20%2B%C3%A9%27%28%29', {}, '/inspect/%20%2B%C3%A9%27%28%29'],
    [
      '/inspect',
      { prefix: 'a b+c', 'x-id': 'List', delete: null, empty: '' },
      '/inspect?delete&empty=&prefix=a%20b%2Bc&x-id=List',
    ],
    ["/inspect/a'b^c|d", {}, "/inspect/a'b^c|d"],
    ['/inspect', { 'b!': ["1'", '(2)*'], a: 'é' }, '/inspect?a=%C3%A9&b%21=1%27&b%21=%282%29%2A'],
  ])('sends path %s and query %j as signed', async (path, query, expected) => {
    const { handler, request, server } = await setup(kind, (_request, response) => void response.end())
    await handler.handle(request({ path, query }))
    expect(server.requests[0]?.path).toBe(expected)
  })

  it('the first request to an origin keeps its dot segments too', async () => {
    const { handler, request, server } = await setup(kind, (_request, response) => void response.end())
    await handler.handle(request({ path: '/../x', hostname: 'b.test.example', fragment: 'not-sent' }))
    expect(server.requests[0]).toMatchObject({ path: '/../x', authority: `b.test.example:${server.port}` })
  })

  it('an interceptor of the client leaves the path as it is', async () => {
    const { server, request } = await setup(kind, (_request, response) => void response.end())
    const own = client({ interceptors: [(hop, next) => next(hop.with({ headers: [...hop.headers, ['x-own', '1']] }))] })
    await requestHandler(own).handle(request({ path: '/a/../b' }))
    expect(server.requests[0]).toMatchObject({ path: '/a/../b', headers: { 'x-own': '1' } })
  })

  const streamed = (): Readable => Readable.from([Buffer.from('con'), Buffer.from('tent')])
  it.each<[string, () => unknown, length: number, announced: boolean]>([
    ['a string', () => 'contént', 8, true],
    ['bytes', () => new Uint8Array([1, 2, 3]), 3, true],
    ['a Buffer', () => patternBytes(100_000), 100_000, true],
    ['an ArrayBuffer', () => new ArrayBuffer(5), 5, true],
    ['a Blob', () => new Blob(['content'], { type: 'text/x-own' }), 7, true],
    ['a Readable', streamed, 7, false],
    ['a web stream', () => Readable.toWeb(streamed()), 7, false],
    ['a Duplex', () => streamed().pipe(new PassThrough()), 7, false],
    ['an async iterable', () => streamed()[Symbol.asyncIterator](), 7, false],
    ['an empty string', () => '', 0, true],
    ['no bytes', () => new Uint8Array(), 0, true],
  ])('sends %s without a media type of its own', async (_what, body, length, announced) => {
    const { headers, body: sent } = await inspect({ method: 'PUT', body: body() })
    expect(sent.length).toBe(length)
    expect(headers['content-type']).toBeUndefined()
    expect(headers['content-length']).toBe(announced ? String(length) : undefined)
  })

  it('a stream with a known length is announced with it, and transfer-encoding is left to the connection', async () => {
    const headers = { 'content-length': '7', 'content-type': 'application/octet-stream' }
    const known = await inspect({ method: 'PUT', body: streamed(), headers })
    expect(known).toMatchObject({ headers, body: { length: 7 } })
    expect(known.headers['transfer-encoding']).toBeUndefined()
    const unknown = await inspect({ method: 'PUT', body: streamed(), headers: { 'transfer-encoding': 'chunked' } })
    expect(unknown.body.length).toBe(7)
  })

  it('sends user name and password as the field authorization, unless there is one', async () => {
    const { headers } = await inspect({ username: 'user', password: 'pä:ss' })
    expect(headers['authorization']).toBe(`Basic ${Buffer.from('user:pä:ss').toString('base64')}`)
    const signed = await inspect({ username: 'user', headers: { Authorization: 'own' } })
    expect(signed.headers['authorization']).toBe('own')
  })

  it('sends :authority, which clients of HTTP/2 sign, as the authority', async () => {
    const { handler, server } = await setup(kind)
    const { headers: _, ...request } = requestTo(server.port)
    await handler.handle({ ...request, headers: { ':authority': `b.test.example:${server.port}` } })
    expect(server.requests[0]?.authority).toBe(`b.test.example:${server.port}`)
    // `host` wins, in any order.
    const authority = { ':authority': 'c.test.example', host: `a.test.example:${server.port}` }
    for (const headers of [authority, Object.fromEntries(Object.entries(authority).reverse())])
      expect((await handler.handle({ ...request, headers })).response.statusCode).toBe(200)
    expect(server.requests.slice(1).map((each) => each.authority)).toEqual(Array(2).fill(`a.test.example:${server.port}`))
  })

  it('returns status, fields in lower case with joined lines, and the content as a Readable', async () => {
    const answer: OriginHandler = (_request, response) => {
      response.writeHead(404, { 'X-Amz-Request-Id': 'id', 'x-list': ['a', 'b'] }).end('<Error/>')
    }
    const { handler, request } = await setup(kind, answer)
    const { response } = await handler.handle(request())
    expect(response).toMatchObject({ statusCode: 404, headers: { 'x-amz-request-id': 'id', 'x-list': 'a, b' } })
    expect(response.reason).toBe(kind !== 'HTTP/1.1' ? '' : 'Not Found')
    expect(response.body).toBeInstanceOf(Readable)
    expect(await textOf(response.body)).toBe('<Error/>')
  })

  it('returns redirects as they are', async () => {
    const { handler, request, server } = await setup(kind)
    const { response } = await handler.handle(request({ path: '/redirect/307' }))
    expect([response.statusCode, server.requests.length]).toEqual([307, 1])
  })

  it('returns an empty Readable for HEAD and 204', async () => {
    const { handler, request } = await setup(kind)
    for (const changes of [{ method: 'HEAD', path: '/json' }, { path: '/status/204' }])
      expect(await textOf((await handler.handle(request(changes))).response.body)).toBe('')
  })

  it('the response begins while content is being sent, in both directions', async () => {
    const { handler, request } = await setup(kind, (incoming, response) => {
      response.writeHead(200).flushHeaders()
      incoming.on('data', (part: Buffer) => response.write(`<${part}>`)).on('end', () => response.end())
    })
    const events = new PassThrough()
    events.write('first')
    const { response } = await handler.handle(request({ method: 'POST', body: events }), { isEventStream: true })
    const parts = response.body[Symbol.asyncIterator]()
    expect(String((await parts.next()).value)).toBe('<first>')
    events.write('second')
    expect(String((await parts.next()).value)).toBe('<second>')
    events.end()
    expect(await parts.next()).toMatchObject({ done: true })
  })

  it('a request that sends events needs HTTP/2', async () => {
    const { handler, request, server } = await setup(kind)
    const headers = { 'Content-Type': 'application/vnd.amazon.eventstream' }
    const sent = handler.handle(request({ method: 'POST', headers, body: Readable.from(['event']) }))
    if (kind !== 'HTTP/1.1') return void expect((await sent).response.statusCode).toBe(200)
    await expect(sent).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_HTTP2_REQUIRED', processed: 'no' })
    expect(server.requests).toEqual([])
  })

  it('requests to two hosts of a certificate share a connection', async () => {
    const { handler, request, server } = await setup(kind)
    for (const hostname of ['a.test.example', 'b.test.example']) {
      const { response } = await handler.handle(request({ hostname }))
      expect(await textOf(response.body)).toBe(`hello from ${hostname}:${server.port}`)
    }
    expect(server.connections).toBe(kind !== 'HTTP/1.1' ? 1 : 2)
  })
})

it.each<[Partial<SmithyRequest>, string]>([
  [{ hostname: 'a.test.example/evil' }, 'ERR_INVALID_URL'],
  [{ hostname: 'user@a.test.example' }, 'ERR_INVALID_URL'],
  [{ hostname: '' }, 'ERR_INVALID_URL'],
  [{ protocol: 'wss:' }, 'ERR_UNSUPPORTED_SCHEME'],
  [{ protocol: 'https' }, 'ERR_INVALID_URL'],
  [{ protocol: 'https://b.test.example/?' }, 'ERR_INVALID_URL'],
  [{ protocol: undefined as never }, 'ERR_INVALID_URL'],
  [{ port: '443@b.test.example' as never }, 'ERR_INVALID_URL'],
  [{ port: '80/evil' as never }, 'ERR_INVALID_URL'],
  [{ port: 70_000 }, 'ERR_INVALID_URL'],
  [{ port: Number.NaN }, 'ERR_INVALID_URL'],
  [{ path: 'relative' }, 'ERR_INVALID_URL'],
  [{ path: '/a#b' }, 'ERR_INVALID_URL'],
  [{ path: '/a\\b' }, 'ERR_INVALID_URL'],
  [{ path: '/a\tb' }, 'ERR_INVALID_URL'],
  [{ path: '/a b' }, 'ERR_INVALID_URL'],
  [{ path: '/é' }, 'ERR_INVALID_URL'],
  [{ path: '/a{b}' }, 'ERR_INVALID_URL'],
  [{ path: "/a/../b'c" }, 'ERR_INVALID_URL'],
  [{ method: 'POST', body: 7 }, 'ERR_INVALID_BODY'],
  [{ headers: { upgrade: 'websocket' } }, 'ERR_FORBIDDEN_FIELD'],
  [{ headers: { 'x-a': 'line\nbreak' } }, 'ERR_INVALID_FIELD_VALUE'],
])('rejects a request with %j, and sends nothing', async (changes, code) => {
  const sent = requestHandler(client()).handle(requestTo(9, changes))
  await expect(sent).rejects.toMatchObject({ name: 'UsageError', code, processed: 'no' })
})

it('takes an IPv6 address with or without brackets, and the default port', async () => {
  const urls: string[] = []
  const own = client({
    interceptors: [
      async (request) => {
        urls.push(request.url)
        throw new Error('not sent')
      },
    ],
  })
  const handler = requestHandler(own)
  for (const hostname of ['::1', '[::1]'])
    await handler.handle({ method: 'GET', protocol: 'http:', hostname, path: '', headers: {} }).catch(() => undefined)
  expect(urls).toEqual(['http://[::1]/', 'http://[::1]/'])
})
