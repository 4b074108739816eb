/** The result of `client.stats()`. */

import type { Connection } from '../transport/connection.js'
import type { PoolStats } from './client-pools.js'

/** One open connection in {@link ClientStats}. */
export interface ConnectionStats {
  readonly id: number
  readonly protocol: 'h2' | 'http/1.1'
  /** The origin it was made for. */
  readonly origin: string
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** The proxy it leads through, without credentials; `undefined` where it is direct. */
  readonly proxy: string | undefined
  readonly state: 'open' | 'draining' | 'closed'
  /** Requests in flight. */
  readonly active: number
  /** Requests that may start now. */
  readonly capacity: number
  /** The subjectAltName of the server's certificate, as Node writes it; `undefined` without one. */
  readonly subjectAltName: string | undefined
  /** Origins that the server says it answers for (RFC 8336); `undefined` while it has sent no ORIGIN. */
  readonly originSet: readonly string[] | undefined
}

/** What a client has open, and what it has done. */
export interface ClientStats {
  readonly connections: readonly ConnectionStats[]
  /** Each origin, or tag of one, that has a connection, a dial or a request. */
  readonly pools: readonly PoolStats[]
  readonly totals: {
    /** TCP connections tried. */
    readonly dials: number
    /** TLS handshakes that ended well. */
    readonly handshakes: number
    /** Requests taken. */
    readonly requests: number
    /** Requests that went over a connection made for another origin. */
    readonly coalesced: number
    /** Requests that were sent once more. */
    readonly replayed: number
    /** How often a connection, or a dial under way, was refused for an origin, by the named reason: see docs/reference/reasons.md. */
    readonly declined: Readonly<Record<string, number>>
    /** Answers of 421, or of a suspected status, on connections made for another origin. */
    readonly misdirected: number
  }
}

/** Describes one connection. */
export function connectionStats({ id, protocol, route, state, active, capacity, originSet }: Connection): ConnectionStats {
  const { remoteAddress, remotePort, proxy, certificate } = route
  return {
    ...{ id, protocol, origin: route.origin.serialized, remoteAddress, remotePort, proxy, state, active, capacity },
    subjectAltName: certificate?.peer.subjectaltname,
    originSet: originSet === undefined ? undefined : [...originSet],
  }
}
