/** What a pool keeps for one target: the connections that may serve it, the requests that wait for one, the dials on their behalf. */

import type { Connection, Target } from '../connection.js'

/** A connection in its role for one target. One object serves every request that goes this way. */
export interface Member {
  readonly connection: Connection
  /** It was made for another origin. */
  readonly coalesced: boolean
  /** Why this connection, or for one of the target's own: why no other. */
  readonly because: string
  /** The target as the policy saw it, with its addresses, where there was a question to ask. */
  readonly target?: Target
}

/** A request that waits for a connection. */
export interface Waiter {
  /** A connection with room is there. The request must be sent before this returns. */
  onMember(member: Member): void
  /** No connection can be had. */
  onUnavailable(error: Error): void
}

/** One target's part of the pool. */
export class Group {
  readonly target: Target
  readonly members: Member[] = []
  /** First come, first served; leaving costs nothing. */
  readonly waiting: Set<Waiter> = new Set()
  /** Connections on their way. */
  dials = 0

  constructor(target: Target) {
    this.target = target
  }

  /** A connection that takes a request now. */
  pick(): Member | undefined {
    for (const member of this.members) if (member.connection.capacity > 0) return member
    return undefined
  }

  /** The member that `connection` is, if it is one. */
  memberOf(connection: Connection): Member | undefined {
    return this.members.find((member) => member.connection === connection)
  }

  /** Takes the connection out. */
  remove(connection: Connection): void {
    const at = this.members.findIndex((member) => member.connection === connection)
    if (at !== -1) this.members.splice(at, 1)
  }

  /** The request that has waited longest, taken out of the queue. */
  next(): Waiter | undefined {
    for (const waiter of this.waiting) {
      this.waiting.delete(waiter)
      return waiter
    }
    return undefined
  }

  /** Nothing is here and nothing is coming. */
  get empty(): boolean {
    return this.members.length === 0 && this.waiting.size === 0 && this.dials === 0
  }
}
