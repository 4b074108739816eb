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
import { connectingOf, copyOf, mergePoolOptions, type PoolOptions } from './pool-options.js'
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

/** Options under one name, as they were given: the defaults may change later. */
interface Definition {
  readonly options: PoolOptions
  /** Made once, so that its connections have one identity and its sessions can be resumed. */
  readonly tls: TargetTls | undefined
  readonly proxy: ProxyChoice | false | undefined
  /** Shared with the definition that it was derived from. */
  readonly limit: ConnectionLimit | undefined
}

/** Options of pools by name. */
export class PoolDefinitions {
  readonly #client: ClientDefaults
  /** Options of the client, without a prototype: a polluted `Object.prototype` must not change a pool. */
  readonly #base: PoolOptions
  #default: Definition
  readonly #definitions = new Map<string, Definition>()
  /** Definitions of the option `pools`, which {@link undefine} restores. */
  readonly #lasting = new Map<string, Definition>()
  /** By key; emptied when a definition changes. */
  readonly #resolved = new Map<string, ResolvedPool>()
  readonly #clientLimits: readonly ConnectionLimit[]

  /** @throws UsageError if an option is unknown or out of range, or a name is not valid. */
  constructor(client: ClientDefaults) {
    this.#client = client
    const { settings, maxConnections, pools } = client
    this.#base = { __proto__: null, ...settings } as PoolOptions
    this.#default = { options: this.#base, tls: undefined, proxy: undefined, limit: undefined }
    this.#clientLimits = maxConnections === undefined ? [] : [{ most: maxConnections, count: 0 }]
    const names = Object.keys(pools)
    if (names.includes(DEFAULT)) this.define(DEFAULT, pools[DEFAULT]!)
    for (const name of names) {
      if (name !== DEFAULT) this.#lasting.set(keyOf(name), this.define(name, pools[name]!))
    }
  }

  /** Whether any pool restricts the addresses, or has a proxy of its own. */
  get restricted(): boolean {
    return [this.#default, ...this.#definitions.values()].some(
      ({ options: { addressPolicy = 'any' }, proxy = false }) => addressPolicy !== 'any' || proxy !== false,
    )
  }

  /**
   * Defines options for `name`: `default`, or see pool-names.ts.
   * @throws UsageError
   */
  define(name: string, given: PoolOptions): Definition {
    const prefix = prefixOf(name)
    const options = copyOf(given, prefix)
    if (name === DEFAULT) return this.#defineDefault(options, prefix)
    mergePoolOptions(this.#default.options, options, prefix)
    const limit = options.maxConnections === undefined ? undefined : { most: options.maxConnections, count: 0 }
    return this.#set(keyOf(name), { options, ...this.#made(options, prefix), limit })
  }

  /** Changes the options that apply to an origin and an isolation, for these alone. Its connections count as before. @throws UsageError */
  change({ serialized }: Origin, isolation: string | undefined, changes: PoolSettings): void {
    const key = isolation === undefined ? serialized : `${serialized}#${isolation}`
    const now = this.#definitions.get(this.#keyFor(serialized, isolation)) ?? NOTHING
    const options = { __proto__: null, ...now.options, ...changes } as PoolOptions
    mergePoolOptions(this.#default.options, options, prefixOf(key))
    this.#set(key, { ...now, options })
  }

  /** Removes the options: those of the option `pools` apply again, or the defaults. */
  undefine(name: string): void {
    const key = keyOf(name)
    const lasting = this.#lasting.get(key)
    if (lasting === undefined) this.#definitions.delete(key)
    else this.#definitions.set(key, lasting)
    this.#resolved.clear()
  }

  /**
   * The options of a pool. An undefined isolation uses the defaults, not the origin's options,
   * except for the origin's address policy.
   */
  of({ serialized }: Origin, isolation: string | undefined): ResolvedPool {
    const key = this.#keyFor(serialized, isolation)
    const own = isolation === undefined ? undefined : this.#definitions.get(serialized)?.options.addressPolicy
    const inherits = own !== undefined && this.#definitions.get(key)?.options.addressPolicy === undefined
    const cacheKey = inherits ? `${serialized}&${key}` : this.#definitions.has(key) ? key : DEFAULT
    let resolved = this.#resolved.get(cacheKey)
    if (resolved === undefined) {
      resolved = this.#resolve(this.#definitions.get(key) ?? NOTHING, inherits ? { addressPolicy: own } : {})
      this.#resolved.set(cacheKey, resolved)
    }
    return resolved
  }

  /** The limits on the connections of a pool, as they are now: the client's first. */
  limitsOf({ serialized }: Origin, isolation: string | undefined): readonly ConnectionLimit[] {
    const limit = this.#definitions.get(this.#keyFor(serialized, isolation))?.limit
    return limit === undefined ? this.#clientLimits : [...this.#clientLimits, limit]
  }

  /** The key whose definition applies. */
  #keyFor(serialized: string, isolation: string | undefined): string {
    if (isolation === undefined) return serialized
    const both = `${serialized}#${isolation}`
    return this.#definitions.has(both) ? both : isolationKey(isolation)
  }

  #defineDefault(options: PoolOptions, prefix: string): Definition {
    if (options.maxConnections !== undefined)
      throw new UsageError('ERR_INVALID_OPTION', `option ${prefix}maxConnections: set maxConnections on the client`)
    const merged = mergePoolOptions(this.#base, options, prefix)
    for (const [key, { options: own }] of this.#definitions) mergePoolOptions(merged, own, prefixOf(key))
    this.#default = { options: merged, ...this.#made(options, prefix), limit: undefined }
    this.#resolved.clear()
    return this.#default
  }

  #set(key: string, definition: Definition): Definition {
    this.#definitions.set(key, definition)
    this.#resolved.clear()
    return definition
  }

  #made(options: PoolOptions, prefix: string): Pick<Definition, 'tls' | 'proxy'> {
    const { tls, proxy } = connectingOf(options, prefix)
    return { tls: tls === undefined ? undefined : this.#client.connector.tlsOf(tls), proxy }
  }

  #resolve({ options, tls, proxy }: Definition, more: PoolOptions): ResolvedPool {
    const merged = mergePoolOptions(this.#default.options, { __proto__: null, ...options, ...more } as PoolOptions)
    return {
      settings: resolvePoolSettings(merged),
      timeouts: mergeTimeouts(this.#client.timeouts, merged.timeouts),
      tls: tls ?? this.#default.tls,
      proxy: proxy ?? this.#default.proxy,
    }
  }
}

const NOTHING: Definition = {
  options: { __proto__: null } as PoolOptions,
  tls: undefined,
  proxy: undefined,
  limit: undefined,
}

/** The prefix of option names in errors. The key of an isolation is its name behind `#`. */
function prefixOf(name: string): string {
  return `pools.${printable(name.startsWith('#') ? name.slice(1) : name).slice(1, -1)}.`
}
