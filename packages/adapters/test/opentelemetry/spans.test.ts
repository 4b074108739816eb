/** Spans of requests and dials, with the real SDK of OpenTelemetry and real servers. */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { coalescing } from '@unshard/coalescing'
import type { ProtocolName } from '@unshard/core'
import { createFetch } from '../../src/index.js'
import { instrument } from '../../src/opentelemetry/index.js'
import { testEnvironment } from '../environment.js'
import { only, telemetry } from './fixture.js'

const { server, client } = testEnvironment()
const recorded = telemetry()

afterEach(() => expect(recorded.openSpans).toBe(0))

const idOf = (span: ReadableSpan | undefined): string | undefined => span?.spanContext().spanId

/** Runs a function below a span of the application. */
async function below<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
  const span = recorded.tracerProvider.getTracer('application').startSpan(name)
  try {
    return await context.with(trace.setSpan(context.active(), span), run)
  } finally {
    span.end()
  }
}

describe.each<[ProtocolName, string]>([
  ['h2', '2'],
  ['http/1.1', '1.1'],
])('over %s', (protocol, version) => {
  it('a request has a client span below the active one, and the server receives its traceparent', async () => {
    const { port, requests } = await server({ protocols: [protocol] })
    const instrumented = client()
    instrument(instrumented, recorded.providers)
    const url = `https://a.test.example:${port}/?Signature=secret&page=1`
    await below('application', async () => (await instrumented.request({ method: 'POST', url, body: 'abc' })).text())
    const [span] = recorded.spans('POST') as [ReadableSpan]
    expect(span.kind).toBe(SpanKind.CLIENT)
    expect(span.status.code).toBe(SpanStatusCode.UNSET)
    expect(span.parentSpanContext?.spanId).toBe(idOf(recorded.spans('application')[0]))
    expect(span.attributes).toEqual({
      'http.request.method': 'POST',
      'http.request.body.size': 3,
      'http.response.status_code': 200,
      'http.response.body.size': expect.any(Number),
      'network.peer.address': '127.0.0.1',
      'network.peer.port': port,
      'network.protocol.version': version,
      'server.address': 'a.test.example',
      'server.port': port,
      'url.full': `https://a.test.example:${port}/?Signature=REDACTED&page=1`,
    })
    const { traceId, spanId } = span.spanContext()
    expect(requests[0]?.headers['traceparent']).toBe(`00-${traceId}-${spanId}-01`)
  })

  it('fetch has the same span, and each hop of a redirect has its own', async () => {
    const { port } = await server({
      protocols: [protocol],
      handler: ({ url }, response) => {
        if (url === '/moved') response.writeHead(302, { location: '/here' })
        response.end()
      },
    })
    const instrumented = client()
    instrument(instrumented, recorded.providers)
    const url = `https://a.test.example:${port}/moved`
    await below('application', async () => (await createFetch(instrumented)(url)).text())
    const spans = recorded.spans('GET')
    expect(spans.map(({ attributes }) => only(attributes, 'http.response.status_code', 'network.protocol.version'))).toEqual([
      { 'http.response.status_code': 302, 'network.protocol.version': version },
      { 'http.response.status_code': 200, 'network.protocol.version': version },
    ])
    const [application] = recorded.spans('application')
    for (const span of spans) expect(span.parentSpanContext?.spanId).toBe(idOf(application))
  })

  it('each of 100 requests in flight is below the span that was active when it began', async () => {
    const { port, requests } = await server({ protocols: [protocol] })
    const instrumented = client()
    instrument(instrumented, recorded.providers)
    const fetch = createFetch(instrumented)
    const paths = Array.from({ length: 100 }, (_, i) => `/inspect?n=${i}`)
    await Promise.all(
      paths.map((path, i) =>
        below(path, async () => {
          const url = `https://a.test.example:${port}${path}`
          await (i % 2 === 0 ? await fetch(url) : await instrumented.request({ url })).text()
          // The caller's own context is not that of the request.
          expect(trace.getActiveSpan()).toMatchObject({ name: path })
        }),
      ),
    )
    expect(recorded.spans('GET')).toHaveLength(100)
    for (const span of recorded.spans('GET')) {
      const path = String(span.attributes['url.full'])
        .slice(-`${paths.at(-1)}`.length)
        .replace(/^.*\/inspect/, '/inspect')
      const [application] = recorded.spans(path)
      expect([path, span.parentSpanContext?.spanId]).toEqual([path, idOf(application)])
      const received = requests.find((request) => request.path === path)
      expect(received?.headers['traceparent']).toBe(`00-${span.spanContext().traceId}-${idOf(span)}-01`)
    }
  })

  it('DNS, TCP and TLS are below the request that caused the dial, and later requests are linked to the dial', async () => {
    const { port } = await server({ protocols: [protocol] })
    const instrumented = client()
    instrument(instrumented, recorded.providers)
    const url = `https://a.test.example:${port}/`
    for (let i = 0; i < 2; i++) await (await instrumented.request({ url })).text()
    const [first, second] = recorded.spans('GET') as [ReadableSpan, ReadableSpan]
    const [lookup, connect, handshake] = ['dns.lookup', 'tcp.connect', 'tls.connect'].map((name) => recorded.spans(name)[0]!)
    for (const span of [lookup, connect, handshake]) expect(span?.parentSpanContext?.spanId).toBe(idOf(first))
    expect(recorded.spans()).toHaveLength(5)
    expect(lookup?.attributes).toMatchObject({ 'dns.question.name': 'a.test.example', 'dns.answers': ['127.0.0.1'] })
    expect(connect?.attributes).toMatchObject({ 'network.peer.address': '127.0.0.1', 'network.transport': 'tcp' })
    expect(handshake?.attributes).toMatchObject({
      'network.protocol.version': version,
      'server.address': 'a.test.example',
      'tls.protocol.version': '1.3',
      'tls.resumed': false,
    })
    expect(first.links).toEqual([])
    expect(second.links.map((link) => link.context.spanId)).toEqual([idOf(connect)])
  })

  it('a status from 400 is an error of the span', async () => {
    const { port } = await server({ protocols: [protocol] })
    const instrumented = client()
    instrument(instrumented, recorded.providers)
    await (await instrumented.request({ url: `https://a.test.example:${port}/status/503` })).text()
    const [span] = recorded.spans('GET')
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span?.attributes).toMatchObject({ 'error.type': '503', 'http.response.status_code': 503 })
  })

  it('an abort ends the span and is not an error, before the response and inside its content', async () => {
    const { port, delivered } = await server({
      protocols: [protocol],
      handler: ({ url }, response) => {
        if (url === '/begun') response.write('part')
      },
    })
    const instrumented = client()
    instrument(instrumented, recorded.providers)
    const waiting = new AbortController()
    const waits = instrumented.request({ url: `https://a.test.example:${port}/`, signal: waiting.signal })
    await delivered(1)
    waiting.abort()
    await expect(waits).rejects.toMatchObject({ name: 'AbortError' })
    const reading = new AbortController()
    const begun = await instrumented.request({ url: `https://a.test.example:${port}/begun`, signal: reading.signal })
    reading.abort()
    await expect(begun.text()).rejects.toMatchObject({ name: 'AbortError' })
    const spans = recorded.spans('GET')
    expect(
      spans.map(({ status, attributes }) => [status.code, attributes['http.response.status_code'], attributes['error.type']]),
    ).toEqual([
      [SpanStatusCode.UNSET, undefined, undefined],
      [SpanStatusCode.UNSET, 200, undefined],
    ])
  })
})

