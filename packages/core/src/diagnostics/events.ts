/** The messages of the channels `unshard:*`: see docs/reference/diagnostics-channels.md. */

import type { ReuseReason } from '../message/reasons.js'
import type { ConnectionInfo, Timings } from '../message/response.js'
import type { CloseReason } from '../transport/connection.js'

/** The members of every message. */
export interface ClientEvent {
  /** The option `name` of the client; `undefined` without one. */
  readonly client: string | undefined
  /** The id of the client: see `ClientStats.id`. Clients of one name, or without one, have different ids. */
  readonly clientId: number
}

/** An origin joined a connection made for another one. Channel `unshard:coalesced`. */
export interface CoalescedEvent extends ClientEvent {
  /** The origin that joined. */
  readonly origin: string
  /** The id of the connection: see `ConnectionStats.id`. */
  readonly connection: number
  readonly because: ReuseReason
}

/** A connection or a pending dial was refused for an origin. Channel `unshard:declined`. */
export interface DeclinedEvent extends ClientEvent {
  readonly origin: string
  /** The id of the connection; `undefined` for a dial, or if there was no candidate. */
  readonly connection: number | undefined
  /** The first rule that failed: see docs/reference/reasons.md. */
  readonly because: ReuseReason
}

/**
 * A server answered 421 for an origin on a shared connection (RFC 9110 §15.5.20). Channel
 * `unshard:misdirected`.
 */
export interface MisdirectedEvent extends ClientEvent {
  readonly origin: string
  /** The id of the connection. */
  readonly connection: number
  /** 421, or one of the suspected statuses. */
  readonly status: number
}

/** An event of one connection. */
export interface ConnectionEvent extends ClientEvent {
  /** The origin that the connection was made for. */
  readonly origin: string
  /** The id of the connection. */
  readonly connection: number
}

/** A connection takes requests. Channel `unshard:negotiate`. */
export interface NegotiateEvent extends ConnectionEvent {
  readonly protocol: 'h2' | 'http/1.1'
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  /** The dial that made it: see {@link ConnectEvent.dial}. */
  readonly dial: number
}

/** The server sent GOAWAY (RFC 9113 §6.8). Channel `unshard:goaway`. */
export interface GoawayEvent extends ConnectionEvent {
  readonly lastStreamId: number
  /** Such as `NO_ERROR`. */
  readonly errorCode: string
  /** Printable ASCII; other characters are escaped. */
  readonly debugData: string
}

/** A PING was acknowledged (RFC 9113 §6.7). Channel `unshard:ping`. */
export interface PingEvent extends ConnectionEvent {
  /** Round-trip time in milliseconds. */
  readonly roundTripMs: number
}

/** A connection takes no more requests. Channel `unshard:drain`. */
export interface DrainEvent extends ConnectionEvent {
  /** Requests in flight. */
  readonly active: number
  readonly reason: CloseReason
}

/** A connection was closed. Channel `unshard:closed`. */
export interface ClosedEvent extends ConnectionEvent {
  readonly reason: CloseReason
  /** Time since it was established, in milliseconds. */
  readonly openMs: number
  /** Requests that were sent on it. */
  readonly requests: number
}

/**
 * Bytes of a connection, inside TLS and tunnels. Channel `unshard:bytes`: only of connections that
 * were dialed while it had a subscriber.
 */
export interface BytesEvent extends ConnectionEvent {
  readonly direction: 'sent' | 'received'
  /** Valid only during the call, and must not be changed. Contains secrets. */
  readonly bytes: Uint8Array
}

/** An idle connection carries a request again. Channel `unshard:reused`. */
export interface ReusedEvent extends ConnectionEvent {
  /** The id of the request: see {@link RequestEvent}. */
  readonly request: number
  /** Time for which it carried no request, in milliseconds. */
  readonly idleMs: number
}

/** An operation of the channels `tracing:unshard:*`. The object is the same from start to end. */
export interface OperationEvent extends ClientEvent {
  readonly origin: string
  /** Set when the operation has failed. */
  error?: unknown
}

/** A host name is resolved. Channel `unshard:resolve`. */
export interface ResolveEvent extends OperationEvent {
  readonly host: string
  /** The answer, in the order in which it is tried. */
  addresses?: readonly string[]
}

