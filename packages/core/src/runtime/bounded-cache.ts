/** Every cache of ours: lru-cache, whose options are what was passed to it, and never what somebody has put into `Object.prototype`. */

import { LRUCache } from 'lru-cache'

/** Entries there is room for at first. The library fills arrays as long as its bound when it is made: 13 ms for the caches of one client. */
const FIRST_ROOM = 16
/** By how much there is more of it when that is full. */
const GROWTH = 8

type Options<Value extends {}> = LRUCache.Options<string, Value, unknown> & { readonly max: number }

/** A cache with a bound, and where the options say so a lifetime. It costs what it holds. */
export class BoundedCache<Value extends {}> {
  readonly #options: Options<Value>
  #entries: LRUCache<string, Value> | undefined

  constructor(options: Options<Value>) {
    this.#options = options
  }

  /** How many there are, those included whose lifetime is over and for which nobody has asked since. */
  get size(): number {
    return this.#entries?.size ?? 0
  }

  get(key: string): Value | undefined {
    return this.#entries?.get(key, own({}))
  }

  /** @param options a lifetime of its own, milliseconds. */
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
    // From the least recently used on, so that it stays that. What is over is left behind.
    for (const [each, value] of full.rentries() as Iterable<[string, Value]>) {
      const leftMs = full.getRemainingTTL(each)
      // Over this very moment: to the library no lifetime at all would be left.
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

/** Made again each time: the library writes into them. */
function own<Options extends object>(options: Options): Options {
  return Object.assign(Object.create(null), options)
}
