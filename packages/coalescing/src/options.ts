/** The options of the coalescing policy: names, defaults, and the one function that reads them. */

import { systemClock, UsageError } from '@unshard/core'
import { flagRow, namesOf, type OptionSchema, ownOptions, shownValue, value } from '@unshard/core/internal'
import { canonicalPattern, HostGroups, HostPatterns, isWildcard } from './host-patterns.js'

/** Evidence, besides the certificate, that two hosts are served by the same server. */
export type CoalescingMode = 'off' | 'origin-frame' | 'address'

/** Options of {@link coalescing}. All have defaults; unknown names are refused. */
export interface CoalescingOptions {
  /**
   * `'address'`: both hosts resolve to one address and one certificate covers them (RFC 9113
   * §9.1.1). `'origin-frame'`: in addition, the server has listed the other origin in an ORIGIN
   * frame (RFC 8336), or a group of {@link allow} contains both. `'off'`: a connection serves only
   * the origin it was made for.
   * @default `address`
   */
  readonly mode?: CoalescingMode
  /**
   * Groups of hosts that you know to be served by one server: a list of lists of host names, each
   * exact or `*.` and a name, where the star is one whole label. A group needs two entries or a
   * wildcard. Groups only add evidence: they are needed in tunnels, where no address is known, for
   * `wildcards: 'declared'`, and instead of ORIGIN in mode `'origin-frame'`. They never replace the
   * certificate nor, outside tunnels, the address.
   */
  readonly allow?: readonly (readonly string[])[]
  /**
   * Hosts that are never coalesced: they join no other origin's connection, and no other origin
   * joins theirs. Host names as in a URL, without scheme or port, or `*.` and a name, where the
   * star is one whole label.
   */
  readonly deny?: readonly string[]
  /**
   * Whether to share a host that the certificate covers only by a wildcard. `'declared'`: only if a
   * group of {@link allow} contains both hosts. Use it for gateways that select the back end by SNI
   * behind one wildcard certificate.
   * @default `any`
   */
  readonly wildcards?: 'any' | 'declared'
  /**
   * Trust an Origin Set without DNS (RFC 8336 §2.4): an origin that is in the set and covered by
   * the certificate is shared whatever its host resolves to, even if it does not resolve. Only in
   * mode `'origin-frame'`. An attacker with a stolen or wrongly issued certificate then need not
   * control DNS (RFC 8336 §4). Default false: the set only narrows.
   * @default false
   */
  readonly trustOriginFrame?: boolean
  /**
   * For tests: share connections whose server was not verified (`rejectUnauthorized: false`). The
   * certificate must still cover the other host.
   * @default false
   */
  readonly allowUnauthorized?: boolean
  /**
   * Statuses treated like a 421 on a shared connection: an idempotent request is retried on a
   * dedicated connection, and the pair is remembered. Use it for gateways that route by SNI and do
   * not send 421. Integers from 400 to 599; 421 always counts and must not be listed.
   */
  readonly suspectStatuses?: readonly number[]
  /** Clock, in milliseconds since the epoch. For tests. Default: the system clocks. @default the system's */
  readonly clock?: { now(): number }
}

/** Options with all defaults filled in, hosts in the form of an origin's host. */
export interface ResolvedCoalescingOptions {
  readonly mode: CoalescingMode
  readonly allow: HostGroups
  readonly deny: HostPatterns
  readonly wildcards: 'any' | 'declared'
  readonly trustOriginFrame: boolean
  readonly allowUnauthorized: boolean
  readonly suspectStatuses: ReadonlySet<number>
  /** Wall clock. */
  readonly clock: { now(): number }
  /** Monotonic clock: unaffected by changes of the system time. */
  readonly monotonicClock: { now(): number }
}

const MODES: readonly CoalescingMode[] = ['off', 'origin-frame', 'address']
const WILDCARDS = ['any', 'declared'] as const
const MISDIRECTED = 421
/** Certificates expire by the wall clock. */
const WALL_CLOCK = { now: systemClock.wallNow }

