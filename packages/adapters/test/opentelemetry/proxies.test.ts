/** Spans of requests through real proxies: one for each request, none for a tunnel, and the fields reach the server. */

import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { Client } from '@unshard/core'
import { startTestProxy, staticLookup, type TestProxyOptions, testWorld } from '@unshard/testkit'
import { instrument } from '../../src/opentelemetry/index.js'
import { only, telemetry } from './fixture.js'

const world = testWorld()
const recorded = telemetry()
afterEach(() => expect(recorded.openSpans).toBe(0))

const proxies: [string, boolean, TestProxyOptions][] = [
  ['an HTTP/1.1 proxy', false, {}],
  ['an HTTP/2 proxy', true, { protocols: ['h2'] }],
  ['an HTTP/1.1 proxy over TLS', true, { protocols: ['http/1.1'] }],
  ['a SOCKS 5 proxy', false, { kind: 'socks' }],
]

describe.each(['h2', 'http/1.1'] as const)('to a server of %s', (protocol) => {
  it.each(proxies)(
    'through %s each request has one span, and its traceparent reaches the server alone',
    async (_title, secure, options) => {
      const proxy = await startTestProxy({ ...options, ...(secure && { tls: await world.tls() }) })
      world.defer(() => proxy.close())
      const { port, requests } = await world.server({ protocols: [protocol] })
      const lookup = staticLookup({ 'proxy.test.example': '127.0.0.1' })
      const client = new Client({
        tls: { ca: world.authority.ca },
        proxy: { url: proxy.url(), tls: { ca: world.authority.ca } },
        lookup,
      })
      world.defer(() => client.destroy())
      const send = async (): Promise<void> =>
        void (await (await client.request({ url: `https://a.test.example:${port}/` })).text())

      const stop = instrument(client, recorded.providers)
      await send()
      await send()
      stop()
      const instrumentation = new UndiciInstrumentation()
      instrumentation.setTracerProvider(recorded.tracerProvider)
      await send()
      instrumentation.disable()

      const spans = recorded.spans('GET')
      expect(requests.map(({ headers }) => String(headers['traceparent']).split('-')[2])).toEqual(
        spans.map((span) => span.spanContext().spanId),
      )
      expect(spans).toHaveLength(3)
      expect(proxy.tunnels).toHaveLength(1)
      expect(proxy.tunnels[0]!.headers).not.toHaveProperty('traceparent')
      expect(new Set(recorded.spans().map(({ name }) => name))).toEqual(new Set(['tcp.connect', 'tls.connect', 'GET']))
      expect(only(recorded.spans('tcp.connect').at(-1)!.attributes, 'server.address', 'unshard.proxy')).toEqual({
        'server.address': 'a.test.example',
        'unshard.proxy': proxy.url(),
      })
    },
  )
})
