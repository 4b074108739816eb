/** The result of `client.stats()`. */

import type { ConnectionTimes } from '../pool/pooled-connection.js'
import type { DurationsSnapshot } from '../runtime/durations.js'
import type { MetricsSnapshot } from '../runtime/metrics.js'
import type { Connection } from '../transport/connection.js'
import type { PoolStats } from './client-pools.js'

export interface ConnectionStats {
  readonly id: number
  readonly protocol: 'h2' | 'http/1.1'
  /** The origin the connection was made for. */
  readonly origin: string
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** The proxy, without credentials; `undefined` for a direct connection. */
  readonly proxy: string | undefined
  readonly state: 'open' | 'draining' | 'closed'
  /** Requests in flight. */
  readonly active: number
  /** Requests sent on it so far. */
  readonly requests: number
  /** Time since it was established, in milliseconds. */
  readonly openMs: number
  /** Round-trip time of the last PING, in milliseconds; `undefined` without one. */
  readonly roundTripMs: number | undefined
  /** Number of requests that may start now. */
  readonly capacity: number
  /**
   * The subjectAltName of the server's certificate in Node's format; `undefined` without a
   * certificate.
   */
  readonly subjectAltName: string | undefined
  /** The isolation of its requests, if any. */
  readonly isolation: string | undefined
  /** Maximum number of concurrent streams that the peer allows (RFC 9113 §6.5.2); `undefined` before SETTINGS, and over HTTP/1.1. */
  readonly maxConcurrentStreams: number | undefined
  /** The Origin Set (RFC 8336); `undefined` until the server sends ORIGIN. */
  readonly originSet: readonly string[] | undefined
}

/** The open connections of a client, its counters and its durations. */
export interface ClientStats {
  /** Number of the client, unique in the process. A view of a client has the same. */
  readonly id: number
  /** The option `name`. */
  readonly name: string | undefined
  readonly connections: readonly ConnectionStats[]
  /** Each origin, or isolation of one, that has a connection, a pending dial or a request. */
  readonly pools: readonly PoolStats[]
  readonly totals: MetricsSnapshot
  readonly durations: DurationsSnapshot
}

/** Describes one connection. */
export function connectionStats(connection: Connection, { openMs, roundTripMs }: ConnectionTimes): ConnectionStats {
  const { id, protocol, route, state, active, capacity, originSet, maxConcurrentStreams, requests = 0 } = connection
  const { remoteAddress, remotePort, proxy, certificate, isolation } = route
  return {
    ...{ id, protocol, origin: route.origin.serialized, remoteAddress, remotePort, proxy, state, active, capacity },
    ...{ requests, openMs, roundTripMs },
    subjectAltName: certificate?.peer.subjectaltname,
    isolation,
    maxConcurrentStreams,
    originSet: originSet === undefined ? undefined : [...originSet],
  }
}