/** A connection is dialed, until TCP or the tunnel is connected. Channel `unshard:connect`. */
export interface ConnectEvent extends OperationEvent {
  /** Number of the dial, unique in the process. */
  readonly dial: number
  /** The addresses to try; empty behind a proxy, and for Unix sockets. */
  readonly addresses: readonly string[]
  /** The proxy, without credentials. */
  readonly proxy: string | undefined
  /** The address of the last attempt. */
  address?: string
}

/** A TLS handshake. Channel `unshard:tls`. */
export interface TlsEvent extends OperationEvent {
  /** See {@link ConnectEvent.dial}. */
  readonly dial: number
  /** Set when the operation has succeeded. */
  protocol?: 'h2' | 'http/1.1'
  /** Such as `TLSv1.3`. */
  version?: string
  /** Whether a session was resumed. */
  resumed?: boolean
}

/** One request, from its start to the end of its content. Channel `unshard:request`. */
export interface RequestEvent extends OperationEvent {
  /** Unique in the process. */
  readonly request: number
  readonly method: string
  readonly scheme: 'https' | 'http'
  /** Host and port as they are sent: those of the origin, unless the caller has set `host`. */
  readonly authority: string
  /** With the query. */
  readonly path: string
  /** The fields as they are sent: name in lower case, value, name, value… */
  readonly headers: readonly string[]
  /** The content; `undefined` without it. */
  readonly body: RequestContent | undefined
  /** Times that the request was sent. */
  attempts: number
  /** The id of the last connection. */
  connection?: number
  status?: number
  /** Bytes of content received. */
  receivedBytes?: number
  /** Bytes of content sent in the last attempt; 0 if it failed before a response. */
  sentBytes?: number
}

/** Content of a request. */
export interface RequestContent {
  /** The whole content if it is in memory. Must not be changed. */
  readonly bytes: Uint8Array | undefined
  /** Length in bytes, if known. */
  readonly length: number | undefined
}

/** A part of one request. */
export interface RequestPartEvent extends OperationEvent {
  /** See {@link RequestEvent.request}. */
  readonly request: number
  /** The id of the connection, as soon as it is known. */
  connection?: number
}

/** A request waits for a connection. Channel `unshard:queue`. */
export interface QueueEvent extends RequestPartEvent {}

/** A request is sent, with its content. Channel `unshard:send`. */
export interface SendEvent extends RequestPartEvent {
  /** 1 for the first attempt. */
  readonly attempt: number
}

/** A request waits for the fields of its response. Channel `unshard:receive`. */
export interface ReceiveEvent extends RequestPartEvent {
  readonly attempt: number
  /** The connection, and the reason for it. */
  readonly carrier: ConnectionInfo
  status?: number
  /** The reason phrase of HTTP/1.1. */
  statusText?: string
  /** The fields of the response: name in lower case, value, name, value… */
  headers?: readonly string[]
  /** Times of the request until now. Set when the operation is over. */
  timings?: Timings
}

/** The content of a response is received. Channel `unshard:body`. */
export interface BodyEvent extends RequestPartEvent {
  /** Bytes received, before decoding. */
  receivedBytes?: number
  /** Whether the reader wanted no more. This is not an error. */
  discarded?: boolean
}

/** A part of the content of a response arrived. Channel `unshard:content`. */
export interface ContentEvent extends ClientEvent {
  readonly origin: string
  readonly request: number
  /** Before decoding. In memory that is valid only during the call, and must not be changed. */
  readonly bytes: Uint8Array
}

/** A request is sent again after a loss, a refusal or 421. Channel `unshard:replay`. */
export interface ReplayEvent extends ClientEvent {
  readonly origin: string
  readonly request: number
  /** Number of the attempt that follows. */
  readonly attempt: number
  /** Why the last attempt failed; `undefined` after 421. */
  readonly error: Error | undefined
  /** Delay before the attempt, in milliseconds. */
  readonly delayMs: number
}

/** A request is sent again after a status. Channel `unshard:retry`. */
export interface RetryEvent extends ClientEvent {
  readonly origin: string
  readonly status: number
  /** Number of the attempt that follows. */
  readonly attempt: number
  readonly delayMs: number
}
