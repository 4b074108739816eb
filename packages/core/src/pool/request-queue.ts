/**
 * Requests that wait for a connection: replayed ones first, then first come, first served. Removal
 * takes constant time.
 */

import type { Strategy } from '../message/strategy.js'
import { LinkedList, type ListNode } from '../runtime/linked-list.js'
import type { Member } from './member.js'

/** A request that waits for a connection. */
export interface QueuedRequest {
  /** Requests with the same affinity prefer the same connection, if the strategy is `hash`. */
  readonly affinity: string | undefined
  /** Selects among several connections. `undefined` for the strategy of the origin. */
  readonly strategy?: Strategy | undefined
  /** Whether it was sent before: it has waited already, and goes before others. Must not change while it is queued. */
  readonly replayed?: boolean
  /** The node in its queue, used only by {@link RequestQueue}. */
  queueNode?: ListNode<QueuedRequest> | undefined
  /** Called with a connection that has capacity. The request must be sent before this returns. */
  onMember(member: Member): void
  /** Called if no connection can be had. */
  onUnavailable(error: Error): void
}

/**
 * One queue. A request is in one queue at a time. Allocates nothing while empty, as most queues
 * are.
 */
export class RequestQueue {
  #list: LinkedList<QueuedRequest> | undefined
  #replayed: LinkedList<QueuedRequest> | undefined

  get size(): number {
    return (this.#list?.size ?? 0) + (this.#replayed?.size ?? 0)
  }

  add(queued: QueuedRequest): void {
    if (queued.queueNode !== undefined) return
    if (queued.replayed === true) {
      this.#replayed ??= new LinkedList()
      queued.queueNode = this.#replayed.add(queued)
    } else {
      this.#list ??= new LinkedList()
      queued.queueNode = this.#list.add(queued)
    }
  }

  delete(queued: QueuedRequest): void {
    const { queueNode } = queued
    if (queueNode === undefined) return
    queued.queueNode = undefined
    const list = queued.replayed === true ? this.#replayed! : this.#list!
    list.delete(queueNode)
    if (list.size > 0) return
    if (queued.replayed === true) this.#replayed = undefined
    else this.#list = undefined
  }

  /** The request that is served next, taken out of the queue. */
  next(): QueuedRequest | undefined {
    const queued = this.#replayed?.first ?? this.#list?.first
    if (queued !== undefined) this.delete(queued)
    return queued
  }
}
