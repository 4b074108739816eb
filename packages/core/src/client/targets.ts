/**
 * Maps an origin and an isolation to a target: the settings that apply, and the keys that a
 * connection must match. One object per target.
 */

import { isIP } from 'node:net'
import type { Connector } from '../connect/connector.js'
import { UsageError } from '../errors/errors.js'
import type { AddressPolicy } from '../message/address-policy.js'
import { type Origin, parseOrigin, parseUrl } from '../message/origin.js'
import { BoundedCache } from '../runtime/bounded-cache.js'
import { invalidOption, printable, shownValue } from '../schema/option-checks.js'
import {
  mergePoolSettings,
  type PoolSettings,
  type ResolvedPoolSettings,
  resolvePoolSettings,
  socketPathOf,
} from '../settings/pool-settings.js'
import type { OriginRecord, PoolTarget, TargetProxy } from '../transport/target.js'

/** Maximum number of isolated targets remembered. */
const MAX_ISOLATED = 16_384
/**
 * Maximum number of parallel connections for requests that are each sent on their own connection.
 */
const APART_CONNECTIONS = 6
const DEFAULT = 'default'

/** The targets of one client. */
export class Targets {
  readonly #connector: Connector
  #defaults: PoolSettings
  /** Settings by name, as they were given: `default` may change later. */
  readonly #definitions = new Map<string, PoolSettings>()
  /** Address policies of the option `pools`, which {@link undefine} keeps. */
  readonly #lasting = new Map<string, PoolSettings>()
  #merged = new Map<string, PoolSettings>()
  #handles = 0
  /** Outlives the targets: new settings do not reset what is known about an origin. */
  readonly #record = new BoundedCache<OriginRecord>({ max: MAX_ISOLATED })
  #plain = new WeakMap<Origin, PoolTarget>()
  readonly #apart = new WeakMap<PoolTarget, PoolTarget>()
  readonly #http1 = new WeakMap<PoolTarget, PoolTarget>()
  readonly #resolved = new WeakMap<PoolSettings, ResolvedPoolSettings>()
  /** Interns equal reuse keys. */
  #lastReuseKey = ''
  readonly #isolated = new BoundedCache<PoolTarget>({ max: MAX_ISOLATED })
  readonly #pinned = new BoundedCache<PoolTarget>({ max: MAX_ISOLATED })
  /** Targets of requests with an address policy of their own. */
  readonly #restricted = new BoundedCache<PoolTarget>({ max: MAX_ISOLATED })

  /** @throws UsageError if a setting is unknown or out of range, or a pool name is not valid. */
  constructor(connector: Connector, defaults: PoolSettings, pools: Readonly<Record<string, PoolSettings>>) {
    this.#connector = connector
    this.#defaults = mergePoolSettings(defaults, pools[DEFAULT] ?? {}, `pools.${DEFAULT}.`)
    for (const [name, settings] of Object.entries(pools)) {
      if (name === DEFAULT) continue
      this.define(name, settings)
      if (settings.addressPolicy !== undefined) this.#lasting.set(keyOf(name), { addressPolicy: settings.addressPolicy })
    }
  }

  /** Returns the target of a request to `origin`. */
  of(origin: Origin, isolation: string | undefined): PoolTarget {
    if (isolation !== undefined) return this.#isolatedOf(origin, isolation)
    let target = this.#plain.get(origin)
    if (target === undefined) {
      target = this.#make(origin, undefined)
      this.#plain.set(origin, target)
    }
    return target
  }

  /**
   * Returns the target at one address, resolved by the caller.
   * @throws UsageError `ERR_INVALID_OPTION` if it is not an IP address.
   */
  at(origin: Origin, isolation: string | undefined, address: string): PoolTarget {
    const family = isIP(address)
    if (family !== 4 && family !== 6) throw invalidOption('resolvedAddress', 'an IPv4 or IPv6 address', address)
    const key = `${address} ${origin.serialized}${isolation === undefined ? '' : `#${isolation}`}`
    let target = this.#pinned.get(key)
    if (target === undefined) {
      const made = this.#make(origin, isolation)
      target = { ...made, dialKey: `${made.dialKey}|at ${address}`, pinned: { address, family } }
      this.#pinned.set(key, target)
    }
    return target
  }

