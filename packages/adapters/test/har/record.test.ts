/** `recordHar()` with real servers: which requests are recorded, and what an entry says. */

import { readFileSync } from 'node:fs'
import { coalescing } from '@unshard/coalescing'
import { StreamError } from '@unshard/core'
import type { OriginHandler } from '@unshard/testkit'
import { VERSION } from '../../src/har/version.js'
import { createFetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { harFiles, readHarFile, valueIn } from './fixture.js'

const environment = testEnvironment()
const files = harFiles()
const HOST = 'a.test.example'

it('records a request over HTTP/2: what was sent, what was received, on which connection, and how long it took', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client)
  const headers = { 'x-one': '1', priority: 'u=1, i' }
  const response = await client.request({ url: `${server.url(HOST)}/json?q=a%20b&q=c`, method: 'POST', body: 'hello', headers })
  const text = await response.text()
  const { log } = await finish()
  expect(log).toMatchObject({ version: '1.2', creator: { name: 'unshard', version: VERSION }, pages: [] })
  const [entry] = log.entries
  expect(log.entries).toHaveLength(1)
  expect(entry).toMatchObject({
    request: {
      ...{ method: 'POST', url: `${server.url(HOST)}/json?q=a%20b&q=c`, httpVersion: 'h2', headersSize: -1, bodySize: 5 },
      queryString: [
        { name: 'q', value: 'a b' },
        { name: 'q', value: 'c' },
      ],
    },
    response: {
      ...{ status: 200, statusText: '', httpVersion: 'h2', redirectURL: '', bodySize: text.length },
      content: { size: text.length, mimeType: 'application/json' },
    },
    ...{ cache: {}, serverIPAddress: '127.0.0.1', connection: String(response.connection.id) },
    ...{ _protocol: 'h2', _coalesced: false, _because: response.connection.because, _priority: 'u=1, i' },
  })
  expect(entry).not.toHaveProperty('_error')
  expect(entry!.response.content).not.toHaveProperty('text')
  expect([valueIn(entry!.request.headers, 'x-one'), valueIn(entry!.request.headers, 'content-length')]).toEqual(['1', '5'])
  expect(valueIn(entry!.response.headers, 'content-type')).toBe('application/json')
  const { dns, connect, ssl, send, wait, receive, blocked } = entry!.timings
  for (const ms of [blocked, dns, send, wait, receive]) expect(ms).toBeGreaterThanOrEqual(0)
  expect([connect > ssl, ssl > 0]).toEqual([true, true])
})

it('a request on an open connection has neither dns, connect nor ssl', async () => {
  const server = await environment.server()
  const client = environment.client()
  await (await client.get(`${server.url(HOST)}/json`)).text()
  const { finish } = files.record(client)
  await (await client.get(`${server.url(HOST)}/json`)).text()
  const { log } = await finish()
  expect(log.entries.map(({ timings }) => timings)).toMatchObject([{ dns: -1, connect: -1, ssl: -1 }])
})

it('records a request over HTTP/1.1 with its reason phrase, and a streamed body with unknown length', async () => {
  const handler: OriginHandler = (request, response) => {
    request.resume().on('end', () => void response.writeHead(201, 'Made', { 'content-type': 'text/plain' }).end('done'))
  }
  const server = await environment.server({ protocols: ['http/1.1'], handler })
  const client = environment.client()
  const { finish } = files.record(client)
  const body = new Blob(['one']).stream()
  await (await client.request({ url: `${server.url(HOST)}/`, method: 'POST', body })).text()
  const { log } = await finish()
  expect(log.entries).toMatchObject([
    {
      request: { httpVersion: 'http/1.1', bodySize: -1 },
      response: { status: 201, statusText: 'Made', httpVersion: 'http/1.1', content: { size: 4 } },
      _protocol: 'http/1.1',
    },
  ])
})

