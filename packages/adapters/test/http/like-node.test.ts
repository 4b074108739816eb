/** Requests of `createHttp()` behave as those of `node:https`: the same program runs over both, and its events are compared. */

import type { OriginHandler, OriginServer } from '@unshard/testkit'
import type { HttpModule } from '../../src/http/index.js'
import { httpFixture, type Recording, record } from './fixture.js'

const fixture = httpFixture()

interface Program {
  readonly handler: OriginHandler
  /** Makes the request, and ends it in its own way. */
  run(http: HttpModule, url: string, server: OriginServer): Recording | Promise<Recording>
  /** Events that differ for a reason. */
  readonly without?: readonly string[]
  /** Whether messages of errors differ: ours name the server. */
  readonly codesOnly?: boolean
}

const answer =
  (status = 200, fields: Record<string, string | string[]> = {}): OriginHandler =>
  (request, response) => {
    let length = 0
    request.on('data', (part: Buffer) => (length += part.length))
    request.on('end', () => {
      response.writeHead(status, fields)
      response.end(`${request.method} ${request.url} ${length} ${request.headers['content-length'] ?? '-'}`)
    })
  }

const programs: Record<string, Program> = {
  'a GET': { handler: answer(), run: (http, url) => record(http.get(`${url}/a?b=c`)) },
  'a request with options and without a URL': {
    handler: answer(404),
    run: (http, url) => record(http.get({ protocol: 'https:', hostname: 'a.test.example', port: new URL(url).port, path: '/x' })),
  },
  'a small POST that is written and ended at once': {
    handler: answer(),
    run(http, url) {
      const request = http.request(url, { method: 'POST' })
      request.end('hello')
      return record(request)
    },
  },
  'a POST in several writes': {
    handler: answer(),
    async run(http, url) {
      const request = http.request(url, { method: 'POST', headers: { 'content-length': 12 } })
      const recording = record(request)
      await new Promise<void>((resolve) => request.write('hello ', () => resolve()))
      request.write('unshar')
      request.end()
      return recording
    },
  },
  'a DELETE with content': {
    handler: answer(),
    run(http, url) {
      const request = http.request(url, { method: 'DELETE', headers: { 'content-length': 5 } })
      request.end('hello')
      return record(request)
    },
  },
  'a HEAD': { handler: answer(), run: (http, url) => record(http.request(url, { method: 'HEAD' }).end()) },
  'a response without a listener': {
    handler: answer(),
    run: (http, url) => {
      const request = http.get(url)
      const recording = { events: [] as string[], request, response: undefined, body: '', closed: undefined as never }
      return { ...recording, closed: new Promise<void>((resolve) => request.on('close', () => resolve())) }
    },
  },
  'a request that is destroyed before it is sent': {
    handler: answer(),
    run(http, url) {
      const request = http.request(url, { method: 'POST' })
      const recording = record(request)
      request.destroy()
      return recording
    },
    without: ['socket'],
  },
  'a request that is destroyed with an error while it waits': {
    handler: () => undefined,
    async run(http, url, server) {
      const recording = record(http.get(url))
      await server.delivered(server.requests.length + 1)
      recording.request.destroy(new Error('enough'))
      return recording
    },
  },
  'a request that is aborted while it waits': {
    handler: () => undefined,
    async run(http, url, server) {
      const recording = record(http.get(url))
      await server.delivered(server.requests.length + 1)
      recording.request.abort()
      return recording
    },
  },
  'a signal that is aborted while the request waits': {
    handler: () => undefined,
    async run(http, url, server) {
      const controller = new AbortController()
      const recording = record(http.get(url, { signal: controller.signal }))
      await server.delivered(server.requests.length + 1)
      controller.abort()
      return recording
    },
  },
  'a response whose reader destroys it': {
    handler: (_request, response) => void response.write('first'),
    async run(http, url) {
      const recording = record(http.get(url))
      recording.request.on('response', (response) => response.on('data', () => response.destroy()))
      return recording
    },
  },
  'a request that is destroyed while the response is read': {
    handler: (_request, response) => void response.write('first'),
    run(http, url) {
      const recording = record(http.get(url))
      recording.request.on('response', (response) => response.on('data', () => recording.request.destroy()))
      return recording
    },
  },
  'a response that the server cuts off': {
    handler: (_request, response) => {
      response.write('first')
      setImmediate(() => (response.stream ?? response.socket)?.destroy())
    },
    run: (http, url) => record(http.get(url)),
  },
  'a server that closes the connection without a response': {
    handler: (request) => (request.stream?.session ?? request.socket).destroy(),
    run: (http, url) => record(http.request(url, { method: 'POST' }).end('x')),
    codesOnly: true,
  },
  'a timeout, which does not end the request': {
    handler: (_request, response) => void setTimeout(() => response.end('late'), 120),
    run: (http, url) => record(http.get(url, { timeout: 40 })),
  },
  'a timeout that is longer than any timer': {
    handler: answer(),
    run: (http, url) => record(http.get(url, { timeout: 2 ** 40 })),
  },
  'a response with informational ones before it': {
    handler: (_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.end('done')
    },
    run: (http, url) => record(http.get(url)),
  },
  'a request that waits for 100 (Continue)': {
    handler: answer(),
    run(http, url) {
      const request = http.request(url, { method: 'POST', headers: { expect: '100-continue', 'content-length': 5 } })
      request.flushHeaders()
      request.on('continue', () => request.end('hello'))
      return record(request)
    },
  },
}

async function finished(recording: Recording): Promise<Recording> {
  await recording.closed
  // The last events of the response come with those of the request, in either order.
  await new Promise(setImmediate)
  return recording
}

describe.each([
  ['createHttp() over HTTP/2', 'h2', 'ours'],
  ['createHttp() over HTTP/1.1', 'http/1.1', 'ours'],
  ['createAgent() over HTTP/2', 'h2', 'throughAgent'],
  ['createAgent() over HTTP/1.1', 'http/1.1', 'throughAgent'],
] as const)('%s', (_name, protocol, way) => {
  it.each(Object.entries(programs))('%s', async (_title, { handler, run, without = [], codesOnly = false }) => {
    const [oursServer, nodeServer] = await Promise.all([
      fixture.server({ protocols: [protocol], handler }),
      fixture.server({ protocols: ['http/1.1'], handler }),
    ])
    const expected = await finished(await run(fixture.node(), nodeServer.url('a.test.example'), nodeServer))
    const ours = await finished(await run(fixture[way](), oursServer.url('a.test.example'), oursServer))
    // The request and its response are closed in either order.
    const shown = ({ events }: Recording): string[] => {
      const others = events.filter((event) => event !== 'close' && !without.includes(event))
      return [...others, 'close'].map((event) => (codesOnly ? event.split(':', 1)[0]! : event))
    }
    expect(shown(ours)).toEqual(shown(expected))
    expect(ours.body).toBe(expected.body)
    const facts = ({ request, response }: Recording): unknown[] => [
      request.destroyed,
      ...[response?.statusCode, response?.statusMessage, response?.complete, response?.aborted, response?.destroyed],
    ]
    expect(facts(ours)).toEqual(facts(expected))
  })
})
