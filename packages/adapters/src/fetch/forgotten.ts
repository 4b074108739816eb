/** Responses that nobody can read any more: while their content is unread they hold a place on a connection, and nobody else will end them. */

import type { Answer } from './answer.js'

const registry = new FinalizationRegistry((answer: Answer) => {
  if (!answer.bodyUsed) answer.discard()
})

/**
 * Ends the content of `answer` when `reader`, through which alone it can be read, is collected before anybody has begun to, until
 * {@link remembered}. Nothing that `answer` refers to may lead back to `reader`: the registry holds it.
 */
export function discardWhenForgotten(reader: object, answer: Answer): void {
  registry.register(reader, answer, reader)
}

/** Somebody reads, or has ended it. From here on the answer may lead back to the reader, be it through the stack of an error. */
export function remembered(reader: object): void {
  registry.unregister(reader)
}
