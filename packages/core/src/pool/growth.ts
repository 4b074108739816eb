/**
 * The groups' side of a pool: how many connections a group needs, when it is given another, and what becomes of its requests when there
 * is none to be had.
 */

import type { Connector } from '../connect/connector.js'
import { ConnectionError } from '../errors/errors.js'
import { link, unlink } from '../runtime/abort.js'
import type { Clock } from '../runtime/clock.js'
import type { ConnectionRegistry } from './connection-registry.js'
import type { Dialer } from './dialer.js'
import type { Member } from './member.js'
import type { OriginPool } from './origin-pool.js'
import type { PoolEvents } from './pool-events.js'
import { Pursuit } from './pursuit.js'

/** Where an origin has a connection and gets no further one, that is not tried again for so long, milliseconds. */
const FAILURE_PAUSE_MS = 1_000

/** Connections that nobody waits for are not made more often, milliseconds. */
const TOP_UP_PAUSE_MS = 1_000

/** So many connections one after the other that ended before there was room for a request: then those who wait hear of it. */
const MAX_DIALS_WITHOUT_CAPACITY = 2

/** An origin whose requests get no place on connections of others for so long, milliseconds, gets one of its own. */
const STARVED_MS = 1_000

/**
 * Connections of one origin when those are counted too whose response no reader has come for. They do not count against
 * `maxConnectionsPerOrigin`: a program that reads its responses only when it has all of them would wait for itself.
 */
const MAX_UNREAD = 256

/** How often it is looked for such responses while requests wait, in milliseconds. */
const UNREAD_PAUSE_MS = 50

/** Collaborators of growth. */
export interface GrowthDeps {
  readonly connector: Connector
  readonly dialer: Dialer
  readonly registry: ConnectionRegistry
  readonly clock: Clock
  /** How long a connection may take that nothing waits for, milliseconds; 0 is forever. */
  readonly connectTimeoutMs: number
  /** Ends every dial. */
  readonly stop: AbortSignal
  readonly events: Pick<PoolEvents, 'onEmpty'>
}

/** Makes groups grow. */
export class Growth {
  readonly #deps: GrowthDeps

  constructor(deps: GrowthDeps) {
    this.#deps = deps
  }

  /** Starts as many dials as the queue and the limits ask for: one until it is known what the origin speaks. */
  grow(originPool: OriginPool): void {
    if (originPool.target.once === true && originPool.target.record.connections > 0) {
      // Its one connection may be here, and busy or in doubt: then there is something to wait for.
      if (originPool.members.length + originPool.dials === 0)
        this.#fail(originPool, lost(originPool, 'the connection was closed'))
      return
    }
    const limit = this.#limit(originPool)
    const there = originPool.members.length + originPool.dials
    if (originPool.dialsWithoutCapacity >= MAX_DIALS_WITHOUT_CAPACITY && there > 0) return
    const least = Math.min(originPool.target.settings.minConnections, limit) - there
    const waiting = originPool.queue.size - originPool.dials - originPool.verifying
    // Connections of others do not count: they may be full of what others do.
    const free = limit - originPool.own - originPool.dials
    let more = Math.min(Math.max(waiting, least), free)
    if (free <= 0 && waiting > 0) more = this.#growPastUnread(originPool, limit, waiting)
    if (more <= 0 || !this.#mayTopUp(originPool, there)) return
    const pauseMs = originPool.members.length > 0 ? originPool.failedAt + FAILURE_PAUSE_MS - this.#deps.clock.now() : 0
    if (pauseMs > 0) return this.#growLater(originPool, pauseMs)
    const patienceMs = this.#patienceMs(originPool)
    if (patienceMs > 0) {
      more = least
      this.#growLater(originPool, patienceMs)
    }
    for (; more > 0; more--) this.#dial(originPool)
  }

  /** After a change: more dials where requests still wait, or the group is forgotten. */
  settle(originPool: OriginPool): void {
    if (originPool.queue.size > 0 || originPool.opening) this.grow(originPool)
    else this.#deps.events.onEmpty(originPool)
  }

  /** A connection has ended before it had room. Without an end to that, a server that takes no requests would be dialed forever. */
  noteDialWithoutCapacity(originPool: OriginPool): void {
    originPool.failedAt = this.#deps.clock.now()
    if (++originPool.dialsWithoutCapacity < MAX_DIALS_WITHOUT_CAPACITY || originPool.members.length + originPool.dials > 0)
      return this.settle(originPool)
    this.#fail(originPool, lost(originPool, 'the connection was closed before it took a request'))
  }

  /** Connections of its own that it may have, as far as its protocol is known. */
  #limit({ target, members }: OriginPool): number {
    const known = members[0]?.connection.protocol ?? this.#deps.connector.knownProtocol(target)
    return known === 'h2' || known === 'http/1.1' ? target.settings.maxConnections[known] : 1
  }