it('a coalesced request is linked to the dial of the connection of the other origin', async () => {
  const { port } = await server()
  const instrumented = client({ reuse: coalescing() })
  instrument(instrumented, recorded.providers)
  for (const name of ['a', 'b']) await (await instrumented.request({ url: `https://${name}.test.example:${port}/` })).text()
  const [connect, ...others] = recorded.spans('tcp.connect')
  expect(others).toEqual([])
  const second = recorded.spans('GET').find(({ attributes }) => attributes['server.address'] === 'b.test.example')
  expect(second?.links.map((link) => link.context.spanId)).toEqual([idOf(connect)])
})

it('of requests that wait for one dial, the first has its spans and the others are linked to it', async () => {
  const { port } = await server({ protocols: ['h2'] })
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  const urls = ['/json', '/bytes/1', '/bytes/2'].map((path) => `https://a.test.example:${port}${path}`)
  await Promise.all(urls.map(async (url) => (await instrumented.request({ url })).text()))
  const [connect, ...others] = recorded.spans('tcp.connect')
  expect(others).toEqual([])
  const spanOf = (url: string | undefined) => recorded.spans('GET').find(({ attributes }) => attributes['url.full'] === url)
  expect(connect?.parentSpanContext?.spanId).toBe(idOf(spanOf(urls[0])))
  expect(urls.map((url) => spanOf(url)?.links.map((link) => link.context.spanId))).toEqual([[], [idOf(connect)], [idOf(connect)]])
})

