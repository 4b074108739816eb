/** Options of a client: their schema, and the function that checks them and fills in defaults. */

import { isIP, type LookupFunction } from 'node:net'
import type { ConnectOptions } from '../connect/connect-options.js'
import { type ProxyOption, proxyChoice } from '../connect/proxy/proxy-selector.js'
import { CallerSockets, type SocketsOption } from '../connect/tcp/caller-sockets.js'
import { keyLogTarget } from '../connect/tls/key-log.js'
import { CLIENT_TLS_OPTIONS, type ClientTlsOptions, checkTls } from '../connect/tls/tls-options.js'
import { type AddressPolicyOption, resolveAddressPolicy } from '../message/address-policy.js'
import type { Interceptor, RetryPolicy, Timeouts } from '../message/request-options.js'
import { type ReusePolicy, sameOrigin } from '../pool/reuse/reuse-policy.js'
import { type Clock, systemClock } from '../runtime/clock.js'
import { flag, inRange, invalidOption, ownOptions } from '../schema/option-checks.js'
import { flagRow, milliseconds, namesOf, number, numberIn, type OptionSchema, value } from '../schema/schema.js'
import { POOL_OPTIONS, type PoolSettings, resolvePoolSettings } from '../settings/pool-settings.js'
import type { Connection } from '../transport/connection.js'
import type { Target } from '../transport/target.js'
import { checkInterceptors } from './interceptors.js'
import { maxConnectionsOf, type PoolOptions } from './pool-options.js'
import { type ResolvedRetryPolicy, resolveRetryPolicy } from './status-retry.js'
import { DEFAULT_TIMEOUTS, mergeTimeouts } from './timeouts.js'

