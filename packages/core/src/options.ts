/** The options of a client: one table of names, defaults, units and ranges, and the one function that reads it. */

import type { LookupFunction } from 'node:net'
import { type ProxyChoice, type ProxyOption, proxyChoice } from './connect/proxy/choice.js'
import { type ProtocolName, TLS_OPTIONS, type TlsOptions } from './connect/tls-options.js'
import { type Clock, systemClock } from './deadlines.js'
import { UsageError } from './errors.js'
import type { Timeouts } from './message/request.js'
import { type ReusePolicy, sameOrigin } from './pool/reuse-policy.js'

/** What `new Client` takes. Everything has a default; an unknown name is refused. */
export interface ClientOptions {
  /** Trust and identity for TLS, as `tls.connect` takes them. */
  readonly tls?: TlsOptions
  /**
   * Reaches origins through a proxy: `'env'` for what the environment says now, a URL, {@link ProxyOptions}, or a function that is asked
   * once for each origin. Default: none, whatever the environment says. There is never a way around it. See docs/proxies.md.
   */
  readonly proxy?: ProxyOption
  /** Resolves host names, in the shape of `net.connect`'s option. Default `dns.lookup`. */
  readonly lookup?: LookupFunction
  /** Default deadlines, see {@link Timeouts}. */
  readonly timeouts?: Timeouts
  /** Which connection may serve which origin. Default here: the same origin only. */
  readonly reuse?: ReusePolicy
  /** Offered by ALPN, in this order. Default both. */
  readonly protocols?: readonly ProtocolName[]
  /** What `http:` origins speak: HTTP/1.1 (default), or HTTP/2 with prior knowledge (RFC 9113 §3.3). */
  readonly cleartextProtocol?: ProtocolName
  /** A connection without requests is closed after this many milliseconds. Default 60,000; 0 never. */
  readonly idleTimeoutMs?: number
  /** Connections to one origin at the most. Default 1 for HTTP/2, 6 for HTTP/1.1. */
  readonly maxConnectionsPerOrigin?: { readonly h2?: number; readonly 'http/1.1'?: number }
  /** The local address to connect from. */
  readonly localAddress?: string
  /** How long an answer of the resolver is used, milliseconds. Default 10,000. */
  readonly lookupTtlMs?: number
  /** Receive window a stream starts with, octets. Default 131,072; at least 65,535. It grows while its reader keeps up. */
  readonly streamWindowBytes?: number
  /** Receive window of an HTTP/2 connection, octets. Default 16,777,216. Credit returns on receipt, so this bounds nothing but bursts. */
  readonly connectionWindowBytes?: number
  /** Receive windows may grow by this much in all, octets. Default 67,108,864. */
  readonly windowBudgetBytes?: number
  /** The largest field section of a response, octets as RFC 9113 §6.5.2 counts. Default 65,536. */
  readonly maxFieldSectionBytes?: number
  /** Where time comes from. For tests. */
  readonly clock?: Clock
}

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly tls: TlsOptions
  readonly proxy: ProxyChoice | undefined
  readonly lookup: LookupFunction | undefined
  readonly timeouts: Required<Timeouts>
  readonly reuse: ReusePolicy
  readonly protocols: readonly ProtocolName[]
  readonly cleartextProtocol: ProtocolName
  readonly idleTimeoutMs: number
  readonly maxConnectionsPerOrigin: Readonly<Record<ProtocolName, number>>
  readonly localAddress: string | undefined
  readonly lookupTtlMs: number
  readonly streamWindowBytes: number
  readonly connectionWindowBytes: number
  readonly windowBudgetBytes: number
  readonly maxFieldSectionBytes: number
  readonly clock: Clock
}

/** Default deadlines, milliseconds. The long ones are those of Node's own fetch: what answers there answers here. */
export const DEFAULT_TIMEOUTS: Required<Timeouts> = { queue: 60_000, connect: 10_000, headers: 300_000, body: 300_000, total: 0 }