it('over HTTP/1.1 each dial is below the request that it is for, and every other request is linked to the dial that it uses', async () => {
  const { port } = await server({ protocols: ['http/1.1'] })
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  const urls = Array.from({ length: 20 }, (_, i) => `https://a.test.example:${port}/bytes/${i}`)
  await Promise.all(urls.map(async (url) => (await instrumented.request({ url })).text()))
  const dials = recorded.spans('tcp.connect')
  expect(dials.length).toBeGreaterThan(1)
  const causes = dials.map(({ parentSpanContext }) => parentSpanContext?.spanId)
  expect(new Set(causes).size).toBe(dials.length)
  for (const span of recorded.spans('GET')) {
    const own = dials.filter((_, i) => causes[i] === idOf(span))
    const linked = span.links.map(({ context: { spanId } }) => dials.find((dial) => idOf(dial) === spanId))
    expect([span.attributes['url.full'], own.length + linked.length > 0, linked.includes(undefined)]).toEqual([
      span.attributes['url.full'],
      true,
      false,
    ])
  }
  for (const handshake of recorded.spans('tls.connect')) expect(causes).toContain(handshake.parentSpanContext?.spanId)
})

it('an abort while TCP is connected and TLS is pending ends all spans', async () => {
  const accepting = createServer((socket) => void socket.on('error', () => undefined)).listen(0)
  await once(accepting, 'listening')
  const { port } = accepting.address() as AddressInfo
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  const controller = new AbortController()
  const waits = instrumented.request({ url: `https://a.test.example:${port}/`, signal: controller.signal })
  const [socket] = (await once(accepting, 'connection')) as [Socket]
  await once(socket, 'data')
  socket.resume()
  controller.abort()
  await expect(waits).rejects.toMatchObject({ name: 'AbortError' })
  await once(socket, 'close')
  accepting.close()
  const spans = ['dns.lookup', 'tcp.connect', 'tls.connect', 'GET'].map((name) => recorded.spans(name)[0])
  expect(spans.map((span) => span?.status.code)).toEqual(spans.map(() => SpanStatusCode.UNSET))
})

it('a failed dial is an error of its span and of the request, with the code as the type', async () => {
  const closed = createServer().listen(0)
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  await expect(instrumented.request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  for (const name of ['tcp.connect', 'GET']) {
    const [span] = recorded.spans(name)
    expect(span?.attributes['error.type']).toBe('ECONNREFUSED')
    expect(span?.status).toMatchObject({ code: SpanStatusCode.ERROR, message: expect.stringContaining('127.0.0.1') })
    expect(span?.events).toMatchObject([{ name: 'exception' }])
  }
  expect(recorded.spans('tls.connect')).toEqual([])
})

it('a failed lookup and a failed handshake end their spans with an error', async () => {
  const { port } = await server()
  const unknown = client({ lookup: () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })) })
  const distrustful = client({ tls: {} })
  for (const each of [unknown, distrustful]) {
    instrument(each, recorded.providers)
    await expect(each.request({ url: `https://a.test.example:${port}/` })).rejects.toThrow()
  }
  expect(recorded.spans('dns.lookup').map(({ attributes }) => attributes['error.type'])).toEqual(['ENOTFOUND', undefined])
  expect(recorded.spans('tls.connect')[0]?.attributes['error.type']).toMatch(/CERT|SIGNATURE|ISSUER/)
  expect(recorded.spans('GET')).toHaveLength(2)
})

it('a request that is sent again counts its attempts', async () => {
  let sessions = 0
  const { port } = await server({
    protocols: ['h2'],
    handler: ({ stream }, response) => {
      if (sessions++ === 0) stream?.close(7)
      else response.end('at last')
    },
  })
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  expect(await (await instrumented.request({ url: `https://a.test.example:${port}/` })).text()).toBe('at last')
  const [span] = recorded.spans('GET')
  expect(span?.attributes['http.request.resend_count']).toBe(1)
})

