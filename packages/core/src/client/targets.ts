/** From an origin and a tag to a target: which settings hold, and what a connection must equal to serve it. One object for each. */

import { isIP } from 'node:net'
import type { Connector } from '../connect/connector.js'
import { UsageError } from '../errors/errors.js'
import { type Origin, parseOrigin, parseUrl } from '../message/origin.js'
import { BoundedCache } from '../runtime/bounded-cache.js'
import { invalidOption, shownValue } from '../schema/option-checks.js'
import {
  mergePoolSettings,
  type PoolSettings,
  type ResolvedPoolSettings,
  resolvePoolSettings,
  socketPathOf,
} from '../settings/pool-settings.js'
import type { OriginRecord, PoolTarget, TargetProxy } from '../transport/target.js'

/** Tagged targets remembered. */
const MAX_TAGGED = 16_384
/** Connections at a time for requests that are each alone on one. */
const APART_CONNECTIONS = 6
const DEFAULT = 'default'

/** The targets of one client. */
export class Targets {
  readonly #connector: Connector
  #defaults: PoolSettings
  readonly #definitions = new Map<string, PoolSettings>()
  #handles = 0
  /** Outlives the targets: other settings do not undo what an origin has done. */
  readonly #record = new BoundedCache<OriginRecord>({ max: MAX_TAGGED })
  #plain = new WeakMap<Origin, PoolTarget>()
  readonly #apart = new WeakMap<PoolTarget, PoolTarget>()
  readonly #resolved = new WeakMap<PoolSettings, ResolvedPoolSettings>()
  /** One string for all that are equal. */
  #lastReuseKey = ''
  readonly #tagged = new BoundedCache<PoolTarget>({ max: MAX_TAGGED })
  readonly #pinned = new BoundedCache<PoolTarget>({ max: MAX_TAGGED })

  /** @throws UsageError naming a setting that is unknown or out of range, or a pool whose name is none. */
  constructor(connector: Connector, defaults: PoolSettings, pools: Readonly<Record<string, PoolSettings>>) {
    this.#connector = connector
    this.#defaults = mergePoolSettings(defaults, pools[DEFAULT] ?? {}, `pools.${DEFAULT}.`)
    for (const [name, settings] of Object.entries(pools)) if (name !== DEFAULT) this.define(name, settings)
  }

  /** What a request to `origin` needs. */
  of(origin: Origin, isolation: string | undefined): PoolTarget {
    if (isolation !== undefined) return this.#taggedOf(origin, isolation)
    let target = this.#plain.get(origin)
    if (target === undefined) {
      target = this.#make(origin, undefined)
      this.#plain.set(origin, target)
    }
    return target
  }

  /** The same at one address, which the caller has resolved. @throws UsageError `ERR_INVALID_OPTION` for what is not an address. */
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

