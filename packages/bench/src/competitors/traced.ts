/**
 * Clients that are traced by OpenTelemetry: each request has a span, metrics, and the field
 * `traceparent`. No exporter takes the spans, because exporters are not compared.
 */

import type { Client } from 'unshard'
import { always, check, type Library, type Session, type Target } from '../competitor.js'
import { fetchSession } from './fetches.js'

/** Starts the SDK of OpenTelemetry, as a program does before it loads its clients. */
async function startSdk(): Promise<{ providers: object; trace(): Promise<void> }> {
  const [api, { AsyncLocalStorageContextManager }, { W3CTraceContextPropagator }, traces, metrics] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/core'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/sdk-metrics'),
  ])
  const tracerProvider = new traces.BasicTracerProvider()
  const meterProvider = new metrics.MeterProvider()
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  api.propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  api.trace.setGlobalTracerProvider(tracerProvider)
  api.metrics.setGlobalMeterProvider(meterProvider)
  return {
    providers: { tracerProvider, meterProvider },
    /** Lets the instrumentation of undici record every client of the process. */
    async trace() {
      const { UndiciInstrumentation } = await import('@opentelemetry/instrumentation-undici')
      const instrumentation = new UndiciInstrumentation()
      instrumentation.setTracerProvider(tracerProvider)
      instrumentation.setMeterProvider(meterProvider)
      instrumentation.enable()
    },
  }
}

async function unshardClient(target: Target, way: 'own' | 'undici'): Promise<Client> {
  const { providers, trace } = await startSdk()
  if (way === 'undici') await trace()
  const { createClient } = await import('unshard')
  const client = createClient({ tls: { ca: target.ca } })
  if (way === 'own') (await import('unshard/opentelemetry')).instrument(client, providers)
  return client
}

async function requestSession(target: Target, way: 'own' | 'undici'): Promise<Session> {
  const client = await unshardClient(target, way)
  const url = target.origin + target.path
  return {
    async once() {
      const response = await client.request({ url })
      check(target, response.status, await response.text())
    },
    close: () => client.close(),
  }
}

export const tracedBuiltInFetch: Library = {
  name: 'built-in fetch, traced',
  protocol: 'http/1.1',
  available: always,
  async start(target) {
    await (await startSdk()).trace()
    return fetchSession(
      target,
      (url, init) => fetch(url, init),
      () => undefined,
    )
  },
}

export const tracedUnshardFetch: Library = {
  name: 'unshard fetch, instrument()',
  protocol: 'h2',
  available: always,
  async start(target) {
    const client = await unshardClient(target, 'own')
    const { createFetch } = await import('unshard')
    return fetchSession(target, createFetch(client), () => client.close())
  },
}

export const tracedUnshardRequest: Library = {
  name: 'unshard client.request, instrument()',
  protocol: 'h2',
  available: always,
  start: (target) => requestSession(target, 'own'),
}

export const unshardRequestTracedAsUndici: Library = {
  name: 'unshard client.request, traced as undici',
  protocol: 'h2',
  available: always,
  start: (target) => requestSession(target, 'undici'),
}