it('connections that are opened in advance are below the active span', async () => {
  const { port } = await server()
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  await below('start', () => instrumented.warm([`https://a.test.example:${port}`]))
  for (const name of ['dns.lookup', 'tcp.connect', 'tls.connect']) {
    expect(recorded.spans(name)[0]?.parentSpanContext?.spanId).toBe(idOf(recorded.spans('start')[0]))
  }
})

it('only the instrumented client is recorded, although neither has a name', async () => {
  const { port, requests } = await server()
  const [instrumented, other] = [client(), client()]
  instrument(instrumented, recorded.providers)
  const url = `https://a.test.example:${port}/`
  await (await other.request({ url })).text()
  expect([recorded.spans(), requests[0]?.headers['traceparent']]).toEqual([[], undefined])
  await (await instrumented.with({ headers: { a: 'b' } }).request({ url })).text()
  expect(recorded.spans('GET')).toHaveLength(1)
})

it('a Unix socket has its path as the address of the server, and no port', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'unshard-otel-'))
  const path = join(folder, 'a.sock')
  const local = createHttpServer((_request, response) => void response.end('local')).listen(path)
  await once(local, 'listening')
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  const url = `http+unix://${encodeURIComponent(path)}/?page=1`
  expect(await (await instrumented.request({ url })).text()).toBe('local')
  const [span] = recorded.spans('GET')
  expect(span?.attributes).toMatchObject({ 'server.address': path, 'url.full': url, 'network.protocol.version': '1.1' })
  expect(span?.attributes['server.port']).toBeUndefined()
  expect((await recorded.points('http.client.open_connections'))[0]?.attributes).toMatchObject({ 'server.address': path })
  await instrumented.close()
  local.close()
  await rm(folder, { recursive: true })
})

it('a method that is not known has the name HTTP, and fields of the caller are kept', async () => {
  const { port, requests } = await server()
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
  await (await instrumented.request({ method: 'PURGE', url: `https://a.test.example:${port}/`, headers })).text()
  expect(recorded.spans('HTTP')[0]?.attributes).toMatchObject({
    'http.request.method': '_OTHER',
    'http.request.method_original': 'PURGE',
  })
  expect(requests[0]?.headers).toMatchObject(headers)
})

it('after the stop requests in flight are recorded to their end, and later ones are not', async () => {
  const { port, release, requests } = await server()
  const instrumented = client()
  const stop = instrument(instrumented, recorded.providers)
  const slow = await instrumented.request({ url: `https://a.test.example:${port}/slow` })
  stop()
  stop()
  await (await instrumented.request({ url: `https://a.test.example:${port}/` })).text()
  expect([recorded.spans('GET'), requests[1]?.headers['traceparent']]).toEqual([[], undefined])
  release()
  await slow.text()
  expect(recorded.spans('GET')).toHaveLength(1)
})

it('a request that another subscriber spoils ends its span with an error', async () => {
  const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
  const spoil = (message: unknown): void => void (message as { request: { headers: string[] } }).request.headers.push('x', 'a\nb')
  const instrumented = client()
  instrument(instrumented, recorded.providers)
  subscribe('undici:request:create', spoil)
  try {
    await expect(instrumented.request({ url: 'https://a.test.example/' })).rejects.toMatchObject({ name: 'UsageError' })
  } finally {
    unsubscribe('undici:request:create', spoil)
  }
  expect(recorded.spans('GET')[0]?.status.code).toBe(SpanStatusCode.ERROR)
  expect(await recorded.points('http.client.active_requests')).toMatchObject([{ value: 0 }])
})

it('unknown options and values that are not of their type are refused', () => {
  const instrumented = client()
  expect(() => instrument(instrumented, { span: true } as never)).toThrow('did you mean "spans"?')
  expect(() => instrument({} as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  for (const options of [{ spans: 1 }, { metrics: 'yes' }, { tracerProvider: {} }, { meterProvider: 1 }])
    expect(() => instrument(instrumented, options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
})

it('without spans no field is added', async () => {
  const { port, requests } = await server()
  const instrumented = client()
  instrument(instrumented, { ...recorded.providers, spans: false })
  await (await instrumented.request({ url: `https://a.test.example:${port}/` })).text()
  expect([recorded.spans(), requests[0]?.headers['traceparent']]).toEqual([[], undefined])
  expect(await recorded.points('http.client.request.duration')).toHaveLength(1)
})
