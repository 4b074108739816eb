/** The instrumentation of undici by OpenTelemetry itself, which programs have already: it sees the requests of this client. */

import { metrics, SpanStatusCode, trace } from '@opentelemetry/api'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { createFetch } from '../../src/index.js'
import { instrument } from '../../src/opentelemetry/index.js'
import { testEnvironment } from '../environment.js'
import { telemetry } from './fixture.js'

const { server, client } = testEnvironment()
const recorded = telemetry()
let instrumentation: UndiciInstrumentation

beforeEach(() => {
  instrumentation = new UndiciInstrumentation()
  instrumentation.setTracerProvider(recorded.tracerProvider)
  instrumentation.setMeterProvider(recorded.meterProvider)
  instrumentation.enable()
})
afterEach(() => {
  instrumentation.disable()
  expect(recorded.openSpans).toBe(0)
})
afterAll(() => {
  trace.disable()
  metrics.disable()
})

it.each([
  ['h2', '2'],
  ['http/1.1', '1.1'],
] as const)('it records client.request() and fetch over %s, with status, protocol and traceparent', async (protocol, version) => {
  const { port, requests } = await server({ protocols: [protocol] })
  const own = client()
  const origin = `https://a.test.example:${port}`
  await (await own.request({ url: `${origin}/json` })).text()
  await (await createFetch(own)(`${origin}/status/404`)).text()
  const spans = recorded.spans('GET')
  expect(spans.map(({ status, attributes }) => [status.code, attributes['http.response.status_code']])).toEqual([
    [SpanStatusCode.UNSET, 200],
    [SpanStatusCode.ERROR, 404],
  ])
  for (const [i, span] of spans.entries()) {
    const { traceId, spanId } = span.spanContext()
    expect(requests[i]?.headers['traceparent']).toBe(`00-${traceId}-${spanId}-01`)
    expect(span.attributes).toMatchObject({
      'network.peer.address': '127.0.0.1',
      'network.peer.port': port,
      'network.protocol.version': version,
      'server.address': 'a.test.example',
    })
  }
  expect(await recorded.points('http.client.request.duration')).toHaveLength(2)
})

it.each(['h2', 'http/1.1'] as const)(
  '100 requests in flight over %s are each below the span of their caller',
  async (protocol) => {
    const { port, requests } = await server({ protocols: [protocol] })
    const own = client()
    const fetch = createFetch(own)
    const tracer = recorded.tracerProvider.getTracer('application')
    const names = Array.from({ length: 100 }, (_, i) => `caller ${i}`)
    await Promise.all(
      names.map((name, i) =>
        tracer.startActiveSpan(name, async (span) => {
          const url = `https://a.test.example:${port}/inspect?n=${i}`
          await (i % 2 === 0 ? await fetch(url) : await own.request({ url })).text()
          span.end()
        }),
      ),
    )
    const callers = new Map(recorded.spans().map((span) => [span.spanContext().spanId, span.name]))
    expect(recorded.spans('GET')).toHaveLength(100)
    for (const span of recorded.spans('GET')) {
      const index = new URL(String(span.attributes['url.full'])).searchParams.get('n')
      expect(callers.get(span.parentSpanContext?.spanId ?? '')).toBe(`caller ${index}`)
      const received = requests.find(({ path }) => path === `/inspect?n=${index}`)
      expect(received?.headers['traceparent']).toContain(span.spanContext().spanId)
    }
  },
)

it('an abort, a discarded response and a refused connection end its spans', async () => {
  const { port, delivered } = await server({ handler: ({ url }, response) => void (url === '/begun' && response.write('part')) })
  const own = client()
  const controller = new AbortController()
  const waits = own.request({ url: `https://a.test.example:${port}/`, signal: controller.signal })
  await delivered(1)
  controller.abort()
  await expect(waits).rejects.toMatchObject({ name: 'AbortError' })
  const begun = await own.request({ url: `https://a.test.example:${port}/begun` })
  begun.discard()
  const refused = client({ lookup: () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })) })
  await expect(refused.request({ url: 'https://a.test.example/' })).rejects.toMatchObject({ code: 'ENOTFOUND' })
  const outcomes = recorded.spans('GET').map(({ status, attributes }) => [status.code, attributes['error.type']])
  expect(outcomes).toEqual([
    [SpanStatusCode.UNSET, undefined],
    [SpanStatusCode.UNSET, undefined],
    [SpanStatusCode.ERROR, 'ENOTFOUND'],
  ])
})

it('with both, a request has two spans: its hook leaves the requests of this client out', async () => {
  const { port, requests } = await server()
  const own = client()
  const url = `https://a.test.example:${port}/`
  instrument(own, recorded.providers)
  await (await own.request({ url })).text()
  expect(recorded.spans('GET')).toHaveLength(2)
  instrumentation.setConfig({ ignoreRequestHook: (request) => 'unshard' in request })
  await (await own.request({ url })).text()
  const spans = recorded.spans('GET')
  expect(spans).toHaveLength(3)
  const { traceId, spanId } = spans[2]!.spanContext()
  expect(requests[1]?.headers['traceparent']).toBe(`00-${traceId}-${spanId}-01`)
})
