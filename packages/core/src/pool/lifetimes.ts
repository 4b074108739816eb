/**
 * How long connections stay: those without requests for a while, more idle ones than are wanted, those past their age. One timer, which
 * never keeps the process alive.
 */

import type { Clock, ClockTimer } from '../runtime/clock.js'
import type { ResolvedPoolSettings } from '../settings/pool-settings.js'
import type { Connection } from '../transport/connection.js'
import type { PoolEvents } from './pool-events.js'

/** The longest that a timer of Node waits, milliseconds. */
const MAX_WAIT_MS = 0x7fff_ffff
/** Connections that become due one after the other are looked at together, milliseconds. */
const LEAST_WAIT_MS = 10

/** What lifetimes need to know of the pool. */
export interface LifetimesDeps {
  readonly clock: Clock
  /** Idle connections kept in all. */
  readonly maxIdleConnections: number
  /** The connections of the pool that one was made for, itself among them. */
  siblingsOf(connection: Connection): Iterable<Connection>
  readonly events: Pick<PoolEvents, 'onAged'>
}

interface Life {
  readonly settings: ResolvedPoolSettings
  readonly endsAt: number
  /** When idle for so long, there is something to look at, milliseconds. */
  readonly idleLimitMs: number
}

/** The lifetimes of one pool's connections. */
export class Lifetimes {
  readonly #deps: LifetimesDeps
  readonly #lives = new Map<Connection, Life>()
  /** Since when, in the order in which they became idle. Nobody says when a request begins: some are active again. */
  readonly #idle = new Map<Connection, number>()
  #timer: ClockTimer | undefined
  #dueAt = Number.POSITIVE_INFINITY

  constructor(deps: LifetimesDeps) {
    this.#deps = deps
  }

  /** A connection is there. */
  add(connection: Connection, settings: ResolvedPoolSettings): void {
    const { maxConnectionAgeMs, maxConnectionAgeJitterMs } = settings
    const ageMs = maxConnectionAgeMs + Math.random() * maxConnectionAgeJitterMs
    const endsAt = maxConnectionAgeMs === 0 ? Number.POSITIVE_INFINITY : this.#deps.clock.now() + ageMs
    this.#lives.set(connection, { settings, endsAt, idleLimitMs: idleLimitMs(settings) })
    this.#schedule(endsAt)
  }

  /** It carries nothing now: its time counts from here, however often that was said before. */
  idle(connection: Connection): void {
    const life = this.#lives.get(connection)
    if (life === undefined) return
    // Out first: the order is that of the times.
    this.#idle.delete(connection)
    const now = this.#deps.clock.now()
    this.#idle.set(connection, now)
    this.#closeLongestIdle()
    this.#schedule(now + life.idleLimitMs)
  }

  /** It carries something. */
  busy(connection: Connection): void {
    this.#idle.delete(connection)
  }

  /** Whether it is to be closed for its age, and nobody has come round to it. */
  isPastAge(connection: Connection): boolean {
    const life = this.#lives.get(connection)
    return life !== undefined && life.endsAt <= this.#deps.clock.now()
  }

  /** It takes no more requests, or is gone. */
  delete(connection: Connection): void {
    this.#lives.delete(connection)
    this.#idle.delete(connection)
  }

  /** Ends the timer. */
  stop(): void {
    this.#lives.clear()
    this.#idle.clear()
    this.#timer?.cancel()
    this.#dueAt = Number.POSITIVE_INFINITY
  }

  /** A timer that fires earlier is left: it looks again when it fires. */
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
      else this.#end(connection, life.endsAt <= now)
    }
    if (next < Number.POSITIVE_INFINITY) this.#schedule(Math.max(next, now + LEAST_WAIT_MS))
  }

  /** When it is to be closed, as things stand. */
  #dueOf(connection: Connection, { settings, endsAt }: Life): number {
    const since = this.#idle.get(connection)
    if (since === undefined) return endsAt
    if (isInUse(connection)) {
      // When its requests are over it is idle again.
      this.#idle.delete(connection)
      return endsAt
    }
    const { idleTimeoutMs } = settings
    const idleEnd = idleTimeoutMs === 0 ? Number.POSITIVE_INFINITY : since + idleTimeoutMs
    return Math.min(endsAt, idleEnd, this.#poolEnd(connection, settings))
  }

  /** When nothing of its pool has carried a request for long enough. */
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

  /** While there are too many. Some of them are not idle any more, and only count for it. */
  #closeLongestIdle(): void {
    for (const connection of this.#idle.keys()) {
      if (this.#idle.size <= this.#deps.maxIdleConnections) return
      this.#idle.delete(connection)
      if (!isInUse(connection)) this.#end(connection, false)
    }
  }

  #end(connection: Connection, aged: boolean): void {
    this.delete(connection)
    if (aged) this.#deps.events.onAged(connection)
    // Resolves when the socket is gone; nobody waits for it here, and it cannot reject.
    void connection.close()
  }
}

function isInUse(connection: Connection): boolean {
  return connection.active > 0 || connection.verifying
}

/** The shorter of the two that are set, milliseconds. */
function idleLimitMs({ idleTimeoutMs, poolIdleTimeoutMs }: ResolvedPoolSettings): number {
  const limits = [idleTimeoutMs, poolIdleTimeoutMs].filter((limit) => limit > 0)
  return limits.length === 0 ? Number.POSITIVE_INFINITY : Math.min(...limits)
}
