/** What a pool keeps for one target: the connections that may serve it, the requests that wait for one, the dials on their behalf. */

import type { ClockTimer } from '../runtime/clock.js'
import type { Connection } from '../transport/connection.js'
import type { PoolTarget } from '../transport/target.js'
import type { Member } from './member.js'
import { hasRoom } from './member.js'
import type { Pursuit } from './pursuit.js'
import type { QueuedRequest } from './request-queue.js'
import { RequestQueue } from './request-queue.js'
import { choose } from './strategy.js'

const NOBODY: readonly never[] = []

const OVER = Promise.resolve()

/** One target's part of the pool: small, because there may be ten thousand. */
export class OriginPool {
  /** The one that was asked for last: settings may change while the pool runs. */
  target: PoolTarget
  members: readonly Member[] = NOBODY
  readonly queue: RequestQueue = new RequestQueue()
  /** The pool it is kept in; `undefined` when it is kept no more, and whoever still knows it has to look for another. */
  owner: object | undefined
  /** What is done to get connections. */
  pursuits: readonly Pursuit[] = NOBODY
  /** When the last of them is over. */
  dialing: Promise<void> = OVER
  /** When a dial failed last, though there is a connection: no other is tried at once. */
  failedAt: number = Number.NEGATIVE_INFINITY
  /** When connections were dialed last for which nobody waited. */
  lastTopUpAt: number = Number.NEGATIVE_INFINITY
  /** Connections that ended before they had room for a request, one after the other. */
  dialsWithoutCapacity = 0
  /** When that time is over. */
  later: ClockTimer | undefined
  /** Since when its requests have waited in vain for a place on connections of others. */
  starvedSince: number | undefined
  /** When the first of its members is to be asked about again. */
  expiresAt: number = Number.POSITIVE_INFINITY
  #turn = 0
  /** Those who want a connection, with room or without. None is here while there is one. */
  #opening: readonly QueuedRequest[] = NOBODY

  constructor(target: PoolTarget, owner?: object) {
    this.target = target
    this.owner = owner
  }

  /** A connection that takes a request now. @throws UsageError from a strategy of the caller's own. */
  pick(queued: QueuedRequest): Member | undefined {
    const { members } = this
    if (members.length > 1) return this.#choose(queued)
    const member = members[0]
    return member !== undefined && hasRoom(member) ? member : undefined
  }

  /** Another connection that may serve it. */
  add(member: Member): void {
    this.members = [...this.members, member]
    this.expiresAt = Math.min(this.expiresAt, member.expiresAt ?? Number.POSITIVE_INFINITY)
  }

  /** Connections on their way, but for those that nothing waits for any more, or that take too long. */
  get dials(): number {
    let count = 0
    for (const { signal, overdue } of this.pursuits) if (!signal.aborted && !overdue) count++
    return count
  }

  /** Connections that were made for it. */
  get own(): number {
    let count = 0
    for (const { coalesced } of this.members) if (!coalesced) count++
    return count
  }

  /** Connections made for it whose place is taken by a response that no reader has come for. */
  get unread(): number {
    let count = 0
    for (const { connection, coalesced } of this.members) if (!coalesced && connection.unread === true) count++
    return count
  }

  /** Requests that connections take which are just making sure of their peer. */
  get verifying(): number {
    let count = 0
    for (const { connection } of this.members) {
      if (connection.verifying) count += connection.protocol === 'h2' ? Number.POSITIVE_INFINITY : 1
    }
    return count
  }

  /** With `round-robin`, where its connections lead to, so that the next one leads elsewhere; `undefined` where that does not matter. */
  takenAddresses(): ReadonlySet<string> | undefined {
    if (this.target.settings.strategy !== 'round-robin') return undefined
    const taken = new Set<string>()
    for (const { connection, coalesced } of this.members) {
      if (!coalesced && connection.route.remoteAddress !== undefined) taken.add(connection.route.remoteAddress)
    }
    for (const { first } of this.pursuits) if (first !== undefined) taken.add(first)
    return taken
  }

  /** Connections made for it beyond the limit, those with the fewest requests first. */
  surplus(): Connection[] {
    const own = this.members
      .filter(({ coalesced, connection }) => !coalesced && connection.unread !== true)
      .map(({ connection }) => connection)
    const limit = own[0] === undefined ? 0 : this.target.settings.maxConnections[own[0].protocol]
    return own.toSorted((a, b) => a.active - b.active).slice(0, Math.max(0, own.length - limit))
  }

  /** One that has to make sure of its peer is not passed over: it was chosen, and it will not be long. */
  #choose(queued: QueuedRequest): Member | undefined {
    const connections: Connection[] = []
    for (const { connection, trial } of this.members) {
      if (trial !== 'sent' && !connection.verifying && connection.capacity > 0) connections.push(connection)
    }
    const [only] = connections
    if (only === undefined) return undefined
    const chosen =
      connections.length === 1 ? only : choose(this.target.settings.strategy, connections, this.#turn++, queued.affinity)
    // A strategy of the caller's own may have closed it.
    const member = this.memberOf(chosen)
    return member !== undefined && hasRoom(member) ? member : undefined
  }

  /** The member that `connection` is, if it is one. */
  memberOf(connection: Connection): Member | undefined {
    for (const member of this.members) if (member.connection === connection) return member
    return undefined
  }

  /** Takes the connection out. */
  remove(connection: Connection): void {
    if (this.memberOf(connection) === undefined) return
    this.members = this.members.filter((member) => member.connection !== connection)
    this.expiresAt = Math.min(...this.members.map(({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY))
  }

  /** Somebody wants a connection, with room or without. */
  open(queued: QueuedRequest): void {
    this.#opening = [...this.#opening, queued]
  }

  /** Whether somebody does. */
  get opening(): boolean {
    return this.#opening.length > 0
  }

  /** One of them waits no more. */
  leaveOpening(queued: QueuedRequest): void {
    this.#opening = this.#opening.filter((each) => each !== queued)
  }

  /** All of those, who are told now. */
  takeOpening(): readonly QueuedRequest[] {
    const opening = this.#opening
    this.#opening = NOBODY
    return opening
  }

  /** When the last dial is over nothing of it is kept. */
  dialOver(): void {
    if (this.dials === 0) this.dialing = OVER
  }

  /** Nothing is here and nothing is coming. */
  get empty(): boolean {
    return this.members.length === 0 && this.queue.size === 0 && this.dials === 0
  }
}
