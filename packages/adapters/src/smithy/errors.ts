/**
 * Converts errors to those that Smithy clients decide by: their retry strategies read `name` and `code`. The typed error is the cause.
 */

import { ConnectionError, type ErrorDetails, type Processed, StreamError, TimeoutError, UnshardError } from '@unshard/core'
import { nodeCodeOf } from '../streams/node-codes.js'

/**
 * Error that `handle()` and the content of a response fail with. `name` and `code` are those of the SDK's own handlers, such as
 * `TimeoutError`, `AbortError` and `ECONNRESET`; `cause` is the typed error, or the reason of an abort.
 */
export class RequestHandlerError extends UnshardError {
  readonly #name: string

  /** @internal */
  constructor(name: string, code: string, message: string, details: ErrorDetails) {
    super(code, message, details)
    this.#name = name
  }

  override get name(): string {
    return this.#name
  }
}

/** Codes that the SDK's own handlers name `TimeoutError`, which every version of the SDK retries. */
const TIMED_OUT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])

/** Creates the error of a request that the caller aborted. Its name says so even if the reason is a timeout: the SDK must not retry it. */
export function abortError(reason: unknown, processed: Processed = 'unknown'): RequestHandlerError {
  return new RequestHandlerError('AbortError', 'ABORT_ERR', 'Request aborted', { cause: reason, processed })
}

/** Creates the error of requests that end because the SDK client was destroyed. */
export function destroyedError(): ConnectionError {
  return new ConnectionError('ERR_CLIENT_DESTROYED', 'the request handler was destroyed', { initiator: 'local' })
}

/**
 * Converts an error. The error of a request's own content, and any other error that is not ours, is returned unchanged: it belongs to the
 * caller.
 */
export function toHandlerError(error: unknown): unknown {
  if (!(error instanceof UnshardError) || error instanceof RequestHandlerError) return error
  if (error instanceof StreamError && error.code === 'ERR_REQUEST_BODY' && error.cause instanceof Error) return error.cause
  const { origin, processed, message } = error
  const code = nodeCodeOf(error)
  const name = error instanceof TimeoutError || TIMED_OUT.has(code) ? 'TimeoutError' : error.name
  const handlerError = new RequestHandlerError(name, code, message, { origin, processed, cause: error })
  const { errno, syscall } = error
  // The numbers of a system error, if any, as Node's own have them.
  if (errno !== undefined) Object.assign(handlerError, { errno })
  if (syscall !== undefined) Object.assign(handlerError, { syscall })
  return handlerError
}
