/** Iterators over content that release their source as soon as they are left. */

import { Readable } from 'node:stream'
import { expectErrors } from '@unshard/core/internal'

/** Iterator over parts of content. */
export type PartIterator = AsyncIterator<Uint8Array | string>

/**
 * Returns an iterator over the parts of any iterable. A stream's own iterator learns of an early
 * end only after the next part, which may never arrive; this one ends the stream at once.
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
 * Closes a source that will not be read: a Node stream, which may be an open file, or a web stream.
 * It gets the reason; its own errors are ignored. A source with another reader is left alone.
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
