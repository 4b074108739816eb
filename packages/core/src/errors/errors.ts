/**
 * The errors of every package: a closed set of classes, with a `code` for each failure. `processed`
 * tells whether to try again, `initiator` and `origin` tell where the failure is. Must not know the
 * engines.
 */

import type { UnshardCode } from './codes.js'

/**
 * Whether the server may have processed the request: `no` is certain (RFC 9113 §8.7); `yes` means
 * that a response had begun.
 */
export type Processed = 'no' | 'unknown' | 'yes'

/** The end that caused the failure: this client or the peer. */
export type Initiator = 'local' | 'peer'

/** Details of an {@link UnshardError} besides code and message. */
export interface ErrorDetails {
  /** Origin of the request, such as `https://api.example`, if any. */
  readonly origin?: string | undefined
  /** The underlying error. */
  readonly cause?: unknown
  /** Whether the server may have processed the request. Default `unknown`. */
  readonly processed?: Processed | undefined
}

/** Base class of all errors of this project. `code` is stable; the message may change. */
export class UnshardError extends Error {
  /**
   * Stable code: of the underlying system error, such as `ECONNREFUSED`, or of this project, such
   * as `ERR_STREAM_RESET`.
   */
  readonly code: UnshardCode | (string & {})
  /** Number of the underlying system error, if any. */
  declare readonly errno?: number
  /** System call that failed, such as `connect`, if any. */
  declare readonly syscall?: string
  /** The origin of the request, if any. */
  readonly origin: string | undefined
  /** Whether the server may have processed the request. */
  readonly processed: Processed

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(withOrigin(message, details.origin), details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.origin = details.origin
    this.processed = details.processed ?? 'unknown'
  }

  override get name(): string {
    return this.constructor.name
  }
}

/** Maximum levels of `cause` searched for a system error. */
const MAX_CAUSES = 8

/** A system or TLS error created by Node. */
type SystemError = Error & { readonly code: string; readonly errno?: unknown; readonly syscall?: unknown }

/** Returns the first system or TLS error among `cause` and its causes. */
function systemErrorIn(cause: unknown): SystemError | undefined {
  let error = cause as (Error & { code?: unknown }) | null | undefined
  for (let depth = 0; depth < MAX_CAUSES && typeof error === 'object' && error !== null; depth++) {
    if (!(error instanceof UnshardError) && isSystemCode(error.code)) return error as SystemError
    error = error.cause as typeof error
  }
  return undefined
}

/**
 * Whether a code is of the system. Of Node's `ERR_` codes, only those of OpenSSL and TLS describe
 * the network.
 */
function isSystemCode(code: unknown): boolean {
  if (typeof code !== 'string' || code === '') return false
  if (code.startsWith('ERR_')) return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
  return !code.startsWith('UND_ERR_') && !code.startsWith('HPE_')
}

/** Returns the system's code if `given` is only the general code, else `given`. */
function codeOf(given: string, general: UnshardCode, cause: unknown): string {
  return given === general ? (systemErrorIn(cause)?.code ?? given) : given
}

/** Copies `errno` and `syscall` of the system error. */
function copySystemDetails(error: UnshardError): void {
  const system = systemErrorIn(error.cause)
  if (system === undefined || system.code !== error.code) return
  const { errno, syscall } = system
  const target = error as { errno?: number; syscall?: string }
  if (typeof errno === 'number') target.errno = errno
  if (typeof syscall === 'string') target.syscall = syscall
}

/**
 * The call is invalid: nothing was sent, and the same call fails again. Only if a body proves
 * invalid while it is being sent, the server has received a part; see `processed`.
 */
export class UsageError extends UnshardError {
  constructor(code: UnshardCode, message: string, details: ErrorDetails = {}) {
    super(code, message, { ...details, processed: details.processed ?? 'no' })
  }
}

/** The step of establishing a connection that failed. */
export type ConnectPhase = 'resolve' | 'tcp' | 'proxy' | 'tls' | 'negotiate'

const CONNECT_CODES: Readonly<Record<ConnectPhase, UnshardCode>> = {
  resolve: 'ERR_CONNECT_RESOLVE',
  tcp: 'ERR_CONNECT_TCP',
  proxy: 'ERR_CONNECT_PROXY',
  tls: 'ERR_CONNECT_TLS',
  negotiate: 'ERR_CONNECT_NEGOTIATE',
}

/**
 * No connection could be established. The request was not sent, unless in an earlier attempt; see
 * `processed`.
 */
export class ConnectError extends UnshardError {
  readonly phase: ConnectPhase
  /** Status of the proxy's response to CONNECT, such as 407, if any. */
  readonly status: number | undefined
  /**
   * The error of each address, in the order of the attempts, if several were tried; also in
   * `cause`.
   */
  declare readonly errors?: readonly Error[]

