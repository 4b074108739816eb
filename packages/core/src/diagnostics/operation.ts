/** One operation on a tracing channel: `start` and `end` around its beginning, `asyncStart` and `asyncEnd` when it is over. */

import type { TracingChannel } from 'node:diagnostics_channel'
import { isWatched } from './channels.js'
import type { OperationEvent } from './events.js'

/** An operation that has begun. Ends once. */
export class Operation<Message extends OperationEvent> {
  readonly #channel: TracingChannel
  readonly message: Message
  #over = false

  private constructor(channel: TracingChannel, message: Message) {
    this.#channel = channel
    this.message = message
  }

  /** Begins an operation, if it has a subscriber. @param message called only then. */
  static begin<Message extends OperationEvent>(channel: TracingChannel, message: () => Message): Operation<Message> | undefined {
    const operation = Operation.prepare(channel, message)
    operation?.run(() => undefined)
    return operation
  }

  /** Makes an operation whose beginning is a function: see {@link run}. */
  static prepare<Message extends OperationEvent>(
    channel: TracingChannel,
    message: () => Message,
  ): Operation<Message> | undefined {
    return isWatched(channel) ? new Operation(channel, message()) : undefined
  }

  /** Calls the function that begins the operation, with the stores that are bound to `start`. */
  run<Result>(begin: () => Result): Result {
    const { start, end } = this.#channel
    return start.runStores(this.message, () => {
      try {
        return begin()
      } finally {
        end.publish(this.message)
      }
    })
  }

  /** Ends the operation; `error` is set if it has failed. */
  finish(error?: unknown): void {
    if (this.#over) return
    this.#over = true
    const { message } = this
    if (error !== undefined) {
      message.error = error
      this.#channel.error.publish(message)
    }
    this.#channel.asyncStart.publish(message)
    this.#channel.asyncEnd.publish(message)
  }
}
