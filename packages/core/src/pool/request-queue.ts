/** Requests that wait for a connection: first come, first served, and leaving costs nothing. */

import { Chain, type Link } from '../runtime/linked-list.js'
import type { Member } from './member.js'

/** A request that waits for a connection. */
export interface Waiter {
  /** Requests with the same one prefer the same connection, where the strategy is `hash`. */
  readonly affinity: string | undefined
  /** Where it stands, used by {@link Waiting} alone. */
  place?: Link<Waiter> | undefined
  /** A connection with room is there. The request must be sent before this returns. */
  onMember(member: Member): void
  /** No connection can be had. */
  onUnavailable(error: Error): void
}

/** One queue. A waiter stands in one at a time. Nobody waits for most origins at most times: then it holds nothing. */
export class Waiting {
  #chain: Chain<Waiter> | undefined

  get size(): number {
    return this.#chain?.size ?? 0
  }

  add(waiter: Waiter): void {
    if (waiter.place !== undefined) return
    this.#chain ??= new Chain()
    waiter.place = this.#chain.add(waiter)
  }

  delete(waiter: Waiter): void {
    const { place } = waiter
    if (place === undefined) return
    waiter.place = undefined
    this.#chain!.delete(place)
    if (this.#chain!.size === 0) this.#chain = undefined
  }

  /** The request that has waited longest, taken out of the queue. */
  next(): Waiter | undefined {
    const waiter = this.#chain?.first
    if (waiter !== undefined) this.delete(waiter)
    return waiter
  }
}
