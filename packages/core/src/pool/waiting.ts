/** Requests that wait for a connection: first come, first served, and leaving costs nothing. */

import { Chain } from '../chain.js'
import type { Waiter } from './group.js'

/** One queue. A waiter stands in one at a time. */
export class Waiting {
  readonly #chain: Chain<Waiter> = new Chain()

  get size(): number {
    return this.#chain.size
  }

  add(waiter: Waiter): void {
    waiter.place ??= this.#chain.add(waiter)
  }

  delete(waiter: Waiter): void {
    const { place } = waiter
    if (place === undefined) return
    waiter.place = undefined
    this.#chain.delete(place)
  }

  /** The request that has waited longest, taken out of the queue. */
  next(): Waiter | undefined {
    const waiter = this.#chain.first
    if (waiter !== undefined) this.delete(waiter)
    return waiter
  }
}