const WINDOW_RANGE = [65_535, 0x7fff_ffff] as const
const DURATION_RANGE = [0, 0x7fff_ffff] as const

/** Numbers: default, least, most. */
const NUMBERS = {
  idleTimeoutMs: [60_000, ...DURATION_RANGE],
  lookupTtlMs: [10_000, ...DURATION_RANGE],
  streamWindowBytes: [131_072, ...WINDOW_RANGE],
  connectionWindowBytes: [16_777_216, ...WINDOW_RANGE],
  windowBudgetBytes: [67_108_864, 0, Number.MAX_SAFE_INTEGER],
  maxFieldSectionBytes: [65_536, 1_024, 16_777_216],
} as const

const NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(NUMBERS),
  'proxy',
  ...['tls', 'lookup', 'timeouts', 'reuse', 'protocols', 'cleartextProtocol', 'maxConnectionsPerOrigin', 'localAddress', 'clock'],
])

/**
 * Checks options and fills in defaults.
 * @throws UsageError `ERR_UNKNOWN_OPTION` or `ERR_INVALID_OPTION`, naming the option.
 */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  refuseUnknown(options, NAMES, '')
  refuseUnknown(options.tls, new Set(TLS_OPTIONS), 'tls.')
  const connections = options.maxConnectionsPerOrigin
  refuseUnknown(connections, new Set(['h2', 'http/1.1']), 'maxConnectionsPerOrigin.')
  const number = (name: keyof typeof NUMBERS): number =>
    inRange(name, options[name], ...(NUMBERS[name] as readonly [number, number, number]))
  return {
    // A copy: connections that are made later must be of the identity that was hashed.
    tls: { ...options.tls },
    proxy: proxyChoice(options.proxy, process.env),
    lookup: options.lookup,
    timeouts: mergeTimeouts(DEFAULT_TIMEOUTS, options.timeouts),
    reuse: options.reuse ?? sameOrigin(),
    protocols: protocolNames(options.protocols),
    cleartextProtocol: protocolNames([options.cleartextProtocol ?? 'http/1.1'], 'cleartextProtocol')[0]!,
    idleTimeoutMs: number('idleTimeoutMs'),
    maxConnectionsPerOrigin: {
      h2: inRange('maxConnectionsPerOrigin.h2', connections?.h2, 1, 1, 1_000),
      'http/1.1': inRange('maxConnectionsPerOrigin.http/1.1', connections?.['http/1.1'], 6, 1, 1_000),
    },
    localAddress: options.localAddress,
    lookupTtlMs: number('lookupTtlMs'),
    streamWindowBytes: number('streamWindowBytes'),
    connectionWindowBytes: number('connectionWindowBytes'),
    windowBudgetBytes: number('windowBudgetBytes'),
    maxFieldSectionBytes: number('maxFieldSectionBytes'),
    clock: options.clock ?? systemClock,
  }
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

function protocolNames(names: readonly ProtocolName[] | undefined, option = 'protocols'): readonly ProtocolName[] {
  if (names === undefined) return ['h2', 'http/1.1']
  if (!Array.isArray(names) || names.length === 0 || names.some((name) => name !== 'h2' && name !== 'http/1.1')) {
    throw new UsageError('ERR_INVALID_OPTION', `option ${option} takes "h2" and "http/1.1", not ${JSON.stringify(names)}`)
  }
  return names
}

/** @throws UsageError `ERR_UNKNOWN_OPTION` for the first name that is not in `known`. */
export function refuseUnknown(options: object | undefined, known: ReadonlySet<string>, prefix: string): void {
  if (options === undefined) return
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new UsageError('ERR_UNKNOWN_OPTION', `unknown option ${JSON.stringify(prefix + name)}`)
  }
}

function inRange(name: string, value: number | undefined, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new UsageError('ERR_INVALID_OPTION', `option ${name} takes a whole number from ${least} to ${most}, not ${String(value)}`)
}