  /** Returns the variant of `target` for requests with an address policy of their own; `undefined` allows all addresses. */
  under(target: PoolTarget, policy: AddressPolicy | undefined): PoolTarget {
    if (target.addressPolicy?.key === policy?.key) return target
    const suffix = `|addresses ${policy?.key ?? 'any'}`
    const dialKey = `${target.dialKey}${suffix}`
    let variant = this.#restricted.get(dialKey)
    if (variant === undefined) {
      // A tunnel shows the address of its proxy alone: it is shared only under the same policy.
      const reuseKey = target.proxy === undefined ? target.reuseKey : `${target.reuseKey}${suffix}`
      variant = { ...target, dialKey, reuseKey, addressPolicy: policy, ownPolicy: true, originPool: undefined }
      this.#restricted.set(dialKey, variant)
    }
    return variant
  }

  /** Returns the variant of `target` for requests that are not offered HTTP/2. */
  http1(target: PoolTarget): PoolTarget {
    if (target.http1Only === true) return target
    let http1 = this.#http1.get(target)
    if (http1 === undefined) {
      const [reuseKey, dialKey] = [`${target.reuseKey}|http/1.1`, `${target.dialKey}|http/1.1`]
      http1 = { ...target, reuseKey, dialKey, http1Only: true, originPool: undefined }
      this.#http1.set(target, http1)
    }
    return http1
  }

  /** Returns the target that replaces `target` after the settings have changed. */
  renewed({ origin, isolation, pinned, ownPolicy, addressPolicy }: PoolTarget): PoolTarget {
    const target = pinned === undefined ? this.of(origin, isolation) : this.at(origin, isolation, pinned.address)
    return ownPolicy === true ? this.under(target, addressPolicy) : target
  }

