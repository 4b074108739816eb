/** The options of a client: one table of names, defaults, units and ranges, and the one function that reads it. */

import { isIP, type LookupFunction } from 'node:net'
import type { ConnectOptions } from '../connect/connect-options.js'
import { type ProxyOption, proxyChoice } from '../connect/proxy/proxy-selector.js'
import { CallerSockets, type SocketsOption } from '../connect/tcp/caller-sockets.js'
import { keyLogTarget } from '../connect/tls/key-log.js'
import { type ClientTlsOptions, checkTls, TLS_OPTIONS } from '../connect/tls/tls-options.js'
import type { RetryPolicy, Timeouts } from '../message/request.js'
import { type ReusePolicy, sameOrigin } from '../pool/reuse/reuse-policy.js'
import { type Clock, systemClock } from '../runtime/clock.js'
import {
  DURATION_RANGE,
  flag,
  inRange,
  invalidOption,
  type NumberRange,
  ownOptions,
  refuseUnknown,
} from '../schema/option-checks.js'
import { POOL_SETTINGS, type PoolSettings, resolvePoolSettings } from '../settings/pool-settings.js'
import type { Connection } from '../transport/connection.js'
import type { Target } from '../transport/target.js'
import { type ResolvedRetryPolicy, resolveRetryPolicy } from './status-retry.js'

/** What `new Client` takes. Everything has a default; an unknown name is refused. Those of {@link PoolSettings} hold for every origin. */
export interface ClientOptions extends PoolSettings {
  /** Trust and identity for TLS, as `tls.connect` takes them, `pins`, `servername` and `keylog`. */
  readonly tls?: ClientTlsOptions
  /**
   * Reaches origins through a proxy: `'env'` for what the environment says now, a URL, {@link ProxyOptions}, or a function that is asked
   * once for each origin. Default: none, whatever the environment says. There is never a way around it. See docs/guides/proxies.md.
   */
  readonly proxy?: ProxyOption
  /**
   * Resolves host names, in the shape of `net.connect`'s option. Default `dns.lookup`. Addresses of its answer may have a `ttl` in seconds,
   * as those of `dns.resolve4` with `ttl: true` have.
   */
  readonly lookup?: LookupFunction
  /**
   * Sockets that are connected already, used in place of dialing: a Duplex for the first request, a Map or an object by `ip:port` (IPv6 in brackets) as
   * names resolve, or a function that is asked about each address. Where those have none that is free, it is dialed. Each is read and written, never
   * closed, and carries one connection. TLS is made on it for `https:`, unless it is a `TLSSocket` whose ALPN chose a protocol: that holds.
   * Not asked for origins behind a proxy or a Unix socket.
   */
  readonly sockets?: SocketsOption
  /**
   * Connections of the caller's own making, in place of every dial: asked once for each, and never for a name, an address or a proxy. For tests: see
   * `mockClient` of `unshard/testing`. What it throws is what the requests that wait for the dial fail with.
   */
  readonly connections?: (target: Target) => Connection | Promise<Connection>
  /** Default deadlines, see {@link Timeouts}. */
  readonly timeouts?: Timeouts
  /** Which connection may serve which origin. Default here: the same origin only. */
  readonly reuse?: ReusePolicy
  /**
   * Settings that differ: under `default`, for every origin; under an origin such as `https://api.example`, for its untagged requests;
   * under a tag, for requests with that `isolation`; under `https://api.example#tag`, for those to that origin. The narrowest wins.
   */
  readonly pools?: Readonly<Record<string, PoolSettings>>
  /** Idle connections kept in all; beyond that the one that has been idle longest is closed. Default 1,024. */
  readonly maxIdleConnections?: number
  /**
   * How often a request is sent again where its connection was lost and nobody knows whether the server has acted. Only methods that are
   * idempotent (RFC 9110 §9.2.2), only before any part of the response. Default 1; 0 to 100.
   */
  readonly replay?: number
  /** Asks again after a status that says "later". Default false; true takes the defaults of {@link RetryPolicy}. */
  readonly retry?: RetryPolicy | boolean
  /** The local address to connect from, IPv4 or IPv6. Default: the system's choice. */
  readonly localAddress?: string
  /**
   * The local port to connect from, 1 to 65,535. Default: the system's choice. Only one connection at a time has it to the same address and
   * port; a second one is refused by the system, and so may be the next for a minute.
   */
  readonly localPort?: number
  /**
   * TCP keepalive on the sockets that this client dials: the kernel sends its first probe after `idleMs` without a byte, 1,000 to 2,147,483,647.
   * Default `{ idleMs: 60_000 }`; false for none. Node fixes ten probes, a second apart: a path that is gone for more than 10 s just then ends the
   * connection, so a short time is no gain. Sockets of `sockets` are left as they are.
   */
  readonly tcpKeepAlive?: false | { readonly idleMs?: number }
  /**
   * How long an answer of the resolver is used, milliseconds. Default 10,000; 0 asks every time. Less where `lookup` tells a TTL: the
   * smallest of the answer's addresses counts.
   */
  readonly lookupTtlMs?: number
  /** Receive window a stream starts with, bytes. Default 131,072; at least 65,535. It grows while its reader keeps up. */
  readonly streamWindowBytes?: number
  /** Receive window of an HTTP/2 connection, bytes. Default 16,777,216. Credit returns on receipt, so this bounds nothing but bursts. */
  readonly connectionWindowBytes?: number
  /** Receive windows may grow by this much in all, bytes. Default 67,108,864. */
  readonly windowBudgetBytes?: number
  /** The largest field section of a response, bytes as RFC 9113 §6.5.2 counts. Default 65,536. */
  readonly maxFieldSectionBytes?: number
  /**
   * Whether adapters take `http+unix:` and `https+unix:` URLs, which may come from users: in `fetch` they are unknown schemes otherwise. `request` and
   * the other methods of the client take them always. Default false.
   */
  readonly unixSockets?: boolean
  /** Where time comes from. For tests. */
  readonly clock?: Clock
}

