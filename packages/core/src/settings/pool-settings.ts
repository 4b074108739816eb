/** Settings that may differ by origin: number of connections, protocol, lifetime. One schema, one resolver. */

import { type AddressPolicy, type AddressPolicyOption, resolveAddressPolicy } from '../message/address-policy.js'
import type { Origin } from '../message/origin.js'
import { checkStrategy, type Strategy } from '../message/strategy.js'
import { flag, inRange, invalidOption, type NumberRange, ownOptions } from '../schema/option-checks.js'
import { flagRow, milliseconds, namesOf, number, numberIn, type OptionSchema, value } from '../schema/schema.js'

/** An application protocol as ALPN names it. */
export type ProtocolName = 'h2' | 'http/1.1'

/** PINGs on an HTTP/2 connection that receives nothing (RFC 9113 §6.7). */
export interface KeepaliveOptions {
  /** Idle time before a PING is sent. Any byte received from the peer resets it; GOAWAY with `too_many_pings` doubles it. @default 60,000 */
  readonly intervalMs: number
  /** Time to wait for a byte after a PING. Then the connection is closed. @default 10,000 */
  readonly timeoutMs?: number
  /** Sends PINGs even when no request is in flight. Many servers close connections that ping while idle. @default false */
  readonly whenIdle?: boolean
}

/** Pauses after failed dials. */
export interface BackoffOptions {
  /** Pause after two failed dials in a row; it doubles with each further one, and varies by a fifth at random. @default 500 */
  readonly baseMs?: number
  /** Maximum pause. @default 10,000 */
  readonly maxMs?: number
  /** Whether requests wait for the next dial instead of failing at once; `timeouts.connect` ends the wait. @default false */
  readonly wait?: boolean
}

/** Settings of the connections of one origin. As options of a client they are the default for every origin. */
export interface PoolSettings {
  /** Protocols offered by ALPN, in this order. @default both */
  readonly protocols?: readonly ProtocolName[]
  /** Protocol of `http:` origins. `h2` is HTTP/2 with prior knowledge (RFC 9113 §3.3). @default `http/1.1` */
  readonly cleartextProtocol?: ProtocolName
  /** Maximum number of connections to one origin, for both protocols or for each. @default 1 for HTTP/2, 6 for HTTP/1.1 */
  readonly maxConnectionsPerOrigin?: number | { readonly h2?: number; readonly 'http/1.1'?: number }
  /** Connections dialed as soon as an origin is used. More are dialed only while the others are full. @default 1 */
  readonly minConnectionsPerOrigin?: number
  /** Selects the connection that takes a request. `hash` selects by the `affinity` of the request. @default `least-streams` */
  readonly strategy?: Strategy
  /** Maximum number of concurrent requests on one HTTP/2 connection. The limit of the server applies as well. @default 2,147,483,647 */
  readonly maxConcurrentRequests?: number
  /** Requests on one connection before it is replaced. 0 is no limit. @default 0 */
  readonly maxRequestsPerConnection?: number
  /** Sends no request on an HTTP/2 connection before SETTINGS arrive. Otherwise 100 streams are assumed. @default false */
  readonly waitForSettings?: boolean
  /**
   * Time without requests after which a connection is closed. 0 is never. If it is not set, HTTP/1.1 connections close after 4 s, because many
   * servers close soon after, or before the `keep-alive` timeout of the server, which is obeyed unless this is 0.
   * @default 60,000
   */
  readonly idleTimeoutMs?: number
  /** Time without requests on any connection of an origin after which all of them are closed. 0 is never. @default 0 */
  readonly poolIdleTimeoutMs?: number
  /** Age at which a connection takes no more requests. The next one resolves the name again. 0 is never. @default 0 */
  readonly maxConnectionAgeMs?: number
  /** Random time added to the age of each connection, at most this much. @default 0 */
  readonly maxConnectionAgeJitterMs?: number
  /**
   * Idle time after which an HTTP/2 connection is verified with a PING before it carries another request. 0 is never. The request waits,
   * and is unprocessed if the peer does not answer.
   * @default 20,000
   */
  readonly verifyAfterIdleMs?: number
  /**
   * PINGs at a user-supplied interval on HTTP/2 connections; `false` sends none while a response is pending. By default one is sent after
   * 15 s without a byte while a response is pending, and no other for 5 minutes before the server has sent HEADERS or DATA.
   */
  readonly keepalive?: KeepaliveOptions | false
  /**
   * Concurrent requests on one HTTP/1.1 connection (RFC 9112 §9.3.2); 1 is no pipelining. Only idempotent requests without content, except
   * HEAD, are pipelined. After a server breaks pipelining, it is used with care for five minutes.
   * @default 1
   */
  readonly pipelining?: number
  /**
   * Connects to this Unix domain socket (on Windows, a named pipe), whatever the host and port of the URL; its scheme still decides about
   * TLS. No name is resolved, no proxy is used, and no other origin shares the connection.
   */
  readonly socketPath?: string
  /**
   * Pause after two dials in a row failed and no other connection is open: until it is over, requests fail at once with the error of that dial, so that
   * many requests to a dead server are few dials. `false` dials for every request.
   * @default `{ baseMs: 500, maxMs: 10_000 }`
   */
  readonly reconnectBackoff?: BackoffOptions | false
  /**
   * Addresses that may be connected to: `public` for URLs from users. Judged for every answer of DNS, redirect and shared connection, and
   * never bypassed. See docs/guides/untrusted-urls.md.
   * @default `any`
   */
  readonly addressPolicy?: AddressPolicyOption
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
  /** `idleTimeoutMs` as the caller set it, for HTTP/1.1; `Infinity` is never, `undefined` not set. */
  readonly http1IdleMs: number | undefined
  readonly poolIdleTimeoutMs: number
  readonly maxConnectionAgeMs: number
  readonly maxConnectionAgeJitterMs: number
  readonly verifyAfterIdleMs: number
  readonly keepalive: Required<KeepaliveOptions> | false | undefined
  /** The connection is dedicated: it takes requests even when its streams have been idle for long. */
  readonly exclusive?: boolean
  readonly pipelining: number
  readonly socketPath: string | undefined
  readonly reconnectBackoff: Required<BackoffOptions> | false
  /** `undefined` allows all addresses. */
  readonly addressPolicy: AddressPolicy | undefined
}

