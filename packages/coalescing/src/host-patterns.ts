/**
 * User-supplied lists of hosts: exact names, and `*.` patterns whose star stands for one left-most
 * label, as in certificates.
 */

import { isDnsName } from './host-name.js'

const ANY_LABEL = '*.'

/**
 * Characters that a URL parser would assign to another part (including the default port), drop, or
 * decode.
 */
const NOT_IN_A_HOST = /[\s:/\\?#@%]/

/** Shared by all hosts without a group, i.e. most hosts of most clients. */
const NONE: readonly string[] = []

/**
 * Returns a host or pattern in the form of an origin's host (lower case, A-labels); `undefined` if
 * it could never match one: a scheme, a port, an IP address, a star elsewhere.
 */
export function canonicalPattern(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string') return undefined
  const wildcard = pattern.startsWith(ANY_LABEL)
  // Replace the star by a label: the result must be a valid name, within the length limit.
  const text = wildcard ? `a.${pattern.slice(ANY_LABEL.length)}` : pattern
  const url = NOT_IN_A_HOST.test(text) ? undefined : parse(`https://${text}/`)
  if (url === undefined || !isDnsName(url.hostname)) return undefined
  return wildcard ? `*${url.hostname.slice('a'.length)}` : url.hostname
}

/** Whether a canonical pattern matches more than one host. */
export function isWildcard(pattern: string): boolean {
  return pattern.startsWith(ANY_LABEL)
}

/** One list of patterns. */
export class HostPatterns {
  readonly #patterns: ReadonlySet<string>

  constructor(canonical: Iterable<string>) {
    this.#patterns = new Set(canonical)
  }

  has(host: string): boolean {
    return this.#patterns.size > 0 && (this.#patterns.has(host) || this.#patterns.has(wildcardOf(host)))
  }
}

/** Several lists: finding the lists of a host costs the same however many there are. */
export class HostGroups {
  readonly #groups = new Map<string, string[]>()

  /** Names the groups `allow[0]`, `allow[1]` and so on. */
  constructor(groups: readonly ReadonlySet<string>[]) {
    for (const [i, group] of groups.entries()) {
      for (const pattern of group) {
        const names = this.#groups.get(pattern)
        if (names === undefined) this.#groups.set(pattern, [`allow[${i}]`])
        else names.push(`allow[${i}]`)
      }
    }
  }

  /** Returns the names of the groups that contain `host`, each once. */
  of(host: string): readonly string[] {
    if (this.#groups.size === 0) return NONE
    const exact = this.#groups.get(host)
    const wildcard = this.#groups.get(wildcardOf(host))
    if (exact === undefined) return wildcard ?? NONE
    return wildcard === undefined ? exact : [...new Set([...exact, ...wildcard])]
  }

  /** Whether one group contains both hosts. */
  join(host: string, otherHost: string): boolean {
    const groups = this.of(host)
    if (groups.length === 0) return false
    return this.of(otherHost).some((name) => groups.includes(name))
  }
}

/**
 * Returns the only wildcard pattern that can match `host`; the empty string, which is not a
 * pattern, for a single label.
 */
function wildcardOf(host: string): string {
  const dot = host.indexOf('.')
  return dot === -1 ? '' : `*${host.slice(dot)}`
}

/**
 * `URL.canParse` does not work here: on Node 20, once optimized, it returns false for a URL with
 * characters from U+0080 to U+00FF.
 */
function parse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