/** Options with every default filled in. */
export interface ResolvedOptions extends ConnectOptions {
  readonly timeouts: Required<Timeouts>
  readonly reuse: ReusePolicy
  /** Settings of every origin without settings of its own, defaults not filled in. */
  readonly poolDefaults: PoolSettings
  readonly pools: Readonly<Record<string, PoolSettings>>
  readonly maxIdleConnections: number
  readonly replay: number
  readonly retry: ResolvedRetryPolicy | undefined
  readonly unixSockets: boolean
}

/** Default deadlines, milliseconds; 0 is none. A live server may take as long as it wants: see docs/guides/production.md. */
export const DEFAULT_TIMEOUTS: Required<Timeouts> = { queue: 60_000, connect: 10_000, headers: 0, body: 0, total: 0 }

const WINDOW_RANGE = [65_535, 0x7fff_ffff] as const

const NUMBERS = {
  maxIdleConnections: [1_024, 0, 0x7fff_ffff],
  replay: [1, 0, 100],
  lookupTtlMs: [10_000, ...DURATION_RANGE],
  streamWindowBytes: [131_072, ...WINDOW_RANGE],
  connectionWindowBytes: [16_777_216, ...WINDOW_RANGE],
  windowBudgetBytes: [67_108_864, 0, Number.MAX_SAFE_INTEGER],
  maxFieldSectionBytes: [65_536, 1_024, 16_777_216],
} as const satisfies Record<string, NumberRange>

const NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(NUMBERS),
  ...POOL_SETTINGS,
  ...[
    'tls',
    'proxy',
    'lookup',
    'sockets',
    'connections',
    'timeouts',
    'reuse',
    'pools',
    'retry',
    'localAddress',
    'localPort',
    'tcpKeepAlive',
    'unixSockets',
    'clock',
  ],
])

const TLS_NAMES: ReadonlySet<string> = new Set([...TLS_OPTIONS, 'keylog'])

/**
 * Checks options and fills in defaults.
 * @throws UsageError `ERR_UNKNOWN_OPTION` or `ERR_INVALID_OPTION`, naming the option.
 */
