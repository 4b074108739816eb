/** What may differ from origin to origin: how many connections, which protocol, how long they live. One table, one resolver. */

import type { Origin } from '../message/origin.js'
import {
  DURATION_RANGE,
  flag,
  inRange,
  invalidOption,
  type NumberRange,
  ownOptions,
  refuseUnknown,
} from '../schema/option-checks.js'

/** An application protocol as ALPN names it. */
export type ProtocolName = 'h2' | 'http/1.1'

/** A connection, as a {@link Strategy} of the caller's own sees it. */
export interface StrategyCandidate {
  readonly id: number
  /** Requests in flight. */
  readonly active: number
  /** Requests that may start now; above 0. */
  readonly capacity: number
}

/** Which of several connections takes a request. A function gets those with room, two at least, and returns one of them. */
export type Strategy =
  | 'least-streams'
  | 'random'
  | 'round-robin'
  | 'hash'
  | ((candidates: readonly StrategyCandidate[], affinity: string | undefined) => StrategyCandidate)

/** PINGs on an HTTP/2 connection that nothing is heard from (RFC 9113 §6.7). */
export interface KeepaliveOptions {
  /** After so long without an byte from the peer, milliseconds; at least 10,000. Doubled where the peer says `too_many_pings`. */
  readonly intervalMs: number
  /** How long an answer, or any byte, is waited for, milliseconds. Default 10,000. Then the connection is gone. */
  readonly timeoutMs?: number
  /** Also while no request is in flight. Default false: servers take it ill. */
  readonly whenIdle?: boolean
}

/** Settings of the connections of one origin. As a client's options they are the default for every origin. */
export interface PoolSettings {
  /** Offered by ALPN, in this order. Default both. */
  readonly protocols?: readonly ProtocolName[]
  /** What `http:` origins speak: HTTP/1.1 (default), or HTTP/2 with prior knowledge (RFC 9113 §3.3). */
  readonly cleartextProtocol?: ProtocolName
  /** Connections to one origin at most, for both protocols or for each. Default 1 for HTTP/2, 6 for HTTP/1.1; up to 1,000. */
  readonly maxConnectionsPerOrigin?: number | { readonly h2?: number; readonly 'http/1.1'?: number }
  /** Connections that an origin is given as soon as it is asked for anything. Default 1; more only where one is too busy. */
  readonly minConnectionsPerOrigin?: number
  /** Which of several connections takes a request. Default `least-streams`; `hash` goes by `affinity` of the request. */
  readonly strategy?: Strategy
  /** Requests at once on one HTTP/2 connection, below the server's own limit. Default: the server's. */
  readonly maxConcurrentRequests?: number
  /** Requests on one connection before it is replaced. Default 0: no limit. */
  readonly maxRequestsPerConnection?: number
  /** Nothing is sent on an HTTP/2 connection before the server's SETTINGS have arrived. Default false: 100 streams are assumed. */
  readonly waitForSettings?: boolean
  /** A connection without requests is closed after this many milliseconds. Default 60,000; 0 never. */
  readonly idleTimeoutMs?: number
  /** All connections of an origin are closed when none has carried a request for so long, milliseconds. Default 0: never. */
  readonly poolIdleTimeoutMs?: number
  /** A connection takes no more requests at this age, milliseconds; the next one asks the resolver again. Default 0: never. */
  readonly maxConnectionAgeMs?: number
  /** Up to so much is added to each connection's age limit at random, milliseconds. Default 0. */
  readonly maxConnectionAgeJitterMs?: number
  /**
   * An HTTP/2 connection that nothing was heard from for so long is asked with a PING before it carries another request, milliseconds.
   * Default 20,000; 0 never. The request waits, and has not been tried if nobody answers.
   */
  readonly verifyAfterIdleMs?: number
  /**
   * PINGs at an interval of your own, on HTTP/2 connections. Default: one after 15 s without a byte while a response is waited for, and no other
   * before the server has sent HEADERS or DATA, for 5 minutes. `false`: none while a response is waited for.
   */
  readonly keepalive?: KeepaliveOptions | false
  /**
   * Requests at once on one HTTP/1.1 connection (RFC 9112 §9.3.2), 1 to 100. Default 1: no pipelining. Only idempotent ones without content, and not
   * HEAD; others have the connection to themselves. A server that breaks it is asked with care for five minutes.
   */
  readonly pipelining?: number
  /**
   * Connects to this Unix domain socket (on Windows, a named pipe) whatever the URL's host and port; its scheme still decides about TLS. No name
   * is resolved, no proxy asked, and no other origin served. Default: none.
   */
  readonly socketPath?: string
}

