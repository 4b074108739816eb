/** Requests that wait for a connection: first come, first served, with removal in constant time. */

import type { Strategy } from '../message/strategy.js'
import { LinkedList, type ListNode } from '../runtime/linked-list.js'
import type { Member } from './member.js'

/** Runs a function in an asynchronous context (`AsyncLocalStorage`). */
export type InContext = <Result>(run: () => Result) => Result

/** A request that waits for a connection. */
export interface QueuedRequest {
  /** Requests with the same affinity prefer the same connection, if the strategy is `hash`. */
  readonly affinity: string | undefined
  /** Selects among several connections. `undefined` for the strategy of the origin. */
  readonly strategy?: Strategy | undefined
  /** The node in its queue, used only by {@link RequestQueue}. */
  queueNode?: ListNode<QueuedRequest> | undefined
  /** Runs a function in the asynchronous context of the request; `undefined` if its dials are not observed. */
  readonly inContext?: InContext | undefined
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

  /** The request at an index, counted from the one that has waited longest. */
  at(index: number): QueuedRequest | undefined {
    return this.#list?.at(index)
  }

  /** The request that has waited longest, taken out of the queue. */
  next(): QueuedRequest | undefined {
    const queued = this.#list?.first
    if (queued !== undefined) this.delete(queued)
    return queued
  }
}
