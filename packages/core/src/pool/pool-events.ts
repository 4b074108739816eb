/** Events inside a pool. `Pool` implements them all; each part is given the ones that it raises. */

import type { CloseReason, Connection } from '../transport/connection.js'
import type { PoolTarget } from '../transport/target.js'
import type { OriginPool } from './origin-pool.js'
import type { Permit } from './permits.js'
import type { PendingDial } from './reuse/pending-dial.js'

/** Events that the parts of a pool raise. */
export interface PoolEvents {
  /** A TCP connection is being dialed. Raised by the dialer. */
  onDial(): void
  /** A dial has failed. Raised by the dialer. */
  onDialFailed(error: unknown): void
  /** A connection is established, whether it will be kept or not. Raised by the dialer. */
  onEstablished(connection: Connection): void
  /**
   * A connection must be registered before any other event. `dial` ends once other origins may find
   * the connection; `permit` is to be released when it is closed. Raised by the dialer.
   */
  onConnected(connection: Connection, target: PoolTarget, dial: PendingDial, permit: Permit): void
  /** An origin pool lost a connection, or may no longer use one. Raised by the registry. */
  onMemberLost(originPool: OriginPool): void
  /** A connection closed before it could take a request. Raised by the registry. */
  onDialWithoutCapacity(originPool: OriginPool): void
  /** An origin pool may have too few connections. Raised by the registry. */
  onGrowthNeeded(originPool: OriginPool): void
  /** An origin pool may have become empty. Raised by growth. */
  onEmpty(originPool: OriginPool): void
  /** A connection became idle, or can be found by other origins now. Raised by lifetimes and the registry. */
  onOffer(connection: Connection): void
  /** A connection is about to be closed. Raised by lifetimes. */
  onClosing(connection: Connection, reason: CloseReason): void
  /** A connection reached its maximum age. Raised by lifetimes. */
  onAged(connection: Connection): void
}