  /** Whether any settings restrict the addresses. */
  get restricted(): boolean {
    return [this.#defaults, ...this.#definitions.values()].some(({ addressPolicy = 'any' }) => addressPolicy !== 'any')
  }

  /**
   * Defines settings for `name`: `default`, an origin, an isolation, or both as
   * `https://api.example#isolation`. They apply to targets requested from now on.
   * @throws UsageError
   */
  define(name: string, settings: PoolSettings): void {
    const merged = mergePoolSettings(this.#defaults, settings, `pools.${printable(name).slice(1, -1)}.`)
    if (name === DEFAULT) this.#defaults = merged
    else this.#definitions.set(keyOf(name), { ...settings })
    this.#forget()
  }

  /** Settings defined for `name`, if any. */
  definitionOf(name: string): PoolSettings {
    return this.#definitions.get(keyOf(name)) ?? {}
  }

  /** Removes the settings: the defaults apply again, and an address policy of the option `pools`. */
  undefine(name: string): void {
    const key = keyOf(name)
    const lasting = this.#lasting.get(key)
    if (lasting === undefined) this.#definitions.delete(key)
    else this.#definitions.set(key, lasting)
    this.#forget()
  }

  /**
   * The settings of a target. An undefined isolation uses the defaults, not the origin's settings,
   * except for the origin's address policy.
   */
  settingsOf(origin: Origin, isolation: string | undefined): PoolSettings {
    const { serialized } = origin
    if (isolation === undefined) return this.#mergedOf(serialized)
    const own = this.#definitions.get(serialized)?.addressPolicy
    const both = `${serialized}#${isolation}`
    const key = this.#definitions.has(both) ? both : isolationKey(isolation)
    const settings = this.#mergedOf(key)
    if (own === undefined || this.#definitions.get(key)?.addressPolicy !== undefined) return settings
    return this.#mergedOf(`${serialized}&${key}`, { ...settings, addressPolicy: own })
  }

  /** Merges definitions over the current defaults, once. */
  #mergedOf(key: string, settings: PoolSettings | undefined = this.#definitions.get(key)): PoolSettings {
    if (settings === undefined) return this.#defaults
    let merged = this.#merged.get(key)
    if (merged === undefined) {
      merged = mergePoolSettings(this.#defaults, settings, '')
      this.#merged.set(key, merged)
    }
    return merged
  }

  /**
   * Returns the variant of `target` for a handle, with one connection that is never shared.
   * @param once see {@link PoolTarget}.
   */
  alone(target: PoolTarget, once: boolean): PoolTarget {
    const { origin } = target
    const reuseKey = `${target.reuseKey}|handle ${++this.#handles}`
    const settings = {
      ...untilClosed(target.settings),
      maxConnections: { h2: 1, 'http/1.1': 1 },
      minConnections: 1,
      exclusive: true,
    }
    const record = { ...target.record, answered: 0, connections: 0 }
    return {
      ...target,
      settings,
      reuseKey,
      dialKey: `${origin.serialized}|${reuseKey}`,
      record,
      alone: true,
      once,
      originPool: undefined,
    }
  }

  /**
   * Returns the replacement of `target` on which each request gets its own connection, for requests
   * that lost connections together, as one of them may be the cause. At most
   * {@link APART_CONNECTIONS} in parallel; never shared with another origin.
   */
  apart(target: PoolTarget): PoolTarget {
    // Requests of a handle stay on its connection.
    if (target.alone === true) return target
    let apart = this.#apart.get(target)
    if (apart === undefined) {
      const reuseKey = `${target.reuseKey}|apart`
      const maxConnections = { h2: APART_CONNECTIONS, 'http/1.1': APART_CONNECTIONS }
      const settings = { ...target.settings, maxConnections, minConnections: 1, maxConcurrentRequests: 1, pipelining: 1 }
      const dialKey = `${target.dialKey}|apart`
      apart = { ...target, settings, reuseKey, dialKey, alone: true, originPool: undefined }
      this.#apart.set(target, apart)
    }
    return apart
  }

  #forget(): void {
    this.#merged = new Map()
    this.#plain = new WeakMap()
    this.#isolated.clear()
    this.#pinned.clear()
    this.#restricted.clear()
  }

  #isolatedOf(origin: Origin, isolation: string): PoolTarget {
    const key = `${origin.serialized}#${isolation}`
    let target = this.#isolated.get(key)
    if (target === undefined) {
      target = this.#make(origin, isolation)
      this.#isolated.set(key, target)
    }
    return target
  }

  #recordOf(key: string): OriginRecord {
    let record = this.#record.get(key)
    if (record === undefined) {
      record = { answered: 0, connections: 0, tooManyPings: 0 }
      this.#record.set(key, record)
    }
    return record
  }

  /** Resolves settings once per object: ten thousand targets may share it. */
  #resolve(settings: PoolSettings): ResolvedPoolSettings {
    let resolved = this.#resolved.get(settings)
    if (resolved === undefined) {
      resolved = resolvePoolSettings(settings)
      this.#resolved.set(settings, resolved)
    }
    return resolved
  }

  /**
   * Selects the proxy. A URL with a Unix socket may be user input and must not bypass a proxy;
   * `socketPath` is configuration, like the proxy, and more specific.
   * @throws UsageError `ERR_PROXY_BYPASS`.
   */
  #proxyFor(origin: Origin, socketPath: string | undefined): TargetProxy | undefined {
    if (socketPath !== undefined && origin.socketPath === undefined) return undefined
    const proxy = this.#connector.proxyOf(origin)
    if (proxy === undefined || socketPath === undefined) return proxy
    throw new UsageError(
      'ERR_PROXY_BYPASS',
      'a Unix socket cannot be reached through the proxy of the client: ' +
        'use a client without proxy, or a proxy function that returns undefined for it',
      { origin: origin.serialized },
    )
  }

  #make(origin: Origin, isolation: string | undefined): PoolTarget {
    const settings = this.#resolve(this.settingsOf(origin, isolation))
    // Quoted: an isolation is arbitrary text, and must not collide with the rest of the key.
    const quoted = isolation === undefined ? '' : JSON.stringify(isolation)
    const socketPath = socketPathOf({ origin, settings })
    const proxy = this.#proxyFor(origin, socketPath)
    const through = socketPath === undefined ? (proxy?.key ?? '') : `unix ${encodeURIComponent(socketPath)}`
    const { addressPolicy } = settings
    const judged = addressPolicy === undefined ? '' : `|addresses ${addressPolicy.key}`
    const key = `${this.#connector.identityOf(origin)}|${settings.protocols.join()}|${through}|${quoted}${proxy === undefined ? '' : judged}`
    const reuseKey = key === this.#lastReuseKey ? this.#lastReuseKey : key
    this.#lastReuseKey = reuseKey
    return {
      origin,
      isolation,
      settings,
      reuseKey,
      proxy,
      dialKey: `${origin.serialized}|${reuseKey}${judged}`,
      addressPolicy,
      record: this.#recordOf(`${origin.serialized}|${quoted}`),
      verify: (certificate) => this.#connector.verify(origin, certificate),
      originPool: undefined,
    }
  }
}

