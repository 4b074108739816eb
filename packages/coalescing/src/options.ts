/** The options of the coalescing policy: names, defaults, and the one function that reads them. */

import { systemClock, UsageError } from '@unshard/core'
import { ownOptions, shownValue } from '@unshard/core/internal'
import { canonicalPattern, HostGroups, HostPatterns, isWildcard } from './host-patterns.js'

/** What has to speak for two hosts being one, besides the certificate. */
export type CoalescingMode = 'off' | 'origin-frame' | 'address'

/** What {@link coalescing} takes. Everything has a default; an unknown name is refused. */
export interface CoalescingOptions {
  /**
   * `'address'`: both hosts lead to one address and one certificate covers them (RFC 9113 §9.1.1). `'origin-frame'`: beyond that, somebody
   * has said that they are one: the server, with an ORIGIN frame that lists the other origin (RFC 8336), or the caller, with a group
   * of {@link allow}. `'off'`: a connection serves the origin it was made for. Default `'address'`.
   */
  readonly mode?: CoalescingMode
  /**
   * Groups of hosts that you know to be served by one server: a list of lists of host names, each name exact or `*.` and a name, where
   * the star is one whole label. A group takes two entries or a wildcard. It only adds: it is needed in tunnels, where no address is
   * known, for `wildcards: 'declared'`, and instead of ORIGIN in mode `'origin-frame'`. It never replaces the certificate, nor, outside
   * tunnels, the address. Default none.
   */
  readonly allow?: readonly (readonly string[])[]
  /**
   * Hosts that are never coalesced: they join no other origin's connection, and no other origin joins theirs. Host names as in a URL,
   * without scheme or port, or `*.` and a name, where the star is one whole label. Default none.
   */
  readonly deny?: readonly string[]
  /**
   * Whether a name that the certificate covers only by a wildcard may be shared. `'declared'`: only with a group of {@link allow} that has
   * both hosts. For gateways that choose the back end by SNI, behind one wildcard certificate. Default `'any'`.
   */
  readonly wildcards?: 'any' | 'declared'
  /**
   * Believe an Origin Set without DNS (RFC 8336 §2.4): an origin that is in it, and that the certificate covers, is served whatever
   * its host resolves to, or if it resolves to nothing. Only in mode `'origin-frame'`. Who has a stolen or wrongly issued certificate need
   * not control DNS then (RFC 8336 §4). Default false: the set only narrows.
   */
  readonly trustOriginFrame?: boolean
  /**
   * For tests: share connections whose server nobody verified (`rejectUnauthorized: false`). The certificate must cover the other host
   * all the same. Default false.
   */
  readonly allowUnauthorized?: boolean
  /**
   * Statuses that count like a 421 on a shared connection: an idempotent request is sent once more over a connection of its own, and
   * the pair is remembered. For gateways that route by SNI and do not know 421. Integers from 400 to 599; 421 always counts and is not to
   * be listed. Default none.
   */
  readonly suspectStatuses?: readonly number[]
  /** Where time comes from, milliseconds since the epoch. For tests. Default the machine's clocks. */
  readonly clock?: { now(): number }
}

/** Options with every default filled in, hosts in the form that origins have. */
export interface ResolvedCoalescingOptions {
  readonly mode: CoalescingMode
  readonly allow: HostGroups
  readonly deny: HostPatterns
  readonly wildcards: 'any' | 'declared'
  readonly trustOriginFrame: boolean
  readonly allowUnauthorized: boolean
  readonly suspectStatuses: ReadonlySet<number>
  /** The time of day. */
  readonly clock: { now(): number }
  /** Does not jump when somebody sets the time of day. */
  readonly monotonicClock: { now(): number }
}

const MODES: readonly CoalescingMode[] = ['off', 'origin-frame', 'address']
const WILDCARDS = ['any', 'declared'] as const
const MISDIRECTED = 421
/** Certificates expire by the wall clock. */
const WALL_CLOCK = { now: systemClock.wallNow }

const NAMES: ReadonlySet<string> = new Set<keyof CoalescingOptions>([
  'mode',
  'allow',
  'deny',
  'wildcards',
  'trustOriginFrame',
  'allowUnauthorized',
  'suspectStatuses',
  'clock',
])

/** Checks options and fills in defaults. @throws UsageError `ERR_UNKNOWN_OPTION` or `ERR_INVALID_OPTION`, naming the option. */
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
    const message = `option trustOriginFrame of coalescing() needs mode "origin-frame", and the mode is "${resolved.mode}"`
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
  // A copy without holes, which `map` would leave out.
  if (Array.isArray(value)) return Array.from(value)
  throw invalid(name, takes, value)
}

/** An entry that could never match would mean nothing, in silence: it is refused. */
function pattern(name: string, host: unknown): string {
  const canonical = canonicalPattern(host)
  if (canonical === undefined) throw invalid(name, 'DNS names, or "*." and a DNS name', host)
  return canonical
}

function group(hosts: unknown, i: number): ReadonlySet<string> {
  if (!Array.isArray(hosts)) throw invalid('allow', 'a list of groups, each a list of hosts such as ["*.example.com"]', hosts)
  const patterns = new Set(Array.from(hosts, (host) => pattern(`allow[${i}]`, host)))
  const [first] = patterns
  // One host has nobody to share with: whoever wrote it meant something else.
  if (patterns.size < 2 && (first === undefined || !isWildcard(first))) {
    throw invalid(`allow[${i}]`, 'two hosts or more, or a wildcard: a group of fewer allows nothing', hosts)
  }
  return patterns
}

function status(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 400 || (value as number) > 599) {
    throw invalid('suspectStatuses', 'integers from 400 to 599', value)
  }
  if (value === MISDIRECTED) throw invalid('suspectStatuses', 'what is to count like a 421, which always counts', value)
  return value as number
}
