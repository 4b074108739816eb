/**
 * The body of a `Request` object. All that can be seen of it is a stream, and most of them hold what was there when they were made: that is
 * read first, so that its length can be said and it can be sent again. What comes later is sent as it comes.
 */

import type { ReadableStreamReadResult } from 'node:stream/web'
import { systemClock, UsageError } from '@unshard/core'
import { extractBody, type FetchBody, inMemory } from './body.js'

/** What is read before anything is sent, in octets, unless one part alone has more. */
const MOST_BYTES = 1_048_576

/**
 * Takes the body of a request of any realm; the request's `bodyUsed` is true from then on.
 * @throws UsageError `ERR_INVALID_BODY` for one that is used or locked.
 */
export function takeRequestBody(request: Request): () => Promise<FetchBody> {
  const { body } = request
  if (request.bodyUsed || body?.locked === true)
    throw new UsageError('ERR_INVALID_BODY', 'the body of the Request was used before')
  // Those of packages that stand in for the platform have Node streams.
  if (typeof (body as Partial<ReadableStream>).getReader !== 'function') {
    const content = extractBody(body, 'half')
    return () => Promise.resolve(content)
  }
  const reader = (body as ReadableStream<Uint8Array>).getReader()
  return () => readAhead(reader)
}

async function readAhead(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<FetchBody> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const reading = reader.read()
    const result = await soon(reading)
    if (result === undefined) return rest(reader, parts, reading)
    if (result.done) return inMemory(Buffer.concat(parts))
    parts.push(result.value)
    // Of one large part it is still to be seen whether it is the last.
    if (bytes > MOST_BYTES) return rest(reader, parts, undefined)
    bytes += result.value.length
  }
}

/** What a promise has become after one turn of the event loop; `undefined` where that is nothing. */
function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject)
    systemClock.afterTurn(() => resolve(undefined))
  })
}

function rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  parts: Uint8Array[],
  reading: Promise<ReadableStreamReadResult<Uint8Array>> | undefined,
): FetchBody {
  // Taken up when it is sent: until then nobody else hears of its failure.
  reading?.catch(() => undefined)
  const source = { [Symbol.asyncIterator]: () => continueReading(reader, parts, reading) }
  return { ...extractBody(source, 'half'), cancel: (reason) => void reader.cancel(reason).catch(() => undefined) }
}

/** An iterator and not a generator: one that waits for the next part could not be ended before it comes. */
function continueReading(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  parts: Uint8Array[],
  reading: Promise<ReadableStreamReadResult<Uint8Array>> | undefined,
): AsyncIterator<Uint8Array> {
  return {
    next() {
      const part = parts.shift()
      if (part !== undefined) return Promise.resolve({ done: false, value: part })
      const next = reading ?? reader.read()
      reading = undefined
      return next as Promise<IteratorResult<Uint8Array>>
    },
    async return(reason?: unknown) {
      await reader.cancel(reason)
      return { done: true, value: undefined }
    },
  }
}
