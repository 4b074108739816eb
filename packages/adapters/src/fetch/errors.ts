/**
 * Converts errors for Fetch: a TypeError with the message of the built-in, because programs match
 * on it, and the actual error as its `cause`. The reason of an abort is passed unchanged.
 */

import { UnshardError } from '@unshard/core'

/** Returns the rejection of a `fetch` call. */
export function toFetchError(error: unknown): unknown {
  return error instanceof UnshardError ? networkError(error) : error
}

/** Fetch standard §2.2.6, "network error". */
export function networkError(cause: UnshardError): TypeError {
  return new TypeError('fetch failed', { cause })
}

/** Returns the error for the reader of content that was cut off or cannot be decoded. */
export function toBodyError(error: unknown): unknown {
  return error instanceof UnshardError ? new TypeError('terminated', { cause: error }) : error
}

/** For the end of a promise chain. */
export function rethrow(error: unknown): never {
  throw toFetchError(error)
}
