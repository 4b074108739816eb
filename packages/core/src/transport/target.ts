/** Requirements of a request on a connection: origin, reuse key, dial key, addresses and verification. */

import type { Origin } from '../message/origin.js'
import type { ResolvedPoolSettings } from '../settings/pool-settings.js'
import type { Address, Certificate } from './route.js'

/** The proxy that an origin is reached through, or that would be; what it is beyond that is the connector's affair. */
export interface TargetProxy {
  /** Scheme, host and port, such as `http://proxy.example:3128`: never credentials. */
  readonly name: string
  /** Equal strings mean the same proxy, asked by the same user with the same fields over the same kind of TLS. Says nothing to people. */
  readonly key: string
}

/** What replay counts of an origin. Written by `client/call.ts`. */
export interface ReplayRecord {
  /** Responses received from the origin. */
  answered: number
}

/** What the pool counts of an origin. Written by `pool/`. */
export interface SharingRecord {
  /** Connections made for the origin. */
  connections: number
  /** The origin answered 421 on a connection of another origin: its next connection is its own. */
  misdirected?: boolean
}

/** What HTTP/2 connections learn of an origin. Written by `h2/connection.ts`. */
export interface Http2Record {
  /** GOAWAY frames with `too_many_pings`. */
  tooManyPings: number
  /** The origin reset streams beyond this number on one connection (ENHANCE_YOUR_CALM), and when, by the client's clock. */
  overload?: { readonly streams: number; readonly atMs: number }
}

/** What HTTP/1.1 connections learn of an origin. Written by `h1/pipelining.ts`. */
export interface Http1Record {
  /** The origin broke pipelining: once (1), or with one request at a time as well (2); and when, by the client's clock. */
  brokenPipelining?: { readonly step: 1 | 2; readonly atMs: number }
}

/**
 * What a client remembers of an origin. Counters only grow. One object of four parts, each with one writer: an engine is given the part
 * that it writes.
 */
export interface OriginRecord extends ReplayRecord, SharingRecord, Http2Record, Http1Record {}

/** What a request needs of a connection, as a reuse policy sees it. */
export interface Target {
  readonly origin: Origin
  /** Must equal `route.reuseKey` for any reuse: TLS identity, protocols, proxy, isolation, local address. */
  readonly reuseKey: string
  /** Where it is not `undefined`, only that proxy is connected to: no name of the origin is resolved, no address of it is tried. */
  readonly proxy: TargetProxy | undefined
  /** Origin and reuse key: known before dialing, one dial at a time for each. */
  readonly dialKey: string
  /** What the origin's host resolved to; absent before that is known, empty where a proxy is asked instead. */
  readonly addresses?: readonly Address[]
  /** The client's own check of this host against a certificate, as for a new connection (RFC 9113 §9.1.1). */
  verify(certificate: Certificate): Error | undefined
}

/** What the pool and the connector know of it beyond that. */
export interface PoolTarget extends Target {
  /** The tag of its requests, if they have one. */
  readonly isolation: string | undefined
  /** What holds for connections that are made for it. */
  readonly settings: ResolvedPoolSettings
  /** What this client remembers of the origin. */
  readonly record: OriginRecord
  /** The origin has said HTTP_1_1_REQUIRED (RFC 9113 §7): nothing else is offered to it. */
  readonly http1Only?: boolean
  /** What its host has resolved to already: no other address is connected to, and no name is resolved. */
  readonly pinned?: Address
  /** It has a connection of its own, with settings of its own. */
  readonly alone?: boolean
  /** Where the pool finds what it has for it. The pool's alone. */
  originPool?: object | undefined
  /** Dialled once: when that connection is gone its requests fail, and no other is made. */
  readonly once?: boolean
}
