/**
 * The Origin Set of one connection (RFC 8336 §2.3): the origins that the server claims. Bounded; a
 * claim alone is not proof.
 */

import { parseUrl, type SerializedOrigin } from '../message/origin.js'
import type { Route } from '../transport/route.js'

/** Maximum number of origins stored for one connection, because RFC 8336 §4 sets no limit. */
export const MAX_ORIGIN_SET = 128
/** Maximum number of entries parsed per connection, valid or not: each parse costs time. */
export const MAX_EXAMINED_ORIGINS = 1_024
/**
 * Maximum length of an entry, in characters; longer entries are skipped. A DNS name has at most
 * 253.
 */
const MAX_ORIGIN_LENGTH = 300

/** Collects ORIGIN frames. */
export class OriginSet {
  readonly #route: Route
  #set: Set<SerializedOrigin> | undefined
  /** Origins removed from the set; `undefined` until the first removal. */
  #removed: Set<SerializedOrigin> | undefined
  #examined = 0

  constructor(route: Route) {
    this.#route = route
  }

  /** The set; `undefined` until the first ORIGIN frame. */
  get value(): ReadonlySet<SerializedOrigin> | undefined {
    return this.#set
  }

  /** Adds the entries of one frame. Returns whether the set changed. */
  add(entries: readonly string[]): boolean {
    // RFC 8336 §2.1, §2.2: ORIGIN is ignored on cleartext connections.
    if (this.#route.origin.scheme !== 'https') return false
    const before = this.#set?.size ?? -1
    // RFC 8336 §2.3: the set begins with the origin the connection was made for.
    this.#set ??= new Set([this.#route.origin.serialized])
    for (const entry of entries) {
      if (this.#set.size >= MAX_ORIGIN_SET || this.#examined >= MAX_EXAMINED_ORIGINS) break
      this.#examined++
      const origin = parseEntry(entry)
      if (origin !== undefined && this.#removed?.has(origin) !== true) this.#set.add(origin)
    }
    return this.#set.size !== before
  }

  /** Removes an origin after a 421 (RFC 8336 §2.3). A later ORIGIN frame does not add it again. */
  delete(origin: SerializedOrigin): void {
    if (this.#set?.delete(origin) !== true) return
    this.#removed ??= new Set()
    this.#removed.add(origin)
  }
}

/**
 * Returns `undefined` unless the entry is the ASCII serialization of an https origin (RFC 8336
 * §2.1).
 */
function parseEntry(entry: string): SerializedOrigin | undefined {
  const url = entry.length > MAX_ORIGIN_LENGTH ? undefined : parseUrl(entry)
  return url?.protocol === 'https:' && url.origin === entry ? (url.origin as SerializedOrigin) : undefined
}