/** Options of `coalescing()`. */
export const COALESCING_OPTIONS: OptionSchema<CoalescingOptions> = {
  mode: value('`address`, `origin-frame`, `off`', '`address`'),
  allow: value('a list of lists of hosts'),
  deny: value('a list of hosts'),
  wildcards: value('`any`, `declared`', '`any`'),
  trustOriginFrame: flagRow(false),
  allowUnauthorized: flagRow(false),
  suspectStatuses: value('a list of 400 to 599'),
  clock: value('`{ now() }`', "the system's"),
}

const NAMES = namesOf(COALESCING_OPTIONS)

/**
 * Validates options and fills in defaults. @throws UsageError `ERR_UNKNOWN_OPTION` or
 * `ERR_INVALID_OPTION`, naming the option.
 */
export function resolveOptions(options: CoalescingOptions): ResolvedCoalescingOptions {
  const own: CoalescingOptions = ownOptions(options, NAMES, '', 'coalescing()')
  const { mode, allow, deny, wildcards, trustOriginFrame, allowUnauthorized, suspectStatuses, clock } = own
  if (clock !== undefined && typeof clock?.now !== 'function') throw invalid('clock', 'an object with now()', clock)
  const resolved = {
    mode: oneOf('mode', MODES, mode) ?? 'address',
    allow: new HostGroups(list('allow', 'a list of groups', allow).map(group)),
    deny: new HostPatterns(list('deny', 'a list of host names', deny).map((host) => pattern('deny', host))),
    wildcards: oneOf('wildcards', WILDCARDS, wildcards) ?? 'any',
    trustOriginFrame: flag('trustOriginFrame', trustOriginFrame),
    allowUnauthorized: flag('allowUnauthorized', allowUnauthorized),
    suspectStatuses: new Set(list('suspectStatuses', 'a list of statuses', suspectStatuses).map(status)),
    clock: clock ?? WALL_CLOCK,
    monotonicClock: clock ?? systemClock,
  }
  if (resolved.trustOriginFrame && resolved.mode !== 'origin-frame') {
    const message = `option trustOriginFrame of coalescing() requires mode "origin-frame", not "${resolved.mode}"`
    throw new UsageError('ERR_INVALID_OPTION', message)
  }
  return resolved
}

function invalid(name: string, takes: string, value: unknown): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `option ${name} of coalescing() takes ${takes}, not ${shownValue(value)}`)
}

function oneOf<T extends string>(name: string, values: readonly T[], value: unknown): T | undefined {
  if (value === undefined) return undefined
  const found = values.find((each) => each === value)
  if (found === undefined) throw invalid(name, values.map((each) => JSON.stringify(each)).join(' or '), value)
  return found
}

function flag(name: string, value: unknown = false): boolean {
  if (typeof value !== 'boolean') throw invalid(name, 'true or false', value)
  return value
}

function list(name: string, takes: string, value: unknown = []): unknown[] {
  // A copy without holes, which `map` would skip.
  if (Array.isArray(value)) return Array.from(value)
  throw invalid(name, takes, value)
}

/** Refuses an entry that could never match: it would silently have no effect. */
function pattern(name: string, host: unknown): string {
  const canonical = canonicalPattern(host)
  if (canonical === undefined) throw invalid(name, 'DNS names, or "*." and a DNS name', host)
  return canonical
}

function group(hosts: unknown, i: number): ReadonlySet<string> {
  if (!Array.isArray(hosts)) throw invalid('allow', 'a list of groups, each a list of hosts such as ["*.example.com"]', hosts)
  const patterns = new Set(Array.from(hosts, (host) => pattern(`allow[${i}]`, host)))
  const [first] = patterns
  // A single host has nothing to share with, so the entry must be a mistake.
  if (patterns.size < 2 && (first === undefined || !isWildcard(first))) {
    throw invalid(`allow[${i}]`, 'at least two hosts or a wildcard (a smaller group allows nothing)', hosts)
  }
  return patterns
}

function status(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 400 || (value as number) > 599) {
    throw invalid('suspectStatuses', 'integers from 400 to 599', value)
  }
  if (value === MISDIRECTED) throw invalid('suspectStatuses', 'statuses other than 421, which always counts', value)
  return value as number
}
