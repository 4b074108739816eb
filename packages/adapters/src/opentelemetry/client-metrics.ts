/** Metrics of one client, with the names of the semantic conventions for HTTP clients. */

import {
  type Attributes,
  type Histogram,
  type Meter,
  type ObservableResult,
  type ObservableUpDownCounter,
  type UpDownCounter,
  ValueType,
} from '@opentelemetry/api'
import type { Client, ClosedEvent, RequestEvent } from '@unshard/core'
import type { CreatedRequest } from '../observation/client-events.js'
import type { KnownConnection } from '../observation/connections.js'
import { methodName, outcomeType, protocolVersion, schemeOf, serverAttributes } from './attributes.js'
import type { ObservedRequest } from './observed-request.js'

/** Boundaries that the semantic conventions advise, in seconds. */
const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const CONNECTION_SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]

/** Maximum number of sets of attributes that are kept without a connection: the limit of the SDK. */
const MAX_NUMBERS = 2_000

/** The instruments of one client. */
export class ClientMetrics {
  readonly #client: Client
  readonly #duration: Histogram
  readonly #connectionDuration: Histogram
  readonly #requestSize: Histogram
  readonly #responseSize: Histogram
  readonly #active: UpDownCounter
  readonly #open: ObservableUpDownCounter
  /** Numbers of open connections, by their attributes. */
  readonly #numbers = new Map<string, { count: number; readonly attributes: Attributes }>()
  readonly #observe = (result: ObservableResult): void => this.#observeConnections(result)

  constructor(meter: Meter, client: Client) {
    this.#client = client
    const histogram = (name: string, unit: string, description: string, boundaries?: number[]): Histogram =>
      meter.createHistogram(name, {
        unit,
        description,
        valueType: unit === 's' ? ValueType.DOUBLE : ValueType.INT,
        ...(boundaries === undefined ? {} : { advice: { explicitBucketBoundaries: boundaries } }),
      })
    this.#duration = histogram('http.client.request.duration', 's', 'Duration of HTTP client requests.', REQUEST_SECONDS)
    this.#connectionDuration = histogram(
      'http.client.connection.duration',
      's',
      'The duration of the successfully established outbound HTTP connections.',
      CONNECTION_SECONDS,
    )
    this.#requestSize = histogram('http.client.request.body.size', 'By', 'Size of HTTP client request bodies.')
    this.#responseSize = histogram('http.client.response.body.size', 'By', 'Size of HTTP client response bodies.')
    this.#active = meter.createUpDownCounter('http.client.active_requests', {
      unit: '{request}',
      description: 'Number of active HTTP requests.',
      valueType: ValueType.INT,
    })
    this.#open = meter.createObservableUpDownCounter('http.client.open_connections', {
      unit: '{connection}',
      description: 'Number of outbound HTTP connections that are currently active or idle on the client.',
      valueType: ValueType.INT,
    })
    this.#open.addCallback(this.#observe)
  }

  /** A request begins. */
  begin({ method, origin }: CreatedRequest): void {
    this.#active.add(1, requestAttributes(method, origin))
  }

  /** A request that has begun is over. */
  end({ startedAt, connection }: ObservedRequest, event: RequestEvent): void {
    const { method, origin, status, error, receivedBytes, sentBytes } = event
    const attributes = requestAttributes(method, origin)
    this.#active.add(-1, attributes)
    const type = outcomeType(error, status)
    const outcome: Attributes = { ...attributes }
    if (status !== undefined) outcome['http.response.status_code'] = status
    if (type !== undefined) outcome['error.type'] = type
    if (connection !== undefined) outcome['network.protocol.version'] = protocolVersion(connection.protocol)
    this.#duration.record((performance.now() - startedAt) / 1000, outcome)
    if (sentBytes !== undefined && sentBytes > 0) this.#requestSize.record(sentBytes, outcome)
    if (status !== undefined) this.#responseSize.record(receivedBytes ?? 0, outcome)
  }

  /** A request was refused before it could begin. */
  refused({ method, origin }: CreatedRequest): void {
    this.#active.add(-1, requestAttributes(method, origin))
  }

  /** A connection was closed. */
  closed({ origin, openMs }: ClosedEvent, connection: KnownConnection | undefined): void {
    this.#connectionDuration.record(openMs / 1000, {
      ...serverAttributes(origin),
      'url.scheme': schemeOf(origin),
      ...(connection === undefined ? {} : peerAttributes(connection)),
    })
  }

  /** Stops observing the open connections. */
  stop(): void {
    this.#open.removeCallback(this.#observe)
  }

  /** Numbers that were reported before are reported again, as 0: the SDK keeps the last one. */
  #observeConnections(result: ObservableResult): void {
    for (const number of this.#numbers.values()) number.count = 0
    for (const { origin, protocol, remoteAddress, remotePort, active, state } of this.#client.stats().connections) {
      if (state === 'closed') continue
      const attributes: Attributes = {
        'http.connection.state': active > 0 ? 'active' : 'idle',
        ...serverAttributes(origin),
        'url.scheme': schemeOf(origin),
        ...peerAttributes({ protocol, remoteAddress, remotePort, dial: undefined }),
      }
      const key = JSON.stringify(attributes)
      const number = this.#numbers.get(key) ?? { count: 0, attributes }
      number.count++
      this.#numbers.set(key, number)
    }
    for (const [key, { count, attributes }] of this.#numbers) {
      result.observe(count, attributes)
      if (count === 0 && this.#numbers.size > MAX_NUMBERS) this.#numbers.delete(key)
    }
  }
}

function requestAttributes(method: string, origin: string): Attributes {
  return { 'http.request.method': methodName(method), ...serverAttributes(origin), 'url.scheme': schemeOf(origin) }
}

function peerAttributes({ protocol, remoteAddress }: KnownConnection): Attributes {
  const version = { 'network.protocol.version': protocolVersion(protocol) }
  return remoteAddress === undefined ? version : { ...version, 'network.peer.address': remoteAddress }
}
