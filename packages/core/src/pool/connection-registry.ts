/**
 * The connections' side of a pool: which are there, which groups each of them serves, who gets the places that become free. Knows
 * connections only by their interface.
 */

import type { Connector } from '../connect/connector.js'
import type { Diagnostics } from '../diagnostics.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { Clock } from '../runtime/clock.js'
import type { Connection } from '../transport/connection.js'
import type { PoolTarget, Target } from '../transport/target.js'
import type { Lifetimes } from './lifetimes.js'
import { hasRoom, type Member } from './member.js'
import type { OriginPool } from './origin-pool.js'
import type { PoolEvents } from './pool-events.js'
import { PooledConnection } from './pooled-connection.js'
import { markRedundant, reviewRedundant } from './redundant-connections.js'
import type { CandidateIndex } from './reuse/candidate-index.js'
import type { PendingDial } from './reuse/pending-dial.js'
import type { ReuseLookup } from './reuse/reuse-lookup.js'
import { isGrant, type ReusePolicy } from './reuse/reuse-policy.js'

/** What services stand on, and whom they tell. */
export interface ConnectionRegistryDeps {
  readonly policy: ReusePolicy
  readonly reuse: ReuseLookup
  readonly index: CandidateIndex
  readonly lifetimes: Lifetimes
  readonly diagnostics: Diagnostics
  readonly clock: Clock
  readonly connector: Pick<Connector, 'proved' | 'disproved'>
  /** Ended with the pool: what comes later is not taken. */
  readonly stop: AbortSignal
  readonly events: Pick<PoolEvents, 'onMemberLost' | 'onDialWithoutCapacity' | 'onGrowthNeeded'>
}

/** An address whose server has sent no SETTINGS so long after the handshake is tried after others, milliseconds. */
const LATE_SETTINGS_MS = 2_000
/** Origins of a connection that are looked at for each that joins it: two, and the one it was made for, which stays. */
const LOOKED_AT = 3

/** All of one pool. */
export class ConnectionRegistry {
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

  /** A new connection, made for `target`. Others find it when it has said what it allows. */
  register(connection: Connection, target: PoolTarget, dial: PendingDial): void {
    // Between its making and now the pool may have ended: whoever made it hears that nobody has it.
    if (this.#deps.stop.aborted) {
      dial.end()
      return connection.destroy(this.#deps.stop.reason)
    }
    const pooled = new PooledConnection(connection, dial)
    this.#pooledConnections.set(connection, pooled)
    target.record.connections++
    target.record.misdirected = false
    this.#deps.lifetimes.add(connection, target.settings)
    pooled.hostGroups = this.#deps.reuse.sharable(target) ? this.#deps.reuse.hostGroupsOf(target) : undefined
    if (!connection.confirmed) this.#watchSettings(connection, pooled)
    connection.onChange = () => this.#changed(connection, pooled)
    if (connection.state !== 'open' || connection.confirmed) this.#changed(connection, pooled)
  }

  /** SETTINGS that are late have no deadline (see `h2/liveness.ts`); but another address of the name may be the better one. */
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

  /** From now on the group is served by that connection too. */
  attach(originPool: OriginPool, member: Member, pooled: PooledConnection): void {
    const { connection, coalesced, because } = member
    originPool.add(member)
    if (coalesced) {
      this.#deps.diagnostics.coalesced({ origin: originPool.target.origin.serialized, connection: connection.id, because })
      this.#forgetOldest(pooled)
    } else pooled.primary = originPool
    pooled.originPools.add(originPool)
    pooled.noteRoom()
    if (pooled.roomy) originPool.dialsWithoutCapacity = 0
    pooled.queue(originPool)
    this.#serve(connection, pooled, originPool)
    // Whoever it was made for may have gone: it must not stay forever.
    this.#noteActivity(connection, pooled)
  }

  /**
   * Origins that nobody asks for any more must not stay for as long as a connection that is never idle. Those that joined first come first, and
   * for each that joins some are looked at: more are never kept than have joined while an answer lasts.
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

  /** The connection goes on, but not for this group. Who waited for it needs another. */
  detach(originPool: OriginPool, connection: Connection): void {
    this.#part(originPool, connection)
    this.#deps.events.onMemberLost(originPool)
  }

  /** Takes those away that the resolver's answer no longer speaks for: they are to be asked about again. */
  expire(originPool: OriginPool): void {
    const now = this.#deps.clock.now()
    for (const { connection, expiresAt = Number.POSITIVE_INFINITY } of [...originPool.members]) {
      if (expiresAt <= now) this.#part(originPool, connection)
    }
  }

  /** RFC 9110 §15.5.20: the group shares nothing until it has a connection of its own. */
  markMisdirected(originPool: OriginPool | undefined, connection: Connection, origin: SerializedOrigin): void {
    connection.removeOrigin(origin)
    const pooled = this.#pooledConnections.get(connection)
    // Only where there was a set: asking about all who share, for each of them that is disowned, would be quadratic.
    if (pooled !== undefined && hasNewOrigins(connection, pooled)) this.#noteOrigins(connection, pooled)
    for (const member of originPool === undefined ? [] : [...originPool.members]) {
      if (member.coalesced) this.#part(originPool!, member.connection)
    }
  }

  /** Asks again about the connections of others that a group has. */
  review(originPool: OriginPool): void {
    for (const { connection, target } of [...originPool.members]) {
      if (target !== undefined && !this.#mayServe(connection, target)) this.detach(originPool, connection)
    }
  }

  #mayServe(connection: Connection, target: Target): boolean {
    return isGrant(this.#deps.policy.verdict(connection, target))
  }

  /** The group has requests that may go over it. */
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
    // It may have room for fewer than have come.
    if (pooled.verificationEnded()) for (const originPool of pooled.waiting) this.#deps.events.onGrowthNeeded(originPool)
    if (pooled.coveredBy !== undefined || pooled.redundant !== undefined)
      reviewRedundant(connection, pooled, this.#pooledConnections)
    this.#noteActivity(connection, pooled)
  }

  /** Until whoever it was made for has it, it is not idle: where no idle ones are kept it would be closed before its first request. */
  #noteActivity(connection: Connection, { primary }: PooledConnection): void {
    if (connection.active > 0) return this.#deps.lifetimes.busy(connection)
    if (primary === undefined) return
    // One more than the origin may have was made while responses of others were not read.
    if (connection.unread !== undefined && connection.state === 'open' && isOverLimit(connection, primary))
      return void connection.close()
    this.#deps.lifetimes.idle(connection)
  }

  /** Others may find it, and those who waited for it do. */
  #publish(connection: Connection, pooled: PooledConnection): void {
    const { index } = this.#deps
    const { reuseKey, origin } = connection.route
    pooled.settingsTimer?.cancel()
    if (connection.protocol === 'h2') this.#deps.connector.proved(connection.route)
    if (pooled.hostGroups !== undefined) {
      index.addConnection(connection)
      for (const name of pooled.hostGroups) index.addToHostGroup(connection, { reuseKey, port: origin.port }, name)
      if (connection.originSet !== undefined) index.list(connection)
    }
    pooled.dial?.end()
    pooled.dial = undefined
  }

