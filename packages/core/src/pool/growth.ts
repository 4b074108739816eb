/**
 * Decides how many connections an origin pool needs and when to dial another, and fails its
 * requests if no connection can be had.
 */

import type { Connector } from '../connect/connector.js'
import { ConnectionError } from '../errors/errors.js'
import { link, unlink } from '../runtime/abort.js'
import type { Clock } from '../runtime/clock.js'
import { backoffError, backoffMs, endBackoff, noteFailedDial } from './backoff.js'
import type { ConnectionRegistry } from './connection-registry.js'
import type { Dialer } from './dialer.js'
import type { Member } from './member.js'
import type { OriginPool } from './origin-pool.js'
import type { PoolEvents } from './pool-events.js'
import { Pursuit } from './pursuit.js'

/** Pause after a failed dial while the origin has another connection, in milliseconds. */
const FAILURE_PAUSE_MS = 1_000

/** Minimum time between dials that only maintain `minConnections`, in milliseconds. */
const TOP_UP_PAUSE_MS = 1_000

/**
 * After this many consecutive connections that closed before they could take a request, fail the
 * queued requests.
 */
const MAX_DIALS_WITHOUT_CAPACITY = 2

/**
 * How long an origin may be starved of streams on shared connections before it dials its own, in
 * milliseconds.
 */
const STARVED_MS = 1_000

/**
 * Maximum number of connections per origin, including those held by unread responses. These do not
 * count against `maxConnectionsPerOrigin`: a program that reads its responses only after all have
 * arrived would deadlock.
 */
const MAX_UNREAD = 256

/** Interval at which unread responses are looked for while requests wait, in milliseconds. */
const UNREAD_PAUSE_MS = 50

/** Collaborators of growth. */
export interface GrowthDeps {
  readonly connector: Connector
  readonly dialer: Dialer
  readonly registry: ConnectionRegistry
  readonly clock: Clock
  /** Ends every dial. */
  readonly stop: AbortSignal
  readonly events: Pick<PoolEvents, 'onEmpty'>
}

/** Starts dials for origin pools. */
export class Growth {
  readonly #deps: GrowthDeps

  constructor(deps: GrowthDeps) {
    this.#deps = deps
  }

