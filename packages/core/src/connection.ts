/** What an HTTP/2 and an HTTP/1.1 connection both are to the pool, and what the pool's requests are to them. No engine is named here. */

import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { PeerCertificate } from 'node:tls'
import type { ResponseBody } from './message/body.js'
import type { Origin, SerializedOrigin } from './message/origin.js'
import type { HttpRequest } from './message/request.js'
import type { ResolvedPoolSettings } from './pool-settings.js'

/** An address that was, or may be, connected to. */
export interface Address {
  /** IPv4 or IPv6, as text. */
  readonly address: string
  readonly family: 4 | 6
}

/** The certificate a server has shown, read once when the handshake ended and kept (a socket answers only once). */
export interface Certificate {
  /** As `tls.checkServerIdentity` takes it. */
  readonly peer: PeerCertificate
  /** For the strict checks. Parsed at first use. */
  readonly x509: X509Certificate
}

/** What a connection runs on: a socket, or a tunnel that looks like one. */
export interface Carrier extends Duplex {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
  /** Keeps the process alive while it is open. */
  ref(): unknown
  unref(): unknown
}

/** The proxy that an origin is reached through, or that would be; what it is beyond that is the connector's affair. */
export interface TargetProxy {
  /** Scheme, host and port, such as `http://proxy.example:3128`: never credentials. */
  readonly name: string
  /** Equal strings mean the same proxy, asked by the same user with the same fields over the same kind of TLS. Says nothing to people. */
  readonly key: string
}

/** How a connection was made: everything that decides whom it may serve. */
export interface Route {
  /** The origin it was dialled for. */
  readonly origin: Origin
  /** TLS identity, proxy, isolation and local address: must be equal for any reuse. */
  readonly reuseKey: string
  /** The name of the proxy it leads through, without credentials. Then the addresses are the proxy's, and say nothing about the origin. */
  readonly proxy: string | undefined
  /** The address and port that the socket is connected to; `undefined` where there is no such thing, as under an interceptor. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** What the origin's host had resolved to when it was dialled; empty where nothing was: behind a proxy, on a socket of the caller's. */
  readonly addresses: readonly Address[]
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** `undefined` without TLS, and where a resumed session has no recorded one. */
  readonly certificate: Certificate | undefined
  /** The TLS peer was verified against the trusted authorities. */
  readonly authorized: boolean
  /** A peer that is not verified would have been taken as well: `rejectUnauthorized` is false. */
  readonly lenient: boolean
  /** The client has shown a certificate of its own, or was ready to. */
  readonly clientCertificate: boolean
}

/** What an origin has done so far, as this client has seen it. Counted, never reset. */
export interface OriginProgress {
  /** Responses it has given. */
  answered: number
  /** Connections that were made for it. */
  connections: number
  /** How often it has complained of our PINGs. */
  tooManyPings: number
  /** It was overloaded by more than so many streams on one connection, and when: it resets what is beyond its memory. */
  overload?: { readonly streams: number; readonly atMs: number }
  /** It was disowned on a connection of another origin: its next one is its own. */
  misdirected?: boolean
  /** That it broke HTTP/1.1 pipelining: once, or with one request at a time as well; and when. */
  brokenPipelining?: { readonly step: 1 | 2; readonly atMs: number }
}

/** What a request needs of a connection, as a reuse policy sees it. */
export interface Target {
  readonly origin: Origin
  /** Must equal `route.reuseKey` for any reuse: TLS identity, protocols, proxy, isolation, local address. */
  readonly reuseKey: string
  /** Where it is not `undefined`, only that proxy is connected to: no name of the origin is resolved, no address of it is tried. */
  readonly proxy: TargetProxy | undefined
  /** Origin and reuse key: known before dialling, one dial at a time for each. */
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
  /** What the origin has done for this client: replays end where it does nothing. */
  readonly progress: OriginProgress
  /** The origin has said HTTP_1_1_REQUIRED (RFC 9113 §7): nothing else is offered to it. */
  readonly http1Only?: boolean
  /** What its host has resolved to already: no other address is connected to, and no name is resolved. */
  readonly pinned?: Address
  /** It has a connection of its own, with settings of its own. */
  readonly alone?: boolean
  /** Where the pool finds what it has for it. The pool's alone. */
  group?: object | undefined
  /** Dialled once: when that connection is gone its requests fail, and no other is made. */
  readonly once?: boolean
}

