/**
 * The registry of a pool's open connections: which origin pools each connection serves, and which
 * request gets a free slot. Knows connections only by their interface.
 */

import type { Connector } from '../connect/connector.js'
import type { Diagnostics } from '../diagnostics/diagnostics.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { Clock } from '../runtime/clock.js'
import type { Connection, ConnectionWatcher, GoawayDetails } from '../transport/connection.js'
import type { PoolTarget, Target } from '../transport/target.js'
import type { Lifetimes } from './lifetimes.js'
import { hasRoom, type Member } from './member.js'
import type { OriginPool } from './origin-pool.js'
import type { Permit } from './permits.js'
import type { PoolEvents } from './pool-events.js'
import { type ConnectionTimes, PooledConnection } from './pooled-connection.js'
import { markRedundant, reviewRedundant } from './redundant-connections.js'
import type { CandidateIndex } from './reuse/candidate-index.js'
import type { PendingDial } from './reuse/pending-dial.js'
import type { ReuseLookup } from './reuse/reuse-lookup.js'
import { isGrant, type ReusePolicy } from './reuse/reuse-policy.js'

/** Collaborators of the registry. */
export interface ConnectionRegistryDeps {
  readonly policy: ReusePolicy
  readonly reuse: ReuseLookup
  readonly index: CandidateIndex
  readonly lifetimes: Lifetimes
  readonly diagnostics: Diagnostics
  readonly clock: Clock
  readonly connector: Pick<Connector, 'confirmed' | 'disproved'>
  /** Aborted when the pool ends. Connections that arrive later are destroyed. */
  readonly stop: AbortSignal
  readonly events: Pick<PoolEvents, 'onMemberLost' | 'onDialWithoutCapacity' | 'onGrowthNeeded' | 'onOffer'>
}

/**
 * If a server sends no SETTINGS within this many milliseconds, other addresses are tried before it.
 */
const LATE_SETTINGS_MS = 2_000
/**
 * Origin pools of a connection checked each time another joins: the primary one, which stays, and
 * two more.
 */
const LOOKED_AT = 3

/** The open connections of one pool. */
export class ConnectionRegistry implements ConnectionWatcher {
  readonly #deps: ConnectionRegistryDeps
  readonly #pooledConnections = new Map<Connection, PooledConnection>()

  constructor(deps: ConnectionRegistryDeps) {
    this.#deps = deps
  }

  /** Open connections. */
  get connections(): Iterable<Connection> {
    return this.#pooledConnections.keys()
  }

  of(connection: Connection): PooledConnection | undefined {
    return this.#pooledConnections.get(connection)
  }

