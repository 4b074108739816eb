/** Arguments that are not accepted, and those that have no effect. */

import http from 'node:http'
import https from 'node:https'
import { checkServerIdentity } from 'node:tls'
import { UsageError } from '@unshard/core'
import { frames } from '@unshard/testkit'
import { createAgent, createHttp, createRequest, type HttpOptions } from '../../src/http/index.js'
import { httpFixture } from './fixture.js'

const fixture = httpFixture()

const OF_THE_CLIENT: [string, HttpOptions][] = [
  ['ca', { ca: 'pem' }],
  ['createConnection', { createConnection: () => undefined as never }],
  ['lookup', { lookup: () => undefined }],
  ['family', { family: 6 }],
  ['rejectUnauthorized', { rejectUnauthorized: false }],
  ['checkServerIdentity', { checkServerIdentity: () => undefined }],
  ['servername', { servername: 'other.example' }],
  ['agent', { agent: new (class extends https.Agent {})() }],
  ['ca', { agent: new https.Agent({ ca: 'pem' }) }],
  ['insecureHTTPParser', { insecureHTTPParser: true }],
]

describe.each(['createHttp()', 'createAgent()'])('%s', (way) => {
  const start = (options: HttpOptions): unknown => {
    const client = fixture.client()
    if (way === 'createHttp()') return createHttp(client).request('https://a.test.example', options)
    return https.request('https://a.test.example', { ...options, agent: createAgent(client) })
  }

  it.each(
    way === 'createHttp()'
      ? OF_THE_CLIENT
      : OF_THE_CLIENT.filter(([, { agent, createConnection }]) => (agent ?? createConnection) === undefined),
  )('refuses the option %s, which belongs to the client', (name, options) => {
    const refused = expect.objectContaining({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining(`option ${name}`) })
    expect(() => start(options)).toThrow(refused)
  })
})

it('accepts options that change nothing, and plain agents', async () => {
  const server = await fixture.server()
  const { get } = fixture.ours()
  const agents = [undefined, false, https.globalAgent, new https.Agent({ keepAlive: true, maxSockets: 3 }), new http.Agent()]
  for (const agent of agents) {
    const options = { agent, rejectUnauthorized: true, checkServerIdentity, servername: 'a.test.example', family: undefined }
    const status = await new Promise((resolve, reject) => {
      const request = get(server.url('a.test.example'), options as HttpOptions, (response) =>
        resolve(response.resume().statusCode),
      )
      request.on('error', reject)
    })
    expect(status).toBe(200)
  }
  expect(server.connections).toBe(1)
})

it('refuses what is not a URL, a path that must be escaped, and other schemes', () => {
  const request = createRequest(fixture.client())
  for (const url of ['/relative', 'ftp://a.example', 'https://'])
    expect(() => request(url)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_URL' }))
  expect(() => request({ host: 'a.example', path: '/a b' })).toThrow('must be escaped')
})

it('refuses a value that is not a client, and unknown options of an agent', () => {
  expect(() => createHttp({} as never)).toThrow(UsageError)
  expect(() => createRequest(undefined as never)).toThrow(UsageError)
  expect(() => createAgent(fixture.client(), { maxSockets: 1 } as never)).toThrow('unknown option "maxSockets"')
  expect(() => createAgent(fixture.client(), { protocol: 'ftp:' } as never)).toThrow("'http:' or 'https:'")
})

it('does not send fields of a connection, and refuses an upgrade', async () => {
  const server = await fixture.server({
    handler: (request, response) => response.end(JSON.stringify(request.headers)),
  })
  const { request } = fixture.ours()
  const body = await new Promise<string>((resolve, reject) => {
    const headers = { connection: 'close', 'keep-alive': 'timeout=5', 'x-list': ['a', 'b'], host: 'b.test.example' }
    const made = request(server.url('a.test.example'), { headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', () => resolve(text))
    })
    made.on('error', reject).end()
  })
  expect(JSON.parse(body)).toMatchObject({ 'x-list': 'a, b', ':authority': 'b.test.example' })
  expect(body).not.toMatch(/keep-alive|"connection"/)
  const refused = await new Promise((resolve) => {
    request(server.url('a.test.example'), { headers: { connection: 'upgrade', upgrade: 'h2c' } })
      .on('error', resolve)
      .end()
  })
  expect(refused).toMatchObject({ code: 'ERR_FORBIDDEN_FIELD' })
})

it('has the methods for headers that Node has', () => {
  const request = createRequest(fixture.client())('https://a.test.example', {
    headers: [
      ['X-One', '1'],
      ['x-two', '2'],
      ['x-two', '3'],
    ] as never,
  })
  request.on('error', () => undefined)
  request.setHeader('X-Empty', '')
  request.appendHeader('x-one', '4')
  request.setHeaders(new Map([['x-map', 'm']]))
  expect(request.hasHeader('x-empty')).toBe(true)
  expect(request.getHeaderNames()).toEqual(['x-one', 'x-two', 'x-empty', 'x-map'])
  expect({ ...request.getHeaders() }).toEqual({ 'x-one': ['1', '4'], 'x-two': ['2', '3'], 'x-empty': '', 'x-map': 'm' })
  request.removeHeader('X-Two')
  expect(request.getHeader('x-two')).toBeUndefined()
  expect([request.method, request.path, request.host, request.protocol]).toEqual(['GET', '/', 'a.test.example', 'https:'])
  request.destroy()
})

it('an IPv6 address, a port and basic credentials are read from options and from URLs', async () => {
  const seen: unknown[] = []
  const server = await fixture.server({
    tls: undefined,
    handler: (request, response) => {
      seen.push([request.headers.host, request.headers.authorization])
      response.end()
    },
  })
  const { get } = createHttp(fixture.client({ lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) }))
  const sent = (input: string | HttpOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      get(input, (response) => response.resume().on('end', resolve)).on('error', reject)
    })
  await sent(`http://Ada:%C3%A9@a.test.example:${server.port}`)
  await sent({ protocol: 'http:', hostname: 'a.test.example', port: server.port, auth: 'Ada:é' })
  const authorization = `Basic ${Buffer.from('Ada:é').toString('base64')}`
  expect(seen).toEqual([
    [`a.test.example:${server.port}`, authorization],
    [`a.test.example:${server.port}`, authorization],
  ])
})

it('an agent passes on 3,000 fields, and drops hints that Node refuses', async () => {
  const server = await fixture.peer(async (p) => {
    await p.handshake()
    const { streamId, fields } = await p.nextRequest()
    p.send(
      frames.headers(streamId, [
        [':status', '103'],
        ['link', 'not a link'],
      ]),
    )
    p.respond(streamId, 200, [], String(fields.length))
  })
  const headers = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`x-${i}`, 'v']))
  const agent = createAgent(fixture.client())
  const text = await new Promise<string>((resolve, reject) => {
    https
      .get(`https://a.test.example:${server.port}`, { agent, headers }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (part: string) => (body += part))
        response.on('end', () => resolve(body))
      })
      .on('error', reject)
  })
  expect(Number(text)).toBeGreaterThanOrEqual(3_000)
})
