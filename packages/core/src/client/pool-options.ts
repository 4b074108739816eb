/** Options of a pool: settings of its connections, and how they are made. Merged over those of the client, and checked. */

import { type ProxyChoice, type ProxyOption, proxyChoice } from '../connect/proxy/proxy-selector.js'
import { checkTls, TLS_OPTIONS, type TlsOptions } from '../connect/tls/tls-options.js'
import type { Timeouts } from '../message/request-options.js'
import { inRange, ownOptions, refuseUnknown } from '../schema/option-checks.js'
import { namesOf, type OptionSchema, value } from '../schema/schema.js'
import { POOL_OPTIONS, type PoolSettings, resolvePoolSettings } from '../settings/pool-settings.js'
import { DEFAULT_TIMEOUTS, mergeTimeouts } from './timeouts.js'

/** Options of a pool, which take the place of those of its client. */
export interface PoolOptions extends PoolSettings {
  /** Trust and identity for TLS, instead of all of the client's `tls`: nothing of it applies. @default the client's */
  readonly tls?: TlsOptions
  /** Proxy that the origins of this pool are reached through; `false` connects directly. @default the client's */
  readonly proxy?: ProxyOption | false
  /** Default deadlines of requests. Omitted ones are those of the client. @default the client's */
  readonly timeouts?: Timeouts
  /**
   * Maximum number of connections that all origins of this pool have together, both protocols, those being dialed included. A request that
   * needs another waits until one closes or becomes idle, which is then closed; `timeouts.queue` ends the wait.
   * @default unlimited
   */
  readonly maxConnections?: number
}

/** Options of a pool. */
export const POOL_SCHEMA: OptionSchema<PoolOptions> = {
  ...POOL_OPTIONS,
  tls: value('an object', "the client's"),
  proxy: value('`false`, `env`, a URL, an object, a function', "the client's"),
  timeouts: value('an object', "the client's"),
  maxConnections: value('1 to 1,000,000', 'unlimited'),
}

const NAMES = namesOf(POOL_SCHEMA)
const TLS_NAMES = namesOf(TLS_OPTIONS)

/** How the connections of a pool are made, if not as those of the client. */
export interface PoolConnecting {
  readonly tls: TlsOptions | undefined
  /** `undefined` for the proxy of the client. */
  readonly proxy: ProxyChoice | false | undefined
}

/**
 * Copies the options that are set, and what is in them: the caller may change its own later. Getters are called once.
 * @param prefix stands in front of the names in errors.
 * @throws UsageError `ERR_UNKNOWN_OPTION`.
 */
export function copyOf(given: PoolOptions, prefix: string): PoolOptions {
  refuseUnknown(given, NAMES, prefix)
  // Without a prototype: a polluted `Object.prototype` must not change a pool.
  const own: Record<string, unknown> = { __proto__: null } as never
  for (const [name, option] of Object.entries(given))
    if (option !== undefined) own[name] = isPlain(option) ? { ...option } : option
  return own as PoolOptions
}

/**
 * Merges options over others: deadlines one by one, everything else as a whole.
 * @param own without a prototype, as {@link copyOf} returns them.
 * @param prefix stands in front of the names in errors.
 * @throws UsageError `ERR_INVALID_OPTION`, naming the option.
 */
export function mergePoolOptions(base: PoolOptions, own: PoolOptions, prefix = ''): PoolOptions {
  const merged = { __proto__: null, ...base, ...own } as PoolOptions
  resolvePoolSettings(merged, prefix)
  maxConnectionsOf(own.maxConnections, `${prefix}maxConnections`)
  mergeTimeouts(DEFAULT_TIMEOUTS, own.timeouts, `${prefix}timeouts.`)
  if (base.timeouts === undefined || own.timeouts === undefined) return merged
  return { __proto__: null, ...merged, timeouts: { ...base.timeouts, ...own.timeouts } } as PoolOptions
}

function isPlain(option: unknown): option is object {
  if (typeof option !== 'object' || option === null) return false
  const prototype: unknown = Object.getPrototypeOf(option)
  return prototype === Object.prototype || prototype === null
}

/** Checks how connections are made. @throws UsageError */
export function connectingOf({ tls, proxy }: PoolOptions, prefix: string): PoolConnecting {
  return {
    tls: tls === undefined ? undefined : checkTls(ownOptions(tls, TLS_NAMES, `${prefix}tls.`), `${prefix}tls.`),
    proxy: proxy === undefined || proxy === false ? proxy : proxyChoice(proxy, process.env, `option ${prefix}proxy`),
  }
}

/** Checks a maximum number of connections. @throws UsageError */
export function maxConnectionsOf(given: number | undefined, name: string): number | undefined {
  return given === undefined ? undefined : inRange(name, given, 1, 1, 1_000_000)
}
