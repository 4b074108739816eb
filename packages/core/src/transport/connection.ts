/** Interface that the HTTP/2 and the HTTP/1.1 connection implement for the pool. Names no engine. */

import type { SerializedOrigin } from '../message/origin.js'
import type { HttpRequest } from '../message/request.js'
import type { Exchange, ExchangeObserver } from './exchange.js'
import type { Route } from './route.js'

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
  removeOrigin(origin: SerializedOrigin): void
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
