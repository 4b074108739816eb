/** Spans and metrics of one client for OpenTelemetry, from the diagnostics channels. Must not change requests, but for added fields. */

import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import type { Client } from '@unshard/core'
import { flagRow, invalidOption, namesOf, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { checkClient } from '../observation/check-client.js'
import { ClientObserver } from './client-observer.js'

/** Options of `instrument()`. */
export interface InstrumentOptions {
  /** Whether requests and dials have spans, and requests the fields of the propagator. @default true */
  readonly spans?: boolean
  /** Whether metrics are recorded. @default true */
  readonly metrics?: boolean
  /** Where spans are recorded. @default the global provider */
  readonly tracerProvider?: TracerProvider
  /** Where metrics are recorded. @default the global provider */
  readonly meterProvider?: MeterProvider
}

/** Options of `instrument()`. */
export const INSTRUMENT_OPTIONS: OptionSchema<InstrumentOptions> = {
  spans: flagRow(true),
  metrics: flagRow(true),
  tracerProvider: value('a `TracerProvider`', 'the global provider'),
  meterProvider: value('a `MeterProvider`', 'the global provider'),
}

const NAMES = namesOf(INSTRUMENT_OPTIONS)
/** Name of the tracer and the meter. */
const SCOPE = 'unshard'

/**
 * Records spans and metrics of a client, its views included. Other clients of the process are not recorded.
 * @returns a function that stops: requests in flight are still recorded, later ones are not.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function instrument(client: Client, options?: InstrumentOptions): () => void {
  const id = checkClient(client)
  const given = ownOptions(options, NAMES, '', 'instrument()')
  const tracers = checkProvider('tracerProvider', given.tracerProvider, 'getTracer') ?? trace.getTracerProvider()
  const meters = checkProvider('meterProvider', given.meterProvider, 'getMeter') ?? metrics.getMeterProvider()
  const tracer = checkFlag('spans', given.spans) ? tracers.getTracer(SCOPE) : undefined
  const meter = checkFlag('metrics', given.metrics) ? meters.getMeter(SCOPE) : undefined
  const observer = new ClientObserver(client, id, tracer, meter)
  return () => observer.stop()
}

function checkFlag(name: string, given: boolean | undefined): boolean {
  if (given === undefined || typeof given === 'boolean') return given ?? true
  throw invalidOption(name, 'true or false', given)
}

function checkProvider<Provider extends object>(
  name: string,
  given: Provider | undefined,
  method: keyof Provider,
): Provider | undefined {
  if (given === undefined || typeof given?.[method] === 'function') return given
  throw invalidOption(name, `an object with ${String(method)}()`, given)
}
