/** Requests that wait for a connection: first come, first served, and leaving costs nothing. */

import { Chain, type Link } from '../runtime/linked-list.js'
import type { Member } from './member.js'

/** A request that waits for a connection. */
export interface QueuedRequest {
  /** Requests with the same one prefer the same connection, where the strategy is `hash`. */
  readonly affinity: string | undefined
  /** Where it stands, used by {@link RequestQueue} alone. */
  queueNode?: Link<QueuedRequest> | undefined
  /** A connection with room is there. The request must be sent before this returns. */
  onMember(member: Member): void
  /** No connection can be had. */
  onUnavailable(error: Error): void
}

/** One queue. A waiter stands in one at a time. Nobody waits for most origins at most times: then it holds nothing. */
export class RequestQueue {
  #chain: Chain<QueuedRequest> | undefined

  get size(): number {
    return this.#chain?.size ?? 0
  }

  add(queued: QueuedRequest): void {
    if (queued.queueNode !== undefined) return
    this.#chain ??= new Chain()
    queued.queueNode = this.#chain.add(queued)
  }

  delete(queued: QueuedRequest): void {
    const { queueNode } = queued
    if (queueNode === undefined) return
    queued.queueNode = undefined
    this.#chain!.delete(queueNode)
    if (this.#chain!.size === 0) this.#chain = undefined
  }

  /** The request that has waited longest, taken out of the queue. */
  next(): QueuedRequest | undefined {
    const queued = this.#chain?.first
    if (queued !== undefined) this.delete(queued)
    return queued
  }
}