  /** Registers a new connection made for `target`. Other origins find it once it is confirmed. */
  register(connection: Connection, target: PoolTarget, dial: PendingDial, permit: Permit): void {
    // The pool ended during the dial: end the dial, so that no request waits for it.
    if (this.#deps.stop.aborted) {
      dial.end()
      permit.release()
      return connection.destroy(this.#deps.stop.reason)
    }
    const pooled = new PooledConnection(connection, dial, permit, this.#deps.clock.now())
    this.#pooledConnections.set(connection, pooled)
    target.record.connections++
    target.record.misdirected = false
    this.#deps.lifetimes.add(connection, target, permit)
    pooled.hostGroups = this.#deps.reuse.sharable(target) ? this.#deps.reuse.hostGroupsOf(target) : undefined
    if (!connection.confirmed) this.#watchSettings(connection, pooled)
    connection.onChange = () => this.#changed(connection, pooled)
    connection.watcher = this
    if (connection.state !== 'open' || connection.confirmed) this.#changed(connection, pooled)
  }

  /** Late SETTINGS have no deadline (see `h2/liveness.ts`), but another address may be better. */
  #watchSettings(connection: Connection, pooled: PooledConnection): void {
    const { clock, connector } = this.#deps
    const timer = clock.startTimer(LATE_SETTINGS_MS, () =>
      clock.afterTurn(() => {
        if (connection.state === 'open' && !connection.confirmed) connector.disproved(connection.route)
      }),
    )
    timer.unref()
    pooled.settingsTimer = timer
  }

  /** Lets the connection serve this origin pool as well. */
  attach(originPool: OriginPool, member: Member, pooled: PooledConnection): void {
    const { connection, coalesced, because } = member
    originPool.add(member)
    if (coalesced) {
      this.#deps.diagnostics.coalesced({ origin: originPool.target.origin.serialized, connection: connection.id, because })
      this.#forgetOldest(pooled)
    } else pooled.primary = originPool
    pooled.originPools.add(originPool)
    pooled.noteRoom()
    if (pooled.hadCapacity) originPool.dialsWithoutCapacity = 0
    pooled.queue(originPool)
    this.#serve(connection, pooled, originPool)
    // The request that the connection was dialed for may be cancelled: without this, it never
    // closes.
    this.#noteActivity(connection, pooled)
  }

  /**
   * Detaches unused origin pools, which otherwise stay for as long as a busy connection does. Sets
   * keep insertion order, so the oldest come first. A few are checked per join, so no more are kept
   * than joined within the lifetime of one DNS answer.
   */
  #forgetOldest({ originPools, primary }: PooledConnection): void {
    const now = this.#deps.clock.now()
    let left = LOOKED_AT
    for (const originPool of originPools) {
      if (left-- === 0) return
      if (originPool === primary || originPool.queue.size > 0 || originPool.expiresAt > now) continue
      this.expire(originPool)
      this.#deps.events.onMemberLost(originPool)
    }
  }

  /**
   * Stops using the connection for this origin pool. Its queued requests need another connection.
   */
  detach(originPool: OriginPool, connection: Connection): void {
    this.#part(originPool, connection)
    this.#deps.events.onMemberLost(originPool)
  }

  /** Removes members whose DNS answer has expired. The policy is asked about them again. */
  expire(originPool: OriginPool): void {
    const now = this.#deps.clock.now()
    for (const { connection, expiresAt = Number.POSITIVE_INFINITY } of [...originPool.members]) {
      if (expiresAt <= now) this.#part(originPool, connection)
    }
  }

  /** RFC 9110 §15.5.20: the origin pool shares nothing until a connection was made for it. */
  markMisdirected(originPool: OriginPool | undefined, connection: Connection, origin: SerializedOrigin): void {
    connection.removeOrigin(origin)
    const pooled = this.#pooledConnections.get(connection)
    // Only if the connection had an Origin Set: asking the policy after every 421 would be
    // quadratic.
    if (pooled !== undefined && hasNewOrigins(connection, pooled)) this.#noteOrigins(connection, pooled)
    for (const member of originPool === undefined ? [] : [...originPool.members]) {
      if (member.coalesced) this.#part(originPool!, member.connection)
    }
  }

  /** Asks the policy again about the shared connections of an origin pool. */
  review(originPool: OriginPool): void {
    for (const { connection, target } of [...originPool.members]) {
      if (target !== undefined && !this.#mayServe(connection, target)) this.detach(originPool, connection)
    }
  }

  #mayServe(connection: Connection, target: Target): boolean {
    return isGrant(this.#deps.policy.verdict(connection, target))
  }

  /** Serves queued requests by the connections that an origin pool has: they may have waited for one that it lost. */
  serveQueue(originPool: OriginPool): void {
    for (const { connection } of [...originPool.members]) {
      const pooled = this.#pooledConnections.get(connection)
      if (originPool.queue.size === 0) return
      if (pooled !== undefined) this.serve(originPool, connection, pooled)
    }
  }

  /** Serves requests of the origin pool that may use the connection now. */
  serve(originPool: OriginPool, connection: Connection, pooled: PooledConnection): void {
    pooled.queue(originPool)
    this.#serve(connection, pooled)
  }

  #part(originPool: OriginPool, connection: Connection): void {
    originPool.remove(connection)
    const pooled = this.#pooledConnections.get(connection)
    pooled?.originPools.delete(originPool)
    pooled?.waiting.delete(originPool)
  }