it('names the shared connection of two hosts, and why the second one shares it', async () => {
  const server = await environment.server()
  const client = environment.client({ reuse: coalescing() })
  const { finish } = files.record(client)
  for (const host of ['a.test.example', 'b.test.example']) await (await client.get(`${server.url(host)}/json`)).text()
  const [first, second] = (await finish()).log.entries
  expect([first!._coalesced, second!._coalesced]).toEqual([false, true])
  expect(second).toMatchObject({ connection: first!.connection, _because: 'address-and-certificate' })
  expect(server.connections).toBe(1)
})

it('a redirect has an entry for each hop, with the URL of the next', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client)
  await (await client.get(`${server.url(HOST)}/redirect/302?to=/json`)).text()
  const { log } = await finish()
  expect(log.entries).toMatchObject([
    { request: { url: `${server.url(HOST)}/redirect/302?to=/json` }, response: { status: 302, redirectURL: '/json' } },
    { request: { url: `${server.url(HOST)}/json` }, response: { status: 200, redirectURL: '' } },
  ])
})

it('records requests of verbs, views and fetch, and not those of another client', async () => {
  const server = await environment.server()
  const [client, other] = [environment.client({ name: 'api' }), environment.client({ name: 'api' })]
  const { finish } = files.record(client)
  const url = (path: string): string => `${server.url(HOST)}${path}`
  await (await client.request({ url: url('/bytes/1') })).bytes()
  await (await client.get(url('/bytes/2'))).bytes()
  await (await client.with({ headers: { 'x-view': '1' } }).get(url('/bytes/3'))).bytes()
  await (await createFetch(client)(url('/bytes/4'))).arrayBuffer()
  await (await other.get(url('/bytes/5'))).bytes()
  const { log } = await finish()
  expect(log.entries.map(({ request }) => new URL(request.url).pathname)).toEqual([
    '/bytes/1',
    '/bytes/2',
    '/bytes/3',
    '/bytes/4',
  ])
  expect(valueIn(log.entries[2]!.request.headers, 'x-view')).toBe('1')
})

it('a view that is recorded records its client', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client.with({ headers: { 'x-view': '1' } }))
  await (await client.get(`${server.url(HOST)}/json`)).text()
  expect((await finish()).log.entries).toHaveLength(1)
})

it('a request that finds no server has status 0 and the error', async () => {
  const client = environment.client({ lookup: (_host, _options, callback) => callback(new Error('no such name'), []) })
  const { finish } = files.record(client)
  await expect(client.get('https://a.test.example/')).rejects.toThrow()
  const { log } = await finish()
  expect(log.entries).toMatchObject([{ response: { status: 0, bodySize: -1 }, timings: { connect: -1, ssl: -1 } }])
  expect(log.entries[0]!._error).toMatch(/^ERR_CONNECT_RESOLVE: .*no such name/)
  expect(log.entries[0]).not.toHaveProperty('connection')
})

it('an aborted request has the reason as its error, with status 0 before a response and its status after one', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client)
  const before = new AbortController()
  const never = client.request({ url: `${server.url(HOST)}/never`, signal: before.signal })
  await server.delivered(1)
  before.abort(new Error('not needed'))
  await expect(never).rejects.toThrow('not needed')
  const after = new AbortController()
  const response = await client.request({ url: `${server.url(HOST)}/slow`, signal: after.signal })
  after.abort(new Error('too late'))
  await expect(response.text()).rejects.toThrow('too late')
  const { log } = await finish()
  expect(log.entries).toMatchObject([
    { response: { status: 0 }, _error: 'Error: not needed', _protocol: 'h2' },
    { response: { status: 200 }, _error: 'Error: too late' },
  ])
})

it('a stream that the server resets has the code of its error', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client)
  const response = await client.get(`${server.url(HOST)}/reset`)
  await expect(response.text()).rejects.toThrow(StreamError)
  expect((await finish()).log.entries).toMatchObject([
    { response: { status: 200 }, _error: expect.stringMatching(/^ERR_STREAM_RESET: /) },
  ])
})

