/** Orders and filters of entries. Knows nothing about elements. */

import type { PageEntry } from '../index.js'

/** Keys by which rows can be sorted. */
export type SortKey = 'start' | 'duration' | 'size' | 'status' | 'host'

/** An order of rows. */
export interface Order {
  readonly key: SortKey
  readonly isDescending: boolean
}

type Compare = (a: PageEntry, b: PageEntry) => number

const BY: Readonly<Record<SortKey, Compare>> = {
  start: () => 0,
  duration: (a, b) => a.durationMs - b.durationMs,
  size: (a, b) => a.receivedBytes - b.receivedBytes,
  status: (a, b) => a.status - b.status,
  host: (a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0),
}

const byStart: Compare = (a, b) => a.startMs - b.startMs || a.id - b.id

/** Returns the comparison of an order. Entries that are equal in it are in the order of their start. */
export function comparisonOf({ key, isDescending }: Order): Compare {
  const by = BY[key]
  const sign = isDescending ? -1 : 1
  if (key === 'start') return (a, b) => sign * byStart(a, b)
  return (a, b) => sign * by(a, b) || byStart(a, b)
}

/** Returns where to insert an entry into a sorted list. */
export function placeOf<Item extends { readonly entry: PageEntry }>(
  sorted: readonly Item[],
  entry: PageEntry,
  compare: Compare,
): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(sorted[middle]!.entry, entry) <= 0) low = middle + 1
    else high = middle
  }
  return low
}

/** The members that a filter such as `status:404` names. */
const MEMBERS: Readonly<Record<string, (entry: PageEntry) => string>> = {
  host: ({ host }) => host,
  path: ({ path }) => path,
  method: ({ method }) => method,
  status: ({ status }) => String(status),
  reason: ({ because }) => because,
  because: ({ because }) => because,
  protocol: ({ protocol }) => protocol,
  connection: ({ connection }) => connection,
  error: ({ error }) => error,
}

/** Text in which a filter is looked for, in lower case. */
export function searchTextOf(entry: PageEntry): string {
  const { method, url, status, because, protocol, error, isPending } = entry
  const state = isPending ? 'pending' : status === 0 ? 'failed' : status
  return `${method} ${url} ${state} ${because} ${protocol} ${error}`.toLowerCase()
}

/** Whether an entry matches. @param searchText see {@link searchTextOf}. */
export type Matches = (entry: PageEntry, searchText: string) => boolean

/** Returns the filter of a text: all words must be in the entry; `status:404` looks in one member. */
export function filterOf(text: string): Matches {
  const tests = text
    .toLowerCase()
    .split(' ')
    .filter((word) => word !== '')
    .map(testOf)
  return (entry, searchText) => tests.every((matches) => matches(entry, searchText))
}

function testOf(word: string): Matches {
  const colon = word.indexOf(':')
  const name = word.slice(0, Math.max(0, colon))
  const value = word.slice(colon + 1)
  if (!Object.hasOwn(MEMBERS, name)) return (_, searchText) => searchText.includes(word)
  const member = MEMBERS[name]!
  if (name === 'connection') return (entry) => value === '' || member(entry) === value
  return (entry) => member(entry).toLowerCase().includes(value)
}
