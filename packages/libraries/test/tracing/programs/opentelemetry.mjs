/** OpenTelemetry, version 3 of its SDK: with its instrumentation of undici, or with `unshard/opentelemetry`. */

import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { instrument } from 'unshard/opentelemetry'
import { sendRequests } from './requests.mjs'

const [, , way] = process.argv
const exporter = new InMemorySpanExporter()
const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(tracerProvider)
if (way === 'undici') new UndiciInstrumentation().setTracerProvider(tracerProvider)

const tracer = tracerProvider.getTracer('program')
async function inSpan(name, call) {
  await tracer.startActiveSpan(name, async (span) => {
    await call()
    span.end()
  })
}
await sendRequests(inSpan, way === 'own' ? (client) => instrument(client) : undefined)
await tracerProvider.forceFlush()
const spans = exporter.getFinishedSpans().map((span) => ({
  name: span.name,
  id: span.spanContext().spanId,
  parent: span.parentSpanContext?.spanId,
  url: span.attributes['url.full'],
  httpStatus: span.attributes['http.response.status_code'],
  isError: span.status.code === SpanStatusCode.ERROR,
}))
console.log(`\n${JSON.stringify(spans)}`)
