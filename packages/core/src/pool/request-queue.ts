/** Requests that wait for a connection: first come, first served, and leaving costs nothing. */

import { LinkedList, type ListNode } from '../runtime/linked-list.js'
import type { Member } from './member.js'

/** A request that waits for a connection. */
export interface QueuedRequest {
  /** Requests with the same one prefer the same connection, where the strategy is `hash`. */
  readonly affinity: string | undefined
  /** Where it stands, used by {@link RequestQueue} alone. */
  queueNode?: ListNode<QueuedRequest> | undefined
  /** A connection with room is there. The request must be sent before this returns. */
  onMember(member: Member): void
  /** No connection can be had. */
  onUnavailable(error: Error): void
}

/** One queue. A waiter stands in one at a time. Nobody waits for most origins at most times: then it holds nothing. */
export class RequestQueue {
  #list: LinkedList<QueuedRequest> | undefined

  get size(): number {
    return this.#list?.size ?? 0
  }

  add(queued: QueuedRequest): void {
    if (queued.queueNode !== undefined) return
    this.#list ??= new LinkedList()
    queued.queueNode = this.#list.add(queued)
  }

  delete(queued: QueuedRequest): void {
    const { queueNode } = queued
    if (queueNode === undefined) return
    queued.queueNode = undefined
    this.#list!.delete(queueNode)
    if (this.#list!.size === 0) this.#list = undefined
  }

  /** The request that has waited longest, taken out of the queue. */
  next(): QueuedRequest | undefined {
    const queued = this.#list?.first
    if (queued !== undefined) this.delete(queued)
    return queued
  }
}
