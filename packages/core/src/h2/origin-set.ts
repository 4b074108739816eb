/** The Origin Set of one connection (RFC 8336 §2.3): what the server says it answers for. Bounded; never a reason to trust by itself. */

import { parseUrl, type SerializedOrigin } from '../message/origin.js'
import type { Route } from '../transport/route.js'

/** Origins remembered for one connection; further ones are not. RFC 8336 §4: the size is the peer's to choose, so the bound is ours. */
export const MAX_ORIGIN_SET = 128
/** Entries looked at over the life of a connection, good or bad: each costs a parse. */
export const MAX_EXAMINED_ORIGINS = 1_024
/** Longer entries are skipped, in characters: a DNS name has 253 at most. */
const MAX_ORIGIN_LENGTH = 300

/** Collects ORIGIN frames. */
export class OriginSet {
  readonly #route: Route
  #set: Set<SerializedOrigin> | undefined
  /** As many as were in the set, at most; `undefined` until there is one. */
  #removed: Set<SerializedOrigin> | undefined
  #examined = 0

  constructor(route: Route) {
    this.#route = route
  }

  /** `undefined` until the first ORIGIN frame. */
  get value(): ReadonlySet<SerializedOrigin> | undefined {
    return this.#set
  }

  /** Takes one frame's entries. Returns whether the set changed. */
  add(entries: readonly string[]): boolean {
    // RFC 8336 §2.1, §2.2: ignored on cleartext connections.
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

  /** RFC 8336 §2.3: on a 421 the origin of the request is removed "from the connection's Origin Set, if present". It does not come back. */
  delete(origin: SerializedOrigin): void {
    if (this.#set?.delete(origin) !== true) return
    this.#removed ??= new Set()
    this.#removed.add(origin)
  }
}

/** An entry that is not the ASCII serialisation of an https origin is skipped (RFC 8336 §2.1). */
function parseEntry(entry: string): SerializedOrigin | undefined {
  const url = entry.length > MAX_ORIGIN_LENGTH ? undefined : parseUrl(entry)
  return url?.protocol === 'https:' && url.origin === entry ? (url.origin as SerializedOrigin) : undefined
}