  /**
   * Settings for `name`: `default`, an origin, a tag, or an origin and a tag as `https://api.example#tag`. They hold for targets that are
   * asked for from now on. @throws UsageError naming what is wrong.
   */
  define(name: string, settings: PoolSettings): void {
    const merged = mergePoolSettings(this.#defaults, settings, `pools.${name}.`)
    if (name === DEFAULT) this.#defaults = merged
    else this.#definitions.set(keyOf(name), merged)
    this.#forget()
  }

  /** Takes the settings away: the defaults hold again. */
  undefine(name: string): void {
    this.#definitions.delete(keyOf(name))
    this.#forget()
  }

  /** The settings that hold for a target, as they were given. An unknown tag takes the defaults, not those of the origin. */
  settingsOf(origin: Origin, isolation: string | undefined): PoolSettings {
    const { serialized } = origin
    if (isolation === undefined) return this.#definitions.get(serialized) ?? this.#defaults
    return this.#definitions.get(`${serialized}#${isolation}`) ?? this.#definitions.get(isolation) ?? this.#defaults
  }

  /** A target that nobody else has, with one connection. @param once see {@link PoolTarget}. */
  alone(origin: Origin, isolation: string | undefined, once: boolean): PoolTarget {
    const target = this.#make(origin, isolation)
    const reuseKey = `${target.reuseKey}|handle ${++this.#handles}`
    const settings = { ...target.settings, maxConnections: { h2: 1, 'http/1.1': 1 }, minConnections: 1, exclusive: true }
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
   * What stands for `target` where each request has a connection to itself: for those that have lost connections together, and one of them
   * may be the cause. At most {@link APART_CONNECTIONS} of them at a time; shared with no other origin.
   */
  apart(target: PoolTarget): PoolTarget {
    // A handle's requests stay on its own connection.
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
    this.#tagged.clear()
    this.#pinned.clear()
  }

  #taggedOf(origin: Origin, isolation: string): PoolTarget {
    const key = `${origin.serialized}#${isolation}`
    let target = this.#tagged.get(key)
    if (target === undefined) {
      target = this.#make(origin, isolation)
      this.#tagged.set(key, target)
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

  /** One object for all who have the same: there may be ten thousand of them. */
  #resolve(settings: PoolSettings): ResolvedPoolSettings {
    let resolved = this.#resolved.get(settings)
    if (resolved === undefined) {
      resolved = resolvePoolSettings(settings)
      this.#resolved.set(settings, resolved)
    }
    return resolved
  }

  /**
   * A URL may come from a user, and must not lead around a proxy; `socketPath` of the settings is written by who set the proxy, and is narrower.
   * @throws UsageError `ERR_PROXY_BYPASS`.
   */
  #proxyFor(origin: Origin, socketPath: string | undefined): TargetProxy | undefined {
    if (socketPath !== undefined && origin.socketPath === undefined) return undefined
    const proxy = this.#connector.proxyOf(origin)
    if (proxy === undefined || socketPath === undefined) return proxy
    throw new UsageError(
      'ERR_PROXY_BYPASS',
      'a Unix socket is not reached through a proxy, and the client has one: ' +
        `use a client without proxy, or a proxy function that returns undefined for it (${origin.serialized})`,
      { origin: origin.serialized },
    )
  }

  #make(origin: Origin, isolation: string | undefined): PoolTarget {
    const settings = this.#resolve(this.settingsOf(origin, isolation))
    // Quoted: a tag is anybody's text, and must not look like what is put behind it.
    const tag = isolation === undefined ? '' : JSON.stringify(isolation)
    const socketPath = socketPathOf({ origin, settings })
    const proxy = this.#proxyFor(origin, socketPath)
    const through = socketPath === undefined ? (proxy?.key ?? '') : `unix ${encodeURIComponent(socketPath)}`
    const key = `${this.#connector.identityOf(origin)}|${settings.protocols.join()}|${through}|${tag}`
    const reuseKey = key === this.#lastReuseKey ? this.#lastReuseKey : key
    this.#lastReuseKey = reuseKey
    return {
      origin,
      isolation,
      settings,
      reuseKey,
      proxy,
      dialKey: `${origin.serialized}|${reuseKey}`,
      record: this.#recordOf(`${origin.serialized}|${tag}`),
      verify: (certificate) => this.#connector.verify(origin, certificate),
      originPool: undefined,
    }
  }
}

/** A name that holds an origin is known by the origin as it is serialized. @throws UsageError for an origin that is not valid. */
function keyOf(name: string): string {
  if (!/^https?(\+unix)?:/i.test(name)) return refuseHost(name)
  const hash = name.indexOf('#')
  const { serialized } = parseOrigin(hash === -1 ? name : name.slice(0, hash))
  return hash === -1 ? serialized : serialized + name.slice(hash)
}

/** A name without a scheme is a tag. One that looks like a host was meant as an origin. @throws UsageError `ERR_INVALID_OPTION`. */
function refuseHost(name: string): string {
  const host = hostIn(name)
  if (host === undefined) return name
  const hash = name.indexOf('#')
  const meant = `https://${host}${hash === -1 ? '' : name.slice(hash)}`
  throw new UsageError(
    'ERR_INVALID_OPTION',
    `the pool name ${shownValue(name)} is not an origin, and a tag does not look like a host: did you mean ${shownValue(meant)}?`,
  )
}

/** The host, with its port, of a name such as `api.example`, `localhost:8443`, `//[::1]/` or `wss://api.example`. */
function hostIn(name: string): string | undefined {
  const rest = name.replace(SCHEME, '')
  const end = rest.search(/[/?#]/)
  const text = end === -1 ? rest : rest.slice(0, end)
  if (text.length > MAX_HOST) return undefined
  const url = parseUrl(`https://${isIP(text) === 6 ? `[${text}]` : text}`)
  // An address of mail is a tag.
  if (url === undefined || url.username !== '') return undefined
  return rest !== name || looksLikeHost(url.hostname) || isIP(url.hostname) * isIP(text.split(':', 1)[0]!) > 0
    ? url.host
    : undefined
}

const SCHEME = /^(?:[a-z][a-z0-9+.-]{0,20}:)?\/\//i
/** A DNS name and a port, in characters. */
const MAX_HOST = 260

/** `localhost`, an IPv6 address, or several labels of which the last is not a number. */
function looksLikeHost(hostname: string): boolean {
  const dot = hostname.lastIndexOf('.')
  return hostname === 'localhost' || hostname.startsWith('[') || (dot > 0 && /^[a-z]/.test(hostname.slice(dot + 1)))
}
