/** The headers of a request: what the caller may write, and what is added where that says nothing. */

import { Fields } from '@unshard/core'
import { ACCEPT_ENCODING } from './decode.js'

/** Name and value, in the order they are sent. */
export type Pair = [name: string, value: string]

const DEFAULTS: readonly Pair[] = [
  ['accept', '*/*'],
  // Fetch standard §4.5 step 8.14: any language is as good.
  ['accept-language', '*'],
  ['accept-encoding', ACCEPT_ENCODING],
  ['user-agent', 'unshard'],
]

/** What is sent for a caller who says nothing: one list, shared. */
export const DEFAULT_FIELDS: Fields = new Fields(DEFAULTS.flat())

/** The caller's headers, those of `createFetch`, and the defaults: each where the ones before say nothing. */
export function mergeHeaders(init: unknown, defaults: readonly Pair[]): Fields | Pair[] {
  if (init === undefined && defaults.length === 0) return DEFAULT_FIELDS
  const pairs = init === undefined ? [] : toPairs(init)
  const names = new Set(pairs.map(([name]) => name.toLowerCase()))
  for (const pair of [...defaults, ...DEFAULTS]) {
    if (names.has(pair[0])) continue
    names.add(pair[0])
    pairs.push(pair)
  }
  return pairs
}

/**
 * `HeadersInit` of any realm (Fetch standard §5.1, "fill").
 * @throws TypeError for what is no record and no list of pairs.
 */
export function toPairs(init: unknown): Pair[] {
  if (typeof init !== 'object' || init === null) throw new TypeError('headers are a record, pairs, or a Headers object')
  const pairs = Symbol.iterator in init ? [...(init as Iterable<readonly unknown[]>)] : Object.entries(init)
  return pairs.map(toPair)
}

function toPair(pair: readonly unknown[]): Pair {
  const [name, value, ...rest] = [...pair]
  if (pair.length !== 2 || rest.length > 0) throw new TypeError('each of headers is a pair of name and value')
  return [toText(name), trim(toText(value))]
}

function toText(value: unknown): string {
  if (typeof value === 'symbol') throw new TypeError('a symbol is no name and no value of a header')
  return String(value)
}

/** Fetch standard §2.2.2, "normalize": white space around a value is taken off, line ends included; inside it they are an error. */
function trim(value: string): string {
  return value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '')
}

/** The first value of a field, whatever its case. */
export function firstValue(fields: Iterable<readonly [string, string]>, wanted: string): string | undefined {
  for (const [name, value] of fields) if (name.toLowerCase() === wanted) return value
  return undefined
}

/** Without some fields; names in lower case. */
export function without(fields: Iterable<readonly [string, string]>, names: ReadonlySet<string>): Pair[] {
  const kept: Pair[] = []
  for (const [name, value] of fields) if (!names.has(name.toLowerCase())) kept.push([name, value])
  return kept
}