/** Options of `new Client`. All have defaults; unknown names are refused. Those of {@link PoolSettings} apply to every origin. */
export interface ClientOptions extends PoolSettings {
  /** Name of the client, for the messages of its channels, its metrics and `client.stats()`. 1 to 200 characters. */
  readonly name?: string
  /** Trust and identity for TLS, as `tls.connect` takes them, and `pins`, `servername` and `keylog`. */
  readonly tls?: ClientTlsOptions
  /**
   * Proxy that origins are reached through: `'env'` for the environment variables as they are now, a URL, {@link ProxyOptions}, or a
   * function that is called once for each origin. Never bypassed. See docs/guides/proxies.md.
   */
  readonly proxy?: ProxyOption
  /**
   * Resolves host names, with the signature of `net.connect`'s option. Addresses may have a `ttl` in seconds, as those of `dns.resolve4` with
   * `ttl: true` have.
   * @default `dns.lookup`
   */
  readonly lookup?: LookupFunction
  /**
   * Sockets that are already connected, used instead of dialing: a Duplex for the first request, a Map or an object by `ip:port` (IPv6 in
   * brackets), or a function that is called for each address. Where none is free, the client dials. Each socket is read and written, never
   * closed, and carries one connection. TLS is started on it for `https:`, unless it is a `TLSSocket` whose ALPN chose a protocol. Not used
   * for origins behind a proxy or a Unix socket.
   */
  readonly sockets?: SocketsOption
  /**
   * Makes connections instead of dialing; called once for each. For tests: see `mockClient` of `unshard/testing`. Requests that wait
   * for the dial fail with the error that it throws.
   */
  readonly connections?: (target: Target) => Connection | Promise<Connection>
  /**
   * As `addressPolicy`, for the addresses of proxies, which may be private.
   * @default `any`
   */
  readonly proxyAddressPolicy?: AddressPolicyOption
  /**
   * Whether requests with an `addressPolicy` may use names that a proxy resolves, whose addresses the client cannot judge: `trusted` if the
   * proxy has a policy of its own.
   * @default `refused`
   */
  readonly proxyResolves?: 'refused' | 'trusted'
  /** Default deadlines of requests. */
  readonly timeouts?: Timeouts
  /** Functions around each request, outermost first: see docs/guides/interceptors.md. */
  readonly interceptors?: readonly Interceptor[]
  /** Decides which connection may serve which origin. `unshard` sets `coalescing()`. @default `sameOrigin()` */
  readonly reuse?: ReusePolicy
  /**
   * Settings that differ: under `default`, for every origin; under an origin such as `https://api.example`, for its requests without
   * isolation; under an isolation, for requests with it; under `https://api.example#isolation`, for both. The narrowest wins.
   */
  readonly pools?: Readonly<Record<string, PoolOptions>>
  /**
   * Maximum number of connections to all origins together, those being dialed included. A request that needs another waits until one closes or
   * becomes idle, which is then closed; `timeouts.queue` ends the wait. Connections to an HTTP/2 proxy do not count.
   * @default unlimited
   */
  readonly maxConnections?: number
  /** Maximum number of idle connections. Beyond it the one that has been idle longest is closed. @default 1,024 */
  readonly maxIdleConnections?: number
  /**
   * Maximum number of replays after a connection was lost with an unknown outcome. Only idempotent methods (RFC 9110 §9.2.2) are replayed,
   * and only before any part of the response.
   * @default 1
   */
  readonly replay?: number
  /** Retries after a status that means "later"; `true` takes the defaults of {@link RetryPolicy}. @default `false` */
  readonly retry?: RetryPolicy | boolean
  /** Maximum size of a body that is read as a whole: see the option of a request. @default unlimited */
  readonly maxBodyBytes?: number
  /** Local address to connect from, IPv4 or IPv6. @default the system's choice */
  readonly localAddress?: string
  /**
   * Local port to connect from, 1 to 65,535. Only one connection at a time can use it for the same address and port; the system refuses a
   * second one, and possibly the next one for a minute.
   * @default the system's choice
   */
  readonly localPort?: number
  /**
   * TCP keepalive on the sockets that the client dials: the kernel sends the first probe after `idleMs` without a byte. Node fixes ten
   * probes, a second apart, so a path that is interrupted for more than 10 s then ends the connection. User-supplied sockets stay as they are.
   * @default `{ idleMs: 60_000 }`
   */
  readonly tcpKeepAlive?: false | TcpKeepAliveOptions
  /** How long a DNS answer is used; 0 resolves every time. A shorter `ttl` of the answer wins. @default 10,000 */
  readonly lookupTtlMs?: number
  /** Initial receive window of a stream. It grows while its reader keeps up. @default 131,072 */
  readonly streamWindowBytes?: number
  /** Receive window of an HTTP/2 connection. Credit returns on receipt, so it bounds bursts only. @default 16,777,216 */
  readonly connectionWindowBytes?: number
  /** Maximum growth of all receive windows together. @default 67,108,864 */
  readonly windowBudgetBytes?: number
  /** Largest field section of a response, counted as in RFC 9113 §6.5.2. @default 65,536 */
  readonly maxFieldSectionBytes?: number
  /**
   * Whether adapters accept `http+unix:` and `https+unix:` URLs, which may come from users: `fetch` otherwise treats them as unknown
   * schemes. `request` and the other methods of the client always accept them.
   * @default false
   */
  readonly unixSockets?: boolean
  /** Source of time. For tests. @default the system's */
  readonly clock?: Clock
}

/** TCP keepalive. */
export interface TcpKeepAliveOptions {
  /** Idle time before the first probe. @default 60,000 */
  readonly idleMs?: number
}

/** Options of `tcpKeepAlive`. */
export const TCP_KEEPALIVE_OPTIONS: OptionSchema<TcpKeepAliveOptions> = { idleMs: milliseconds(60_000, 1_000) }

const MOST = 0x7fff_ffff
const LEAST_WINDOW = 65_535

