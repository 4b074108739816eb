/** The parts of a client, wired together. A client and its views share one object, through which calls see their client. */

import { Connector } from '../connect/connector.js'
import { Diagnostics } from '../diagnostics/diagnostics.js'
import { Pool } from '../pool/pool.js'
import { Deadlines } from '../runtime/deadlines.js'
import type { Durations } from '../runtime/durations.js'
import type { Metrics } from '../runtime/metrics.js'
import type { PoolTarget } from '../transport/target.js'
import type { CallLimits, CallOwner } from './call-owner.js'
import { Pools } from './client-pools.js'
import { Http1RequiredOrigins } from './http1-required.js'
import type { Interception } from './interceptors.js'
import { type ClientOptions, type ResolvedOptions, resolveOptions } from './options.js'
import { PoolDefinitions } from './pool-definitions.js'
import { Targets } from './targets.js'

/** The parts that a client shares with its views. */
export class ClientParts implements CallOwner {
  readonly options: ResolvedOptions
  readonly deadlines: Deadlines
  readonly connector: Connector
  readonly http1: Http1RequiredOrigins
  readonly pool: Pool
  readonly targets: Targets
  readonly pools: Pools
  readonly metrics: Metrics
  readonly durations: Durations
  readonly diagnostics: Diagnostics
  readonly limits: CallLimits
  /** Requests inside interceptors, which may have no call at the moment. */
  readonly interceptions: Set<Interception> = new Set()
  /** The error of requests after `close()` or `destroy()`. */
  closed: Error | undefined
  #onIdle: (() => void)[] = []

  /** @throws UsageError if an option is unknown or out of range. */
  constructor(given: ClientOptions) {
    this.options = resolveOptions(given)
    const diagnostics = new Diagnostics(this.options.name)
    this.diagnostics = diagnostics
    this.metrics = diagnostics.metrics
    this.durations = diagnostics.durations
    this.deadlines = new Deadlines(this.options.clock, () => this.pool.awoke())
    this.connector = new Connector(this.options, diagnostics)
    this.http1 = new Http1RequiredOrigins(this.options.clock)
    this.pool = new Pool(this.connector, diagnostics, this.options)
    const { timeouts, poolDefaults: settings, maxConnections, pools } = this.options
    const definitions = new PoolDefinitions({ connector: this.connector, timeouts, settings, maxConnections, pools })
    this.targets = new Targets(this.connector, definitions)
    this.pools = new Pools(this.pool, this.targets, (target) => this.http1.resolve(target))
    const { replay, maxBodyBytes } = this.options
    this.limits = { timeouts, replay, maxBodyBytes }
  }

  onHttp1Required(target: PoolTarget): PoolTarget | undefined {
    return target.settings.protocols.includes('http/1.1') ? this.http1.add(target) : undefined
  }

  apart(target: PoolTarget): PoolTarget {
    return this.targets.apart(target)
  }

  onOver(): void {
    if (this.#onIdle.length > 0 && this.#isIdle) for (const callback of this.#onIdle.splice(0)) callback()
  }

  /** An interception is over. */
  deleteInterception(interception: Interception): void {
    this.interceptions.delete(interception)
    this.onOver()
  }

  /** Resolves when no request is in flight, and none waits inside an interceptor. */
  async untilIdle(): Promise<void> {
    if (!this.#isIdle) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  get #isIdle(): boolean {
    return this.deadlines.empty && this.interceptions.size === 0
  }
}
