/** In-memory exporters of the OpenTelemetry SDK, and clients that are instrumented with them. */

import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type Span,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base'

/** Counts spans that have begun and not ended. */
class OpenSpans implements SpanProcessor {
  readonly open = new Set<string>()
  onStart(span: Span): void {
    this.open.add(span.spanContext().spanId)
  }
  onEnd(span: ReadableSpan): void {
    this.open.delete(span.spanContext().spanId)
  }
  forceFlush = async (): Promise<void> => undefined
  shutdown = async (): Promise<void> => undefined
}

/** One point of a metric. */
export type Point = DataPoint<number> | DataPoint<Histogram>

/** Providers whose results are in memory. */
export interface Telemetry {
  readonly tracerProvider: BasicTracerProvider
  readonly meterProvider: MeterProvider
  /** Both, as options of `instrument()`. */
  readonly providers: { readonly tracerProvider: BasicTracerProvider; readonly meterProvider: MeterProvider }
  /** The spans that have ended. */
  spans(name?: string): ReadableSpan[]
  readonly openSpans: number
  /** The points of a metric now. */
  points(name: string): Promise<readonly Point[]>
}

/** Call once, at the top level of a test file. Each test gets new providers. */
export function telemetry(): Telemetry {
  let exporter: InMemorySpanExporter
  let open: OpenSpans
  let tracerProvider: BasicTracerProvider
  let meterProvider: MeterProvider
  let metricExporter: InMemoryMetricExporter
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  })
  beforeEach(() => {
    exporter = new InMemorySpanExporter()
    open = new OpenSpans()
    tracerProvider = new BasicTracerProvider({ spanProcessors: [open, new SimpleSpanProcessor(exporter)] })
    metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    // Exports only when it is flushed.
    const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 0x7fff_ffff })
    meterProvider = new MeterProvider({ readers: [reader] })
  })
  afterEach(async () => {
    await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()])
  })
  afterAll(() => {
    context.disable()
    propagation.disable()
    trace.disable()
  })
  return {
    get tracerProvider() {
      return tracerProvider
    },
    get meterProvider() {
      return meterProvider
    },
    get providers() {
      return { tracerProvider, meterProvider }
    },
    get openSpans() {
      return open.open.size
    },
    spans: (name) => exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name),
    async points(name) {
      metricExporter.reset()
      await meterProvider.forceFlush()
      const found = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      return found.filter(({ descriptor }) => descriptor.name === name).flatMap(({ dataPoints }) => dataPoints as Point[])
    },
  }
}

/** The attributes of a span or a point with these names. */
export function only(attributes: Readonly<Record<string, unknown>>, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, attributes[name]]))
}
