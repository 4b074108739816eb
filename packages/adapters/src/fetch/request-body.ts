/**
 * The body of a `Request` object. Only its stream is visible, and most streams contain data that
 * was in memory when the request was made. That is read first, so that its length is known and it
 * can be replayed; later content is sent as it arrives.
 */

import type { ReadableStreamReadResult } from 'node:stream/web'
import { systemClock, UsageError } from '@unshard/core'
import { extractBody, type FetchBody, inMemory } from './body.js'

/** Maximum number of bytes read before sending, unless a single part is larger. */
const MAX_READ_AHEAD_BYTES = 1_048_576

/**
 * Takes the body of a request of any realm; the request's `bodyUsed` is true from then on.
 * @throws UsageError `ERR_INVALID_BODY` for a used or locked body.
 */
export function takeRequestBody(request: Request): () => Promise<FetchBody> {
  const { body } = request
  if (request.bodyUsed || body?.locked === true)
    throw new UsageError('ERR_INVALID_BODY', 'the body of the Request is already used')
  // Packages that replace the platform's classes use Node streams.
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
    // A single large part may be the last: look before giving up.
    if (bytes > MAX_READ_AHEAD_BYTES) return rest(reader, parts, undefined)
    bytes += result.value.length
  }
}

/** Result of a promise after one event-loop turn; `undefined` if it is still pending. */
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
  // The failure is handled when the body is sent; avoid an unhandled rejection until then.
  reading?.catch(() => undefined)
  const source = { [Symbol.asyncIterator]: () => continueReading(reader, parts, reading) }
  return { ...extractBody(source, 'half'), cancel: (reason) => void reader.cancel(reason).catch(() => undefined) }
}

/**
 * An iterator rather than a generator: a generator that waits for the next part cannot be ended
 * before it arrives.
 */
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
