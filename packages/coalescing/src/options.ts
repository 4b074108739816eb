/** The options of the coalescing policy: names, defaults, and the one function that reads them. */

import { UsageError } from '@unshard/core'
import { isDnsName } from './host-name.js'

/** What {@link coalescing} takes. Everything has a default; an unknown name is refused. */
export interface CoalescingOptions {
  /**
   * Hosts that are never coalesced: they join no other origin's connection, and no other origin joins theirs. Host names as in a
   * URL, without scheme, port or wildcard. Default none.
   */
  readonly deny?: readonly string[]
  /** Where time comes from, milliseconds since the epoch. For tests. Default the machine's clocks. */
  readonly clock?: { now(): number }
}

/** Options with every default filled in, hosts in the form that origins have. */
export interface ResolvedCoalescingOptions {
  readonly deny: ReadonlySet<string>
  /** The time of day. */
  readonly clock: { now(): number }
  /** Does not jump when somebody sets the time of day. */
  readonly monotonicClock: { now(): number }
}

const NAMES: ReadonlySet<string> = new Set(['deny', 'clock'] satisfies (keyof CoalescingOptions)[])

/** Checks options and fills in defaults. @throws UsageError `ERR_UNKNOWN_OPTION` or `ERR_INVALID_OPTION`, naming the option. */
export function resolveOptions(options: CoalescingOptions): ResolvedCoalescingOptions {
  if (typeof options !== 'object' || options === null) {
    throw new UsageError('ERR_INVALID_OPTION', `coalescing() takes an object of options, not ${String(options)}`)
  }
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw new UsageError('ERR_UNKNOWN_OPTION', `unknown option ${JSON.stringify(name)} of coalescing()`)
  }
  const { deny = [], clock } = options
  if (!Array.isArray(deny)) throw new UsageError('ERR_INVALID_OPTION', 'option deny of coalescing() takes a list of host names')
  if (clock !== undefined && typeof clock?.now !== 'function') {
    throw new UsageError('ERR_INVALID_OPTION', 'option clock of coalescing() takes an object with now()')
  }
  return { deny: new Set(deny.map(canonicalHost)), clock: clock ?? Date, monotonicClock: clock ?? performance }
}

/** An entry that could never match would deny nothing, in silence: it is refused. */
function canonicalHost(host: unknown): string {
  const url = typeof host === 'string' ? parse(`https://${host}/`) : undefined
  if (url !== undefined && url.href === `https://${url.hostname}/` && isDnsName(url.hostname)) return url.hostname
  throw new UsageError('ERR_INVALID_OPTION', `option deny of coalescing() takes DNS names, not ${JSON.stringify(host)}`)
}

/** Not by `URL.canParse`: on Node 20, once optimised, it answers false for a URL with characters from U+0080 to U+00FF. */
function parse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
