/** The role a connection plays for one origin pool. */

import type { ReuseReason } from '../message/reasons.js'
import type { ConnectionInfo } from '../message/response.js'
import type { Connection } from '../transport/connection.js'
import type { Target } from '../transport/target.js'

/** A connection as one origin pool uses it. One object serves every request of that pool. */
export interface Member {
  readonly connection: Connection
  /** The connection was made for another origin. */
  readonly coalesced: boolean
  /** Why this connection was chosen; for a dedicated one, why no other was shared. */
  readonly because: ReuseReason
  /** The target as the policy saw it, with its addresses; absent if the policy was not asked. */
  readonly target?: Target
  /**
   * When the DNS answer the policy saw expires, in milliseconds of the client's clock. Then the
   * policy is asked again.
   */
  readonly expiresAt?: number
  /** A response has arrived over the connection. */
  proved?: boolean
  /** One request goes first; while it is in flight there is no room for others. */
  trial?: 'due' | 'sent' | undefined
}

/** The public description of a member. */
export function connectionInfo({ connection, coalesced, because }: Member): ConnectionInfo {
  const { id, protocol, route } = connection
  const { remoteAddress, remotePort, localAddress, localPort, proxy, tls } = route
  return { id, protocol, remoteAddress, remotePort, localAddress, localPort, proxy, tls, coalesced, because }
}

/** Whether the connection takes a request now. Starts verification of an idle peer if needed. */
export function hasRoom({ connection, trial }: Member): boolean {
  return trial !== 'sent' && connection.capacity > 0 && (connection.active > 0 || connection.verify())
}

/** Whether queued requests wait for the peer, which is being verified or has not sent SETTINGS yet, and need no other connection. */
export function awaitsPeer({ verifying, protocol, state, confirmed, capacity, active, unread }: Connection): boolean {
  if (verifying) return true
  return protocol === 'h2' && state === 'open' && !confirmed && capacity === 0 && active === 0 && unread !== true
}