/** Options of a client. */
export const CLIENT_OPTIONS: OptionSchema<ClientOptions> = {
  ...POOL_OPTIONS,
  name: value('a string of 1 to 200 characters'),
  tls: value('an object'),
  proxy: value('`env`, a URL, an object, a function'),
  lookup: value('a function', '`dns.lookup`'),
  sockets: value('a Duplex, a Map, an object, a function'),
  connections: value('a function'),
  proxyAddressPolicy: value('`any`, `public`, an object of ranges', '`any`'),
  proxyResolves: value('`refused`, `trusted`', '`refused`'),
  timeouts: value('an object'),
  interceptors: value('a list of functions'),
  reuse: value('a policy', '`sameOrigin()`'),
  pools: value('an object of settings by name'),
  maxConnections: value('1 to 1,000,000', 'unlimited'),
  maxIdleConnections: number(1_024, 0, MOST, 'connections'),
  replay: number(1, 0, 100, 'attempts'),
  retry: value('`true`, `false`, an object', '`false`'),
  maxBodyBytes: value('a number of bytes', 'unlimited'),
  localAddress: value('an IP address', "the system's choice"),
  localPort: value('1 to 65,535', "the system's choice"),
  tcpKeepAlive: value('`false`, an object', '`{ idleMs: 60_000 }`'),
  lookupTtlMs: milliseconds(10_000),
  streamWindowBytes: number(131_072, LEAST_WINDOW, MOST, 'bytes'),
  connectionWindowBytes: number(16_777_216, LEAST_WINDOW, MOST, 'bytes'),
  windowBudgetBytes: number(67_108_864, 0, Number.MAX_SAFE_INTEGER, 'bytes'),
  maxFieldSectionBytes: number(65_536, 1_024, 16_777_216, 'bytes'),
  unixSockets: flagRow(false),
  clock: value('a `Clock`', "the system's"),
}

/** Options with every default filled in. */
export interface ResolvedOptions extends ConnectOptions {
  readonly name: string | undefined
  readonly timeouts: Required<Timeouts>
  readonly interceptors: readonly Interceptor[] | undefined
  readonly reuse: ReusePolicy
  /** Settings of every origin without settings of its own, defaults not filled in. */
  readonly poolDefaults: PoolSettings
  readonly pools: Readonly<Record<string, PoolOptions>>
  readonly maxConnections: number | undefined
  readonly maxIdleConnections: number
  readonly replay: number
  readonly retry: ResolvedRetryPolicy | undefined
  readonly maxBodyBytes: number
  readonly unixSockets: boolean
}

const MAX_NAME_LENGTH = 200
const NAMES = namesOf(CLIENT_OPTIONS)
const TLS_NAMES = namesOf(CLIENT_TLS_OPTIONS)

/**
 * Checks options and fills in defaults.
 * @throws UsageError `ERR_UNKNOWN_OPTION` or `ERR_INVALID_OPTION`, naming the option.
 */
export function resolveOptions(given: ClientOptions): ResolvedOptions {
  const options: ClientOptions = ownOptions(given, NAMES, '', 'a client')
  const { keylog, ...tls }: ClientTlsOptions = ownOptions(options.tls, TLS_NAMES, 'tls.')
  checkCallbacks(options)
  const numberOf = (name: keyof ClientOptions): number => numberIn(CLIENT_OPTIONS, options, name)
  // Without a prototype: a polluted `Object.prototype` must not define a pool.
  const pools = { __proto__: null, ...options.pools } as unknown as Readonly<Record<string, PoolOptions>>
  return {
    name: nameOf(options.name),
    tls: checkTls(tls, 'tls.'),
    keyLog: keyLogTarget(keylog, process.env),
    proxy: options.proxy === undefined ? undefined : proxyChoice(options.proxy, process.env, 'option proxy'),
    proxyAddressPolicy: resolveAddressPolicy(options.proxyAddressPolicy, 'proxyAddressPolicy'),
    proxyResolves: proxyResolvesOf(options.proxyResolves),
    lookup: options.lookup,
    sockets: options.sockets === undefined ? undefined : new CallerSockets(options.sockets),
    connections: options.connections,
    timeouts: mergeTimeouts(DEFAULT_TIMEOUTS, options.timeouts),
    interceptors: checkInterceptors(options.interceptors),
    reuse: options.reuse ?? sameOrigin(),
    poolDefaults: poolSettingsOf(options),
    pools,
    maxConnections: maxConnectionsOf(options.maxConnections, 'maxConnections'),
    maxIdleConnections: numberOf('maxIdleConnections'),
    idleTimeoutMs: resolvePoolSettings({ ...options, ...pools['default'] }).idleTimeoutMs,
    replay: numberOf('replay'),
    retry: resolveRetryPolicy(options.retry),
    maxBodyBytes: maxBodyBytesOf(options.maxBodyBytes) ?? Number.POSITIVE_INFINITY,
    localAddress: localAddressOf(options.localAddress),
    localPort: options.localPort === undefined ? undefined : inRange('localPort', options.localPort, 0, 1, 65_535),
    keepAliveMs: keepAliveMsOf(options.tcpKeepAlive),
    lookupTtlMs: numberOf('lookupTtlMs'),
    streamWindowBytes: numberOf('streamWindowBytes'),
    connectionWindowBytes: numberOf('connectionWindowBytes'),
    windowBudgetBytes: numberOf('windowBudgetBytes'),
    maxFieldSectionBytes: numberOf('maxFieldSectionBytes'),
    unixSockets: flag('unixSockets', options.unixSockets, false),
    clock: clockOf(options.clock),
  }
}

