/** The options of a client's pools: defined by name, merged over those of the client, and resolved once. */

import type { Connector } from '../connect/connector.js'
import type { ProxyChoice } from '../connect/proxy/proxy-selector.js'
import { UsageError } from '../errors/errors.js'
import type { Origin } from '../message/origin.js'
import type { Timeouts } from '../message/request-options.js'
import { printable } from '../schema/option-checks.js'
import { type PoolSettings, type ResolvedPoolSettings, resolvePoolSettings } from '../settings/pool-settings.js'
import type { ConnectionLimit, TargetTls } from '../transport/target.js'
import { isolationKey, keyOf } from './pool-names.js'
import { connectingOf, mergePoolOptions, type PoolOptions } from './pool-options.js'
import { mergeTimeouts } from './timeouts.js'

const DEFAULT = 'default'

/** The options of a pool, every default filled in. */
export interface ResolvedPool {
  readonly settings: ResolvedPoolSettings
  readonly timeouts: Required<Timeouts>
  /** `undefined` for those of the client. */
  readonly tls: TargetTls | undefined
  /** `undefined` for that of the client. */
  readonly proxy: ProxyChoice | false | undefined
  /** That of the client, and of the pool. */
  readonly limits: readonly ConnectionLimit[]
}

/** The parts of a client that definitions of its pools need. */
export interface ClientDefaults {
  readonly connector: Pick<Connector, 'tlsOf'>
  readonly timeouts: Required<Timeouts>
  readonly settings: PoolSettings
  readonly maxConnections: number | undefined
  /** The option `pools`. */
  readonly pools: Readonly<Record<string, PoolOptions>>
}

/** Options of pools by name. */
export class PoolDefinitions {
  readonly #client: ClientDefaults
  #defaults: PoolOptions
  /** By name, as they were given: `default` may change later. */
  readonly #definitions = new Map<string, PoolOptions>()
  /** Address policies of the option `pools`, which {@link undefine} keeps. */
  readonly #lasting = new Map<string, PoolOptions>()
  #merged = new Map<string, PoolOptions>()
  readonly #clientLimits: readonly ConnectionLimit[]
  /** By name. Kept when a pool is redefined, because its connections still count. */
  readonly #limits = new Map<string, ConnectionLimit>()
  readonly #resolved = new WeakMap<PoolOptions, ResolvedPool>()

  /** @throws UsageError if an option is unknown or out of range, or a name is not valid. */
  constructor(client: ClientDefaults) {
    this.#client = client
    const { settings, maxConnections, pools } = client
    // Without a prototype: a polluted `Object.prototype` must not change a pool.
    this.#defaults = { __proto__: null, ...settings } as PoolOptions
    this.#clientLimits = maxConnections === undefined ? [] : [{ most: maxConnections, count: 0 }]
    if (pools[DEFAULT] !== undefined) this.define(DEFAULT, pools[DEFAULT])
    for (const [name, options] of Object.entries(pools)) {
      if (name === DEFAULT) continue
      this.define(name, options)
      if (options.addressPolicy !== undefined) this.#lasting.set(keyOf(name), { addressPolicy: options.addressPolicy })
    }
  }

  /** Whether any pool restricts the addresses, or has a proxy of its own. */
  get restricted(): boolean {
    return [this.#defaults, ...this.#definitions.values()].some(
      ({ addressPolicy = 'any', proxy = false }) => addressPolicy !== 'any' || proxy !== false,
    )
  }

  /**
   * Defines options for `name`: `default`, or see pool-names.ts.
   * @throws UsageError
   */
  define(name: string, options: PoolOptions): void {
    const prefix = `pools.${printable(name).slice(1, -1)}.`
    const merged = mergePoolOptions(this.#defaults, options, prefix)
    if (name !== DEFAULT) this.#definitions.set(keyOf(name), { __proto__: null, ...options } as PoolOptions)
    else if (options.maxConnections === undefined) this.#defaults = merged
    else throw new UsageError('ERR_INVALID_OPTION', `option ${prefix}maxConnections: set maxConnections on the client`)
    this.#merged = new Map()
  }

  /** The options defined for `name`, if any. */
  definitionOf(name: string): PoolOptions {
    return this.#definitions.get(keyOf(name)) ?? {}
  }

  /** Removes the options: the defaults apply again, and an address policy of the option `pools`. */
  undefine(name: string): void {
    const key = keyOf(name)
    const lasting = this.#lasting.get(key)
    if (lasting === undefined) this.#definitions.delete(key)
    else this.#definitions.set(key, lasting)
    this.#merged = new Map()
  }

  /**
   * The options of a pool. An undefined isolation uses the defaults, not the origin's options,
   * except for the origin's address policy.
   */
  of({ serialized }: Origin, isolation: string | undefined): ResolvedPool {
    const [key, options] = this.#mergedFor(serialized, isolation)
    return this.#resolve(key, options)
  }

  /** The name whose definition applies, and the options. */
  #mergedFor(serialized: string, isolation: string | undefined): [key: string, options: PoolOptions] {
    if (isolation === undefined) return [serialized, this.#mergedOf(serialized)]
    const own = this.#definitions.get(serialized)?.addressPolicy
    const both = `${serialized}#${isolation}`
    const key = this.#definitions.has(both) ? both : isolationKey(isolation)
    const options = this.#mergedOf(key)
    if (own === undefined || this.#definitions.get(key)?.addressPolicy !== undefined) return [key, options]
    return [key, this.#mergedOf(`${serialized}&${key}`, { ...options, addressPolicy: own })]
  }

  /** Merges definitions over the current defaults, once. */
  #mergedOf(key: string, options: PoolOptions | undefined = this.#definitions.get(key)): PoolOptions {
    if (options === undefined) return this.#defaults
    let merged = this.#merged.get(key)
    if (merged === undefined) {
      merged = mergePoolOptions(this.#defaults, options, '')
      this.#merged.set(key, merged)
    }
    return merged
  }

  /** Resolves options once per object: ten thousand targets may share it. */
  #resolve(key: string, options: PoolOptions): ResolvedPool {
    let resolved = this.#resolved.get(options)
    if (resolved === undefined) {
      const { tls, proxy } = connectingOf(options)
      resolved = {
        settings: resolvePoolSettings(options),
        timeouts: mergeTimeouts(this.#client.timeouts, options.timeouts),
        tls: tls === undefined ? undefined : this.#client.connector.tlsOf(tls),
        proxy,
        limits: this.#limitsOf(key, options.maxConnections),
      }
      this.#resolved.set(options, resolved)
    }
    return resolved
  }

  #limitsOf(key: string, most: number | undefined): readonly ConnectionLimit[] {
    let limit = this.#limits.get(key)
    if (limit === undefined && most === undefined) return this.#clientLimits
    limit ??= { most: 0, count: 0 }
    limit.most = most ?? Number.POSITIVE_INFINITY
    this.#limits.set(key, limit)
    return [...this.#clientLimits, limit]
  }
}
