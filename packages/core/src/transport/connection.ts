/** The interface of HTTP/2 and HTTP/1.1 connections for the pool. Names no engine. */

import type { SerializedOrigin } from '../message/origin.js'
import type { HttpRequest } from '../message/request.js'
import type { Exchange, ExchangeObserver } from './exchange.js'
import type { Route } from './route.js'

/** `open` takes requests, `draining` finishes those in flight, `closed` has no socket. */
export type ConnectionState = 'open' | 'draining' | 'closed'

/**
 * Why a connection takes no more requests, or was closed. `idle`: `idleTimeoutMs` or
 * `poolIdleTimeoutMs`; `limit`: another one took its place; `age`: `maxConnectionAgeMs`; `goaway`:
 * the server sent GOAWAY; `peer`: the peer closed it, or it failed; `silence`: the peer is presumed
 * dead; `protocol`: the peer violated the protocol; `close`: the client was closed; `local`: any
 * other reason of this client, such as a limit of requests.
 */
export type CloseReason = 'idle' | 'limit' | 'age' | 'goaway' | 'peer' | 'silence' | 'protocol' | 'close' | 'local'

/** Receives events of connections that change nothing for requests. */
export interface ConnectionWatcher {
  /** GOAWAY was received (RFC 9113 §6.8). `debugData` is as the server sent it. */
  goaway(connection: Connection, event: GoawayDetails): void
  /** A PING was acknowledged. */
  ping(connection: Connection, roundTripMs: number): void
}

/** The members of a received GOAWAY. */
export interface GoawayDetails {
  readonly lastStreamId: number
  /** Such as `NO_ERROR`. */
  readonly errorCode: string
  readonly debugData: string
}

/** Times of one dial, in milliseconds. */
export interface DialTimes {
  /** When it began, after the lookup, by the client's clock. */
  readonly startedAt: number
  /** Duration of the lookup; 0 for a cached answer. */
  readonly dnsMs: number
  /** Duration until TCP was connected, or the tunnel. */
  readonly connectMs: number
  /** Duration of the TLS handshake; 0 without TLS. */
  readonly tlsMs: number
}

/** One connection of either protocol. */
export interface Connection {
  /** Unique in the process, in order of creation. */
  readonly id: number
  readonly protocol: 'h2' | 'http/1.1'
  readonly route: Route
  readonly state: ConnectionState
  /** Number of requests that may start now. */
  readonly capacity: number
  /** Number of requests in flight. */
  readonly active: number
  /**
   * No capacity, because responses are unread or have been idle for long: does not count against a
   * limit.
   */
  readonly unread?: boolean
  /**
   * Whether it was idle before a request: a server may close such a connection at any time (RFC
   * 9112 §9.5, RFC 9113 §9.1). Over HTTP/2 only after SETTINGS.
   */
  readonly wasIdle?: boolean
  /** Maximum number of concurrent streams that the peer allows; `undefined` before SETTINGS, and over HTTP/1.1. */
  readonly maxConcurrentStreams?: number | undefined
  /** Whether SETTINGS were received (RFC 9113 §3.4). Always true for HTTP/1.1. */
  readonly confirmed: boolean
  /**
   * The Origin Set (RFC 8336), bounded and validated; `undefined` until the server sends ORIGIN.
   */
  readonly originSet: ReadonlySet<SerializedOrigin> | undefined
  /** Removes `origin` from the Origin Set after a 421 (RFC 8336 §2.3). */
  removeOrigin(origin: SerializedOrigin): void
  /** Sends a request. Requires `capacity` above 0. No callback is called before it returns. */
  request(request: HttpRequest, observer: ExchangeObserver): Exchange
  /**
   * Measures a round trip in milliseconds. Rejects after `timeoutMs`, or if the peer cannot answer.
   */
  ping(timeoutMs: number): Promise<number>
  /** Resolves when the socket is closed: later than `state` is `closed` if bytes such as GOAWAY are still to be sent. */
  readonly closed: Promise<void>
  /** Takes no more requests, finishes those in flight, then closes. Returns {@link closed}. */
  close(): Promise<void>
  /**
   * Called before an idle connection is reused. Returns `false` while it checks that the peer is
   * alive and has sent nothing unsolicited: then {@link verifying} is true until `onChange` is
   * called. During that call `verify` returns true, or the connection is closed.
   */
  verify(): boolean
  /** Called after the machine was suspended, if requests are in flight: new ones wait until the peer is verified. */
  awoke?(): void
  /** Whether the peer is being verified. Until then queued requests need no other. */
  readonly verifying: boolean
  /** Closes now. Requests in flight fail with `reason`. */
  destroy(reason: Error): void
  /** When bytes were last received, in milliseconds of the client's clock. */
  readonly receivedAt?: number | undefined
  /** The times of its dial. Set by the pool; `undefined` for mocks. */
  dialed?: DialTimes | undefined
  /** Requests that were ever sent on it. */
  readonly requests?: number
  /** Why it ends, as far as the peer is the cause. */
  readonly endedBy?: CloseReason | undefined
  /** Receives events. Set by the pool. */
  watcher?: ConnectionWatcher | undefined
  /** Called when capacity, state or Origin Set may have changed. Set by the pool. */
  onChange: (() => void) | undefined
}

let lastConnectionId = 0

/** The id of the newest connection: later connections have greater ids. */
export function newestConnectionId(): number {
  return lastConnectionId
}

/** Returns a new connection id. */
export function nextConnectionId(): number {
  lastConnectionId++
  return lastConnectionId
}
