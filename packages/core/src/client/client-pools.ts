/** The pools of a client, by name: settings that change while it runs, connections that are counted and closed. */

import { parseOrigin } from '../message/origin.js'
import type { OriginPool } from '../pool/origin-pool.js'
import type { Pool } from '../pool/pool.js'
import { checkIsolation, ownOptions } from '../schema/option-checks.js'
import { namesOf, type OptionSchema, value } from '../schema/schema.js'
import type { PoolSettings } from '../settings/pool-settings.js'
import type { PoolTarget } from '../transport/target.js'
import type { Targets } from './targets.js'

/** What one origin, or one tag of it, has. */
export interface PoolStats {
  readonly origin: string
  /** The tag of its requests; `undefined` for the untagged ones. */
  readonly isolation: string | undefined
  /** Numbers of the connections that may serve it, those of other origins among them: see `ConnectionStats.id`. */
  readonly connections: readonly number[]
  /** Connections on their way. */
  readonly dialing: number
  /** Requests that wait for a connection, or for a place on one. */
  readonly queued: number
}

/** Options of {@link Pools.resize}. */
export interface ResizeOptions {
  /** Minimum number of connections. @default as before, at most the maximum */
  readonly least?: number
  /** Isolation of the pool. */
  readonly isolation?: string
}

/** Options of `client.pools.resize()`. */
export const RESIZE_OPTIONS: OptionSchema<ResizeOptions> = {
  least: value('1 to 1,000', 'as before, at most the maximum'),
  isolation: value('text'),
}

const RESIZE_NAMES = namesOf(RESIZE_OPTIONS)

/** `client.pools`. A pool comes into being with its first request, with the settings that hold for its name. */
export class Pools {
  readonly #pool: Pool
  readonly #targets: Targets
  readonly #current: (target: PoolTarget) => PoolTarget

  /** @param current what stands for a target now: one that wants HTTP/1.1 has another in its place. */
  constructor(pool: Pool, targets: Targets, current: (target: PoolTarget) => PoolTarget) {
    this.#pool = pool
    this.#targets = targets
    this.#current = current
  }

  /**
   * Settings for `name`, as in the client's option `pools`. What is left out is the client's. They hold from now on: connections beyond a
   * lower limit, or of other protocols, finish what they have.
   * @throws UsageError naming a setting that is unknown or out of range.
   */
  open(name: string, settings: PoolSettings = {}): void {
    this.#targets.define(name, settings)
    this.#update()
  }

  /** What the pool of an origin has now; `undefined` where it has nothing. @throws UsageError for an origin that is none. */
  find(origin: string | URL, isolation?: string): PoolStats | undefined {
    const originPool = this.#originPoolOf(origin, isolation)
    return originPool === undefined ? undefined : poolStats(originPool)
  }

  /**
   * Another number of connections: at most, and with `least` at least. Surplus ones finish what they have.
   * @throws UsageError out of range: 1 to 1,000.
   */
  resize(origin: string | URL, most: number, options?: ResizeOptions): void {
    const { least, isolation } = ownOptions(options, RESIZE_NAMES, '', 'pools.resize()')
    checkIsolation(isolation)
    const parsed = parseOrigin(origin)
    const name = isolation === undefined ? parsed.serialized : `${parsed.serialized}#${isolation}`
    const settings = this.#targets.settingsOf(parsed, isolation)
    const minConnectionsPerOrigin = least ?? Math.min(most, settings.minConnectionsPerOrigin ?? 1)
    this.open(name, { ...settings, maxConnectionsPerOrigin: most, minConnectionsPerOrigin })
  }

  /**
   * Closes the connections of an origin, each when its requests are over, and forgets settings of its own. A request that comes meanwhile
   * gets a new connection. Resolves when they are gone.
   */
  async close(origin: string | URL, isolation?: string): Promise<void> {
    const originPool = this.#originPoolOf(origin, isolation)
    const { serialized } = parseOrigin(origin)
    this.#targets.undefine(isolation === undefined ? serialized : `${serialized}#${isolation}`)
    if (originPool !== undefined) await this.#pool.closeOriginPool(originPool)
  }

  /** Each pool that has a connection, a dial or a request. */
  *[Symbol.iterator](): IterableIterator<PoolStats> {
    for (const originPool of this.#pool.originPools) yield poolStats(originPool)
  }

  #originPoolOf(origin: string | URL, isolation: string | undefined): OriginPool | undefined {
    return this.#pool.find(this.#current(this.#targets.of(parseOrigin(origin), checkIsolation(isolation))))
  }

  /** A group whose target is a different one now is of no use to new requests. */
  #update(): void {
    for (const originPool of [...this.#pool.originPools]) {
      const { origin, isolation, dialKey, http1Only, alone, pinned } = originPool.target
      if (http1Only === true || alone === true) continue
      const target =
        pinned === undefined ? this.#targets.of(origin, isolation) : this.#targets.at(origin, isolation, pinned.address)
      if (target.dialKey === dialKey) this.#pool.update(originPool, target)
      else void this.#pool.closeOriginPool(originPool)
    }
  }
}

function poolStats({ target, members, dials, queue }: OriginPool): PoolStats {
  const connections = members.map(({ connection }) => connection.id)
  return {
    origin: target.origin.serialized,
    isolation: target.isolation,
    connections,
    dialing: dials,
    queued: queue.size,
  }
}
