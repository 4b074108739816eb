/** Errors with the codes of Node's client, by which libraries decide whether to send a request again. The typed error is the cause. */

import { type ErrorDetails, UnshardError, UsageError } from '@unshard/core'
import { nodeCodeOf } from '../streams/node-codes.js'

/**
 * Error of a request made through `unshard/http`. `code` is that of Node's client, such as `ECONNRESET` or `ETIMEDOUT`, or the code of the
 * typed error, which is the `cause`.
 */
export class HttpRequestError extends UnshardError {
  /** @internal */
  constructor(code: string, message: string, details: ErrorDetails) {
    super(code, message, details)
  }
}

/** Converts the error of a request. Errors that are not ours belong to the caller, and stay as they are. */
export function toNodeError(error: unknown): Error {
  if (!(error instanceof UnshardError) || error instanceof HttpRequestError || error instanceof UsageError) return error as Error
  if (error.code === 'ERR_REQUEST_BODY' && error.cause instanceof Error) return error.cause
  const { origin, processed, message, errno, syscall } = error
  const converted = new HttpRequestError(nodeCodeOf(error), message, { origin, processed, cause: error })
  // Those of a system error, if there are any, as Node's errors have them.
  return Object.assign(converted, errno !== undefined && { errno }, syscall !== undefined && { syscall })
}

/** Returns the error of a request that its caller destroyed before the response, as Node words it. */
export function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

/** Returns the error of a request that a signal aborts, as Node words it. @param cause the reason of the signal. */
export function abortError(cause: unknown): Error {
  const error = new Error('The operation was aborted', { cause })
  error.name = 'AbortError'
  return Object.assign(error, { code: 'ABORT_ERR' })
}

/** Returns the error of a response that ended before its content was complete, as Node words it. */
export function abortedResponse(cause?: unknown): Error {
  return Object.assign(new Error('aborted', { cause }), { code: 'ECONNRESET' })
}