  /** All connections that the origin may have are there. How many more are dialed because responses hold some that no reader has come for. */
  #growPastUnread(originPool: OriginPool, limit: number, waiting: number): number {
    // One that looks in a moment is enough: whether there are any takes a look at every stream.
    if (originPool.later !== undefined || originPool.members[0]?.connection.unread === undefined) return 0
    // A connection of the caller's own is the only one, whatever it carries.
    if (originPool.target.alone === true) return 0
    const { own, dials, unread } = originPool
    const more = Math.min(waiting, limit - (own - unread) - dials)
    if (more <= 0) {
      // Responses that begin tell nobody: that would cost each of them. Requests that wait here look themselves.
      if (dials === 0) this.#growLater(originPool, UNREAD_PAUSE_MS)
      return 0
    }
    const free = Math.max(MAX_UNREAD, limit) - own - dials
    if (free <= 0 && dials === 0) this.#fail(originPool, allUnread(originPool))
    return Math.min(more, free)
  }

  /**
   * Whether the least number is to be made up for now. Where nobody waits, once in a while: a server that closes what carries nothing would
   * be dialed without end.
   */
  #mayTopUp(originPool: OriginPool, there: number): boolean {
    if (originPool.queue.size > 0 || originPool.opening) return true
    const now = this.#deps.clock.now()
    if (there === 0 || originPool.lastTopUpAt + TOP_UP_PAUSE_MS > now) return false
    originPool.lastTopUpAt = now
    return true
  }

  /** How long its requests still wait for a place on the connections of others that it has. */
  #patienceMs(originPool: OriginPool): number {
    if (originPool.members.length === originPool.own || originPool.queue.size === 0) return 0
    const now = this.#deps.clock.now()
    originPool.starvedSince ??= now
    return originPool.starvedSince + STARVED_MS - now
  }

  /** What the others have may never be free. Nothing is dialed for those who have gone by then. */
  #growLater(originPool: OriginPool, pauseMs: number): void {
    if (originPool.queue.size === 0) return
    originPool.later ??= this.#deps.clock.startTimer(pauseMs, () => {
      originPool.later = undefined
      if (originPool.queue.size > 0) this.grow(originPool)
    })
    originPool.later.unref()
  }

  #dial(originPool: OriginPool): void {
    const { clock, connectTimeoutMs, stop, dialer } = this.#deps
    const isWanted = (): boolean => originPool.queue.size > 0 || originPool.opening
    const pursuit = new Pursuit(clock, connectTimeoutMs, isWanted, () => originPool.takenAddresses())
    link(stop, pursuit)
    originPool.pursuits = [...originPool.pursuits, pursuit]
    originPool.dialing = dialer
      .obtain(originPool.target, pursuit, (connection) => originPool.memberOf(connection) !== undefined)
      .then(
        (member) => {
          this.#end(originPool, pursuit)
          this.#obtained(originPool, member)
        },
        (error: Error) => {
          this.#end(originPool, pursuit)
          // Ended because nothing waited for it: what waits since then is given another.
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

  /** Requests of a group have left: dials that nothing waits for are ended, with the reason of the last of them. */
  review(originPool: OriginPool, reason: unknown): void {
    // Connections that are wanted in any case have a time of their own.
    if (originPool.target.settings.minConnections > 1) return
    for (const pursuit of originPool.pursuits) pursuit.review(reason)
  }

  #obtained(originPool: OriginPool, member: Member): void {
    const pooled = this.#deps.registry.of(member.connection)
    // A 421 came while this one was looked for: the next one is the group's own.
    if (member.coalesced && originPool.target.record.misdirected === true) return this.settle(originPool)
    if (pooled === undefined || member.connection.state !== 'open') {
      // It closed while the promise was on its way. A server that does this every time must not be dialed without end.
      if (member.coalesced) return this.settle(originPool)
      return this.#unavailable(originPool, lost(originPool, 'the connection was closed as soon as it was open'))
    }
    for (const { onMember } of originPool.takeOpening()) onMember(member)
    if (originPool.memberOf(member.connection) === undefined) this.#deps.registry.attach(originPool, member, pooled)
    // The limit may have been lowered since it was dialed.
    if (originPool.members.length > 1) for (const surplus of originPool.surplus()) void surplus.close()
    this.grow(originPool)
  }

  /** A dial failed. Those who wait for nothing else hear of it; with a connection or another dial there is still hope. */
  #unavailable(originPool: OriginPool, error: Error): void {
    originPool.failedAt = this.#deps.clock.now()
    originPool.target.record.misdirected = false
    if (originPool.dials === 0 && originPool.members.length === 0) return this.#fail(originPool, error)
    // Not dialed again at once: a server that takes one connection and no second would be asked without end.
    if (originPool.members.length > 0) this.settle(originPool)
  }

  #fail(originPool: OriginPool, error: Error): void {
    for (const { onUnavailable } of originPool.takeOpening()) onUnavailable(error)
    for (let queued = originPool.queue.next(); queued !== undefined; queued = originPool.queue.next()) queued.onUnavailable(error)
    originPool.dialsWithoutCapacity = 0
    this.#deps.events.onEmpty(originPool)
  }
}

function allUnread({ target, unread }: OriginPool): ConnectionError {
  const origin = target.origin.serialized
  const message = `${unread} connections are held by responses that are not read: read or discard the body of each (${origin})`
  return new ConnectionError('ERR_UNREAD_RESPONSES', message, { origin, initiator: 'local', processed: 'no' })
}

function lost({ target }: OriginPool, what: string): ConnectionError {
  const origin = target.origin.serialized
  return new ConnectionError('ERR_CONNECTION_LOST', `${what} (${origin})`, { origin, initiator: 'peer', processed: 'no' })
}