/** Unix socket of an origin, from its URL or its settings; `undefined` for TCP. */
export function socketPathOf({
  origin,
  settings,
}: {
  readonly origin: Origin
  readonly settings: Pick<ResolvedPoolSettings, 'socketPath'>
}): string | undefined {
  return origin.socketPath ?? settings.socketPath
}

const MAX_CONNECTIONS: NumberRange = [1, 1, 1_000]
const DEFAULT_HTTP1_CONNECTIONS = 6
const MOST = 0x7fff_ffff

/** Settings of a pool. */
export const POOL_OPTIONS: OptionSchema<PoolSettings> = {
  protocols: value('a list of `h2`, `http/1.1`', 'both'),
  cleartextProtocol: value('`http/1.1`, `h2`', '`http/1.1`'),
  maxConnectionsPerOrigin: value('1 to 1,000, or `{ h2, "http/1.1" }`', '1 for HTTP/2, 6 for HTTP/1.1'),
  minConnectionsPerOrigin: number(1, 1, 1_000, 'connections'),
  strategy: value('`least-streams`, `random`, `round-robin`, `hash`, a function', '`least-streams`'),
  maxConcurrentRequests: number(MOST, 1, MOST, 'requests'),
  maxRequestsPerConnection: number(0, 0, 0x3fff_ffff, 'requests'),
  waitForSettings: flagRow(false),
  idleTimeoutMs: milliseconds(60_000),
  poolIdleTimeoutMs: milliseconds(0),
  maxConnectionAgeMs: milliseconds(0),
  maxConnectionAgeJitterMs: milliseconds(0),
  verifyAfterIdleMs: milliseconds(20_000),
  keepalive: value('`false`, an object'),
  pipelining: number(1, 1, 100, 'requests'),
  socketPath: value('a path'),
  reconnectBackoff: value('`false`, an object', '`{ baseMs: 500, maxMs: 10_000 }`'),
  addressPolicy: value('`any`, `public`, an object of ranges', '`any`'),
}

/** Options of `keepalive`. */
export const KEEPALIVE_OPTIONS: OptionSchema<KeepaliveOptions> = {
  intervalMs: milliseconds(60_000, 10_000),
  timeoutMs: milliseconds(10_000, 1),
  whenIdle: flagRow(false),
}

