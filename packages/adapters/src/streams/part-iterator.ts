/** Iterators over content that let its source go at once when they are left. */

import { Readable } from 'node:stream'
import { expectErrors } from '@unshard/core/internal'

/** Content, part by part. */
export type PartIterator = AsyncIterator<Uint8Array | string>

/**
 * The parts of whatever can be iterated. Streams' own iterators hear of an end only after the next part, which may never come: these tell the stream at
 * once.
 */
export function iteratorOf(source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): PartIterator {
  if (source instanceof ReadableStream) {
    const reader = (source as ReadableStream<Uint8Array>).getReader()
    return {
      next: () => reader.read() as Promise<IteratorResult<Uint8Array>>,
      return: (reason) => reader.cancel(reason).then(() => DONE),
    }
  }
  if (!(Symbol.asyncIterator in source)) return fromSync(source[Symbol.iterator]())
  const iterator = source[Symbol.asyncIterator]()
  if (!(source instanceof Readable)) return iterator
  expectErrors(source)
  const leave = (): Promise<typeof DONE> => Promise.resolve(source.destroy()).then(() => DONE)
  return { next: () => iterator.next(), return: leave }
}

/**
 * Closes a source that nobody will read, be it a stream of Node's, which may be an open file, or the web's: it hears why; what it says to that is of
 * no use to anybody. What somebody else reads is theirs.
 */
export function leaveUnread(source: object, reason: unknown): void {
  const { cancel, destroy } = source as { cancel?: (reason: unknown) => unknown; destroy?: () => void }
  if ((source as ReadableStream).locked === true) return
  if (typeof cancel === 'function') Promise.resolve(cancel.call(source, reason)).catch(() => undefined)
  else if (typeof destroy === 'function') destroy.call(source)
}

const DONE = { done: true, value: undefined } as const

function fromSync(iterator: Iterator<Uint8Array | string>): PartIterator {
  const leave = (): Promise<typeof DONE> => Promise.resolve(iterator.return?.()).then(() => DONE)
  return { next: async () => iterator.next(), return: leave }
}
