/**
 * The connections of one client. Gives a request an open connection if one has capacity; otherwise
 * queues the request and starts a dial if needed. Knows connections only by their
 * interface.
 */

import type { Connector } from '../connect/connector.js'
import type { Diagnostics } from '../diagnostics/diagnostics.js'
import { UsageError } from '../errors/errors.js'
import type { Timeouts } from '../message/request-options.js'
import type { Clock } from '../runtime/clock.js'
import type { Metrics } from '../runtime/metrics.js'
import type { CloseReason, Connection } from '../transport/connection.js'
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
import { Outcomes } from './outcomes.js'
import { type Permit, Permits } from './permits.js'
import type { PoolEvents } from './pool-events.js'
import type { ConnectionTimes } from './pooled-connection.js'
import type { QueuedRequest } from './request-queue.js'
import { CandidateIndex } from './reuse/candidate-index.js'
import { GuardedPolicy } from './reuse/guarded-policy.js'
import type { PendingDial } from './reuse/pending-dial.js'
import { ReuseLookup } from './reuse/reuse-lookup.js'
import type { ReusePolicy } from './reuse/reuse-policy.js'

/** Settings and collaborators of a pool. */
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
  readonly #permits: Permits
  readonly #lifetimes: Lifetimes
  readonly #reuse: ReuseLookup
  readonly #dialer: Dialer
  readonly #registry: ConnectionRegistry
  readonly #growth: Growth
  readonly #dedicated: DedicatedConnections
  readonly outcomes: Outcomes
  readonly #originPools = new Map<string, OriginPool>()
  /** How many origin pools have an isolation. */
  #isolated = 0
  readonly #stop = new AbortController()
  /** Whether {@link close} or {@link destroy} was called. */
  #ended = false

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
    const permits = new Permits(lifetimes)
    this.#permits = permits
    const dialer = new Dialer({ connector, reuse, index, clock, permits, connectTimeoutMs, events: this })
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
    this.#growth = new Growth({ connector, clock, dialer, registry, stop, events: this })
    this.#dedicated = new DedicatedConnections(dialer, stop)
    this.outcomes = new Outcomes({ connector, policy, diagnostics, registry, growth: this.#growth, pool: this })
  }

  /** Counters of the client. */
  get metrics(): Metrics {
    return this.#diagnostics.metrics
  }

  /** Open connections. */
  get connections(): Iterable<Connection> {
    return this.#registry.connections
  }

  /** The origin pool of every target. */
  get originPools(): Iterable<OriginPool> {
    return this.#originPools.values()
  }

  /** Whether any origin pool has an isolation. */
  get isolates(): boolean {
    return this.#isolated > 0
  }

  /** The origin pool of one target. */
  find(target: PoolTarget): OriginPool | undefined {
    // The cached reference may be stale, or belong to another pool.
    const originPool = target.originPool as OriginPool | undefined
    if (originPool !== undefined && originPool.owner === this && originPool.target.dialKey === target.dialKey) return originPool
    return this.#originPools.get(target.dialKey)
  }

  /** Explains a request, with the verdict on every connection and pending dial. Dials nothing. */
  async explain(target: PoolTarget): Promise<Explanation> {
    const { addresses } = await this.#connector.resolve(target)
    const { connections } = this.#registry
    const deps = { reuse: this.#reuse, policy: this.#policy, connections, dials: this.#dialer.pending }
    return explain(target, addresses, this.find(target), deps)
  }

  /**
   * Returns a connection with capacity, or `undefined` and calls `queued` once there is one.
   * @param now time of the client's clock, in milliseconds.
   * @throws UsageError from a user-supplied strategy.
   */
  acquire(target: PoolTarget, queued: QueuedRequest, now: number = this.#options.clock.now()): Member | undefined {
    const known = this.find(target)
    if (known !== undefined && known.expiresAt <= now) this.#registry.expire(known)
    const member = known?.pick(queued)
    // A user-supplied strategy may have ended the client.
    if (this.#ended) throw this.#stop.signal.reason
    if (member !== undefined) {
      if (member.trial === 'due') member.trial = 'sent'
      if (known!.members.length < target.settings.minConnections) this.#growth.grow(known!)
      return member
    }
    // Only now: a user-supplied strategy may have closed all connections, and so the origin pool.
    const originPool = this.#originPoolFor(target)
    const first = originPool.queue.size === 0
    if (first) originPool.starvedSince = undefined
    originPool.queue.add(queued)
    // Only the first request adds the pool to the waiting lists, except while a peer is being
    // verified.
    for (const { connection } of originPool.members)
      if (first || connection.verifying) this.#registry.of(connection)?.queue(originPool)
    this.#growth.grow(originPool)
    return undefined
  }

  /** Returns any connection of `target`. @throws connector errors; TimeoutError phase `connect` or `queue`. */
  open(target: PoolTarget, { connect: connectMs, queue: queueMs }: Required<Timeouts> = target.timeouts): Promise<Member> {
    const originPool = this.#originPoolFor(target)
    if (originPool.expiresAt <= this.#options.clock.now()) this.#registry.expire(originPool)
    const member = originPool.members[0]
    if (member !== undefined) return Promise.resolve(member)
    return new Promise<Member>((resolve, reject) => {
      const { clock } = this.#options
      const origin = target.origin.serialized
      const waits = (): boolean => waitsForPermit(originPool)
      const queued = queuedOpening(resolve, reject, { connectMs, queueMs, waits, clock, origin }, (reason) => {
        originPool.leaveOpening(queued)
        this.#growth.review(originPool, reason)
      })
      originPool.open(queued)
      this.#growth.grow(originPool)
    })
  }

  /** Opens the minimum number of connections of a target. @throws as {@link open}. */
  async fill(target: PoolTarget): Promise<void> {
    await this.open(target)
    const originPool = this.find(target)
    if (originPool !== undefined) this.#growth.grow(originPool)
  }

  /** Resolves on SETTINGS (RFC 9113 §3.4), on close, or after the connect timeout. */
  confirmed(connection: Connection, { connect }: Pick<Timeouts, 'connect'>): Promise<void> {
    return settledWithin(this.#registry.of(connection)?.dial?.settled, connect ?? 0, this.#options.clock)
  }

  /** Applies limits that were set, changed or removed. */
  recountLimits(): void {
    this.#permits.recount()
  }

  /** Applies new settings. Surplus connections finish their requests and close. */
  update(originPool: OriginPool, target: PoolTarget): void {
    originPool.target = target
    for (const connection of originPool.surplus()) void connection.close()
    if (originPool.queue.size > 0) this.#growth.grow(originPool)
  }

  /**
   * Closes connections made for this target, and detaches shared ones. Queued requests get new
   * connections.
   */
  async closeOriginPool(originPool: OriginPool): Promise<void> {
    // Iterate over a copy: closing removes members.
    const closing = [...originPool.members].map(({ connection, coalesced }) =>
      coalesced ? this.#registry.detach(originPool, connection) : connection.close(),
    )
    await Promise.all(closing)
  }

  /** Closes all connections of a target that never shares, including those still being dialed. */
  async endOriginPool(originPool: OriginPool): Promise<void> {
    while (!originPool.empty) {
      await this.closeOriginPool(originPool)
      await originPool.dialing
    }
  }

  /** Dials a connection for one request, which closes it when done. */
  acquireDedicated(target: PoolTarget, queued: QueuedRequest): void {
    this.#dedicated.acquire(target, queued)
  }

  /**
   * Removes a request from its queue. A dial that no other request waits for is aborted with
   * `reason`.
   */
  leave(target: PoolTarget, queued: QueuedRequest, reason?: unknown): void {
    this.#dedicated.leave(queued, reason)
    const originPool = this.find(target)
    if (originPool === undefined) return
    originPool.queue.delete(queued)
    this.#growth.review(originPool, reason)
  }

  /** Whether a request waits for a stream on an open connection, or for the limit of connections, and not for a dial. */
  isQueued(target: PoolTarget, queued: QueuedRequest): boolean {
    if (queued.queueNode === undefined) return this.#dedicated.waits(queued)
    const originPool = this.find(target)!
    return originPool.members.length > 0 || waitsForPermit(originPool)
  }

  /** Time for which a connection has carried no request, in milliseconds; `undefined` if it does, or never has. */
  idleMs(connection: Connection): number | undefined {
    const since = this.#lifetimes.idleSince(connection)
    return since === undefined ? undefined : this.#options.clock.now() - since
  }

  /** The times of an open connection. */
  timesOf(connection: Connection): ConnectionTimes {
    return this.#registry.timesOf(connection)
  }

  /** Called after a suspend: asks the peers of connections with requests. */
  awoke(): void {
    for (const connection of this.connections) connection.awoke?.()
  }

  /** Closes every connection once its requests have finished. */
  async close(): Promise<void> {
    this.#lifetimes.stop()
    this.#ended = true
    this.#stop.abort(new UsageError('ERR_CLIENT_CLOSED', 'the client was closed'))
    await Promise.all([...this.connections].map((connection) => connection.close()))
  }

  /** Destroys every connection now. */
  destroy(reason: Error): void {
    this.#lifetimes.stop()
    this.#ended = true
    this.#stop.abort(reason)
    for (const connection of [...this.connections]) connection.destroy(reason)
  }

  #originPoolFor(target: PoolTarget): OriginPool {
    let originPool = this.find(target)
    if (originPool === undefined) {
      originPool = new OriginPool(target, this)
      if (target.isolation !== undefined) this.#isolated++
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

  onDialFailed(error: unknown): void {
    this.metrics.failDial(error)
  }

  onEstablished({ route, dialed }: Connection): void {
    if (dialed !== undefined) this.#diagnostics.dialed(dialed)
    if (route.certificate !== undefined || route.authorized) this.metrics.handshakes++
    if (route.tls?.resumed === true) this.metrics.resumed++
  }

  onClosing(connection: Connection, reason: CloseReason): void {
    const pooled = this.#registry.of(connection)
    if (pooled !== undefined) pooled.reason ??= reason
  }

  onConnected(connection: Connection, target: PoolTarget, dial: PendingDial, permit: Permit): void {
    this.#registry.register(connection, target, dial, permit)
  }

  onOffer(connection: Connection): void {
    if (!this.#permits.active) return
    this.#permits.offer(this.#reuse.keysOfConnection(connection, this.#registry.of(connection)?.hostGroups ?? []))
  }

  onMemberLost(originPool: OriginPool): void {
    this.#registry.serveQueue(originPool)
    this.#growth.settle(originPool)
  }

  onDialWithoutCapacity(originPool: OriginPool): void {
    this.#growth.noteDialWithoutCapacity(originPool)
  }

  onGrowthNeeded(originPool: OriginPool): void {
    this.#growth.grow(originPool)
  }

  /** Forgets an origin pool that is empty. */
  onEmpty(originPool: OriginPool): void {
    // In the meantime it may have been forgotten and replaced already.
    if (!originPool.empty || originPool.owner !== this) return
    originPool.later?.cancel()
    originPool.owner = undefined
    if (originPool.target.isolation !== undefined) this.#isolated--
    this.#originPools.delete(originPool.target.dialKey)
  }

  /** Forgets DNS answers: the next connection of each origin served here uses current addresses. */
  onAged(connection: Connection): void {
    for (const { target } of this.#registry.of(connection)?.originPools ?? []) this.#connector.forget(target)
  }
}

/** Whether every dial of an origin pool waits for the limit of connections. */
function waitsForPermit({ pursuits }: OriginPool): boolean {
  return pursuits.length > 0 && pursuits.every(({ waits }) => waits)
}
