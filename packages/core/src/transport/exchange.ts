/** One request and its response on a connection, as both engines expose it. */

import type { ResponseBody } from '../message/response-body.js'

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
  /** Bytes of the request's content handed to the connection so far. */
  readonly sentBytes: number
  /** Whether content of the request is still to be handed over or written. */
  readonly sending?: boolean
  /** Bytes of {@link sentBytes} that wait to be written: for credit of the peer, or for the socket. */
  readonly unwrittenBytes?: number
  /** Tells the peer a new priority of the response (RFC 9218 §7.1), as the field would say it. Returns whether there was a way to. */
  reprioritize(priority: string): boolean
  /** Ends it now, wherever it is. A reader of the body gets `reason`. */
  abort(reason: unknown): void
}