it('a request that the client replays after a lost connection has an entry for each attempt', async () => {
  let attempts = 0
  const handler: OriginHandler = (request, response) => {
    if (++attempts === 1) request.stream!.session!.destroy()
    else response.end('second')
  }
  const server = await environment.server({ handler })
  const client = environment.client()
  const { finish } = files.record(client)
  expect(await (await client.get(`${server.url(HOST)}/`)).text()).toBe('second')
  const [lost, answered] = (await finish()).log.entries
  expect(lost).toMatchObject({ response: { status: 0 }, _replayed: true, _error: expect.any(String) })
  expect(answered).toMatchObject({ response: { status: 200 } })
  expect(answered).not.toHaveProperty('_replayed')
  expect(answered!.connection).not.toBe(lost!.connection)
})

it('a 421 on a shared connection is an entry, followed by the answer of another connection', async () => {
  let shared: unknown
  const handler: OriginHandler = (request, response) => {
    const session = request.stream?.session
    shared ??= session
    const isShared = session === shared
    const isOther = String(request.headers[':authority']).startsWith('b.')
    response.writeHead(isShared && isOther ? 421 : 200).end('x')
  }
  const server = await environment.server({ handler })
  const client = environment.client({ reuse: coalescing() })
  await (await client.get(server.url('a.test.example'))).text()
  const { finish } = files.record(client)
  await (await client.get(server.url('b.test.example'))).text()
  expect((await finish()).log.entries).toMatchObject([
    { response: { status: 421 }, _coalesced: true, _replayed: true },
    { response: { status: 200 }, _coalesced: false },
  ])
})

it('records 200 requests in flight at once, each with its own response', async () => {
  const handler: OriginHandler = (request, response) => {
    response.setHeader('x-path', request.url!)
    response.end(request.url)
  }
  const server = await environment.server({ handler })
  const client = environment.client()
  const { finish, recorder } = files.record(client, { bodies: {} })
  const paths = Array.from({ length: 200 }, (_, i) => `/${i}`)
  await Promise.all(paths.map(async (path) => (await client.get(server.url(HOST) + path)).text()))
  const { log } = await finish()
  expect([log.entries.length, recorder.entries, recorder.omitted]).toEqual([200, 200, 0])
  for (const { request, response } of log.entries) {
    const { pathname } = new URL(request.url)
    expect([valueIn(response.headers, 'x-path'), response.content.text]).toEqual([pathname, pathname])
  }
})

it('the file is complete after each entry, before the recorder is stopped', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { recorder } = files.record(client)
  expect((await readHarFile(files.path)).log.entries).toHaveLength(0)
  for (let count = 1; count <= 3; count++) {
    await (await client.get(`${server.url(HOST)}/json`)).text()
    // A read during a write may see a part of it.
    const entries = async (): Promise<number> =>
      readHarFile(files.path).then(
        ({ log }) => log.entries.length,
        () => -1,
      )
    while ((await entries()) < count) await new Promise(setImmediate)
  }
  await recorder.stop()
})

it('a request in flight when the recorder stops is recorded as unfinished, and goes on', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { finish } = files.record(client)
  const response = await client.get(`${server.url(HOST)}/slow`)
  const { log } = await finish()
  expect(log.entries).toMatchObject([{ response: { status: 200 }, _error: expect.stringContaining('recording was stopped') }])
  server.release()
  expect(await response.text()).toBe('released')
})

it('a stopped recorder records nothing more, and stops once', async () => {
  const server = await environment.server()
  const client = environment.client()
  const { recorder, finish } = files.record(client)
  await recorder.stop()
  await recorder[Symbol.asyncDispose]()
  await (await client.get(`${server.url(HOST)}/json`)).text()
  expect((await finish()).log.entries).toEqual([])
})

it('the creator has the version of the package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  expect(VERSION).toBe(version)
})