  #changed(connection: Connection, pooled: PooledConnection): void {
    if (connection.state !== 'open') return this.#retire(connection, pooled)
    if (pooled.dial !== undefined && connection.confirmed) this.#publish(connection, pooled)
    if (hasNewOrigins(connection, pooled)) this.#noteOrigins(connection, pooled)
    pooled.noteRoom()
    if (pooled.waiting.size > 0) this.#serve(connection, pooled)
    // The confirmed connection may have less capacity than requests have queued for it.
    if (pooled.verificationEnded()) for (const originPool of pooled.waiting) this.#deps.events.onGrowthNeeded(originPool)
    if (pooled.coveredBy !== undefined || pooled.redundant !== undefined)
      reviewRedundant(connection, pooled, this.#pooledConnections)
    this.#noteActivity(connection, pooled)
  }

  /**
   * Not idle until attached to its primary origin pool: with no idle connections allowed, it would
   * be closed before its first request.
   */
  #noteActivity(connection: Connection, { primary, waiting }: PooledConnection): void {
    if (connection.active > 0) return this.#deps.lifetimes.busy(connection)
    if (primary === undefined) return
    // The origin had one connection beyond its limit, because unread responses held the others. While it is verified, a request waits for it.
    const isUnused = connection.state === 'open' && !connection.verifying && waiting.size === 0
    if (isUnused && connection.unread !== undefined && isOverLimit(connection, primary)) return void connection.close()
    this.#deps.lifetimes.idle(connection)
  }

  /**
   * Makes the connection available to other origins, and ends the wait of requests for its dial.
   */
  #publish(connection: Connection, pooled: PooledConnection): void {
    const { index } = this.#deps
    const { reuseKey, origin } = connection.route
    pooled.settingsTimer?.cancel()
    if (connection.protocol === 'h2') this.#deps.connector.confirmed(connection.route)
    if (pooled.hostGroups !== undefined) {
      index.addConnection(connection)
      for (const name of pooled.hostGroups) index.addToHostGroup(connection, { reuseKey, port: origin.port }, name)
      if (connection.originSet !== undefined) index.list(connection)
    }
    pooled.dial?.end()
    pooled.dial = undefined
    if (pooled.hostGroups !== undefined) this.#deps.events.onOffer(connection)
  }

  /** RFC 8336 §2.4: ORIGIN may arrive after origins have joined. Detaches those outside the set. */
  #noteOrigins(connection: Connection, pooled: PooledConnection): void {
    const { index, policy } = this.#deps
    pooled.origins = connection.originSet?.size ?? -1
    if (pooled.hostGroups !== undefined && pooled.dial === undefined) index.list(connection)
    for (const originPool of [...pooled.originPools]) {
      const target = originPool.memberOf(connection)?.target
      if (target === undefined) continue
      if (!this.#mayServe(connection, target)) this.detach(originPool, connection)
    }
    if (pooled.hostGroups !== undefined && pooled.origins >= 0) markRedundant(connection, this.#pooledConnections, policy, index)
    if (pooled.hostGroups !== undefined && pooled.dial === undefined) this.#deps.events.onOffer(connection)
  }

  /**
   * Assigns free slots, one per origin pool in turn.
   * @param justAsked the origin pool whose DNS answer has just arrived. Its requests use that
   *   answer however short its TTL is: an answer with TTL 0 would be requested forever.
   */
  #serve(connection: Connection, pooled: PooledConnection, justAsked?: OriginPool): void {
    const { clock } = this.#deps
    while (connection.capacity > 0 && pooled.waiting.size > 0) {
      const originPool = pooled.firstWaiting
      const member = originPool.queue.size === 0 ? undefined : originPool.memberOf(connection)
      // While a trial is in flight nothing else is sent; its result queues the origin pool again.
      if (member === undefined || member.trial === 'sent') {
        pooled.waiting.delete(originPool)
        continue
      }
      pooled.takeTurn(originPool)
      if (originPool !== justAsked && originPool.expiresAt !== Number.POSITIVE_INFINITY && originPool.expiresAt <= clock.now()) {
        this.expire(originPool)
        // Its own connections stay after expiry, and this may be one of them.
        if (originPool.memberOf(connection) === undefined) pooled.waiting.delete(originPool)
        this.#deps.events.onMemberLost(originPool)
        continue
      }
      if (!hasRoom(member)) return
      if (member.trial === 'due') member.trial = 'sent'
      const queued = originPool.queue.next()!
      originPool.starvedSince = undefined
      if (originPool.queue.size === 0) pooled.waiting.delete(originPool)
      queued.onMember(member)
    }
  }

  goaway(connection: Connection, details: GoawayDetails): void {
    this.#deps.diagnostics.goaway(connection, details)
  }

  ping(connection: Connection, roundTripMs: number): void {
    const pooled = this.#pooledConnections.get(connection)
    if (pooled !== undefined) pooled.roundTripMs = roundTripMs
    this.#deps.diagnostics.ping(connection, roundTripMs)
  }

  /** The times of an open connection. */
  timesOf(connection: Connection): ConnectionTimes {
    const { since, roundTripMs } = this.#pooledConnections.get(connection)!
    return { openMs: this.#deps.clock.now() - since, roundTripMs }
  }

  /** Reports that a connection takes no more requests, or is closed. */
  #report(connection: Connection, pooled: PooledConnection): void {
    const { diagnostics, clock, stop } = this.#deps
    const reason = pooled.reason ?? connection.endedBy ?? (stop.aborted ? 'close' : 'local')
    if (pooled.drains)
      return void diagnostics.closed(connection, {
        reason,
        openMs: clock.now() - pooled.since,
        requests: connection.requests ?? 0,
      })
    pooled.drains = true
    diagnostics.drain(connection, reason)
  }

  /** Removes a connection that takes no more requests. Its queued requests need another one. */
  #retire(connection: Connection, pooled: PooledConnection): void {
    this.#deps.lifetimes.delete(connection)
    this.#deps.index.delete(connection)
    pooled.settingsTimer?.cancel()
    pooled.dial?.end()
    pooled.dial = undefined
    if (!pooled.drains) this.#report(connection, pooled)
    if (connection.state === 'closed' && this.#pooledConnections.delete(connection)) {
      this.#report(connection, pooled)
      void connection.closed.then(() => pooled.permit.release())
    }
    // The connection never had capacity: another address may do better.
    if (!pooled.hadCapacity && !this.#deps.stop.aborted) this.#deps.connector.disproved(connection.route)
    const originPools = [...pooled.originPools]
    pooled.originPools.clear()
    pooled.waiting.clear()
    for (const originPool of originPools) {
      originPool.remove(connection)
      // A connection that is older than one with a response says nothing about dials from now on.
      const { newestProved = 0 } = originPool.target.record
      if (pooled.hadCapacity || connection.id < newestProved) this.#deps.events.onMemberLost(originPool)
      else this.#deps.events.onDialWithoutCapacity(originPool)
    }
  }
}

function isOverLimit({ protocol }: Connection, { own, unread, target }: OriginPool): boolean {
  return own - unread > target.settings.maxConnections[protocol]
}

/**
 * Whether the Origin Set changed since the policy was last asked. It only grows, except after a
 * 421.
 */
function hasNewOrigins({ originSet }: Connection, { origins }: PooledConnection): boolean {
  return (originSet?.size ?? -1) !== origins
}