  /** RFC 8336 §2.4: ORIGIN may come after others have joined, and what is not in the set is not served from then on. */
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
  }

  /**
   * Gives free places away, one for each group in turn.
   * @param justAsked for whom the resolver has answered this moment. Its requests go by that answer, however short its life is: one that
   *   is used up at once would be asked for without end.
   */
  #serve(connection: Connection, pooled: PooledConnection, justAsked?: OriginPool): void {
    const { clock } = this.#deps
    while (connection.capacity > 0 && pooled.waiting.size > 0) {
      const originPool = pooled.firstWaiting
      const member = originPool.queue.size === 0 ? undefined : originPool.memberOf(connection)
      // With a trial on its way the group comes back when that is answered.
      if (member === undefined || member.trial === 'sent') {
        pooled.waiting.delete(originPool)
        continue
      }
      pooled.takeTurn(originPool)
      if (originPool !== justAsked && originPool.expiresAt !== Number.POSITIVE_INFINITY && originPool.expiresAt <= clock.now()) {
        this.expire(originPool)
        // Its own connections stay, and this may be one.
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

  /** It takes no more requests: nobody finds it any more, and who waited for it needs another. */
  #retire(connection: Connection, pooled: PooledConnection): void {
    this.#deps.lifetimes.delete(connection)
    this.#deps.index.delete(connection)
    pooled.settingsTimer?.cancel()
    pooled.dial?.end()
    pooled.dial = undefined
    if (connection.state === 'closed') this.#pooledConnections.delete(connection)
    // Of no use to anybody: another address may be.
    if (!pooled.roomy && !this.#deps.stop.aborted) this.#deps.connector.disproved(connection.route)
    const originPools = [...pooled.originPools]
    pooled.originPools.clear()
    pooled.waiting.clear()
    for (const originPool of originPools) {
      originPool.remove(connection)
      if (pooled.roomy) this.#deps.events.onMemberLost(originPool)
      else this.#deps.events.onDialWithoutCapacity(originPool)
    }
  }
}

function isOverLimit({ protocol }: Connection, { own, unread, target }: OriginPool): boolean {
  return own - unread > target.settings.maxConnections[protocol]
}

/** Whether the Origin Set is another one than when the policy was asked last: it only grows, but for origins that are disowned. */
function hasNewOrigins({ originSet }: Connection, { origins }: PooledConnection): boolean {
  return (originSet?.size ?? -1) !== origins
}
