/**
 * Ranges of a representation (RFC 9110 §14), and validators strong enough to join two of them
 * (§8.8).
 */

import type { Fields } from '@unshard/core'

/** Parsed Content-Range field. */
export interface ContentRange {
  /** Position of the first byte; `undefined` if the range was not satisfiable. */
  readonly first: number | undefined
  readonly last: number | undefined
  /** Length of the whole representation in bytes; `undefined` if the server does not know it. */
  readonly total: number | undefined
}

const CONTENT_RANGE = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/i

/** RFC 9110 §14.4. Returns `undefined` if the field is missing, malformed or contradicts itself. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = CONTENT_RANGE.exec(value ?? '')
  if (match === null) return undefined
  const number = (text: string | undefined): number | undefined => (text === undefined || text === '*' ? undefined : Number(text))
  const [first, last, total] = [number(match[1]), number(match[2]), number(match[3])]
  // "A Content-Range field value is invalid if it contains a range-resp that has a last-pos value less than its first-pos value, or a
  // complete-length value less than or equal to its last-pos value."
  if (first !== undefined && last! < first) return undefined
  if (total !== undefined && last !== undefined && total <= last) return undefined
  return { first, last, total }
}

/** Tolerated clock error, in milliseconds: within it, a Last-Modified does not count as strong. */
const CLOCK_TOLERANCE_MS = 60_000

/**
 * Returns a valid If-Range value (RFC 9110 §13.1.5): a strong entity tag, or a strong date, i.e.
 * one sufficiently older than the response (§8.8.2.2).
 */
export function strongValidator(headers: Fields): string | undefined {
  const tag = headers.get('etag')
  if (tag !== undefined) return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag) ? tag : undefined
  const modified = headers.get('last-modified')
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(modified ?? '')
  return age >= CLOCK_TOLERANCE_MS ? modified : undefined
}
