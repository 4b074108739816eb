/**
 * The connections of one client. Gives a request a connection at once where there is one with room, else queues it and sees to it
 * that one is on its way. Knows connections only by their interface.
 */

import { link, unlink } from '../abort.js'
import type { Connector } from '../connect/connect.js'
import type { Connection, Target } from '../connection.js'
import type { Clock } from '../deadlines.js'
import { ConnectionError } from '../errors.js'
import { AddressIndex } from './address-index.js'
import { Dialling } from './dialling.js'
import { Group, type Member, type Waiter } from './group.js'
import { IdleConnections } from './idle.js'
import type { ReusePolicy } from './reuse-policy.js'

/** What a pool depends on. */
export interface PoolOptions {
  readonly reuse: ReusePolicy
  readonly idleTimeoutMs: number
  readonly maxConnectionsPerOrigin: { readonly h2: number; readonly 'http/1.1': number }
  readonly clock: Clock
}

/** Which groups a connection serves, and which of them have requests waiting for room on it. */
interface Service {
  readonly groups: Set<Group>
  /** In turns, so that one origin's queue does not starve another's single request. */
  readonly waiting: Set<Group>
  /** Size of the connection's Origin Set when the policy was last asked about all of `groups`; -1 without one. */
  origins: number
}

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
  readonly #idle: IdleConnections
  readonly #index = new AddressIndex()
  readonly #groups = new Map<string, Group>()
  readonly #services = new Map<Connection, Service>()
  readonly #dedicated = new Map<Waiter, AbortController>()
  readonly #stop = new AbortController()
  readonly totals: PoolTotals = { dials: 0, handshakes: 0 }

  constructor(connector: Connector, options: PoolOptions) {
    this.#connector = connector
    this.#options = options
    this.#idle = new IdleConnections(options.clock, options.idleTimeoutMs)
    this.#dialling = new Dialling({
      connector,
      policy: options.reuse,
      index: this.#index,
      clock: options.clock,
      signal: this.#stop.signal,
      register: (connection) => this.#register(connection),
      onDial: () => {
        this.totals.dials++
      },
    })
  }

  /** Open connections. */
  get connections(): Iterable<Connection> {
    return this.#services.keys()
  }

  /** A connection with room, now; or `undefined`, and `waiter` is called when there is one. */
  acquire(target: Target, waiter: Waiter): Member | undefined {
    let group = this.#groups.get(target.dialKey)
    const member = group?.pick()
    if (member !== undefined) return member
    if (group === undefined) {
      group = new Group(target)
      this.#groups.set(target.dialKey, group)
    }
    group.waiting.add(waiter)
    for (const { connection } of group.members) this.#services.get(connection)?.waiting.add(group)
    this.#grow(group)
    return undefined
  }

  /** A connection for one request alone, which closes it when done. */
  acquireDedicated(target: Target, waiter: Waiter): void {
    const dial = new AbortController()
    this.#dedicated.set(waiter, dial)
    link(this.#stop.signal, dial)
    const settled = (): void => {
      this.#dedicated.delete(waiter)
      unlink(this.#stop.signal, dial)
    }
    this.#dialling
      .dedicated(target, dial.signal)
      .finally(settled)
      .then(
        (member) => waiter.onMember(member),
        (error: Error) => waiter.onUnavailable(error),
      )
  }

  /** The waiter waits no more. A dial for it alone ends; one that others may use goes on. */
  leave(target: Target, waiter: Waiter): void {
    this.#dedicated.get(waiter)?.abort()
    this.#groups.get(target.dialKey)?.waiting.delete(waiter)
  }

  /** Whether a waiter of this target waits for a place on an open connection, and not for a connection. */
  hasConnection(target: Target): boolean {
    return (this.#groups.get(target.dialKey)?.members.length ?? 0) > 0
  }

  /** The server would not answer for this target on that shared connection (RFC 9110 §15.5.20): the target gets its own. */
  misdirected(target: Target, connection: Connection): void {
    this.#options.reuse.misdirected(connection, target.origin)
    const group = this.#groups.get(target.dialKey)
    if (group !== undefined) this.#detach(group, connection)
  }

  /** Lets every connection finish what it has. */
  async close(): Promise<void> {
    this.#idle.stop()
    this.#stop.abort(new Error('the client was closed'))
    await Promise.all([...this.#services.keys()].map((connection) => connection.close()))
  }

  /** Ends everything now. */
  destroy(reason: Error): void {
    this.#idle.stop()
    this.#stop.abort(reason)
    for (const connection of [...this.#services.keys()]) connection.destroy(reason)
  }

  /** Starts as many dials as the queue and the limits ask for: one until it is known what the origin speaks. */
  #grow(group: Group): void {
    const known = group.members[0]?.connection.protocol ?? this.#connector.knownProtocol(group.target)
    const limit = known === 'h2' || known === 'http/1.1' ? this.#options.maxConnectionsPerOrigin[known] : 1
    while (group.dials < group.waiting.size && group.members.length + group.dials < limit) {
      group.dials++
      this.#dialling
        .obtain(group.target, (connection) => group.memberOf(connection) !== undefined)
        .then(
          (member) => this.#obtained(group, member),
          (error: Error) => this.#unavailable(group, error),
        )
    }
  }

  #obtained(group: Group, member: Member): void {
    const service = this.#services.get(member.connection)
    if (service === undefined || member.connection.state !== 'open') {
      // It closed while the promise was on its way. A server that does this every time must not be dialled without end.
      const origin = group.target.origin.serialized
      const message = `the connection was closed as soon as it was open (${origin})`
      return this.#unavailable(
        group,
        new ConnectionError('ERR_CONNECTION_LOST', message, { origin, initiator: 'peer', processed: 'no' }),
      )
    }
    group.dials--
    if (group.memberOf(member.connection) === undefined) {
      group.members.push(member)
      service.groups.add(group)
      service.waiting.add(group)
      this.#serve(member.connection, service)
      // Whoever it was made for has gone: it must not stay for ever.
      if (member.connection.active === 0) this.#idle.add(member.connection)
    }
    this.#settle(group)
  }

  /** A dial failed. Those who wait for nothing else hear of it; with a connection or another dial there is still hope. */
  #unavailable(group: Group, error: Error): void {
    group.dials--
    if (group.dials === 0 && group.members.length === 0) {
      for (let waiter = group.next(); waiter !== undefined; waiter = group.next()) waiter.onUnavailable(error)
    }
    // Not dialled again at once: a server that takes one connection and no second would be asked without end.
    if (group.empty) this.#groups.delete(group.target.dialKey)
  }

  /** After a change: more dials where requests still wait, or the group is forgotten. */
  #settle(group: Group): void {
    if (group.waiting.size > 0) this.#grow(group)
    else if (group.empty) this.#groups.delete(group.target.dialKey)
  }

  #register(connection: Connection): void {
    const { remoteAddress, remotePort, certificate, authorized, proxy } = connection.route
    if (certificate !== undefined || authorized) this.totals.handshakes++
    const service: Service = { groups: new Set(), waiting: new Set(), origins: connection.originSet?.size ?? -1 }
    this.#services.set(connection, service)
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
    if (service.waiting.size > 0) this.#serve(connection, service)
    if (connection.active > 0) this.#idle.delete(connection)
    else this.#idle.add(connection)
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
      const waiter = group.next()
      if (waiter === undefined) continue
      if (group.waiting.size > 0) service.waiting.add(group)
      waiter.onMember(group.memberOf(connection)!)
    }
  }

  /** It takes no more requests: nobody finds it any more, and who waited for it needs another. */
  #retire(connection: Connection, service: Service): void {
    const { remoteAddress, remotePort } = connection.route
    this.#idle.delete(connection)
    if (remoteAddress !== undefined && remotePort !== undefined) this.#index.delete(remoteAddress, remotePort, connection)
    if (connection.state === 'closed') this.#services.delete(connection)
    const groups = [...service.groups]
    service.groups.clear()
    service.waiting.clear()
    for (const group of groups) {
      group.remove(connection)
      this.#settle(group)
    }
  }
}