  constructor(
    phase: ConnectPhase,
    message: string,
    details: ErrorDetails & { code?: UnshardCode; status?: number | undefined } = {},
  ) {
    const general = CONNECT_CODES[phase]
    const code = codeOf(details.code ?? general, general, details.cause)
    super(code, message, { ...details, processed: details.processed ?? 'no' })
    this.phase = phase
    this.status = details.status
    copySystemDetails(this)
    if (details.cause instanceof AggregateError) (this as { errors?: readonly Error[] }).errors = details.cause.errors
  }
}

/** The phase of a request that a deadline covers; `ping` is the deadline of a PING. */
export type TimeoutPhase = 'queue' | 'connect' | 'headers' | 'body' | 'total' | 'ping'

const TIMEOUT_CODES: Readonly<Record<TimeoutPhase, UnshardCode>> = {
  queue: 'ERR_TIMEOUT_QUEUE',
  connect: 'ERR_TIMEOUT_CONNECT',
  headers: 'ERR_TIMEOUT_HEADERS',
  body: 'ERR_TIMEOUT_BODY',
  total: 'ERR_TIMEOUT_TOTAL',
  ping: 'ERR_TIMEOUT_PING',
}

/** A deadline of the request passed. `ms` is the configured limit, in milliseconds. */
export class TimeoutError extends UnshardError {
  readonly phase: TimeoutPhase
  readonly ms: number

  constructor(phase: TimeoutPhase, ms: number, details: ErrorDetails = {}) {
    super(TIMEOUT_CODES[phase], `${phase} timeout after ${ms} ms`, details)
    this.phase = phase
    this.ms = ms
  }
}

interface TransportDetails extends ErrorDetails {
  readonly initiator: Initiator
  /** HTTP/2 error code (RFC 9113 §7), if any. */
  readonly errorCode?: number | undefined
}

/** A request in flight failed: {@link ConnectionError} or {@link StreamError}. */
export class TransportError extends UnshardError {
  readonly initiator: Initiator
  /**
   * HTTP/2 error code (RFC 9113 §7); `undefined` for HTTP/1.1, and for a connection that closed
   * without one.
   */
  readonly errorCode: number | undefined

  constructor(code: string, message: string, details: TransportDetails) {
    super(code, message, details)
    this.initiator = details.initiator
    this.errorCode = details.errorCode
  }
}

/** The whole connection ended, with every request on it. */
export class ConnectionError extends TransportError {
  constructor(code: UnshardCode, message: string, details: TransportDetails) {
    super(codeOf(code, 'ERR_CONNECTION_LOST', details.cause), message, details)
    copySystemDetails(this)
  }
}

/** One stream ended early; the connection and its other requests go on. */
export class StreamError extends TransportError {
  constructor(code: UnshardCode, message: string, details: TransportDetails) {
    super(code, message, details)
  }
}

/** The response is malformed, over a size limit, or cannot be decoded. */
export class ResponseError extends UnshardError {
  constructor(code: UnshardCode, message: string, details: ErrorDetails = {}) {
    super(code, message, { processed: 'yes', ...details })
  }
}

/**
 * Adapts the error of the last attempt if an earlier attempt may have delivered the request:
 * `processed: 'no'` then becomes `'unknown'`. Returns a new error, because other requests may share
 * the given one.
 */
export function afterAttempt(error: Error): Error {
  if (!(error instanceof UnshardError) || error.processed !== 'no') return error
  const { message, origin, cause } = error
  const code = error.code as UnshardCode
  const details = { origin, cause, processed: 'unknown' } as const
  if (error instanceof ConnectError) return new ConnectError(error.phase, message, { ...details, code, status: error.status })
  if (error instanceof TimeoutError) return new TimeoutError(error.phase, error.ms, details)
  if (error instanceof UsageError) return new UsageError(code, message, details)
  if (!(error instanceof TransportError)) return error
  const { initiator, errorCode } = error
  const Kind = error instanceof StreamError ? StreamError : ConnectionError
  return new Kind(code, message, { ...details, initiator, errorCode })
}

/** Returns the message of an error without the origin at its end, for a message about another origin. */
export function textOf(error: Error): string {
  const suffix = error instanceof UnshardError && error.origin !== undefined ? ` (${error.origin})` : ''
  return suffix !== '' && error.message.endsWith(suffix) ? error.message.slice(0, -suffix.length) : error.message
}

/** Appends the origin in parentheses, unless the message contains it. URLs without an origin, such as `data:`, have the text `null`. */
function withOrigin(message: string, origin: string | undefined): string {
  return origin === undefined || origin === 'null' || contains(message, origin) ? message : `${message} (${origin})`
}

/** Whether the message contains the origin, and not only another one that begins like it, such as one with a port. */
function contains(message: string, origin: string): boolean {
  const at = message.indexOf(origin)
  return at !== -1 && !/^(?:[\w-]|[.:][\w-])/.test(message.slice(at + origin.length, at + origin.length + 2))
}

/** Whether an error says that a reader wanted no more of a response. The request itself has not failed. */
export function isDiscard(error: unknown): boolean {
  return error instanceof UsageError && error.code === 'ERR_BODY_CANCELLED'
}
