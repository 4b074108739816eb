/**
 * Maps an origin and an isolation to a target: the options that apply, and the keys that a
 * connection must match. One object per target.
 */

import { isIP } from 'node:net'
import type { Connector } from '../connect/connector.js'
import type { ProxyChoice } from '../connect/proxy/proxy-selector.js'
import { UsageError } from '../errors/errors.js'
import type { AddressPolicy } from '../message/address-policy.js'
import type { Origin } from '../message/origin.js'
import { BoundedCache } from '../runtime/bounded-cache.js'
import { invalidOption } from '../schema/option-checks.js'
import { type PoolSettings, type ResolvedPoolSettings, socketPathOf } from '../settings/pool-settings.js'
import type { OriginRecord, PoolTarget, TargetProxy } from '../transport/target.js'
import type { PoolDefinitions, ResolvedPool } from './pool-definitions.js'
import type { PoolOptions } from './pool-options.js'

/** Maximum number of isolated targets remembered. */
const MAX_ISOLATED = 16_384
/**
 * Maximum number of parallel connections for requests that are each sent on their own connection.
 */
const APART_CONNECTIONS = 6

/** The targets of one client. */
export class Targets {
  readonly #connector: Connector
  readonly #definitions: PoolDefinitions
  #handles = 0
  /** Outlives the targets: new settings do not reset what is known about an origin. */
  readonly #record = new BoundedCache<OriginRecord>({ max: MAX_ISOLATED })
  #plain = new WeakMap<Origin, PoolTarget>()
  readonly #apart = new WeakMap<PoolTarget, PoolTarget>()
  readonly #http1 = new WeakMap<PoolTarget, PoolTarget>()
  /** Interns equal reuse keys. */
  #lastReuseKey = ''
  readonly #isolated = new BoundedCache<PoolTarget>({ max: MAX_ISOLATED })
  readonly #pinned = new BoundedCache<PoolTarget>({ max: MAX_ISOLATED })
  /** Targets of requests with an address policy of their own. */
  readonly #restricted = new BoundedCache<PoolTarget>({ max: MAX_ISOLATED })

  constructor(connector: Connector, definitions: PoolDefinitions) {
    this.#connector = connector
    this.#definitions = definitions
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

  /** Whether any options restrict where requests go. */
  get restricted(): boolean {
    return this.#definitions.restricted
  }

  /** Defines options for the pool `name`. They apply to targets requested from now on. @throws UsageError */
  define(name: string, options: PoolOptions): void {
    this.#definitions.define(name, options)
    this.#forget()
  }

  /** Changes the options of one pool. @throws UsageError */
  change(origin: Origin, isolation: string | undefined, changes: PoolSettings): void {
    this.#definitions.change(origin, isolation, changes)
    this.#forget()
  }

  /** Removes options: those of the client apply again. */
  undefine(name: string): void {
    this.#definitions.undefine(name)
    this.#forget()
  }

  /** The resolved options of a pool. */
  poolOf(origin: Origin, isolation: string | undefined): ResolvedPool {
    return this.#definitions.of(origin, isolation)
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
    const record = { ...target.record, answered: 0, failed: 0, connections: 0 }
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
      record = { answered: 0, failed: 0, connections: 0, tooManyPings: 0 }
      this.#record.set(key, record)
    }
    return record
  }

  /**
   * Selects the proxy. A URL with a Unix socket may be user input and must not bypass a proxy;
   * `socketPath` is configuration, like the proxy, and more specific.
   * @throws UsageError `ERR_PROXY_BYPASS`.
   */
  #proxyFor(origin: Origin, socketPath: string | undefined, own: ProxyChoice | false | undefined): TargetProxy | undefined {
    if (socketPath !== undefined && origin.socketPath === undefined) return undefined
    if (own === false) return undefined
    const proxy = own === undefined ? this.#connector.proxyOf(origin) : own(origin)
    if (proxy === undefined || socketPath === undefined) return proxy
    throw new UsageError(
      'ERR_PROXY_BYPASS',
      'a Unix socket cannot be reached through a proxy: set `proxy: false` for its pool, or use a client without proxy',
      { origin: origin.serialized },
    )
  }

  #make(origin: Origin, isolation: string | undefined): PoolTarget {
    const { settings, timeouts, tls, proxy: own } = this.poolOf(origin, isolation)
    // Quoted: an isolation is arbitrary text, and must not collide with the rest of the key.
    const quoted = isolation === undefined ? '' : JSON.stringify(isolation)
    const socketPath = socketPathOf({ origin, settings })
    const proxy = this.#proxyFor(origin, socketPath, own)
    const through = socketPath === undefined ? (proxy?.key ?? '') : `unix ${encodeURIComponent(socketPath)}`
    const { addressPolicy } = settings
    const judged = addressPolicy === undefined ? '' : `|addresses ${addressPolicy.key}`
    const key = `${this.#connector.identityOf(origin, tls)}|${settings.protocols.join()}|${through}|${quoted}${proxy === undefined ? '' : judged}`
    const reuseKey = key === this.#lastReuseKey ? this.#lastReuseKey : key
    this.#lastReuseKey = reuseKey
    return {
      origin,
      isolation,
      settings,
      timeouts,
      tls,
      currentLimits: () => this.#definitions.limitsOf(origin, isolation),
      reuseKey,
      proxy,
      dialKey: `${origin.serialized}|${reuseKey}${judged}`,
      addressPolicy,
      record: this.#recordOf(`${origin.serialized}|${quoted}`),
      verify: (certificate) => this.#connector.verify(origin, certificate, tls),
      originPool: undefined,
    }
  }
}

/** A handle's connection is open until the handle is closed, unless the caller has set an idle time. */
function untilClosed(settings: ResolvedPoolSettings): ResolvedPoolSettings {
  if (settings.http1IdleMs !== undefined) return settings
  return { ...settings, idleTimeoutMs: 0, http1IdleMs: Number.POSITIVE_INFINITY }
}
