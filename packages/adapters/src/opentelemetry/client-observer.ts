/** Follows the requests of one client from the channels to spans and metrics. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { context, type Meter, ROOT_CONTEXT, type Tracer } from '@opentelemetry/api'
import type { Client, RequestEvent, SendEvent } from '@unshard/core'
import { ClientEvents, type CreatedRequest } from '../observation/client-events.js'
import { Connections } from '../observation/connections.js'
import { ClientMetrics } from './client-metrics.js'
import { type Cause, DialSpans } from './dial-spans.js'
import { ObservedRequest } from './observed-request.js'
import { RequestSpans } from './request-spans.js'

/** Observes one client until it is stopped. */
export class ClientObserver {
  readonly #clientId: number
  readonly #events: ClientEvents
  readonly #connections: Connections
  readonly #spans: RequestSpans | undefined
  readonly #dials: DialSpans | undefined
  readonly #metrics: ClientMetrics | undefined
  /** Requests in flight, by id. */
  readonly #requests = new Map<number, ObservedRequest>()
  /** The request in whose context code runs. */
  readonly #current = new AsyncLocalStorage<RequestEvent>()
  readonly #endCreated: () => void
  #isStopped = false

  /** @param clientId see `ClientStats.id`. */
  constructor(client: Client, clientId: number, tracer: Tracer | undefined, meter: Meter | undefined) {
    this.#clientId = clientId
    this.#events = new ClientEvents(clientId)
    this.#connections = new Connections(client, this.#events)
    this.#endCreated = this.#events.onUndici('undici:request:create', (request, id) => this.#created(request, id))
    this.#events.on<SendEvent>('tracing:unshard:send:start', (event) => this.#sending(event))
    this.#events.on<RequestEvent>('tracing:unshard:request:asyncEnd', (event) => this.#ended(event))
    this.#events.onUndici('undici:request:error', (request, id, error) => this.#refused(request, id, error))
    if (meter !== undefined) this.#metrics = new ClientMetrics(meter, client)
    this.#connections.onClosed(this.#events, (event, known) => this.#metrics?.closed(event, known))
    if (tracer === undefined) return
    this.#spans = new RequestSpans(tracer)
    this.#events.bind(this.#current)
    this.#dials = new DialSpans(
      tracer,
      this.#events,
      () => this.#cause(),
      () => this.#rest(),
    )
  }

  /** Records no further requests; ends once those in flight are over. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#endCreated()
    this.#metrics?.stop()
    this.#rest()
  }

  #created(request: CreatedRequest, id: number): void {
    const { span, context: own } = this.#spans?.begin(request) ?? {}
    this.#requests.set(id, new ObservedRequest(span, own))
    this.#metrics?.begin(request)
  }

  #sending({ request, connection }: SendEvent): void {
    const observed = this.#requests.get(request)
    const known = connection === undefined ? undefined : this.#connections.get(connection)
    if (observed === undefined || known === undefined) return
    observed.connection = known
    if (observed.span === undefined) return
    this.#spans?.sending(observed.span, known)
    if (known.dial !== undefined) this.#dials?.link(observed, known.dial)
  }

  #ended(event: RequestEvent): void {
    const observed = this.#requests.get(event.request)
    if (observed === undefined) return
    this.#requests.delete(event.request)
    this.#metrics?.end(observed, event)
    if (observed.span !== undefined) this.#spans?.end(observed.span, event)
    this.#rest()
  }

  /** Another subscriber has added a field that HTTP does not allow: the request has not begun. */
  #refused(request: CreatedRequest, id: number, error: unknown): void {
    const observed = this.#requests.get(id)
    if (observed === undefined) return
    this.#requests.delete(id)
    this.#metrics?.refused(request)
    if (observed.span !== undefined) this.#spans?.refused(observed.span, error)
    this.#rest()
  }

  /** The request in flight in whose context an operation begins, else the active span. */
  #cause(): Cause | undefined {
    const event = this.#current.getStore()
    const own = event?.clientId === this.#clientId ? event : undefined
    const request = own === undefined ? undefined : this.#requests.get(own.request)
    if (request?.context !== undefined) return { context: request.context, request }
    if (this.#isStopped) return undefined
    // A dial in the context of a request that is over belongs to neither.
    return { context: own === undefined ? context.active() : ROOT_CONTEXT, request: undefined }
  }

  /** Ends the subscriptions once nothing is left to record. */
  #rest(): void {
    if (this.#isStopped && this.#requests.size === 0 && (this.#dials?.open ?? 0) === 0) this.#events.stop()
  }
}