/** Settings with every default filled in. */
export interface ResolvedPoolSettings {
  readonly protocols: readonly ProtocolName[]
  readonly cleartextProtocol: ProtocolName
  readonly maxConnections: Readonly<Record<ProtocolName, number>>
  readonly minConnections: number
  readonly strategy: Strategy
  readonly maxConcurrentRequests: number
  readonly maxRequestsPerConnection: number
  readonly waitForSettings: boolean
  readonly idleTimeoutMs: number
  readonly poolIdleTimeoutMs: number
  readonly maxConnectionAgeMs: number
  readonly maxConnectionAgeJitterMs: number
  readonly verifyAfterIdleMs: number
  readonly keepalive: Required<KeepaliveOptions> | false | undefined
  /** The connection is the only one there is: it takes requests though its streams have been quiet for long. */
  readonly exclusive?: boolean
  readonly pipelining: number
  readonly socketPath: string | undefined
}

/** The socket that an origin is reached through, by its URL or by its settings; `undefined` where it is reached by TCP. */
export function socketPathOf({
  origin,
  settings,
}: {
  readonly origin: Origin
  readonly settings: Pick<ResolvedPoolSettings, 'socketPath'>
}): string | undefined {
  return origin.socketPath ?? settings.socketPath
}

/** Connections to one origin at most. */
const MAX_CONNECTIONS: NumberRange = [1, 1, 1_000]
const DEFAULT_HTTP1_CONNECTIONS = 6
const COUNT_RANGE = [1, 0x7fff_ffff] as const

const NUMBERS = {
  minConnectionsPerOrigin: MAX_CONNECTIONS,
  maxConcurrentRequests: [0x7fff_ffff, ...COUNT_RANGE],
  maxRequestsPerConnection: [0, 0, 0x3fff_ffff],
  idleTimeoutMs: [60_000, ...DURATION_RANGE],
  poolIdleTimeoutMs: [0, ...DURATION_RANGE],
  maxConnectionAgeMs: [0, ...DURATION_RANGE],
  maxConnectionAgeJitterMs: [0, ...DURATION_RANGE],
  verifyAfterIdleMs: [20_000, ...DURATION_RANGE],
  pipelining: [1, 1, 100],
} as const satisfies Record<string, NumberRange>

/** Names of the settings. */
export const POOL_SETTINGS: readonly string[] = [
  ...Object.keys(NUMBERS),
  ...['protocols', 'cleartextProtocol', 'maxConnectionsPerOrigin', 'strategy', 'waitForSettings', 'keepalive', 'socketPath'],
]

const KNOWN = new Set(POOL_SETTINGS)
const PROTOCOLS = new Set(['h2', 'http/1.1'])
const KEEPALIVE_NAMES = new Set(['intervalMs', 'timeoutMs', 'whenIdle'])
const STRATEGIES: ReadonlySet<unknown> = new Set(['least-streams', 'random', 'round-robin', 'hash'])

/**
 * Settings laid over others.
 * @param prefix stands in front of the names in errors.
 * @throws UsageError `ERR_UNKNOWN_OPTION` or `ERR_INVALID_OPTION`, naming the setting.
 */
