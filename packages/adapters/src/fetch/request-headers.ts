/** Request headers: validates user-supplied headers and adds the defaults. */

import { Fields, UsageError } from '@unshard/core'
import { isIterable } from '@unshard/core/internal'
import { ACCEPT_ENCODING } from './decode.js'

/** Name and value, in sending order. */
export type Pair = [name: string, value: string]

const DEFAULTS: readonly Pair[] = [
  ['accept', '*/*'],
  // Fetch standard §4.5 step 8.14: `*` accepts every language.
  ['accept-language', '*'],
  ['accept-encoding', ACCEPT_ENCODING],
  ['user-agent', 'unshard'],
]

/**
 * Fetch standard §4.5 step 8.19: ranges of encoded content cannot be joined, so a range request
 * asks for none.
 */
const RANGE_DEFAULTS: readonly Pair[] = DEFAULTS.map((pair) => (pair[0] === 'accept-encoding' ? [pair[0], 'identity'] : pair))

/** Fields of a request without user-supplied headers: one shared list. */
export const DEFAULT_FIELDS: Fields = new Fields(DEFAULTS.flat())

/**
 * Merges user-supplied headers, those of `createFetch`, and the defaults, in this order of
 * precedence.
 */
export function mergeHeaders(init: unknown, defaults: readonly Pair[]): Fields | Pair[] {
  if (init === undefined && defaults.length === 0) return DEFAULT_FIELDS
  const pairs = init === undefined ? [] : toPairs(init)
  addMissing(pairs, defaults)
  addMissing(pairs, hasName(pairs, pairs.length, 'range') ? RANGE_DEFAULTS : DEFAULTS)
  return pairs
}

/** Scans the list instead of building a set: requests have few headers. */
function addMissing(pairs: Pair[], added: readonly Pair[]): void {
  const { length } = pairs
  for (const pair of added) if (!hasName(pairs, length, pair[0])) pairs.push(pair)
}

function hasName(pairs: readonly Pair[], length: number, wanted: string): boolean {
  for (let i = 0; i < length; i++) {
    const name = pairs[i]![0]
    if (name === wanted || (name.length === wanted.length && name.toLowerCase() === wanted)) return true
  }
  return false
}

/**
 * Accepts `HeadersInit` of any realm (Fetch standard §5.1, "fill").
 * @throws UsageError `ERR_INVALID_HEADERS` unless it is a record or a list of pairs.
 */
export function toPairs(init: unknown): Pair[] {
  if (typeof init !== 'object' || init === null) throw invalid('headers must be a record, pairs, or a Headers object')
  const pairs: Pair[] = []
  if (isIterable(init)) {
    for (const pair of init as Iterable<readonly unknown[]>) pairs.push(toPair(pair))
    return pairs
  }
  for (const name of Object.keys(init)) pairs.push([name, trim(toText((init as Record<string, unknown>)[name]))])
  return pairs
}

function toPair(pair: readonly unknown[]): Pair {
  // Any iterable of two values is a pair, except a string of two characters.
  const both = Array.isArray(pair) ? pair : [...(Object(pair) as Iterable<unknown>)]
  if (both.length !== 2 || typeof pair === 'string') throw invalid('each member of headers must be a pair of name and value')
  return [toText(both[0]), trim(toText(both[1]))]
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_INVALID_HEADERS', message)
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'symbol') throw invalid('header names and values must not be symbols')
  return String(value)
}

/**
 * Fetch standard §2.2.2, "normalize": strips surrounding whitespace, line ends included; line ends
 * inside a value are an error.
 */
function trim(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isBlank(value.charCodeAt(start))) start++
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--
  return start === 0 && end === value.length ? value : value.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
}

const CONDITIONAL: ReadonlySet<string> = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
])

/** Whether a field makes the request conditional (RFC 9110 §13.1). */
export function isConditional(fields: readonly Pair[]): boolean {
  for (const [name] of fields) if (name[2] === '-' && CONDITIONAL.has(name.toLowerCase())) return true
  return false
}

/** Returns the first value of a field; names are case-insensitive. */
export function firstValue(fields: Iterable<readonly [string, string]>, wanted: string): string | undefined {
  for (const [name, value] of fields) if (name.toLowerCase() === wanted) return value
  return undefined
}

/** Removes fields; names in lower case. */
export function without(fields: Iterable<readonly [string, string]>, names: ReadonlySet<string>): Pair[] {
  const kept: Pair[] = []
  // Keep the pair itself: pairs from the defaults of a `fetch` are compared by identity.
  for (const pair of fields) if (!names.has(pair[0].toLowerCase())) kept.push(pair as Pair)
  return kept
}

/**
 * Removes the pairs of `fields` that came from `added` and restores the built-in defaults they had
 * replaced.
 */
export function withoutAdded(fields: Iterable<readonly [string, string]>, added: readonly Pair[]): Pair[] {
  const known: ReadonlySet<unknown> = new Set(added)
  const kept: Pair[] = []
  for (const pair of fields) if (!known.has(pair)) kept.push(pair as Pair)
  addMissing(kept, DEFAULTS)
  return kept
}
