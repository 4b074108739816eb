/** Ranges of a representation (RFC 9110 §14), and which validator is strong enough to join two of them (§8.8). */

import type { Fields } from '@unshard/core'

/** What a Content-Range field says. */
export interface ContentRange {
  /** First and last octet; `undefined` where the range was not satisfiable. */
  readonly first: number | undefined
  readonly last: number | undefined
  /** Octets of the whole representation; `undefined` where the server does not know. */
  readonly total: number | undefined
}

const CONTENT_RANGE = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/i

/** RFC 9110 §14.4. `undefined` where it is missing, malformed, or contradicts itself. */
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

/** A clock that is off by less cannot make a Last-Modified look strong. */
const CLOCK_DOUBT_MS = 60_000

/**
 * What an If-Range field may say (RFC 9110 §13.1.5): a strong entity tag, else a date that is strong, which it is when the representation
 * had not changed for a while when it was sent (§8.8.2.2).
 */
export function strongValidator(headers: Fields): string | undefined {
  const tag = headers.get('etag')
  if (tag !== undefined) return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag) ? tag : undefined
  const modified = headers.get('last-modified')
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(modified ?? '')
  return age >= CLOCK_DOUBT_MS ? modified : undefined
}