  /**
   * Dials as often as the queue and the limits require: once until the origin's protocol is known.
   */
  grow(originPool: OriginPool): void {
    if (originPool.target.once === true && originPool.target.record.connections > 0) {
      // Its only connection may be open but busy or unverified: then requests wait for it.
      if (originPool.members.length + originPool.dials === 0)
        this.#fail(originPool, lost(originPool, 'the connection was closed'))
      return
    }
    const limit = this.#limit(originPool)
    const total = originPool.members.length + originPool.dials
    if (originPool.dialsWithoutCapacity >= MAX_DIALS_WITHOUT_CAPACITY && total > 0) return
    const missing = Math.min(originPool.target.settings.minConnections, limit) - total
    const waiting = originPool.queue.size - originPool.dials - originPool.verifying
    // Shared connections do not count: requests of other origins may fill them.
    const free = limit - originPool.own - originPool.dials
    let count = Math.min(Math.max(waiting, missing), free)
    if (free <= 0 && waiting > 0) count = this.#growPastUnread(originPool, limit, waiting)
    if (count <= 0 || !this.#mayTopUp(originPool, total)) return
    const pauseMs = originPool.members.length > 0 ? originPool.failedAt + FAILURE_PAUSE_MS - this.#deps.clock.now() : 0
    if (pauseMs > 0) return this.#growLater(originPool, pauseMs)
    const waitMs = this.#untilStarvedMs(originPool)
    if (waitMs > 0) {
      count = missing
      this.#growLater(originPool, waitMs)
    }
    if (this.#backsOff(originPool, total)) return
    for (; count > 0; count--) this.#dial(originPool)
  }

  /** After failed dials and without a connection: waits, or fails the queue. */
  #backsOff(originPool: OriginPool, total: number): boolean {
    const { target } = originPool
    const leftMs = total === 0 ? backoffMs(target, this.#deps.clock) : 0
    if (leftMs === 0) return false
    const { reconnectBackoff } = target.settings
    if (reconnectBackoff !== false && reconnectBackoff.wait) this.#growLater(originPool, leftMs)
    else this.#fail(originPool, backoffError(target, leftMs))
    return true
  }

  /** After a change: dials if requests still wait, else forgets the origin pool if it is empty. */
  settle(originPool: OriginPool): void {
    if (originPool.queue.size > 0 || originPool.opening) this.grow(originPool)
    else this.#deps.events.onEmpty(originPool)
  }

  /**
   * Counts a connection that closed before it had capacity. A server that never takes requests
   * would otherwise be dialed forever.
   */
  noteDialWithoutCapacity(originPool: OriginPool): void {
    originPool.failedAt = this.#deps.clock.now()
    if (++originPool.dialsWithoutCapacity < MAX_DIALS_WITHOUT_CAPACITY || originPool.members.length + originPool.dials > 0)
      return this.settle(originPool)
    this.#fail(originPool, lost(originPool, 'the connection was closed before it took a request'))
  }

  /** How many connections of its own the origin may have, if its protocol is known; else 1. */
  #limit({ target, members }: OriginPool): number {
    const known = members[0]?.connection.protocol ?? this.#deps.connector.knownProtocol(target)
    return known === 'h2' || known === 'http/1.1' ? target.settings.maxConnections[known] : 1
  }

  /** At the limit: how many more to dial because unread responses hold some of the connections. */
  #growPastUnread(originPool: OriginPool, limit: number, waiting: number): number {
    // One pending check per origin pool is enough: each check visits every stream.
    if (originPool.later !== undefined || originPool.members[0]?.connection.unread === undefined) return 0
    // A user-supplied socket is the only connection, whatever it carries.
    if (originPool.target.alone === true) return 0
    const { own, dials, unread } = originPool
    const count = Math.min(waiting, limit - (own - unread) - dials)
    if (count <= 0) {
      // No event is raised when a response starts, to keep that path cheap: poll instead.
      if (dials === 0) this.#growLater(originPool, UNREAD_PAUSE_MS)
      return 0
    }
    const free = Math.max(MAX_UNREAD, limit) - own - dials
    if (free <= 0 && dials === 0) this.#fail(originPool, allUnread(originPool))
    return Math.min(count, free)
  }

