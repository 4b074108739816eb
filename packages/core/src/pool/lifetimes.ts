/**
 * Closes connections that are idle, in excess of the idle limit, or past their maximum age. One
 * timer serves all of them, and never keeps the process alive.
 */

import type { Clock, ClockTimer } from '../runtime/clock.js'
import type { ResolvedPoolSettings } from '../settings/pool-settings.js'
import type { CloseReason, Connection } from '../transport/connection.js'
import type { ConnectionLimit, PoolTarget } from '../transport/target.js'
import type { IdleConnections, Permit } from './permits.js'
import type { PoolEvents } from './pool-events.js'

/** The longest delay of a Node timer, in milliseconds. */
const MAX_WAIT_MS = 0x7fff_ffff
/** Minimum delay between two checks, in milliseconds: connections due close together share one. */
const LEAST_WAIT_MS = 10

/** Collaborators of lifetimes. */
export interface LifetimesDeps {
  readonly clock: Clock
  /** Maximum number of idle connections in total. */
  readonly maxIdleConnections: number
  /** The connections of the origin pool that this one was made for, including itself. */
  siblingsOf(connection: Connection): Iterable<Connection>
  readonly events: Pick<PoolEvents, 'onAged' | 'onOffer' | 'onClosing'>
}

interface Life {
  readonly settings: ResolvedPoolSettings
  readonly endsAt: number
  /** The shorter idle limit of the settings, in milliseconds. */
  readonly idleLimitMs: number
  /** Its limits may change. */
  readonly permit: Pick<Permit, 'limits'>
}

/** The lifetimes of one pool's connections. */
export class Lifetimes implements IdleConnections {
  readonly #deps: LifetimesDeps
  readonly #lives = new Map<Connection, Life>()
  /**
   * Idle since, in order of becoming idle. Entries are not removed when a request starts, so some
   * of these connections may be active again.
   */
  readonly #idle = new Map<Connection, number>()
  #timer: ClockTimer | undefined
  #dueAt = Number.POSITIVE_INFINITY

  constructor(deps: LifetimesDeps) {
    this.#deps = deps
  }

  /** Starts tracking a connection. */
  add(connection: Connection, { settings }: Pick<PoolTarget, 'settings'>, permit: Pick<Permit, 'limits'>): void {
    const { maxConnectionAgeMs, maxConnectionAgeJitterMs } = settings
    const ageMs = maxConnectionAgeMs + Math.random() * maxConnectionAgeJitterMs
    const endsAt = maxConnectionAgeMs === 0 ? Number.POSITIVE_INFINITY : this.#deps.clock.now() + ageMs
    this.#lives.set(connection, { settings, endsAt, idleLimitMs: idleLimitMs(settings), permit })
    this.#schedule(endsAt)
  }

  /** Restarts the idle time of a connection that carries no requests. */
  idle(connection: Connection): void {
    const life = this.#lives.get(connection)
    if (life === undefined) return
    // Delete first: the map must stay ordered by time.
    this.#idle.delete(connection)
    const now = this.#deps.clock.now()
    this.#idle.set(connection, now)
    this.#closeLongestIdle()
    if (life.permit.limits.length > 0) this.#deps.events.onOffer(connection)
    this.#schedule(now + life.idleLimitMs)
  }

  /** Since when a connection carries no request, in milliseconds of the client's clock; `undefined` if it does, or never has. */
  idleSince(connection: Connection): number | undefined {
    return connection.active > 0 || connection.requests === 0 ? undefined : this.#idle.get(connection)
  }

  /** Marks a connection as active. */
  busy(connection: Connection): void {
    this.#idle.delete(connection)
  }

  /** Whether the connection is past its maximum age but not closed yet. */
  isPastAge(connection: Connection): boolean {
    const life = this.#lives.get(connection)
    return life !== undefined && life.endsAt <= this.#deps.clock.now()
  }