export function resolveOptions(given: ClientOptions): ResolvedOptions {
  const options: ClientOptions = ownOptions(given, NAMES, '', 'a client')
  const { keylog, ...tls }: ClientTlsOptions = ownOptions(options.tls, TLS_NAMES, 'tls.')
  checkCallbacks(options)
  const number = (name: keyof typeof NUMBERS): number => inRange(name, options[name], ...(NUMBERS[name] as NumberRange))
  return {
    tls: checkTls(tls, 'tls.'),
    keyLog: keyLogTarget(keylog, process.env),
    proxy: proxyChoice(options.proxy, process.env),
    lookup: options.lookup,
    sockets: options.sockets === undefined ? undefined : new CallerSockets(options.sockets),
    connections: options.connections,
    timeouts: mergeTimeouts(DEFAULT_TIMEOUTS, options.timeouts),
    reuse: options.reuse ?? sameOrigin(),
    poolDefaults: poolSettingsOf(options),
    pools: { ...options.pools },
    maxIdleConnections: number('maxIdleConnections'),
    idleTimeoutMs: resolvePoolSettings({ ...options, ...options.pools?.['default'] }).idleTimeoutMs,
    replay: number('replay'),
    retry: resolveRetryPolicy(options.retry),
    localAddress: localAddressOf(options.localAddress),
    localPort: options.localPort === undefined ? undefined : inRange('localPort', options.localPort, 0, 1, 65_535),
    keepAliveMs: keepAliveMsOf(options.tcpKeepAlive),
    lookupTtlMs: number('lookupTtlMs'),
    streamWindowBytes: number('streamWindowBytes'),
    connectionWindowBytes: number('connectionWindowBytes'),
    windowBudgetBytes: number('windowBudgetBytes'),
    maxFieldSectionBytes: number('maxFieldSectionBytes'),
    unixSockets: flag('unixSockets', options.unixSockets, false),
    clock: clockOf(options.clock),
  }
}

/** A clock of a test that lacks a member would fail in the middle of a connection. */
function clockOf(clock: Clock | undefined): Clock {
  if (clock === undefined) return systemClock
  for (const name of ['now', 'wallNow', 'startTimer', 'afterTurn'] as const) {
    if (typeof clock[name] !== 'function') throw invalidOption(`clock.${name}`, 'a function', clock[name])
  }
  return clock
}

/** What is called later must not fail only then. @throws UsageError `ERR_INVALID_OPTION`. */
function checkCallbacks({ lookup, connections, reuse, pools }: ClientOptions): void {
  if (lookup !== undefined && typeof lookup !== 'function')
    throw invalidOption('lookup', 'a function as dns.lookup is one', lookup)
  if (connections !== undefined && typeof connections !== 'function')
    throw invalidOption('connections', 'a function', connections)
  if (reuse !== undefined && typeof (reuse as ReusePolicy | null)?.verdict !== 'function') {
    throw invalidOption('reuse', 'a policy such as coalescing() or sameOrigin()', reuse)
  }
  if (pools !== undefined && (typeof pools !== 'object' || pools === null || Array.isArray(pools))) {
    throw invalidOption('pools', 'an object of settings by name', pools)
  }
}

function keepAliveMsOf(option: ClientOptions['tcpKeepAlive']): number | undefined {
  if (option === false) return undefined
  if (option !== undefined && (typeof option !== 'object' || option === null)) {
    throw invalidOption('tcpKeepAlive', 'false or an object with idleMs', option)
  }
  const { idleMs } = ownOptions(option, TCP_KEEPALIVE_NAMES, 'tcpKeepAlive.')
  return inRange('tcpKeepAlive.idleMs', idleMs, 60_000, 1_000, 0x7fff_ffff)
}

const TCP_KEEPALIVE_NAMES: ReadonlySet<string> = new Set(['idleMs'])

function localAddressOf(address: string | undefined): string | undefined {
  if (address === undefined || (typeof address === 'string' && isIP(address) !== 0)) return address
  throw invalidOption('localAddress', 'an IPv4 or IPv6 address', address)
}

/** Deadlines with those given put over those that hold otherwise. @throws UsageError naming an unknown or impossible one. */
export function mergeTimeouts(base: Required<Timeouts>, given: Timeouts | undefined): Required<Timeouts> {
  if (given === undefined) return base
  refuseUnknown(given, TIMEOUT_NAMES, 'timeouts.')
  const merged = { ...base }
  for (const name of Object.keys(given) as (keyof Timeouts)[]) {
    merged[name] = inRange(`timeouts.${name}`, given[name], base[name], ...DURATION_RANGE)
  }
  return merged
}

const TIMEOUT_NAMES: ReadonlySet<string> = new Set(Object.keys(DEFAULT_TIMEOUTS))

/** Those of a client's options that are settings of its pools, each checked. */
function poolSettingsOf(options: ClientOptions): PoolSettings {
  resolvePoolSettings(options)
  return Object.fromEntries(Object.entries(options).filter(([name]) => POOL_SETTINGS.includes(name)))
}
