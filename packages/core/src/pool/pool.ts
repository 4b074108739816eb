/**
 * The connections of one client. Gives a request a connection at once where there is one with room, else queues it and sees to it
 * that one is on its way. Knows connections only by their interface.
 */

import type { Connector } from '../connect/connect.js'
import type { Connection, PoolTarget } from '../connection.js'
import type { Clock } from '../deadlines.js'
import { ConnectionError } from '../errors.js'
import { AddressIndex } from './address-index.js'
import { Dedicated } from './dedicated.js'
import { Dialling } from './dialling.js'
import { Group, hasRoom, type Member, type Waiter } from './group.js'
import { Lifetimes } from './lifetimes.js'
import type { ReusePolicy } from './reuse-policy.js'
import { Service } from './service.js'

/** What a pool depends on. */
export interface PoolOptions {
  readonly reuse: ReusePolicy
  readonly maxIdleConnections: number
  readonly clock: Clock
}

/** Where an origin has a connection and gets no further one, that is not tried again for so long, milliseconds. */
const FAILURE_PAUSE_MS = 1_000

/** So many connections one after the other that ended before there was room for a request: then those who wait hear of it. */
const MAX_FRUITLESS = 2

/** Counts since the client was made. */
export interface PoolTotals {
  /** TCP connections tried. */
  dials: number
  /** TLS handshakes that ended well. */
  handshakes: number
}

/** One client's pool. */
export class Pool {
  readonly #options: PoolOptions
  readonly #connector: Connector
  readonly #dialling: Dialling
  readonly #lifetimes: Lifetimes
  readonly #index = new AddressIndex()
  readonly #groups = new Map<string, Group>()
  readonly #services = new Map<Connection, Service>()
  readonly #dedicated: Dedicated
  readonly #stop = new AbortController()
  readonly totals: PoolTotals = { dials: 0, handshakes: 0 }