/** @throws UsageError `ERR_INVALID_OPTION`. */
function nameOf(name: string | undefined): string | undefined {
  const isName = typeof name === 'string' && name.length >= 1 && name.length <= MAX_NAME_LENGTH
  if (name !== undefined && !isName) throw invalidOption('name', 'a string of 1 to 200 characters', name)
  return name
}

/** Checks all members at once: a missing one would fail in the middle of a connection. */
function clockOf(clock: Clock | undefined): Clock {
  if (clock === undefined) return systemClock
  for (const name of ['now', 'wallNow', 'startTimer', 'afterTurn'] as const) {
    if (typeof clock[name] !== 'function') throw invalidOption(`clock.${name}`, 'a function', clock[name])
  }
  return clock
}

/** Checks callbacks before they are needed. @throws UsageError `ERR_INVALID_OPTION`. */
function checkCallbacks({ lookup, connections, reuse, pools }: ClientOptions): void {
  if (lookup !== undefined && typeof lookup !== 'function') throw invalidOption('lookup', 'a function like dns.lookup', lookup)
  if (connections !== undefined && typeof connections !== 'function')
    throw invalidOption('connections', 'a function', connections)
  if (reuse !== undefined && typeof (reuse as ReusePolicy | null)?.verdict !== 'function') {
    throw invalidOption('reuse', 'a policy such as coalescing() or sameOrigin()', reuse)
  }
  if (pools !== undefined && (typeof pools !== 'object' || pools === null || Array.isArray(pools))) {
    throw invalidOption('pools', 'an object of settings by name', pools)
  }
}

/** Checks a maximum size, in bytes; `Infinity` is unlimited. @throws UsageError */
export function maxBodyBytesOf(option: number | undefined): number | undefined {
  if (option === undefined || option === Number.POSITIVE_INFINITY) return option
  return inRange('maxBodyBytes', option, 0, 0, Number.MAX_SAFE_INTEGER)
}

function proxyResolvesOf(option: ClientOptions['proxyResolves']): 'refused' | 'trusted' {
  if (option === undefined || option === 'refused' || option === 'trusted') return option ?? 'refused'
  throw invalidOption('proxyResolves', '"refused" or "trusted"', option)
}

function keepAliveMsOf(option: ClientOptions['tcpKeepAlive']): number | undefined {
  if (option === false) return undefined
  if (option !== undefined && (typeof option !== 'object' || option === null)) {
    throw invalidOption('tcpKeepAlive', 'false or an object with idleMs', option)
  }
  const own = ownOptions(option, TCP_KEEPALIVE_NAMES, 'tcpKeepAlive.')
  return numberIn(TCP_KEEPALIVE_OPTIONS, own, 'idleMs', 'tcpKeepAlive.')
}

const TCP_KEEPALIVE_NAMES = namesOf(TCP_KEEPALIVE_OPTIONS)

function localAddressOf(address: string | undefined): string | undefined {
  if (address === undefined || (typeof address === 'string' && isIP(address) !== 0)) return address
  throw invalidOption('localAddress', 'an IPv4 or IPv6 address', address)
}

/** The options of a client that are settings of its pools, each checked. */
function poolSettingsOf(options: ClientOptions): PoolSettings {
  resolvePoolSettings(options)
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(POOL_OPTIONS, name)))
}
