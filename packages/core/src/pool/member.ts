/** A connection in its role for one origin pool. */

import type { ReuseReason } from '../message/reasons.js'
import type { ConnectionInfo } from '../message/response.js'
import type { Connection } from '../transport/connection.js'
import type { Target } from '../transport/target.js'

/** A connection in its role for one target. One object serves every request that goes this way. */
export interface Member {
  readonly connection: Connection
  /** It was made for another origin. */
  readonly coalesced: boolean
  /** Why this connection, or for one of the target's own: why no other. */
  readonly because: ReuseReason
  /** The target as the policy saw it, with its addresses, where there was a question to ask. */
  readonly target?: Target
  /** When the answer of the resolver that the policy saw is used up, by the client's clock, milliseconds: then it is asked again. */
  readonly expiresAt?: number
  /** The connection has given it a response. */
  proved?: boolean
  /** One request goes first; while it is on its way there is no room for others. */
  trial?: 'due' | 'sent' | undefined
}

/** What callers are told about it. */
export function connectionInfo({ connection, coalesced, because }: Member): ConnectionInfo {
  const { id, protocol, route } = connection
  const { remoteAddress, remotePort, localAddress, localPort, proxy } = route
  return { id, protocol, remoteAddress, remotePort, localAddress, localPort, proxy, coalesced, because }
}

/** Whether a connection takes a request now. One that is idle may have to make sure of its peer first. */
export function hasRoom({ connection, trial }: Member): boolean {
  return trial !== 'sent' && connection.capacity > 0 && (connection.active > 0 || connection.verify())
}