/**
 * What the loss of a connection says about one request on it. `alone`: there was no other. `shared`: any of several may have caused it.
 * `culprit`: the peer has named it as the cause. `neighbor`: the peer has named another one.
 */
export type Loss = 'alone' | 'shared' | 'culprit' | 'neighbor'

/** What a connection tells about one request. At most one of `onResponse` and `onError` comes, and `onClosed` comes last. */
export interface ExchangeObserver {
  /** An interim response, 1xx. */
  onInformational(status: number, fields: readonly string[]): void
  /** The final response. Its content is pushed into `body`. HTTP/2 has no reason phrase (RFC 9113 §8.3.2). */
  onResponse(status: number, fields: readonly string[], body: ResponseBody, reason?: string): void
  /** No response will come. Not called after {@link Exchange.abort}. `loss`, where the connection was lost: absent means `alone`. */
  onError(error: Error, loss?: Loss): void
  /** The request holds no place on the connection any more: nothing will happen to it. */
  onClosed(): void
}

/** One request under way. */
export interface Exchange {
  /** The trailers of the response, once it is complete: name, value, name, value. */
  readonly trailers: readonly string[] | undefined
  /** Octets of the request's content handed to the connection so far. */
  readonly sentBytes: number
  /** Whether content of the request is still to be handed over or written. */
  readonly sending?: boolean
  /** Octets of {@link sentBytes} that wait to be written: for credit of the peer, or for the socket. */
  readonly unwrittenBytes?: number
  /** Tells the peer a new priority of the response (RFC 9218 §7.1), as the field would say it. Returns whether there was a way to. */
  reprioritize(priority: string): boolean
  /** Ends it now, wherever it is. A reader of the body gets `reason`. */
  abort(reason: unknown): void
}

/** Open: takes requests. Draining: finishes those it has. Closed: gone. */
export type ConnectionState = 'open' | 'draining' | 'closed'

/** One transport connection, whichever engine runs it. */
export interface Connection {
  /** Unique in the process. */
  readonly id: number
  readonly protocol: 'h2' | 'http/1.1'
  readonly route: Route
  readonly state: ConnectionState
  /** Requests that may start now. */
  readonly capacity: number
  /** Requests in flight. */
  readonly active: number
  /** It takes no request because of responses that no reader has come for, or that have been quiet for long: it does not count for a limit. */
  readonly unread?: boolean
  /** The peer has said what it allows: its SETTINGS are here (RFC 9113 §3.4). HTTP/1.1 has nothing to wait for. */
  readonly confirmed: boolean
  /** RFC 8336: bounded and checked; `undefined` while the server has sent none. */
  readonly originSet: ReadonlySet<SerializedOrigin> | undefined
  /** The server has answered 421 for `origin`: it leaves the Origin Set, if there is one (RFC 8336 §2.3). */
  disown(origin: SerializedOrigin): void
  /** Sends a request. Only while `capacity` is above 0. Nothing is called back before this returns. */
  request(request: HttpRequest, observer: ExchangeObserver): Exchange
  /** Measures a round trip in milliseconds. Rejects when no answer comes within `timeoutMs`, or ever can. */
  ping(timeoutMs: number): Promise<number>
  /** Takes no more requests, finishes those in flight, then closes. Resolves when the socket is gone. */
  close(): Promise<void>
  /**
   * Asked of an idle connection before it is used again. False: it makes sure first that the peer is there and has not spoken out of
   * turn; it is {@link verifying} meanwhile, and `onChange` is called within which the answer is true, or the connection is gone.
   */
  verify(): boolean
  /** Whether it is making sure: what waits for it needs no other connection yet. */
  readonly verifying: boolean
  /** Ends it now. Requests in flight fail with `reason`. */
  destroy(reason: Error): void
  /** Called when capacity, state or origin set may have changed. The pool listens. */
  onChange: (() => void) | undefined
}

let lastConnectionId = 0

/** The number of the newest connection: whatever has a greater one was made later. */
export function newestConnectionId(): number {
  return lastConnectionId
}

/** The next connection's number. */
export function nextConnectionId(): number {
  lastConnectionId++
  return lastConnectionId
}