  constructor(connector: Connector, options: PoolOptions) {
    this.#connector = connector
    this.#options = options
    this.#lifetimes = new Lifetimes({
      clock: options.clock,
      maxIdleConnections: options.maxIdleConnections,
      siblings: (connection) => this.#services.get(connection)?.home?.members.map((member) => member.connection) ?? [connection],
      aged: ({ route }) => connector.forget(route.origin),
    })
    this.#dialling = new Dialling({
      connector,
      policy: options.reuse,
      index: this.#index,
      clock: options.clock,
      signal: this.#stop.signal,
      register: (connection, target) => this.#register(connection, target),
      onDial: () => {
        this.totals.dials++
      },
    })
    this.#dedicated = new Dedicated(this.#dialling, this.#stop.signal)
  }

  /** Open connections. */
  get connections(): Iterable<Connection> {
    return this.#services.keys()
  }

  /** What each target has. */
  get groups(): Iterable<Group> {
    return this.#groups.values()
  }

  /** What one target has. */
  find(target: PoolTarget): Group | undefined {
    return this.#groups.get(target.dialKey)
  }

  /**
   * A connection with room, now; or `undefined`, and `waiter` is called when there is one.
   * @throws UsageError from a strategy of the caller's own.
   */
  acquire(target: PoolTarget, waiter: Waiter): Member | undefined {
    const known = this.#groups.get(target.dialKey)
    const member = known?.pick(waiter)
    if (member !== undefined) {
      if (known!.members.length < target.settings.minConnections) this.#grow(known!)
      return member
    }
    // Not before: a strategy of the caller's own may have closed all there was, and then that group is forgotten.
    const group = this.#groupFor(target)
    group.waiting.add(waiter)
    for (const { connection } of group.members) this.#services.get(connection)?.queue(group)
    this.#grow(group)
    return undefined
  }

  /** A connection of `target`, whether it has room or not. @throws what the connector throws. */
  open(target: PoolTarget): Promise<Member> {
    const group = this.#groupFor(target)
    const member = group.members[0]
    if (member !== undefined) return Promise.resolve(member)
    return new Promise((resolve, reject) => {
      group.opening.push({ affinity: undefined, onMember: resolve, onUnavailable: reject })
      this.#grow(group)
    })
  }

  /** Other settings hold for a group from now on. Connections beyond its limit finish what they have. */
  update(group: Group, target: PoolTarget): void {
    group.target = target
    for (const connection of group.surplus()) void connection.close()
    if (group.waiting.size > 0) this.#grow(group)
  }

  /** The connections made for a group finish what they have; those of others are left. Who waits gets new ones. */
  async closeGroup(group: Group): Promise<void> {
    // A copy: who closes leaves the list at once.
    const closing = [...group.members].map(({ connection, coalesced }) =>
      coalesced ? this.#detach(group, connection) : connection.close(),
    )
    await Promise.all(closing)
  }

  /** The same for a target that has no others' connections, and what is on its way is closed when those who wait for it have it. */
  async endGroup(group: Group): Promise<void> {
    while (!group.empty) {
      await this.closeGroup(group)
      await group.dialled
    }
  }

  /** A connection for one request alone, which closes it when done. */
  acquireDedicated(target: PoolTarget, waiter: Waiter): void {
    this.#dedicated.acquire(target, waiter)
  }

  /** The waiter waits no more. A dial for it alone ends; one that others may use goes on. */
  leave(target: PoolTarget, waiter: Waiter): void {
    this.#dedicated.leave(waiter)
    this.#groups.get(target.dialKey)?.waiting.delete(waiter)
  }

  /** Whether a waiter of this target waits for a place on an open connection, and not for a connection. */
  hasConnection(target: PoolTarget): boolean {
    return (this.#groups.get(target.dialKey)?.members.length ?? 0) > 0
  }

  /** The server would not answer for this target on that shared connection (RFC 9110 §15.5.20): the target gets its own. */
  misdirected(target: PoolTarget, connection: Connection): void {
    this.#options.reuse.misdirected(connection, target.origin)
    const group = this.#groups.get(target.dialKey)
    if (group !== undefined) this.#detach(group, connection)
  }

  /** Lets every connection finish what it has. */
  async close(): Promise<void> {
    this.#lifetimes.stop()
    this.#stop.abort(new Error('the client was closed'))
    await Promise.all([...this.#services.keys()].map((connection) => connection.close()))
  }

  /** Ends everything now. */
  destroy(reason: Error): void {
    this.#lifetimes.stop()
    this.#stop.abort(reason)
    for (const connection of [...this.#services.keys()]) connection.destroy(reason)
  }

  #groupFor(target: PoolTarget): Group {
    let group = this.#groups.get(target.dialKey)
    if (group === undefined) {
      group = new Group(target)
      this.#groups.set(target.dialKey, group)
    }
    return group
  }

  /** Starts as many dials as the queue and the limits ask for: one until it is known what the origin speaks. */
  #grow(group: Group): void {
    if (group.target.once === true && group.target.progress.connections > 0) {
      // Its one connection may be here, and busy or in doubt: then there is something to wait for.
      if (group.members.length + group.dials === 0) this.#fail(group, this.#lost(group, 'the connection was closed'))
      return
    }
    const { maxConnections, minConnections } = group.target.settings
    const known = group.members[0]?.connection.protocol ?? this.#connector.knownProtocol(group.target)
    const limit = known === 'h2' || known === 'http/1.1' ? maxConnections[known] : 1
    const coming = group.dials + group.verifying
    const there = group.members.length + group.dials
    const needed = Math.max(group.waiting.size - coming, Math.min(minConnections, limit) - there)
    if (group.fruitless >= MAX_FRUITLESS && there > 0) return
    const pauseMs = group.members.length > 0 ? group.failedAt + FAILURE_PAUSE_MS - this.#options.clock.now() : 0
    if (pauseMs > 0) return this.#growLater(group, pauseMs)
    for (let more = Math.min(needed, limit - there); more > 0; more--) this.#dial(group)
  }

  /** What the others have may never be free. Nothing is dialled for those who have gone by then. */
  #growLater(group: Group, pauseMs: number): void {
    if (group.waiting.size === 0) return
    group.later ??= this.#options.clock.startTimer(pauseMs, () => {
      group.later = undefined
      if (group.waiting.size > 0) this.#grow(group)
    })
    group.later.unref()
  }

  #dial(group: Group): void {
    group.dials++
    group.dialled = this.#dialling
      .obtain(group.target, (connection) => group.memberOf(connection) !== undefined)
      .then(
        (member) => this.#obtained(group, member),
        (error: Error) => this.#unavailable(group, error),
      )
  }

  #obtained(group: Group, member: Member): void {
    const service = this.#services.get(member.connection)
    if (service === undefined || member.connection.state !== 'open') {
      // It closed while the promise was on its way. A server that does this every time must not be dialled without end.
      if (!member.coalesced)
        return this.#unavailable(group, this.#lost(group, 'the connection was closed as soon as it was open'))
      group.dials--
      return this.#grow(group)
    }
    group.dials--
    for (const { onMember } of group.opening.splice(0)) onMember(member)
    if (group.memberOf(member.connection) === undefined) {
      group.members.push(member)
      if (!member.coalesced) service.home = group
      service.groups.add(group)
      service.waiting.add(group)
      service.noteRoom()
      if (service.roomy) group.fruitless = 0
      this.#serve(member.connection, service)
      // Whoever it was made for has gone: it must not stay for ever.
      if (member.connection.active === 0) this.#lifetimes.idle(member.connection)
    }
    // The limit may have been lowered since it was dialled.
    if (group.members.length > 1) for (const surplus of group.surplus()) void surplus.close()
    this.#grow(group)
  }

  /** A dial failed. Those who wait for nothing else hear of it; with a connection or another dial there is still hope. */
  #unavailable(group: Group, error: Error): void {
    group.dials--
    group.failedAt = this.#options.clock.now()
    if (group.dials === 0 && group.members.length === 0) return this.#fail(group, error)
    // Not dialled again at once: a server that takes one connection and no second would be asked without end.
    if (group.members.length > 0) this.#settle(group)
  }

  #fail(group: Group, error: Error): void {
    for (const { onUnavailable } of group.opening.splice(0)) onUnavailable(error)
    for (let waiter = group.next(); waiter !== undefined; waiter = group.next()) waiter.onUnavailable(error)
    group.fruitless = 0
    this.#forget(group)
  }

  #lost({ target }: Group, what: string): ConnectionError {
    const origin = target.origin.serialized
    return new ConnectionError('ERR_CONNECTION_LOST', `${what} (${origin})`, { origin, initiator: 'peer', processed: 'no' })
  }

  /** A connection has ended before it had room. Without an end to that, a server that takes no requests would be dialled for ever. */
  #fruitless(group: Group): void {
    group.failedAt = this.#options.clock.now()
    if (++group.fruitless < MAX_FRUITLESS || group.members.length + group.dials > 0) return this.#settle(group)
    this.#fail(group, this.#lost(group, 'the connection was closed before it took a request'))
  }

  /** After a change: more dials where requests still wait, or the group is forgotten. */
  #settle(group: Group): void {
    if (group.waiting.size > 0) this.#grow(group)
    else this.#forget(group)
  }

  /** Unless it still has something. */
  #forget(group: Group): void {
    if (!group.empty) return
    group.later?.cancel()
    this.#groups.delete(group.target.dialKey)
  }

  #register(connection: Connection, target: PoolTarget): void {
    // Between its making and now the pool may have ended: whoever made it hears that nobody has it.
    if (this.#stop.signal.aborted) return connection.destroy(this.#stop.signal.reason)
    const { remoteAddress, remotePort, certificate, authorized, proxy } = connection.route
    if (certificate !== undefined || authorized) this.totals.handshakes++
    const service = new Service(connection)
    this.#services.set(connection, service)
    target.progress.connections++
    this.#lifetimes.add(connection, target.settings)
    // A proxy's address leads to every origin, and so to none.
    if (remoteAddress !== undefined && remotePort !== undefined && proxy === undefined)
      this.#index.add(remoteAddress, remotePort, connection)
    connection.onChange = () => this.#changed(connection, service)
    if (connection.state !== 'open') this.#changed(connection, service)
  }

  #changed(connection: Connection, service: Service): void {
    if (connection.state !== 'open') return this.#retire(connection, service)
    const origins = connection.originSet?.size ?? -1
    if (origins !== service.origins) {
      service.origins = origins
      this.#review(connection, service)
    }
    service.noteRoom()
    if (service.waiting.size > 0) this.#serve(connection, service)
    // It may have room for fewer than have come.
    if (service.doubtEnded()) for (const group of service.waiting) this.#grow(group)
    if (connection.active > 0) this.#lifetimes.busy(connection)
    else this.#lifetimes.idle(connection)
  }

  /** RFC 8336 §2.4: ORIGIN may come after others have joined, and what is not in the set is not served from then on. */
  #review(connection: Connection, service: Service): void {
    // Through a proxy nobody joins, and the connection's own origin is always in its set (RFC 8336 §2.3).
    if (connection.route.proxy !== undefined) return
    for (const group of [...service.groups]) {
      const target = group.memberOf(connection)?.target
      if (target === undefined) continue
      const verdict = this.#options.reuse.verdict(connection, target)
      if (!('use' in verdict) || !verdict.use) this.#detach(group, connection)
    }
  }

  /** The connection goes on, but not for this group: who waited for it needs another. */
  #detach(group: Group, connection: Connection): void {
    group.remove(connection)
    const service = this.#services.get(connection)
    service?.groups.delete(group)
    service?.waiting.delete(group)
    this.#settle(group)
  }

  /** Gives free places away, one for each group in turn. */
  #serve(connection: Connection, service: Service): void {
    while (connection.capacity > 0 && service.waiting.size > 0) {
      const [group] = service.waiting as Iterable<Group> as [Group]
      service.waiting.delete(group)
      if (group.waiting.size === 0) continue
      if (!hasRoom(connection)) {
        service.waiting.add(group)
        return
      }
      const waiter = group.next()!
      if (group.waiting.size > 0) service.waiting.add(group)
      waiter.onMember(group.memberOf(connection)!)
    }
  }

  /** It takes no more requests: nobody finds it any more, and who waited for it needs another. */
  #retire(connection: Connection, service: Service): void {
    const { remoteAddress, remotePort } = connection.route
    this.#lifetimes.delete(connection)
    if (remoteAddress !== undefined && remotePort !== undefined) this.#index.delete(remoteAddress, remotePort, connection)
    if (connection.state === 'closed') this.#services.delete(connection)
    const groups = [...service.groups]
    service.groups.clear()
    service.waiting.clear()
    for (const group of groups) {
      group.remove(connection)
      if (service.roomy) this.#settle(group)
      else this.#fruitless(group)
    }
  }
}
