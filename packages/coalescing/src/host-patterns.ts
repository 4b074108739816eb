/** Hosts as the caller lists them: exact names, and `*.` patterns whose star is one whole left-most label, as in certificates. */

import { isDnsName } from './host-name.js'

const ANY_LABEL = '*.'

/** What a URL parser would take for another part, the default port too, or drop, or decode. */
const NOT_IN_A_HOST = /[\s:/\\?#@%]/

/** For those who are in no group: most hosts of most clients. */
const NONE: readonly string[] = []

/**
 * A host or pattern in the form that origins have (lower case, A-labels); `undefined` for what could never match one: a scheme, a port,
 * an IP address, a star anywhere else.
 */
export function canonicalPattern(pattern: unknown): string | undefined {
  if (typeof pattern !== 'string') return undefined
  const wildcard = pattern.startsWith(ANY_LABEL)
  // A label in the place of the star: the whole must be a name, and not too long for one.
  const text = wildcard ? `a.${pattern.slice(ANY_LABEL.length)}` : pattern
  const url = NOT_IN_A_HOST.test(text) ? undefined : parse(`https://${text}/`)
  if (url === undefined || !isDnsName(url.hostname)) return undefined
  return wildcard ? `*${url.hostname.slice('a'.length)}` : url.hostname
}

/** Whether a canonical pattern stands for more than one host. */
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

/** Several lists: which of them a host is in costs the same however many there are. */
export class HostGroups {
  readonly #groups = new Map<string, string[]>()

  /** `allow[0]`, `allow[1]` and so on are the names of the groups. */
  constructor(groups: readonly ReadonlySet<string>[]) {
    for (const [i, group] of groups.entries()) {
      for (const pattern of group) {
        const names = this.#groups.get(pattern)
        if (names === undefined) this.#groups.set(pattern, [`allow[${i}]`])
        else names.push(`allow[${i}]`)
      }
    }
  }

  /** The names of the groups that have `host`, each once. */
  of(host: string): readonly string[] {
    if (this.#groups.size === 0) return NONE
    const exact = this.#groups.get(host)
    const wildcard = this.#groups.get(wildcardOf(host))
    if (exact === undefined) return wildcard ?? NONE
    return wildcard === undefined ? exact : [...new Set([...exact, ...wildcard])]
  }

  /** Whether one group has both. */
  join(one: string, other: string): boolean {
    const groups = this.of(one)
    if (groups.length === 0) return false
    return this.of(other).some((name) => groups.includes(name))
  }
}

/** The only pattern with a star that has `host`; of one label none has it, and the empty string is no pattern. */
function wildcardOf(host: string): string {
  const dot = host.indexOf('.')
  return dot === -1 ? '' : `*${host.slice(dot)}`
}

/** Not by `URL.canParse`: on Node 20, once optimised, it answers false for a URL with characters from U+0080 to U+00FF. */
function parse(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