/** A handle's connection is open until the handle is closed, unless the caller has set an idle time. */
function untilClosed(settings: ResolvedPoolSettings): ResolvedPoolSettings {
  if (settings.http1IdleMs !== undefined) return settings
  return { ...settings, idleTimeoutMs: 0, http1IdleMs: Number.POSITIVE_INFINITY }
}

/** Key of the settings of an isolation: no origin begins like this, whatever text the isolation is. */
function isolationKey(isolation: string): string {
  return `#${isolation}`
}

/** Whether a pool name is an isolation, and not an origin. */
export function isIsolation(name: string): boolean {
  return !/^https?(\+unix)?:/i.test(name)
}

/**
 * Normalizes a pool name: an origin is serialized.
 * @throws UsageError if the origin is not valid.
 */
function keyOf(name: string): string {
  if (isIsolation(name)) return isolationKey(refuseHost(name))
  const hash = name.indexOf('#')
  const { serialized } = parseOrigin(hash === -1 ? name : name.slice(0, hash))
  return hash === -1 ? serialized : serialized + name.slice(hash)
}

/**
 * Refuses an isolation that looks like a host, and so was meant as an origin.
 * @throws UsageError `ERR_INVALID_OPTION`.
 */
function refuseHost(name: string): string {
  const host = hostIn(name)
  if (host === undefined) return name
  const hash = name.indexOf('#')
  const meant = `https://${host}${hash === -1 ? '' : name.slice(hash)}`
  throw new UsageError(
    'ERR_INVALID_OPTION',
    `the pool name ${shownValue(name)} is not an origin, and an isolation must not look like a host: did you mean ${shownValue(meant)}?`,
  )
}

/**
 * Extracts the host and port of a name such as `api.example`, `localhost:8443`, `//[::1]/` or
 * `wss://api.example`.
 */
function hostIn(name: string): string | undefined {
  const rest = name.replace(SCHEME, '')
  const end = rest.search(/[/?#]/)
  const text = end === -1 ? rest : rest.slice(0, end)
  if (text.length > MAX_HOST) return undefined
  const url = parseUrl(`https://${isIP(text) === 6 ? `[${text}]` : text}`)
  // An email address is a valid isolation.
  if (url === undefined || url.username !== '') return undefined
  return rest !== name || looksLikeHost(url.hostname) || isIP(url.hostname) * isIP(text.split(':', 1)[0]!) > 0
    ? url.host
    : undefined
}

const SCHEME = /^(?:[a-z][a-z0-9+.-]{0,20}:)?\/\//i
/** Maximum length of a DNS name with a port, in characters. */
const MAX_HOST = 260

/**
 * Whether it is `localhost`, an IPv6 address, or has several labels of which the last is not a
 * number.
 */
function looksLikeHost(hostname: string): boolean {
  const dot = hostname.lastIndexOf('.')
  return hostname === 'localhost' || hostname.startsWith('[') || (dot > 0 && /^[a-z]/.test(hostname.slice(dot + 1)))
}