export function mergePoolSettings(base: PoolSettings, given: PoolSettings, prefix: string): PoolSettings {
  refuseUnknown(given, KNOWN, prefix)
  const merged: PoolSettings = {
    ...base,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
  resolvePoolSettings(merged, prefix)
  return merged
}

/** Checks settings and fills in defaults; other names are not looked at. @throws UsageError `ERR_INVALID_OPTION`. */
export function resolvePoolSettings(given: PoolSettings, prefix = ''): ResolvedPoolSettings {
  const settings = { __proto__: null, ...given } as PoolSettings
  const number = (name: keyof typeof NUMBERS): number => inRange(prefix + name, settings[name], ...(NUMBERS[name] as NumberRange))
  const maxConnections = connectionLimits(settings.maxConnectionsPerOrigin, `${prefix}maxConnectionsPerOrigin`)
  return {
    protocols: protocolNames(settings.protocols, `${prefix}protocols`),
    cleartextProtocol: protocolNames([settings.cleartextProtocol ?? 'http/1.1'], `${prefix}cleartextProtocol`)[0]!,
    maxConnections,
    minConnections: atMost(number('minConnectionsPerOrigin'), maxConnections, settings, prefix),
    strategy: strategyOf(settings.strategy, `${prefix}strategy`),
    maxConcurrentRequests: number('maxConcurrentRequests'),
    maxRequestsPerConnection: number('maxRequestsPerConnection'),
    waitForSettings: flag(`${prefix}waitForSettings`, settings.waitForSettings, false),
    idleTimeoutMs: number('idleTimeoutMs'),
    poolIdleTimeoutMs: number('poolIdleTimeoutMs'),
    maxConnectionAgeMs: number('maxConnectionAgeMs'),
    maxConnectionAgeJitterMs: number('maxConnectionAgeJitterMs'),
    verifyAfterIdleMs: number('verifyAfterIdleMs'),
    keepalive: keepaliveOf(settings.keepalive, `${prefix}keepalive`),
    pipelining: number('pipelining'),
    socketPath: socketPathIn(settings.socketPath, `${prefix}socketPath`),
  }
}

function socketPathIn(path: string | undefined, name: string): string | undefined {
  if (path === undefined || (typeof path === 'string' && path !== '' && !path.includes('\0'))) return path
  throw invalidOption(name, 'the path of a socket', path)
}

function connectionLimits(given: PoolSettings['maxConnectionsPerOrigin'], name: string): Record<ProtocolName, number> {
  const [h2, least, most] = MAX_CONNECTIONS
  if (typeof given === 'number') {
    const both = inRange(name, given, h2, least, most)
    return { h2: both, 'http/1.1': both }
  }
  const each = ownOptions(given, PROTOCOLS, `${name}.`)
  return {
    h2: inRange(`${name}.h2`, each.h2, h2, least, most),
    'http/1.1': inRange(`${name}.http/1.1`, each['http/1.1'], DEFAULT_HTTP1_CONNECTIONS, least, most),
  }
}

/** @throws UsageError for a minimum that no limit has room for, or that is above one that was given. */
function atMost(
  least: number,
  limits: Readonly<Record<ProtocolName, number>>,
  { maxConnectionsPerOrigin: given }: PoolSettings,
  prefix: string,
): number {
  const asked = typeof given === 'object' ? Object.values(given).filter((limit) => limit !== undefined) : []
  const most = Math.min(Math.max(limits.h2, limits['http/1.1']), ...asked)
  if (least <= most) return least
  throw invalidOption(`${prefix}minConnectionsPerOrigin`, `at most maxConnectionsPerOrigin, ${most}`, least)
}

function strategyOf(given: Strategy | undefined, name: string): Strategy {
  if (given === undefined) return 'least-streams'
  if (typeof given === 'function' || STRATEGIES.has(given)) return given
  throw invalidOption(name, `${[...STRATEGIES].join(', ')} or a function`, given)
}

function keepaliveOf(given: KeepaliveOptions | false | undefined, name: string): Required<KeepaliveOptions> | false | undefined {
  if (given === undefined || given === false) return given
  const { intervalMs, timeoutMs, whenIdle } = ownOptions(given, KEEPALIVE_NAMES, `${name}.`)
  return {
    intervalMs: inRange(`${name}.intervalMs`, intervalMs, 60_000, 10_000, 0x7fff_ffff),
    timeoutMs: inRange(`${name}.timeoutMs`, timeoutMs, 10_000, 1, 0x7fff_ffff),
    whenIdle: flag(`${name}.whenIdle`, whenIdle, false),
  }
}

function protocolNames(names: readonly ProtocolName[] | undefined, option: string): readonly ProtocolName[] {
  if (names === undefined) return ['h2', 'http/1.1']
  if (!Array.isArray(names) || names.length === 0 || names.some((name) => name !== 'h2' && name !== 'http/1.1')) {
    throw invalidOption(option, '"h2" and "http/1.1"', names)
  }
  return names
}
