/** The messages of a request as its content. */

import type { CallContext } from './call-context.js'
import type { Method } from './definition.js'

/** Messages to send: an iterable. */
export type Messages<Request> = Iterable<Request> | AsyncIterable<Request>

/** Serializes messages as the request takes them. */
export class MessageSource implements AsyncIterableIterator<Uint8Array> {
  readonly #context: CallContext
  readonly #method: Method<unknown, unknown>
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>
  /** Whether the request takes no more messages. */
  isOver = false

  constructor(context: CallContext, method: Method<never, unknown>, messages: Messages<unknown>) {
    this.#context = context
    this.#method = method as Method<unknown, unknown>
    this.#iterator =
      Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : (messages as Iterable<unknown>)[Symbol.iterator]()
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const { done, value } = await this.#iterator.next()
    if (done !== true) return { done: false, value: await this.#context.frame(this.#method.serialize(value)) }
    this.isOver = true
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.isOver = true
    await this.#iterator.return?.()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
