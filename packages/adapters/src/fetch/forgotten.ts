/**
 * Ends responses that can no longer be read: unread content occupies a stream of its connection
 * until it is ended.
 */

import type { Answer } from './answer.js'

const registry = new FinalizationRegistry((answer: Answer) => {
  if (!answer.bodyUsed) answer.discard()
})

/**
 * Discards the content of `answer` when `reader`, its only reader, is garbage collected before
 * reading has begun, unless {@link remembered} is called first. Nothing that `answer` refers to may
 * refer to `reader`, because the registry holds `answer`.
 */
export function discardWhenForgotten(reader: object, answer: Answer): void {
  registry.register(reader, answer, reader)
}

/**
 * Cancels the discarding: reading has begun or the response has ended. From here on `answer` may
 * refer to the reader, e.g. through the stack of an error.
 */
export function remembered(reader: object): void {
  registry.unregister(reader)
}
