/** Every cache of ours: lru-cache, whose options are what was passed to it, and never what somebody has put into `Object.prototype`. */

import { LRUCache } from 'lru-cache'

/** A cache with a bound, and where the options say so a lifetime. */
export class BoundedCache<Value extends {}> extends LRUCache<string, Value> {
  constructor(options: LRUCache.Options<string, Value, unknown>) {
    super(own(options))
  }

  override get(key: string): Value | undefined {
    return super.get(key, own({}))
  }

  /** @param options a lifetime of its own, milliseconds. */
  override set(key: string, value: Value, options?: { readonly ttl: number }): this {
    return super.set(key, value, own(options ?? {}))
  }

  override has(key: string): boolean {
    return super.has(key, own({}))
  }
}

/** Made anew each time: the library writes into them. */
function own<Options extends object>(options: Options): Options {
  return Object.assign(Object.create(null), options)
}
