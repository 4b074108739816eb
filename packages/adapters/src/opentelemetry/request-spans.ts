/** The span of each request, and its fields that tell the server about it. */

import {
  type Context,
  context,
  diag,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { RequestEvent } from '@unshard/core'
import type { CreatedRequest } from '../observation/client-events.js'
import type { KnownConnection } from '../observation/connections.js'
import { errorType, isAbort, methodName, outcomeType, protocolVersion, serverAttributes, shownUrl } from './attributes.js'

/** Begins and ends the spans of requests. */
export class RequestSpans {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** Begins the span of a request below the active one, and adds `traceparent`. */
  begin(request: CreatedRequest): { readonly span: Span; readonly context: Context } {
    const { method, origin, path } = request
    const name = methodName(method)
    const parent = context.active()
    const attributes = {
      'http.request.method': name,
      ...(name === method ? {} : { 'http.request.method_original': method }),
      ...serverAttributes(origin),
      'url.full': shownUrl(origin, path),
    }
    const span = this.#tracer.startSpan(name === method ? name : 'HTTP', { kind: SpanKind.CLIENT, attributes }, parent)
    const own = trace.setSpan(parent, span)
    inject(own, request)
    return { span, context: own }
  }

  /** The request is sent on a connection. */
  sending(span: Span, { protocol, remoteAddress, remotePort }: KnownConnection): void {
    span.setAttribute('network.protocol.version', protocolVersion(protocol))
    if (remoteAddress !== undefined) span.setAttribute('network.peer.address', remoteAddress)
    if (remotePort !== undefined) span.setAttribute('network.peer.port', remotePort)
  }

  /** The request is over. */
  end(span: Span, { status, attempts, error, receivedBytes, sentBytes }: RequestEvent): void {
    if (status !== undefined) {
      span.setAttribute('http.response.status_code', status)
      span.setAttribute('http.response.body.size', receivedBytes ?? 0)
    }
    if (sentBytes !== undefined && sentBytes > 0) span.setAttribute('http.request.body.size', sentBytes)
    if (attempts > 1) span.setAttribute('http.request.resend_count', attempts - 1)
    const type = outcomeType(error, status)
    if (error !== undefined) fail(span, error)
    else if (type !== undefined) span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  }

  /** The request could not begin. */
  refused(span: Span, error: unknown): void {
    fail(span, error)
    span.end()
  }
}

/** Records the error of a span. An abort is not an error. */
export function fail(span: Span, error: unknown): void {
  if (isAbort(error)) return
  const type = errorType(error)
  const { message = String(error), stack } = Object(error) as { message?: string; stack?: string }
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR, message })
  span.recordException({ code: type, message, ...(stack === undefined ? {} : { stack }) })
}

/** Adds the fields of the propagator, except those that the request has. */
function inject(own: Context, request: CreatedRequest): void {
  const fields: Record<string, string> = {}
  propagation.inject(own, fields)
  const present = new Set(request.headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()))
  for (const [name, value] of Object.entries(fields)) {
    if (present.has(name.toLowerCase())) continue
    try {
      request.addHeader(name, value)
    } catch (error) {
      // An error in a subscriber ends the process.
      diag.warn(`unshard: the propagator has set a field that HTTP does not allow: ${name}`, error)
    }
  }
}
