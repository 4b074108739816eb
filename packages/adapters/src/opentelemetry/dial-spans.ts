/** Spans of lookups, TCP connections and TLS handshakes, below the request that has caused them. */

import { type Attributes, type Context, type Span, SpanKind, type Tracer } from '@opentelemetry/api'
import type { ConnectEvent, OperationEvent, ResolveEvent, TlsEvent } from '@unshard/core'
import { BoundedCache } from '@unshard/core/internal'
import type { ClientEvents } from '../observation/client-events.js'
import { protocolVersion, serverAttributes } from './attributes.js'
import type { ObservedRequest } from './observed-request.js'
import { fail } from './request-spans.js'

/** Maximum number of dials that later requests are linked to: those of the connections used last. */
const MAX_DIALS = 4_096

/** The request that causes an operation. */
export interface Cause {
  readonly context: Context
  readonly request: ObservedRequest | undefined
}

/** A dial that has begun. */
interface TracedDial extends Cause {
  /** The span of its TCP connection. */
  readonly span: Span
}

/** The spans of the dials of one client. */
export class DialSpans {
  readonly #tracer: Tracer
  readonly #causeOf: () => Cause | undefined
  readonly #onEnd: () => void
  readonly #dials = new BoundedCache<TracedDial>({ max: MAX_DIALS })
  /** Spans in progress, by the event of their operation. */
  readonly #open = new Map<OperationEvent, Span>()

  /**
   * @param causeOf called in the context in which an operation begins; `undefined` if it has no span.
   * @param onEnd called after a span has ended.
   */
  constructor(tracer: Tracer, events: ClientEvents, causeOf: () => Cause | undefined, onEnd: () => void) {
    this.#tracer = tracer
    this.#causeOf = causeOf
    this.#onEnd = onEnd
    events.on<ResolveEvent>('tracing:unshard:resolve:start', (event) => this.#resolving(event))
    events.on<ResolveEvent>('tracing:unshard:resolve:asyncEnd', (event) =>
      this.#end(event, event.addresses && { 'dns.answers': [...event.addresses] }),
    )
    events.on<ConnectEvent>('tracing:unshard:connect:start', (event) => this.#connecting(event))
    events.on<ConnectEvent>('tracing:unshard:connect:asyncEnd', (event) =>
      this.#end(event, event.address === undefined ? undefined : { 'network.peer.address': event.address }),
    )
    events.on<TlsEvent>('tracing:unshard:tls:start', (event) => this.#securing(event))
    events.on<TlsEvent>('tracing:unshard:tls:asyncEnd', (event) => this.#end(event, tlsAttributes(event)))
  }

  /** Number of spans in progress. */
  get open(): number {
    return this.#open.size
  }

  /** Links a request to the dial of its connection, unless it has caused the dial. */
  link(request: ObservedRequest, dial: number): void {
    const traced = this.#dials.get(String(dial))
    if (traced === undefined || request.dials.has(dial)) return
    request.dials.add(dial)
    request.span?.addLink({ context: traced.span.spanContext() })
  }

  #resolving(event: ResolveEvent): void {
    const cause = this.#causeOf()
    if (cause !== undefined) this.#begin('dns.lookup', event, cause, { 'dns.question.name': event.host })
  }

  #connecting(event: ConnectEvent): void {
    const cause = this.#causeOf()
    if (cause === undefined) return
    const proxy = event.proxy === undefined ? {} : { 'unshard.proxy': event.proxy }
    const span = this.#begin('tcp.connect', event, cause, { 'network.transport': 'tcp', ...proxy })
    cause.request?.dials.add(event.dial)
    this.#dials.set(String(event.dial), { ...cause, span })
  }

  #securing(event: TlsEvent): void {
    const dial = this.#dials.get(String(event.dial))
    if (dial !== undefined) this.#begin('tls.connect', event, dial, {})
  }

  #begin(name: string, event: OperationEvent, cause: Cause, own: Attributes): Span {
    const attributes = { ...serverAttributes(event.origin), ...own }
    const span = this.#tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes }, cause.context)
    this.#open.set(event, span)
    return span
  }

  #end(event: OperationEvent, attributes: Attributes | undefined): void {
    const span = this.#open.get(event)
    if (span === undefined) return
    this.#open.delete(event)
    if (attributes !== undefined) span.setAttributes(attributes)
    if (event.error !== undefined) fail(span, event.error)
    span.end()
    this.#onEnd()
  }
}

function tlsAttributes({ protocol, version, resumed }: TlsEvent): Attributes {
  const attributes: Attributes = {}
  if (protocol !== undefined) attributes['network.protocol.version'] = protocolVersion(protocol)
  // Node's name is `TLSv1.3`.
  if (version !== undefined) Object.assign(attributes, { 'tls.protocol.name': 'tls', 'tls.protocol.version': version.slice(4) })
  if (resumed !== undefined) attributes['tls.resumed'] = resumed
  return attributes
}
