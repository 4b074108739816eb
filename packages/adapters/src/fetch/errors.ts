/**
 * Errors as Fetch has them: a TypeError whose message is the built-in's, because programs match on it, and whose `cause` says what happened. An abort's
 * reason passes as it is.
 */

import { UnshardError } from '@unshard/core'

/** What a promise of `fetch` rejects with. */
export function toFetchError(error: unknown): unknown {
  return error instanceof UnshardError ? networkError(error) : error
}

/** Fetch standard §2.2.6, "network error". */
export function networkError(cause: UnshardError): TypeError {
  return new TypeError('fetch failed', { cause })
}

/** What the reader of a response's content gets where it breaks off, or cannot be decoded. */
export function toBodyError(error: unknown): unknown {
  return error instanceof UnshardError ? new TypeError('terminated', { cause: error }) : error
}

/** For the end of a chain of promises. */
export function rethrow(error: unknown): never {
  throw toFetchError(error)
}