  /**
   * Whether to dial for `minConnections` now. Without queued requests this is rate-limited: a
   * server that closes unused connections would be dialed forever.
   */
  #mayTopUp(originPool: OriginPool, total: number): boolean {
    if (originPool.queue.size > 0 || originPool.opening) return true
    const now = this.#deps.clock.now()
    if (total === 0 || originPool.lastTopUpAt + TOP_UP_PAUSE_MS > now) return false
    originPool.lastTopUpAt = now
    return true
  }

  /** How long queued requests still wait for a stream on a shared connection, in milliseconds. */
  #untilStarvedMs(originPool: OriginPool): number {
    if (originPool.members.length === originPool.own || originPool.queue.size === 0) return 0
    const now = this.#deps.clock.now()
    originPool.starvedSince ??= now
    return originPool.starvedSince + STARVED_MS - now
  }

  /** Checks again after `pauseMs`, and dials only if requests still wait by then. */
  #growLater(originPool: OriginPool, pauseMs: number): void {
    if (originPool.queue.size === 0 && !originPool.opening) return
    originPool.later ??= this.#deps.clock.startTimer(pauseMs, () => {
      originPool.later = undefined
      if (originPool.queue.size > 0 || originPool.opening) this.grow(originPool)
    })
    originPool.later.unref()
  }

  #dial(originPool: OriginPool): void {
    const { clock, stop, dialer } = this.#deps
    const isWanted = (): boolean => originPool.queue.size > 0 || originPool.opening
    const pursuit = new Pursuit(clock, originPool.target.timeouts.connect, isWanted, () => originPool.takenAddresses())
    link(stop, pursuit)
    // Each pending dial has a request in the queue, in their order: the next one has caused this dial.
    const inContext = originPool.queue.at(originPool.dials)?.inContext
    endOverdue(originPool)
    originPool.pursuits = [...originPool.pursuits, pursuit]
    const obtain = (): Promise<Member> =>
      dialer.obtain(originPool.target, pursuit, (connection) => originPool.memberOf(connection) !== undefined)
    originPool.dialing = (inContext === undefined ? obtain() : inContext(obtain))
      .then(
        (member) => {
          this.#end(originPool, pursuit)
          this.#obtained(originPool, member)
        },
        (error: Error) => {
          this.#end(originPool, pursuit)
          // Aborted because no request waited for it. Requests that were queued since then need a
          // new dial.
          if (pursuit.signal.aborted && !stop.aborted) this.settle(originPool)
          else this.#unavailable(originPool, error)
        },
      )
      .finally(() => originPool.dialOver())
  }

  #end(originPool: OriginPool, pursuit: Pursuit): void {
    unlink(this.#deps.stop, pursuit)
    pursuit.end()
    originPool.pursuits = originPool.pursuits.filter((each) => each !== pursuit)
  }

  /**
   * After requests left: ends dials that no request waits for, with the reason of the last request.
   */
  review(originPool: OriginPool, reason: unknown): void {
    // Dials for `minConnections` are wanted without requests, and have their own time limit.
    if (originPool.target.settings.minConnections > 1) return
    for (const pursuit of originPool.pursuits) pursuit.review(reason)
  }

  #obtained(originPool: OriginPool, member: Member): void {
    const pooled = this.#deps.registry.of(member.connection)
    // A 421 arrived during the wait: the next connection must be made for this origin.
    if (member.coalesced && originPool.target.record.misdirected === true) return this.settle(originPool)
    if (pooled === undefined || member.connection.state !== 'open') {
      // The connection closed before the promise settled. A server that always does this must not
      // be dialed forever.
      if (member.coalesced) return this.settle(originPool)
      return this.#unavailable(originPool, lost(originPool, 'the connection was closed as soon as it was open'))
    }
    endBackoff(originPool.target)
    for (const { onMember } of originPool.takeOpening()) onMember(member)
    if (originPool.memberOf(member.connection) === undefined) this.#deps.registry.attach(originPool, member, pooled)
    // The limit may have been lowered during the dial.
    if (originPool.members.length > 1) for (const surplus of originPool.surplus()) void surplus.close()
    this.grow(originPool)
  }

  /**
   * After a failed dial: fails the queued requests, unless a connection or another dial is left.
   */
  #unavailable(originPool: OriginPool, error: Error): void {
    originPool.failedAt = this.#deps.clock.now()
    originPool.target.record.misdirected = false
    if (originPool.dials === 0 && originPool.members.length === 0) {
      noteFailedDial(originPool.target, error, this.#deps.clock)
      return this.#fail(originPool, error)
    }
    // Without an immediate dial: a server that accepts only one connection would be dialed forever.
    if (originPool.members.length > 0) this.settle(originPool)
  }

  #fail(originPool: OriginPool, error: Error): void {
    for (const { onUnavailable } of originPool.takeOpening()) onUnavailable(error)
    for (let queued = originPool.queue.next(); queued !== undefined; queued = originPool.queue.next()) queued.onUnavailable(error)
    originPool.dialsWithoutCapacity = 0
    this.#deps.events.onEmpty(originPool)
  }
}

/** Keeps one overdue dial, for requests with a longer connect timeout: a server that never answers would get ever more. */
function endOverdue({ pursuits }: OriginPool): void {
  const overdue = pursuits.filter((pursuit) => pursuit.overdue)
  for (const pursuit of overdue.slice(0, -1)) pursuit.abort(new Error('a later dial takes its place'))
}

function allUnread({ target, unread }: OriginPool): ConnectionError {
  const origin = target.origin.serialized
  const message = `${unread} connections are held by unread responses: read or discard the body of each response`
  return new ConnectionError('ERR_UNREAD_RESPONSES', message, { origin, initiator: 'local', processed: 'no' })
}

function lost({ target }: OriginPool, what: string): ConnectionError {
  const origin = target.origin.serialized
  return new ConnectionError('ERR_CONNECTION_LOST', what, { origin, initiator: 'peer', processed: 'no' })
}
