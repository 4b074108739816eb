/** Errors as Fetch has them: a TypeError whose `cause` says what happened. An abort's reason passes as it is. */

import { UnshardError, UsageError } from '@unshard/core'

/** What a promise of `fetch`, or a body's reader, rejects with. */
export function toFetchError(error: unknown): unknown {
  if (error instanceof UsageError) return new TypeError(error.message, { cause: error })
  if (error instanceof UnshardError) return new TypeError('fetch failed', { cause: error })
  return error
}

/** For the end of a chain of promises. */
export function rethrow(error: unknown): never {
  throw toFetchError(error)
}