/** Options of `reconnectBackoff`. */
export const BACKOFF_OPTIONS: OptionSchema<BackoffOptions> = {
  baseMs: milliseconds(500, 1),
  maxMs: milliseconds(10_000, 1),
  wait: flagRow(false),
}

const BACKOFF_NAMES = namesOf(BACKOFF_OPTIONS)
const KEEPALIVE_NAMES = namesOf(KEEPALIVE_OPTIONS)
const PROTOCOLS = new Set(['h2', 'http/1.1'])

/** Checks settings and fills in defaults; ignores other names. @throws UsageError `ERR_INVALID_OPTION`. */
export function resolvePoolSettings(given: PoolSettings, prefix = ''): ResolvedPoolSettings {
  const settings = { __proto__: null, ...given } as PoolSettings
  const numberOf = (name: keyof PoolSettings): number => numberIn(POOL_OPTIONS, settings, name, prefix)
  const maxConnections = connectionLimits(settings.maxConnectionsPerOrigin, `${prefix}maxConnectionsPerOrigin`)
  return {
    protocols: protocolNames(settings.protocols, `${prefix}protocols`),
    cleartextProtocol: protocolNames([settings.cleartextProtocol ?? 'http/1.1'], `${prefix}cleartextProtocol`)[0]!,
    maxConnections,
    minConnections: atMost(numberOf('minConnectionsPerOrigin'), maxConnections, settings, prefix),
    strategy: checkStrategy(settings.strategy ?? 'least-streams', `${prefix}strategy`),
    maxConcurrentRequests: numberOf('maxConcurrentRequests'),
    maxRequestsPerConnection: numberOf('maxRequestsPerConnection'),
    waitForSettings: flag(`${prefix}waitForSettings`, settings.waitForSettings, false),
    idleTimeoutMs: numberOf('idleTimeoutMs'),
    http1IdleMs: settings.idleTimeoutMs === undefined ? undefined : settings.idleTimeoutMs || Number.POSITIVE_INFINITY,
    poolIdleTimeoutMs: numberOf('poolIdleTimeoutMs'),
    maxConnectionAgeMs: numberOf('maxConnectionAgeMs'),
    maxConnectionAgeJitterMs: numberOf('maxConnectionAgeJitterMs'),
    verifyAfterIdleMs: numberOf('verifyAfterIdleMs'),
    keepalive: keepaliveOf(settings.keepalive, `${prefix}keepalive`),
    pipelining: numberOf('pipelining'),
    socketPath: socketPathIn(settings.socketPath, `${prefix}socketPath`),
    reconnectBackoff: backoffOf(settings.reconnectBackoff, `${prefix}reconnectBackoff`),
    addressPolicy: resolveAddressPolicy(settings.addressPolicy, `${prefix}addressPolicy`),
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

/** @throws UsageError for a minimum above every limit, or above a limit that was set. */
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

function keepaliveOf(given: KeepaliveOptions | false | undefined, name: string): Required<KeepaliveOptions> | false | undefined {
  if (given === undefined || given === false) return given
  const own = ownOptions(given, KEEPALIVE_NAMES, `${name}.`)
  return {
    intervalMs: numberIn(KEEPALIVE_OPTIONS, own, 'intervalMs', `${name}.`),
    timeoutMs: numberIn(KEEPALIVE_OPTIONS, own, 'timeoutMs', `${name}.`),
    whenIdle: flag(`${name}.whenIdle`, own.whenIdle, false),
  }
}

function backoffOf(given: BackoffOptions | false | undefined, name: string): Required<BackoffOptions> | false {
  if (given === false) return false
  const own = ownOptions(given, BACKOFF_NAMES, `${name}.`)
  return {
    baseMs: numberIn(BACKOFF_OPTIONS, own, 'baseMs', `${name}.`),
    maxMs: numberIn(BACKOFF_OPTIONS, own, 'maxMs', `${name}.`),
    wait: flag(`${name}.wait`, own.wait, false),
  }
}

function protocolNames(names: readonly ProtocolName[] | undefined, option: string): readonly ProtocolName[] {
  if (names === undefined) return ['h2', 'http/1.1']
  if (!Array.isArray(names) || names.length === 0 || names.some((name) => name !== 'h2' && name !== 'http/1.1')) {
    throw invalidOption(option, '"h2" and "http/1.1"', names)
  }
  return names
}
