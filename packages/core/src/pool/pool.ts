/**
 * The connections of one client. Gives a request a connection at once where there is one with room, else queues it and sees to it
 * that one is on its way. Knows connections only by their interface.
 */

import type { Connector } from '../connect/connector.js'
import type { Diagnostics } from '../diagnostics.js'
import { TransportError, UsageError } from '../errors/errors.js'
import type { SerializedOrigin } from '../message/origin.js'
import type { Clock } from '../runtime/clock.js'
import type { Metrics } from '../runtime/metrics.js'
import type { Connection } from '../transport/connection.js'
import type { PoolTarget } from '../transport/target.js'
import { ConnectionRegistry } from './connection-registry.js'
import { DedicatedConnections } from './dedicated-connections.js'
import { Dialer } from './dialer.js'
import { type Explanation, explain } from './explain.js'
import { Growth } from './growth.js'
import { Lifetimes } from './lifetimes.js'
import type { Member } from './member.js'
import { queuedOpening, settledWithin } from './opening.js'
import { OriginPool } from './origin-pool.js'
import type { PoolEvents } from './pool-events.js'
import type { QueuedRequest } from './request-queue.js'
import { CandidateIndex } from './reuse/candidate-index.js'
import { GuardedPolicy } from './reuse/guarded-policy.js'
import type { PendingDial } from './reuse/pending-dial.js'
import { ReuseLookup } from './reuse/reuse-lookup.js'
import type { ReusePolicy } from './reuse/reuse-policy.js'

/** What a pool depends on. */
export interface PoolOptions {
  readonly reuse: ReusePolicy
  readonly maxIdleConnections: number
  readonly timeouts: { readonly connect: number }
  readonly clock: Clock
}

/** One client's pool. */
export class Pool implements PoolEvents {
  readonly #options: PoolOptions
  readonly #policy: GuardedPolicy
  readonly #connector: Connector
  readonly #diagnostics: Diagnostics
  readonly #lifetimes: Lifetimes
  readonly #reuse: ReuseLookup
  readonly #dialer: Dialer
  readonly #registry: ConnectionRegistry
  readonly #growth: Growth
  readonly #dedicated: DedicatedConnections
  readonly #originPools = new Map<string, OriginPool>()
  /** Those of them that have a tag. */
  #tagged = 0
  readonly #stop = new AbortController()

  constructor(connector: Connector, diagnostics: Diagnostics, options: PoolOptions) {
    this.#connector = connector
    this.#diagnostics = diagnostics
    this.#options = options
    const { clock } = options
    const policy = new GuardedPolicy(options.reuse)
    this.#policy = policy
    const index = new CandidateIndex()
    const { connect: connectTimeoutMs } = options.timeouts
    const stop = this.#stop.signal
    const siblingsOf = (connection: Connection): Iterable<Connection> => this.#siblingsOf(connection)
    this.#lifetimes = new Lifetimes({ clock, events: this, maxIdleConnections: options.maxIdleConnections, siblingsOf })
    const lifetimes = this.#lifetimes
    const reuse = new ReuseLookup({ policy, index, diagnostics, lifetimes })
    this.#reuse = reuse
    const dialer = new Dialer({ connector, reuse, index, clock, connectTimeoutMs, events: this })
    this.#dialer = dialer
    const registry = new ConnectionRegistry({
      policy,
      reuse,
      index,
      lifetimes,
      diagnostics,
      clock,
      connector,
      stop,
      events: this,
    })
    this.#registry = registry
    this.#growth = new Growth({ connector, clock, dialer, registry, connectTimeoutMs, stop, events: this })
    this.#dedicated = new DedicatedConnections(dialer, stop)
  }

  /** Counters of the client. */
  get metrics(): Metrics {
    return this.#diagnostics.metrics
  }

  /** Open connections. */
  get connections(): Iterable<Connection> {
    return this.#registry.connections
  }

  /** What each target has. */
  get originPools(): Iterable<OriginPool> {
    return this.#originPools.values()
  }

  /** What one target has. */
  find(target: PoolTarget): OriginPool | undefined {
    // Put there by a pool: perhaps by another one, or long ago.
    const originPool = target.originPool as OriginPool | undefined
    if (originPool !== undefined && originPool.owner === this && originPool.target.dialKey === target.dialKey) return originPool
    return this.#originPools.get(target.dialKey)
  }

