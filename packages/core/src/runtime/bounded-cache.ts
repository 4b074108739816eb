/**
 * The cache used by all packages: lru-cache, protected from options in a polluted
 * `Object.prototype`.
 */

import { LRUCache } from 'lru-cache'

/**
 * Initial capacity, in entries. The library allocates arrays of its full capacity: 13 ms for the
 * caches of one client.
 */
const FIRST_ROOM = 16
/** Growth factor of a full cache. */
const GROWTH = 8

type Options<Value extends {}> = LRUCache.Options<string, Value, unknown> & { readonly max: number }

/** A bounded cache, optionally with a lifetime per entry. Its memory grows with its entries. */
export class BoundedCache<Value extends {}> {
  readonly #options: Options<Value>
  #entries: LRUCache<string, Value> | undefined

  constructor(options: Options<Value>) {
    this.#options = options
  }

  /** Number of entries, including expired ones that were not looked up since. */
  get size(): number {
    return this.#entries?.size ?? 0
  }

  get(key: string): Value | undefined {
    return this.#entries?.get(key, own({}))
  }

  /** @param options the lifetime of this entry, in milliseconds. */
  set(key: string, value: Value, options?: { readonly ttl: number }): this {
    this.#roomFor(key).set(key, value, own(options ?? {}))
    return this
  }

  has(key: string): boolean {
    return this.#entries?.has(key, own({})) ?? false
  }

  delete(key: string): boolean {
    return this.#entries?.delete(key) ?? false
  }

  clear(): void {
    this.#entries = undefined
  }

  #roomFor(key: string): LRUCache<string, Value> {
    const full = this.#entries
    if (full === undefined) return this.#make(FIRST_ROOM)
    if (full.size < full.max || full.max === this.#options.max || full.has(key, own({}))) return full
    const grown = this.#make(full.max * GROWTH)
    // Copy from the least recently used entry on, to keep the order. Expired entries are dropped.
    for (const [each, value] of full.rentries() as Iterable<[string, Value]>) {
      const leftMs = full.getRemainingTTL(each)
      // The entry expires now. The library would treat a lifetime of 0 as unlimited.
      if (leftMs <= 0) continue
      grown.set(each, value, own(leftMs === Number.POSITIVE_INFINITY ? {} : { ttl: leftMs }))
    }
    return grown
  }

  #make(room: number): LRUCache<string, Value> {
    this.#entries = new LRUCache(own({ ...this.#options, max: Math.min(room, this.#options.max) }))
    return this.#entries
  }
}

/** Copies the options, because the library changes them. */
function own<Options extends object>(options: Options): Options {
  return Object.assign(Object.create(null), options)
}
