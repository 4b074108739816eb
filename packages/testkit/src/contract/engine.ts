// The contract's view of an engine: how to reach it, and every allowed difference.
import type { Connection, HttpRequest, RequestOptions } from '@unshard/core'
import type { OriginServer, OriginServerOptions } from '../origin-server.js'

/** All differences between engines that the suite allows. */
export interface EngineTraits {
  readonly protocol: 'h2' | 'http/1.1'
  /**
   * Sends many requests at once. HTTP/1.1 has one slot: ending a request early means closing the
   * connection (RFC 9112 §9.6).
   */
  readonly multiplexes: boolean
  /** HTTP/1.1 has no PING and refuses, `ERR_PING_UNSUPPORTED`. */
  readonly pings: boolean
  /** Sends trailers of a request. HTTP/1.1 here refuses, `ERR_TRAILERS_UNSUPPORTED`. */
  readonly requestTrailers: boolean
  /**
   * Bytes a server can write for an unread body: a stream window plus the buffers of Node's server
   * in HTTP/2. HTTP/1.1 has no window, so the kernel's buffers of a loopback connection are added.
   */
  readonly unreadBytes: number
  /** Bytes taken from a request's source while the server reads nothing, for the same reasons. */
  readonly unsentBytes: number
  /**
   * Checks the request content: its `content-length`, its kind, its trailers. Node's client, the
   * oracle, sends everything unchecked.
   */
  readonly checksContent: boolean
  /**
   * Distinguishes a truncated body from a complete one. Node's client, the oracle, ends both alike.
   */
  readonly seesCutBody: boolean
}

export interface ContractEngine {
  readonly traits: EngineTraits
  /** Starts a server for the engine's protocol. The suite closes it. */
  serve(options: OriginServerOptions): Promise<OriginServer>
  /** Opens a connection that is ready: the server's SETTINGS, if any, have arrived. */
  open(server: OriginServer): Promise<Connection>
  /** Validates options and returns a request. */
  request(options: RequestOptions): HttpRequest
}
