/**
 * Converts errors to undici's: the codes that its users branch on, with our typed error as the
 * cause.
 */

import {
  ConnectError,
  ConnectionError,
  type ErrorDetails,
  ResponseError,
  StreamError,
  TimeoutError,
  type TimeoutPhase,
  UnshardError,
  UsageError,
} from '@unshard/core'

/** Supported codes and the names of undici's classes for them. */
const NAMES = {
  UND_ERR_ABORTED: 'AbortError',
  UND_ERR_BODY_TIMEOUT: 'BodyTimeoutError',
  UND_ERR_CLOSED: 'ClientClosedError',
  UND_ERR_CONNECT_TIMEOUT: 'ConnectTimeoutError',
  UND_ERR_DESTROYED: 'ClientDestroyedError',
  UND_ERR_HEADERS_OVERFLOW: 'HeadersOverflowError',
  UND_ERR_HEADERS_TIMEOUT: 'HeadersTimeoutError',
  UND_ERR_INVALID_ARG: 'InvalidArgumentError',
  UND_ERR_NOT_SUPPORTED: 'NotSupportedError',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'RequestContentLengthMismatchError',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ResponseContentLengthMismatchError',
  UND_ERR_SOCKET: 'SocketError',
} as const

/** An undici error code. */
export type DispatchErrorCode = keyof typeof NAMES

const BASE = Symbol.for('undici.error.UND_ERR')

/**
 * Error passed to handlers. `code` and `name` are undici's, or Node's if a system call failed;
 * `cause` is the typed error.
 */
export class DispatchError extends UnshardError {
  readonly #name: string

  constructor(code: DispatchErrorCode | (string & {}), message: string, details: ErrorDetails = {}) {
    super(code, message, details)
    const name = Object.hasOwn(NAMES, code) ? NAMES[code as DispatchErrorCode] : undefined
    this.#name = name ?? 'Error'
    if (name === undefined) return
    // Property by which undici's classes implement `instanceof`.
    const mark = { value: true, enumerable: false }
    Object.defineProperty(this, BASE, mark)
    Object.defineProperty(this, Symbol.for(`undici.error.${code}`), mark)
  }

  override get name(): string {
    return this.#name
  }
}

/** Creates the error for an invalid request. */
export function invalidArgument(message: string): DispatchError {
  return new DispatchError('UND_ERR_INVALID_ARG', message, { processed: 'no' })
}

/** Creates the error for a request aborted without a reason. */
export function requestAborted(): DispatchError {
  return new DispatchError('UND_ERR_ABORTED', 'Request aborted')
}

const TIMEOUTS: Readonly<Record<TimeoutPhase, DispatchErrorCode>> = {
  queue: 'UND_ERR_HEADERS_TIMEOUT',
  connect: 'UND_ERR_CONNECT_TIMEOUT',
  headers: 'UND_ERR_HEADERS_TIMEOUT',
  body: 'UND_ERR_BODY_TIMEOUT',
  total: 'UND_ERR_BODY_TIMEOUT',
  ping: 'UND_ERR_SOCKET',
}

const USAGE: Readonly<Record<string, DispatchErrorCode>> = {
  ERR_CLIENT_CLOSED: 'UND_ERR_CLOSED',
  ERR_CLIENT_DESTROYED: 'UND_ERR_DESTROYED',
  ERR_CONTENT_LENGTH: 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
}

/**
 * Converts an error for a handler. A foreign error, such as the reason of an abort, is passed
 * unchanged.
 */
export function toDispatchError(error: unknown, answered: boolean): unknown {
  if (!(error instanceof UnshardError) || error instanceof DispatchError) return error
  // As in undici: pass the source's own error.
  if (error instanceof StreamError && error.code === 'ERR_REQUEST_BODY' && isObject(error.cause)) return error.cause
  const { origin, processed, message } = error
  const code = codeOf(error, answered)
  const dispatchError = new DispatchError(code, message, { origin, processed, cause: error })
  if (error instanceof ConnectError) Object.assign(dispatchError, systemDetails(error.cause))
  return dispatchError
}

function codeOf(error: UnshardError, answered: boolean): string {
  if (error instanceof TimeoutError) return error.phase === 'total' && !answered ? TIMEOUTS.headers : TIMEOUTS[error.phase]
  if (error instanceof UsageError) return USAGE[error.code] ?? 'UND_ERR_INVALID_ARG'
  if (error instanceof ResponseError) return responseCode(error)
  const system = systemCode(error.cause)
  if (error instanceof ConnectError) return system ?? 'UND_ERR_SOCKET'
  if (error instanceof ConnectionError && USAGE[error.code] !== undefined) return USAGE[error.code]!
  return system !== undefined && LOST.has(system) ? system : 'UND_ERR_SOCKET'
}

/** Codes for the end of a socket that undici's own retries recognize by Node's codes. */
const LOST: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EPIPE',
  'ETIMEDOUT',
])

function responseCode(error: ResponseError): string {
  const lower = (error.cause as NodeJS.ErrnoException | undefined)?.code
  if (lower !== undefined && (Object.hasOwn(NAMES, lower) || lower.startsWith('HPE_'))) return lower
  return error.code === 'ERR_RESPONSE_TOO_LARGE' ? 'UND_ERR_HEADERS_OVERFLOW' : 'UND_ERR_SOCKET'
}

/** Returns the code of the first system error in the chain of causes. */
function systemCode(cause: unknown): string | undefined {
  for (let error = cause, depth = 0; isObject(error) && depth < 8; error = error.cause, depth++) {
    const { code } = error
    if (!(error instanceof UnshardError) && typeof code === 'string') return code
  }
  return undefined
}

/** Returns Node's details of a system call. */
function systemDetails(cause: unknown): object {
  const { errno, syscall, hostname, address, port } = (cause ?? {}) as NodeJS.ErrnoException & Record<string, unknown>
  const entries = Object.entries({ errno, syscall, hostname, address, port })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/** Not checked by class: an error may come from another realm. */
function isObject(value: unknown): value is NodeJS.ErrnoException {
  return typeof value === 'object' && value !== null
}
