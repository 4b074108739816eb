/**
 * The requirements of a request on its connection: origin, reuse key, dial key, addresses and
 * verification.
 */

import type { AddressPolicy } from '../message/address-policy.js'
import type { Origin } from '../message/origin.js'
import type { Timeouts } from '../message/request-options.js'
import type { ResolvedPoolSettings } from '../settings/pool-settings.js'
import type { Address, Certificate } from './route.js'

/** The proxy of an origin, as far as the pool may know it. The connector knows the rest. */
export interface TargetProxy {
  /** Scheme, host and port, such as `http://proxy.example:3128`, without credentials. */
  readonly name: string
  /** Equal keys mean the same proxy with the same user, fields and kind of TLS. Opaque. */
  readonly key: string
}

/** Trust and identity of a pool. The connector knows the rest. */
export interface TargetTls {
  /** Equal strings mean equal options. */
  readonly identity: string
}

/** A maximum number of connections of several origins together. Counted by `pool/permits.ts`. */
export interface ConnectionLimit {
  most: number
  /** Connections, and dials. */
  count: number
}

/** Counters of requests to an origin. Written by `client/call.ts`. */
export interface ReplayRecord {
  /** Number of responses from the origin. */
  answered: number
  /** Number of requests that failed or were aborted. */
  failed: number
}

/** Counters of the pool for an origin. Written by `pool/`. */
export interface SharingRecord {
  /** Number of connections made for the origin. */
  connections: number
  /**
   * Whether the origin answered 421 on a shared connection: its next connection is dialed for
   * itself.
   */
  misdirected?: boolean
  /** Number of the newest connection with a response from the origin. */
  newestProved?: number
  /** The pause after the last failed dial, until another one succeeds. */
  backoff?: Backoff | undefined
}

/** A pause after a failed dial, in milliseconds of the client's clock. */
export interface Backoff {
  readonly untilMs: number
  readonly delayMs: number
  readonly error: Error
}

/** Facts about an origin learned by HTTP/2 connections. Written by `h2/connection.ts`. */
export interface Http2Record {
  /** Number of GOAWAY frames with `too_many_pings`. */
  tooManyPings: number
  /**
   * When the origin refused streams beyond this number on one connection (ENHANCE_YOUR_CALM), in
   * milliseconds of the client's clock.
   */
  overload?: { readonly streams: number; readonly atMs: number }
}

/** Facts about an origin learned by HTTP/1.1 connections. Written by `h1/pipelining.ts`. */
export interface Http1Record {
  /**
   * When the origin broke pipelining, in milliseconds of the client's clock: step 1 once, step 2
   * also with one request at a time.
   */
  brokenPipelining?: { readonly step: 1 | 2; readonly atMs: number }
}

/**
 * The facts a client keeps about an origin. Counters only grow. One object of four parts, each with
 * one writer, so that an engine receives only the part it writes.
 */
export interface OriginRecord extends ReplayRecord, SharingRecord, Http2Record, Http1Record {}

/** The requirements of a request on its connection, as a reuse policy sees them. */
export interface Target {
  readonly origin: Origin
  /**
   * Must equal `route.reuseKey` for any reuse: TLS identity, protocols, proxy, isolation, local
   * address.
   */
  readonly reuseKey: string
  /** If set, only this proxy is connected to, and the origin's name is not resolved. */
  readonly proxy: TargetProxy | undefined
  /** Origin and reuse key: known before dialing. One dial at a time per key. */
  readonly dialKey: string
  /** The addresses of the origin's host; absent before DNS, empty behind a proxy. */
  readonly addresses?: readonly Address[]
  /** Verifies this host against a certificate, as for a new connection (RFC 9113 §9.1.1). */
  verify(certificate: Certificate): Error | undefined
}

/** A target with the parts that only the pool and the connector see. */
export interface PoolTarget extends Target {
  /** The isolation of its requests, if any. */
  readonly isolation: string | undefined
  /** Settings of connections made for it. */
  readonly settings: ResolvedPoolSettings
  /** Default deadlines of its requests. */
  readonly timeouts: Required<Timeouts>
  /** Trust and identity, if they are not those of the client. */
  readonly tls?: TargetTls | undefined
  /** Returns the limits that its connections count against as they are set now, the widest first. */
  readonly currentLimits: () => readonly ConnectionLimit[]
  /** The facts this client keeps about the origin. */
  readonly record: OriginRecord
  /** The origin answered HTTP_1_1_REQUIRED (RFC 9113 §7): only HTTP/1.1 is offered. */
  readonly http1Only?: boolean
  /** The address resolved by the caller: no other is tried, and no name is resolved. */
  readonly pinned?: Address
  /** The addresses that may be connected to; `undefined` for all. */
  readonly addressPolicy: AddressPolicy | undefined
  /** Whether the request chose the policy, not the settings. */
  readonly ownPolicy?: boolean
  /** Whether it has dedicated connections, with settings of its own. */
  readonly alone?: boolean
  /** The origin pool. Written and read only by the pool. */
  originPool?: object | undefined
  /** Whether the handle it belongs to is closed. Written by the handle. */
  ended?: boolean
  /** Dialed once: after that connection closes, requests fail without another dial. */
  readonly once?: boolean
}
