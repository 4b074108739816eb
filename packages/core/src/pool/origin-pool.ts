/**
 * The state of a pool for one target: its connections, queued requests and pending dials.
 */

import type { ClockTimer } from '../runtime/clock.js'
import type { Connection } from '../transport/connection.js'
import type { PoolTarget } from '../transport/target.js'
import type { Member } from './member.js'
import { awaitsPeer, hasRoom } from './member.js'
import type { Pursuit } from './pursuit.js'
import type { QueuedRequest } from './request-queue.js'
import { RequestQueue } from './request-queue.js'
import { choose } from './strategy.js'

const NONE: readonly never[] = []

const OVER = Promise.resolve()

/** The connections, queue and dials of one target. Kept small: there may be ten thousand. */
export class OriginPool {
  /** The most recently requested target: settings may change while the pool runs. */
  target: PoolTarget
  members: readonly Member[] = NONE
  readonly queue: RequestQueue = new RequestQueue()
  /**
   * The pool that contains it; `undefined` once forgotten, and then a cached reference is stale.
   */
  owner: object | undefined
  /** Pending attempts to get a connection. */
  pursuits: readonly Pursuit[] = NONE
  /** Resolves when the last of them is over. */
  dialing: Promise<void> = OVER
  /** When a dial last failed although a connection was open; the next dial waits for a while. */
  failedAt: number = Number.NEGATIVE_INFINITY
  /** When a connection was last dialed only to maintain `minConnections`. */
  lastTopUpAt: number = Number.NEGATIVE_INFINITY
  /** Consecutive connections that closed before they had capacity. */
  dialsWithoutCapacity = 0
  /** Runs until the next check for growth. */
  later: ClockTimer | undefined
  /** Since when its requests have been starved of streams on shared connections. */
  starvedSince: number | undefined
  /** The earliest expiry among its members: the policy is asked again then. */
  expiresAt: number = Number.POSITIVE_INFINITY
  #turn = 0
  /** Openings that accept any connection, with capacity or without. Empty while a member exists. */
  #opening: readonly QueuedRequest[] = NONE

  constructor(target: PoolTarget, owner?: object) {
    this.target = target
    this.owner = owner
  }

  /**
   * Picks a connection that takes a request now.
   * @throws UsageError from a user-supplied strategy.
   */
  pick(queued: QueuedRequest): Member | undefined {
    const { members } = this
    if (members.length > 1) return this.#choose(queued)
    const member = members[0]
    return member !== undefined && hasRoom(member) ? member : undefined
  }

  /** Adds a connection that may serve this target. */
  add(member: Member): void {
    this.members = [...this.members, member]
    this.expiresAt = Math.min(this.expiresAt, member.expiresAt ?? Number.POSITIVE_INFINITY)
  }

  /** Number of pending dials, except those that are aborted or overdue. */
  get dials(): number {
    let count = 0
    for (const { signal, overdue } of this.pursuits) if (!signal.aborted && !overdue) count++
    return count
  }

  /** Number of connections made for this target. */
  get own(): number {
    let count = 0
    for (const { coalesced } of this.members) if (!coalesced) count++
    return count
  }

  /** Number of connections made for this target that are held by an unread response. */
  get unread(): number {
    let count = 0
    for (const { connection, coalesced } of this.members) if (!coalesced && connection.unread === true) count++
    return count
  }

  /** Number of requests that connections take once their peers have answered. */
  get verifying(): number {
    let count = 0
    for (const { connection } of this.members) {
      if (awaitsPeer(connection)) count += connection.protocol === 'h2' ? Number.POSITIVE_INFINITY : 1
    }
    return count
  }

  /**
   * Remote addresses already connected to, if `round-robin` spreads over addresses; else
   * `undefined`.
   */
  takenAddresses(): ReadonlySet<string> | undefined {
    if (this.target.settings.strategy !== 'round-robin') return undefined
    const taken = new Set<string>()
    for (const { connection, coalesced } of this.members) {
      if (!coalesced && connection.route.remoteAddress !== undefined) taken.add(connection.route.remoteAddress)
    }
    for (const { first } of this.pursuits) if (first !== undefined) taken.add(first)
    return taken
  }

  /** Connections made for this target beyond its limit, those with the fewest requests first. */
  surplus(): Connection[] {
    const own = this.members
      .filter(({ coalesced, connection }) => !coalesced && connection.unread !== true)
      .map(({ connection }) => connection)
    const limit = own[0] === undefined ? 0 : this.target.settings.maxConnections[own[0].protocol]
    return own.toSorted((a, b) => a.active - b.active).slice(0, Math.max(0, own.length - limit))
  }

  /**
   * A connection that is still being verified is not skipped: the strategy chose it, and
   * verification is quick.
   */
  #choose(queued: QueuedRequest): Member | undefined {
    const connections: Connection[] = []
    for (const { connection, trial } of this.members) {
      if (trial !== 'sent' && !connection.verifying && connection.capacity > 0) connections.push(connection)
    }
    const { strategy = this.target.settings.strategy, affinity } = queued
    while (connections.length > 0) {
      const chosen = connections.length === 1 ? connections[0]! : choose(strategy, connections, this.#turn++, affinity)
      // A user-supplied strategy may have closed it.
      const member = this.memberOf(chosen)
      if (member !== undefined && hasRoom(member)) return member
      // It is being verified now, for a turn or a round trip.
      if (chosen.state === 'open') return undefined
      // It has ended because it cannot be verified: others may have room.
      connections.splice(connections.indexOf(chosen), 1)
    }
    return undefined
  }

  /** The member of this connection, if any. */
  memberOf(connection: Connection): Member | undefined {
    for (const member of this.members) if (member.connection === connection) return member
    return undefined
  }

  /** Removes a connection. */
  remove(connection: Connection): void {
    if (this.memberOf(connection) === undefined) return
    this.members = this.members.filter((member) => member.connection !== connection)
    this.expiresAt = Math.min(...this.members.map(({ expiresAt }) => expiresAt ?? Number.POSITIVE_INFINITY))
  }

  /** Adds an opening: it accepts any connection, with capacity or without. */
  open(queued: QueuedRequest): void {
    this.#opening = [...this.#opening, queued]
  }

  /** Whether any opening is pending. */
  get opening(): boolean {
    return this.#opening.length > 0
  }

  /** Removes an opening that was cancelled or timed out. */
  leaveOpening(queued: QueuedRequest): void {
    this.#opening = this.#opening.filter((each) => each !== queued)
  }

  /** Removes and returns all openings, to be settled now. */
  takeOpening(): readonly QueuedRequest[] {
    const opening = this.#opening
    this.#opening = NONE
    return opening
  }

  /** Releases the promise of the last dial. */
  dialOver(): void {
    if (this.dials === 0) this.dialing = OVER
  }

  /** Whether there are no connections, queued requests and dials. */
  get empty(): boolean {
    return this.members.length === 0 && this.queue.size === 0 && this.dials === 0
  }
}
