// What an engine is to the contract: how to reach it, and every difference that is allowed.
import type { Connection, HttpRequest, RequestOptions } from '@unshard/core'
import type { OriginServer, OriginServerOptions } from '../origin-server.js'

/** Every difference that the suite allows between engines. */
export interface EngineTraits {
  readonly protocol: 'h2' | 'http/1.1'
  /** Many requests at once. HTTP/1.1 has one place: ending a request early can only mean ending the connection (RFC 9112 §9.6). */
  readonly multiplexes: boolean
  /** HTTP/1.1 has no PING and refuses, `ERR_PING_UNSUPPORTED`. */
  readonly pings: boolean
  /** Sends trailers of a request. HTTP/1.1 here refuses, `ERR_TRAILERS_UNSUPPORTED`. */
  readonly requestTrailers: boolean
  /**
   * Octets a server can write for a body that nobody reads: a stream window and what Node's server buffers in HTTP/2. HTTP/1.1 has no
   * window, so that what the kernel buffers on a loopback connection is added.
   */
  readonly unreadBytes: number
  /** Octets that a request's source gives while the server reads nothing; same reasons. */
  readonly unsentBytes: number
  /** Checks content of its own: its `content-length`, its kind, its trailers. Node's client, the oracle, sends what it is given. */
  readonly checksContent: boolean
  /** Tells a body that its connection cut short from one that is complete. Node's client, the oracle, ends both alike. */
  readonly seesCutBody: boolean
}

export interface ContractEngine {
  readonly traits: EngineTraits
  /** Starts a server that speaks the engine's protocol. It is closed by the suite. */
  serve(options: OriginServerOptions): Promise<OriginServer>
  /** A connection to it that is ready: the server's SETTINGS, if any, have arrived. */
  open(server: OriginServer): Promise<Connection>
  /** The check that makes options a request. */
  request(options: RequestOptions): HttpRequest
}
