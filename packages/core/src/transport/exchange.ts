/** One request and its response on a connection, the same for both engines. */

import type { ResponseBody } from '../message/response-body.js'

/**
 * How a request relates to the loss of its connection. `alone`: there was no other request.
 * `shared`: any of several may be the cause. `culprit`: the peer named it as the cause. `neighbor`:
 * the peer named another.
 */
export type Loss = 'alone' | 'shared' | 'culprit' | 'neighbor'

/**
 * Receives the response of one request. At most one of `onResponse` and `onError` is called, and
 * `onClosed` last.
 */
export interface ExchangeObserver {
  /** Called for an interim response, 1xx. */
  onInformational(status: number, fields: readonly string[]): void
  /**
   * Called for the final response. Its content is pushed into `body`. HTTP/2 has no reason phrase
   * (RFC 9113 §8.3.2).
   */
  onResponse(status: number, fields: readonly string[], body: ResponseBody, reason?: string): void
  /**
   * Called if no response will follow, except after {@link Exchange.abort}. `loss` is set if the
   * connection was lost; absent means `alone`.
   */
  onError(error: Error, loss?: Loss): void
  /** The request no longer occupies a slot on the connection; no further callback follows. */
  onClosed(): void
}

/** One request in flight. */
export interface Exchange {
  /** The trailers of a complete response: name, value, name, value. */
  readonly trailers: readonly string[] | undefined
  /** Number of content bytes passed to the connection so far. */
  readonly sentBytes: number
  /** Whether any content is still to be passed on or written. */
  readonly sending?: boolean
  /** How many of {@link sentBytes} wait for flow-control credit or for the socket. */
  readonly unwrittenBytes?: number
  /**
   * Sends a new priority of the response (RFC 9218 §7.1), in the syntax of the field. Returns false
   * if the protocol cannot.
   */
  reprioritize(priority: string): boolean
  /** Ends the request in any state. A reader of the body gets `reason`. */
  abort(reason: unknown): void
}