  /** Stops tracking a connection that takes no more requests or is closed. */
  delete(connection: Connection): void {
    this.#lives.delete(connection)
    this.#idle.delete(connection)
  }

  /** Stops the timer. */
  stop(): void {
    this.#lives.clear()
    this.#idle.clear()
    this.#timer?.cancel()
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  /** Keeps a timer that fires earlier: its check schedules the next one. */
  #schedule(at: number): void {
    if (at >= this.#dueAt) return
    this.#timer?.cancel()
    this.#dueAt = at
    this.#timer = this.#deps.clock.startTimer(Math.min(MAX_WAIT_MS, Math.max(0, at - this.#deps.clock.now())), () => this.#look())
    this.#timer.unref()
  }

  #look(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
    const now = this.#deps.clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const [connection, life] of [...this.#lives]) {
      const due = this.#dueOf(connection, life)
      if (due > now) next = Math.min(next, due)
      else void this.#end(connection, life.endsAt <= now ? 'age' : 'idle')
    }
    if (next < Number.POSITIVE_INFINITY) this.#schedule(Math.max(next, now + LEAST_WAIT_MS))
  }

  /** When the connection is to be closed, as of now. */
  #dueOf(connection: Connection, { settings, endsAt }: Life): number {
    const since = this.#idle.get(connection)
    if (since === undefined) return endsAt
    if (isInUse(connection)) {
      // It becomes idle again when its requests end.
      this.#idle.delete(connection)
      return endsAt
    }
    const { idleTimeoutMs } = settings
    const idleEnd = idleTimeoutMs === 0 ? Number.POSITIVE_INFINITY : since + idleTimeoutMs
    return Math.min(endsAt, idleEnd, this.#poolEnd(connection, settings))
  }

  /** When the whole origin pool has been idle for `poolIdleTimeoutMs`. */
  #poolEnd(connection: Connection, { poolIdleTimeoutMs }: ResolvedPoolSettings): number {
    if (poolIdleTimeoutMs === 0) return Number.POSITIVE_INFINITY
    let latest = 0
    for (const sibling of this.#deps.siblingsOf(connection)) {
      const since = isInUse(sibling) ? undefined : this.#idle.get(sibling)
      if (since === undefined) return this.#deps.clock.now() + poolIdleTimeoutMs
      latest = Math.max(latest, since)
    }
    return latest + poolIdleTimeoutMs
  }

  /**
   * Closes idle connections beyond the limit, oldest first. Removes stale entries of active
   * connections.
   */
  #closeLongestIdle(): void {
    for (const connection of this.#idle.keys()) {
      if (this.#idle.size <= this.#deps.maxIdleConnections) return
      this.#idle.delete(connection)
      if (!isInUse(connection)) void this.#end(connection, 'limit')
    }
  }

  /** Closes the longest idle connection under a limit, if there is one. Resolves when it is closed. Those of handles stay. */
  closeIdleUnder(limit: ConnectionLimit): Promise<void> | undefined {
    for (const connection of this.#idle.keys()) {
      const { settings, permit } = this.#lives.get(connection)!
      if (!isInUse(connection) && !settings.exclusive && permit.limits.includes(limit)) return this.#end(connection, 'limit')
    }
    return undefined
  }

  /** Resolves when the socket is closed. Cannot reject. */
  #end(connection: Connection, reason: CloseReason): Promise<void> {
    this.delete(connection)
    this.#deps.events.onClosing(connection, reason)
    if (reason === 'age') this.#deps.events.onAged(connection)
    return connection.close()
  }
}

function isInUse(connection: Connection): boolean {
  return connection.active > 0 || connection.verifying
}

/** The shorter of the two limits that are set, in milliseconds; Infinity without one. */
function idleLimitMs({ idleTimeoutMs, poolIdleTimeoutMs }: ResolvedPoolSettings): number {
  const limits = [idleTimeoutMs, poolIdleTimeoutMs].filter((limit) => limit > 0)
  return limits.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...limits)
}