  /** What would become of a request now, and what the policy says of everything that is open or under way. Nothing is dialed. */
  async explain(target: PoolTarget): Promise<Explanation> {
    const { addresses } = await this.#connector.resolve(target)
    const { connections } = this.#registry
    const deps = { reuse: this.#reuse, policy: this.#policy, connections, dials: this.#dialer.pending }
    return explain(target, addresses, this.find(target), deps)
  }

  /**
   * A connection with room, now; or `undefined`, and `waiter` is called when there is one.
   * @param now by the client's clock, milliseconds.
   * @throws UsageError from a strategy of the caller's own.
   */
  acquire(target: PoolTarget, queued: QueuedRequest, now: number = this.#options.clock.now()): Member | undefined {
    const known = this.find(target)
    if (known !== undefined && known.expiresAt <= now) this.#registry.expire(known)
    const member = known?.pick(queued)
    if (member !== undefined) {
      if (member.trial === 'due') member.trial = 'sent'
      if (known!.members.length < target.settings.minConnections) this.#growth.grow(known!)
      return member
    }
    // Not before: a strategy of the caller's own may have closed all there was, and then that group is forgotten.
    const originPool = this.#originPoolFor(target)
    const first = originPool.queue.size === 0
    if (first) originPool.starvedSince = undefined
    originPool.queue.add(queued)
    // While others wait it is in all of their queues; one that makes sure of its peer has to know that there are more.
    for (const { connection } of originPool.members)
      if (first || connection.verifying) this.#registry.of(connection)?.queue(originPool)
    this.#growth.grow(originPool)
    return undefined
  }

  /** A connection of `target`, whether it has room or not. @throws what the connector throws; TimeoutError phase `connect`. */
  open(target: PoolTarget): Promise<Member> {
    const originPool = this.#originPoolFor(target)
    if (originPool.expiresAt <= this.#options.clock.now()) this.#registry.expire(originPool)
    const member = originPool.members[0]
    if (member !== undefined) return Promise.resolve(member)
    return new Promise<Member>((resolve, reject) => {
      const { clock, timeouts } = this.#options
      const origin = target.origin.serialized
      const queued = queuedOpening(resolve, reject, { timeoutMs: timeouts.connect, clock, origin }, (reason) => {
        originPool.leaveOpening(queued)
        this.#growth.review(originPool, reason)
      })
      originPool.open(queued)
      this.#growth.grow(originPool)
    })
  }

  /** Resolves when SETTINGS were received (RFC 9113 §3.4), the connection closed, or the client's time for a connection is over. */
  confirmed(connection: Connection): Promise<void> {
    const { clock, timeouts } = this.#options
    return settledWithin(this.#registry.of(connection)?.dial?.settled, timeouts.connect, clock)
  }

  /** Other settings hold for a group from now on. Connections beyond its limit finish what they have. */
  update(originPool: OriginPool, target: PoolTarget): void {
    originPool.target = target
    for (const connection of originPool.surplus()) void connection.close()
    if (originPool.queue.size > 0) this.#growth.grow(originPool)
  }

  /** The connections made for a group finish what they have; those of others are left. Who waits gets new ones. */
  async closeOriginPool(originPool: OriginPool): Promise<void> {
    // A copy: who closes leaves the list at once.
    const closing = [...originPool.members].map(({ connection, coalesced }) =>
      coalesced ? this.#registry.detach(originPool, connection) : connection.close(),
    )
    await Promise.all(closing)
  }

  /** The same for a target that has no others' connections, and what is on its way is closed when those who wait for it have it. */
  async endOriginPool(originPool: OriginPool): Promise<void> {
    while (!originPool.empty) {
      await this.closeOriginPool(originPool)
      await originPool.dialing
    }
  }

  /** A connection for one request alone, which closes it when done. */
  acquireDedicated(target: PoolTarget, queued: QueuedRequest): void {
    this.#dedicated.acquire(target, queued)
  }

  /** The waiter waits no more, for `reason`. A dial that nothing else waits for ends with it. */
  leave(target: PoolTarget, queued: QueuedRequest, reason?: unknown): void {
    this.#dedicated.leave(queued, reason)
    const originPool = this.find(target)
    if (originPool === undefined) return
    originPool.queue.delete(queued)
    this.#growth.review(originPool, reason)
  }

  /** Whether a waiter of this target waits for a place on an open connection, and not for a connection. */
  hasConnection(target: PoolTarget): boolean {
    return (this.find(target)?.members.length ?? 0) > 0
  }

  /** The first response has come over a connection: the address that it leads to is a good one. */
  proved(member: Member): void {
    member.proved = true
    if (!member.coalesced) this.#connector.proved(member.connection.route)
  }

  /** A request has failed. A connection that is lost, or refuses, before its first response speaks against the address. */
  failed({ connection, coalesced, proved }: Member, error: Error): void {
    if (coalesced || proved === true || connection.state === 'open') return
    if (error instanceof TransportError && error.initiator === 'peer') this.#connector.disproved(connection.route)
  }

  /** Whether an idempotent request takes this status on a shared connection for a 421. */
  suspects(status: number): boolean {
    return this.#policy.suspectStatuses.has(status)
  }

  /**
   * The server would not answer for this target on that shared connection (RFC 9110 §15.5.20): the target's next one is made for it, with
   * its own name, and no policy is asked until then. The shared one goes on untouched.
   */
  misdirected(target: PoolTarget, connection: Connection, status: number): void {
    const origin = target.origin.serialized
    this.#policy.misdirected(connection, target.origin)
    this.#diagnostics.misdirected({ origin, connection: connection.id, status })
    const originPool = this.find(target)
    // Where it has one of its own already, that is the one.
    target.record.misdirected = originPool === undefined || originPool.own === 0
    this.#registry.markMisdirected(originPool, connection, origin)
    if (originPool !== undefined) this.#growth.settle(originPool)
    if (this.#tagged > 0) this.#reviewTags(originPool, origin)
  }

  /** What is said of an origin holds for all of its tags, though each has connections of its own. */
  #reviewTags(but: OriginPool | undefined, origin: SerializedOrigin): void {
    for (const originPool of this.#originPools.values()) {
      if (originPool === but || originPool.target.origin.serialized !== origin) continue
      this.#registry.review(originPool)
    }
  }

  /** A request that was a trial got its answer, and no 421: the others may follow. */
  answered(target: PoolTarget, member: Member): void {
    member.trial = undefined
    this.#policy.answered(member.connection, target.origin)
    this.#serve(target, member)
  }

  /** A request that was a trial is over, and nobody knows what its answer would have been: the next one is the trial. */
  unanswered(target: PoolTarget, member: Member): void {
    member.trial = 'due'
    this.#serve(target, member)
  }

  #serve(target: PoolTarget, member: Member): void {
    const originPool = this.find(target)
    const pooled = this.#registry.of(member.connection)
    if (pooled !== undefined && originPool?.memberOf(member.connection) === member) {
      this.#registry.serve(originPool, member.connection, pooled)
    }
  }

  /** Lets every connection finish what it has. */
  async close(): Promise<void> {
    this.#lifetimes.stop()
    this.#stop.abort(new UsageError('ERR_CLIENT_CLOSED', 'the client was closed'))
    await Promise.all([...this.connections].map((connection) => connection.close()))
  }

  /** Ends everything now. */
  destroy(reason: Error): void {
    this.#lifetimes.stop()
    this.#stop.abort(reason)
    for (const connection of [...this.connections]) connection.destroy(reason)
  }

  #originPoolFor(target: PoolTarget): OriginPool {
    let originPool = this.find(target)
    if (originPool === undefined) {
      originPool = new OriginPool(target, this)
      if (target.isolation !== undefined) this.#tagged++
      this.#originPools.set(target.dialKey, originPool)
    }
    target.originPool = originPool
    return originPool
  }

  #siblingsOf(connection: Connection): Iterable<Connection> {
    return this.#registry.of(connection)?.primary?.members.map((member) => member.connection) ?? [connection]
  }

