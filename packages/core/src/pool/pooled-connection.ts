/**
 * One connection in the registry: the origin pools it serves, and which of them have requests
 * waiting for it.
 */

import type { ClockTimer } from '../runtime/clock.js'
import type { CloseReason, Connection } from '../transport/connection.js'
import { awaitsPeer } from './member.js'
import type { OriginPool } from './origin-pool.js'
import type { Permit } from './permits.js'
import type { PendingDial } from './reuse/pending-dial.js'

/** Times of one connection, in milliseconds. */
export interface ConnectionTimes {
  /** Since it was established. */
  readonly openMs: number
  /** Round-trip time of the last PING. */
  readonly roundTripMs: number | undefined
}

/** The pool's record of one connection. */
export class PooledConnection {
  readonly originPools: Set<OriginPool> = new Set()
  /**
   * Origin pools with queued requests, served in turn, so that a long queue does not starve a short
   * one.
   */
  readonly waiting: Set<OriginPool> = new Set()
  /**
   * Size of the Origin Set when the policy was last asked about all of `originPools`; -1 without
   * one.
   */
  origins = -1
  /** The origin pool that the connection was made for. */
  primary: OriginPool | undefined
  /** The dial that produced this connection, until the connection is published to other origins. */
  dial: PendingDial | undefined
  /** Runs until SETTINGS are received. */
  settingsTimer: ClockTimer | undefined
  /** Host groups under which the connection is found; `undefined` if it must not be shared. */
  hostGroups: readonly string[] | undefined
  /**
   * A connection whose Origin Set covers this one (RFC 8336 §2.4): this one closes once its
   * requests fit there.
   */
  coveredBy: Connection | undefined
  /** The inverse: connections that close once their requests fit on this one. */
  redundant: Set<Connection> | undefined
  /** Whether it takes no more requests. */
  drains = false
  /** Why the pool closes the connection. */
  reason: CloseReason | undefined
  /** When it was established, in milliseconds of the client's clock. */
  readonly since: number
  /** Round-trip time of the last PING, in milliseconds. */
  roundTripMs: number | undefined
  readonly #connection: Connection
  #hadCapacity = false
  #verifying = false

  /** Released when the connection is closed. */
  readonly permit: Permit

  constructor(connection: Connection, dial: PendingDial, permit: Permit, since: number) {
    this.#connection = connection
    this.since = since
    this.dial = dial
    this.permit = permit
  }

  /** Whether the connection has ever had capacity. */
  get hadCapacity(): boolean {
    return this.#hadCapacity
  }

  /** Marks the origin pool as having requests that wait for this connection. */
  queue(originPool: OriginPool): void {
    this.waiting.add(originPool)
    if (awaitsPeer(this.#connection)) this.#verifying = true
  }

  /** The origin pool whose turn it is. Requires at least one. */
  get firstWaiting(): OriginPool {
    const [originPool] = this.waiting as Iterable<OriginPool> as [OriginPool]
    return originPool
  }

  /** Moves the origin pool to the end of the line. Free if it is the only one. */
  takeTurn(originPool: OriginPool): void {
    if (this.waiting.size === 1) return
    this.waiting.delete(originPool)
    this.waiting.add(originPool)
  }

  /**
   * Whether the peer has answered, after requests were queued without a dial. True once.
   */
  verificationEnded(): boolean {
    if (!this.#verifying || awaitsPeer(this.#connection)) return false
    this.#verifying = false
    return true
  }

  /** Once the connection has capacity, reset the failure count of every origin it serves. */
  noteRoom(): void {
    if (this.#hadCapacity || this.#connection.capacity === 0) return
    this.#hadCapacity = true
    for (const originPool of this.originPools) originPool.dialsWithoutCapacity = 0
  }
}
