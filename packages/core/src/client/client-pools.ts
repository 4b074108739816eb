/** The pools of a client by name: resize them at runtime, count and close their connections. */

import { parseOrigin } from '../message/origin.js'
import type { OriginPool } from '../pool/origin-pool.js'
import type { Pool } from '../pool/pool.js'
import { checkIsolation, ownOptions } from '../schema/option-checks.js'
import { namesOf, type OptionSchema, value } from '../schema/schema.js'
import type { PoolTarget } from '../transport/target.js'
import { isIsolation } from './pool-names.js'
import type { PoolOptions } from './pool-options.js'
import type { Targets } from './targets.js'

/** The state of one pool: an origin, or one isolation of it. */
export interface PoolStats {
  readonly origin: string
  /** The isolation of its requests; `undefined` for requests without one. */
  readonly isolation: string | undefined
  /** Ids of the connections that may serve it, including shared ones: see `ConnectionStats.id`. */
  readonly connections: readonly number[]
  /** Pending dials. */
  readonly dialing: number
  /** Requests that wait for a connection or for a stream. */
  readonly queued: number
  /** Responses of its origin so far, whatever their status. All isolations of an origin count together. */
  readonly answered: number
  /** Requests to its origin that failed or were aborted so far. */
  readonly failed: number
  /** Minimum and maximum number of its connections, as set now. */
  readonly limits: PoolLimits
}

/** Limits of the number of connections. */
export interface PoolLimits {
  readonly least: number
  /** By protocol. */
  readonly most: { readonly h2: number; readonly 'http/1.1': number }
  /** The limits `maxConnections` that its connections count against, with other origins: those of the client and of its pool, if set. */
  readonly together: readonly { readonly most: number; readonly used: number }[]
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

/**
 * `client.pools`. A pool is created by its first request, with the settings defined for its name.
 */
export class Pools {
  readonly #pool: Pool
  readonly #targets: Targets
  readonly #current: (target: PoolTarget) => PoolTarget

  /**
   * @param current maps a target to its current replacement (an origin that answered
   *   HTTP_1_1_REQUIRED has one).
   */
  constructor(pool: Pool, targets: Targets, current: (target: PoolTarget) => PoolTarget) {
    this.#pool = pool
    this.#targets = targets
    this.#current = current
  }

  /**
   * Defines options for `name`, as in the client's option `pools`. Options left out are the
   * client's. Applies at once: connections beyond a lower limit, or with another protocol, finish
   * their requests and close.
   * @throws UsageError if a setting is unknown or out of range.
   */
  open(name: string, options: PoolOptions = {}): void {
    this.#targets.define(name, options)
    this.#update()
  }

  /**
   * Returns the state of an origin's pool; `undefined` without one.
   * @throws UsageError if `origin` is not a valid origin.
   */
  find(origin: string | URL, isolation?: string): PoolStats | undefined {
    const originPool = this.#originPoolOf(origin, isolation)
    return originPool === undefined ? undefined : poolStats(originPool)
  }

  /**
   * Sets the maximum number of connections, and with `least` the minimum, which is opened at once.
   * Surplus connections finish their requests and close.
   * @throws UsageError out of range: 1 to 1,000.
   */
  resize(origin: string | URL, most: number, options?: ResizeOptions): void {
    const { least, isolation } = ownOptions(options, RESIZE_NAMES, '', 'pools.resize()')
    checkIsolation(isolation)
    const parsed = parseOrigin(origin)
    const { settings } = this.#targets.poolOf(parsed, isolation)
    const minConnectionsPerOrigin = least ?? Math.min(most, settings.minConnections)
    this.#targets.change(parsed, isolation, { maxConnectionsPerOrigin: most, minConnectionsPerOrigin })
    this.#update()
    // A failure is met again by the next request, which reports it.
    if (least !== undefined) this.#pool.fill(this.#current(this.#targets.of(parsed, isolation))).catch(() => undefined)
  }

  /**
   * Closes the connections of an origin, or of every origin in an isolation, each when its requests
   * are over, and forgets what `open` and `resize` have defined for it: the option `pools` applies
   * again. New requests get new connections. Resolves when all are closed.
   * @param name an origin, or an isolation: any other text.
   */
  async close(name: string | URL, isolation?: string): Promise<void> {
    if (typeof name === 'string' && isIsolation(name)) return this.#closeIsolation(name)
    const { serialized } = parseOrigin(name)
    checkIsolation(isolation)
    this.#targets.undefine(isolation === undefined ? serialized : `${serialized}#${isolation}`)
    this.#update()
    await this.#closeAll((target) => target.origin.serialized === serialized && target.isolation === isolation)
  }

  async #closeIsolation(isolation: string): Promise<void> {
    this.#targets.undefine(isolation)
    this.#update()
    await this.#closeAll((target) => target.isolation === isolation)
  }

  /** Closes origin pools, those of requests with an address policy of their own included. Handles are closed by their owners. */
  async #closeAll(matches: (target: PoolTarget) => boolean): Promise<void> {
    const closing = [...this.#pool.originPools].filter(({ target }) => target.alone !== true && matches(target))
    await Promise.all(closing.map((originPool) => this.#pool.closeOriginPool(originPool)))
  }

  /** Iterates over pools that have a connection, a pending dial or a request. */
  *[Symbol.iterator](): IterableIterator<PoolStats> {
    for (const originPool of this.#pool.originPools) yield poolStats(originPool)
  }

  #originPoolOf(origin: string | URL, isolation: string | undefined): OriginPool | undefined {
    return this.#pool.find(this.#current(this.#targets.of(parseOrigin(origin), checkIsolation(isolation))))
  }

  /** Retires origin pools whose target has been replaced: new requests cannot use them. */
  #update(): void {
    for (const originPool of [...this.#pool.originPools]) {
      const { dialKey, http1Only, alone } = originPool.target
      if (alone === true) continue
      const renewed = this.#targets.renewed(originPool.target)
      const target = http1Only === true ? this.#targets.http1(renewed) : this.#current(renewed)
      if (target.dialKey === dialKey) this.#pool.update(originPool, target)
      else void this.#pool.closeOriginPool(originPool)
    }
    this.#pool.recountLimits()
  }
}

function poolStats({ target, members, dials, queue }: OriginPool): PoolStats {
  const { minConnections, maxConnections } = target.settings
  const connections = members.map(({ connection }) => connection.id)
  return {
    origin: target.origin.serialized,
    isolation: target.isolation,
    connections,
    dialing: dials,
    queued: queue.size,
    answered: target.record.answered,
    failed: target.record.failed,
    limits: {
      least: minConnections,
      most: { ...maxConnections },
      together: target.currentLimits().map(({ most, count }) => ({ most, used: count })),
    },
  }
}
