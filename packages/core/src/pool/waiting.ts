/**
 * Requests that wait for a connection: first come, first served, and leaving costs nothing. Not a `Set`: V8 links each of its tables that fills up
 * to the next, so that with one that was promoted all who ever waited would survive minor collections (decision 20).
 */

import type { Waiter } from './group.js'

/** Where a request stands in its queue. */
export class Place {
  readonly waiter: Waiter
  ahead: Place | undefined
  behind: Place | undefined

  constructor(waiter: Waiter) {
    this.waiter = waiter
  }
}

/** One queue. A waiter stands in one at a time. */
export class Waiting {
  #first: Place | undefined
  #last: Place | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  add(waiter: Waiter): void {
    if (waiter.place !== undefined) return
    const place = new Place(waiter)
    waiter.place = place
    place.ahead = this.#last
    if (this.#last === undefined) this.#first = place
    else this.#last.behind = place
    this.#last = place
    this.#size++
  }

  delete(waiter: Waiter): void {
    const { place } = waiter
    if (place === undefined) return
    const { ahead, behind } = place
    if (ahead === undefined) this.#first = behind
    else ahead.behind = behind
    if (behind === undefined) this.#last = ahead
    else behind.ahead = ahead
    // Who has left must not keep those alive who stood behind.
    place.ahead = undefined
    place.behind = undefined
    waiter.place = undefined
    this.#size--
  }

  /** The request that has waited longest, taken out of the queue. */
  next(): Waiter | undefined {
    const waiter = this.#first?.waiter
    if (waiter !== undefined) this.delete(waiter)
    return waiter
  }
}