  onDial(): void {
    this.metrics.dials++
  }

  onEstablished({ route }: Connection): void {
    if (route.certificate !== undefined || route.authorized) this.metrics.handshakes++
  }

  onConnected(connection: Connection, target: PoolTarget, dial: PendingDial): void {
    this.#registry.register(connection, target, dial)
  }

  onMemberLost(originPool: OriginPool): void {
    this.#growth.settle(originPool)
  }

  onDialWithoutCapacity(originPool: OriginPool): void {
    this.#growth.noteDialWithoutCapacity(originPool)
  }

  onGrowthNeeded(originPool: OriginPool): void {
    this.#growth.grow(originPool)
  }

  /** Forgets an origin pool, unless it still has something. */
  onEmpty(originPool: OriginPool): void {
    // Once: in the meantime another origin pool may have taken its place.
    if (!originPool.empty || originPool.owner !== this) return
    originPool.later?.cancel()
    originPool.owner = undefined
    if (originPool.target.isolation !== undefined) this.#tagged--
    this.#originPools.delete(originPool.target.dialKey)
  }

  /** The next connection of every origin that this one serves leads to the addresses that the resolver returns by then. */
  onAged(connection: Connection): void {
    for (const { target } of this.#registry.of(connection)?.originPools ?? []) this.#connector.forget(target)
  }
}
