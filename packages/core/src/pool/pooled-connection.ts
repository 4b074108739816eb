/** What one connection does for its pool: which groups it serves, and which of them have requests waiting for room on it. */

import type { ClockTimer } from '../runtime/clock.js'
import type { Connection } from '../transport/connection.js'
import type { OriginPool } from './origin-pool.js'
import type { PendingDial } from './reuse/pending-dial.js'

/** The service of one connection. */
export class PooledConnection {
  readonly originPools: Set<OriginPool> = new Set()
  /** In turns, so that one origin's queue does not starve another's single request. */
  readonly waiting: Set<OriginPool> = new Set()
  /** Size of the connection's Origin Set when the policy was last asked about all of `groups`; -1 without one. */
  origins = -1
  /** The one it was made for. */
  primary: OriginPool | undefined
  /** What it came of, until others may find it. */
  dial: PendingDial | undefined
  /** Runs until SETTINGS have come. */
  settingsTimer: ClockTimer | undefined
  /** Groups of the caller's by which it is found; `undefined` where nobody else is to find it at all. */
  hostGroups: readonly string[] | undefined
  /** A connection that answers for all that this one does (RFC 8336 §2.4): when there is room for its requests there, it goes. */
  coveredBy: Connection | undefined
  /** The other way round: connections that go when there is room on this one. */
  redundant: Set<Connection> | undefined
  readonly #connection: Connection
  #hadCapacity = false
  #verifying = false

  constructor(connection: Connection, dial: PendingDial) {
    this.#connection = connection
    this.dial = dial
  }

  /** It has had room for a request. */
  get roomy(): boolean {
    return this.#hadCapacity
  }

  /** A request of the group waits for it. */
  queue(originPool: OriginPool): void {
    this.waiting.add(originPool)
    if (this.#connection.verifying) this.#verifying = true
  }

  /** The group whose turn it is. There is one. */
  get firstWaiting(): OriginPool {
    const [originPool] = this.waiting as Iterable<OriginPool> as [OriginPool]
    return originPool
  }

  /** The group has its turn, and stands behind the others from now on. Alone it stays where it is: that costs nothing. */
  takeTurn(originPool: OriginPool): void {
    if (this.waiting.size === 1) return
    this.waiting.delete(originPool)
    this.waiting.add(originPool)
  }

  /** Whether requests came while it was making sure of its peer, for which nothing was dialed, and that is over. True once. */
  verificationEnded(): boolean {
    if (!this.#verifying || this.#connection.verifying) return false
    this.#verifying = false
    return true
  }

  /** Where there is room now, none of its groups has tried in vain. */
  noteRoom(): void {
    if (this.#hadCapacity || this.#connection.capacity === 0) return
    this.#hadCapacity = true
    for (const originPool of this.originPools) originPool.dialsWithoutCapacity = 0
  }
}
