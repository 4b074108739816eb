/**
 * The typed errors of every package: a closed set of classes, one `code` each failure, and for each the answer to the two
 * questions a caller has: may I try again (`processed`), and whom do I tell (`initiator`, `origin`)? Knows no protocol engine.
 */

import type { UnshardCode } from './codes.js'

/**
 * Whether the server may have acted on the request: `no` is certain (RFC 9113 §8.7), `yes` means that a response had begun.
 */
export type Processed = 'no' | 'unknown' | 'yes'

/** Who ended it: this client, or the other end of the connection. */
export type Initiator = 'local' | 'peer'

/** What every {@link UnshardError} can be told beyond its message. */
export interface ErrorDetails {
  /** The origin the request was for, such as `https://api.example`; `undefined` where there is none. */
  readonly origin?: string | undefined
  /** The lower error that led to this one. */
  readonly cause?: unknown
  /** Whether the server may have acted. Default `unknown`. */
  readonly processed?: Processed | undefined
}

/** The base class of every error this project makes. `code` is stable; the message is for people. */
export class UnshardError extends Error {
  /** Stable, machine-readable, upper case: that of a system error underneath, such as `ECONNREFUSED`, else one of ours, such as `ERR_STREAM_RESET`. */
  readonly code: UnshardCode | (string & {})
  /** Number of the system error underneath, where there is one. */
  declare readonly errno?: number
  /** System call that failed, such as `connect`, where there was one. */
  declare readonly syscall?: string
  /** The origin concerned. */
  readonly origin: string | undefined
  /** Whether the server may have acted on the request. */
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

/** Levels of `cause` that are looked through for a system error. */
const MAX_CAUSES = 8

/** An error of the system or of TLS, as Node makes it. */
type SystemError = Error & { readonly code: string; readonly errno?: unknown; readonly syscall?: unknown }

/** The first error of the system, or of TLS, among `cause` and its causes. */
function systemErrorIn(cause: unknown): SystemError | undefined {
  let error = cause as (Error & { code?: unknown }) | null | undefined
  for (let depth = 0; depth < MAX_CAUSES && typeof error === 'object' && error !== null; depth++) {
    if (!(error instanceof UnshardError) && isSystemCode(error.code)) return error as SystemError
    error = error.cause as typeof error
  }
  return undefined
}

/** Node's own codes begin with `ERR_`; of those only OpenSSL's and those of certificates say what happened on the network. */
function isSystemCode(code: unknown): boolean {
  if (typeof code !== 'string' || code === '') return false
  if (code.startsWith('ERR_')) return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
  return !code.startsWith('UND_ERR_') && !code.startsWith('HPE_')
}

/** The code of a failure: the system's where it says nothing but what the system says better. */
function codeOf(given: string, general: UnshardCode, cause: unknown): string {
  return given === general ? (systemErrorIn(cause)?.code ?? given) : given
}

/** Copies what the system said beside the code. */
function copySystemDetails(error: UnshardError): void {
  const system = systemErrorIn(error.cause)
  if (system === undefined || system.code !== error.code) return
  const { errno, syscall } = system
  const target = error as { errno?: number; syscall?: string }
  if (typeof errno === 'number') target.errno = errno
  if (typeof syscall === 'string') target.syscall = syscall
}

/**
 * The call itself is wrong: nothing was sent, and sending the same again cannot work. Only where a body turns out wrong while it is
 * being sent has the server seen a part, and `processed` says so.
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

/** No connection could be established. The request was not sent, unless `processed` says that an earlier attempt was. */
export class ConnectError extends UnshardError {
  readonly phase: ConnectPhase
  /** What a proxy answered to CONNECT, such as 407; `undefined` where it was not that. */
  readonly status: number | undefined
  /** The error of each address, in the order of the attempts, where several were tried; they are those of `cause` as well. */
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

/** The part of a request's life that a deadline covers; `ping` is that of a PING. */
export type TimeoutPhase = 'queue' | 'connect' | 'headers' | 'body' | 'total' | 'ping'

const TIMEOUT_CODES: Readonly<Record<TimeoutPhase, UnshardCode>> = {
  queue: 'ERR_TIMEOUT_QUEUE',
  connect: 'ERR_TIMEOUT_CONNECT',
  headers: 'ERR_TIMEOUT_HEADERS',
  body: 'ERR_TIMEOUT_BODY',
  total: 'ERR_TIMEOUT_TOTAL',
  ping: 'ERR_TIMEOUT_PING',
}

/** A deadline of the request passed. `ms` is the limit that was set, in milliseconds. */
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
  /** RFC 9113 §7 error code; `undefined` where no HTTP/2 code was involved. */
  readonly errorCode?: number | undefined
}

/** What ended a request on its way: {@link ConnectionError} or {@link StreamError}. */
export class TransportError extends UnshardError {
  readonly initiator: Initiator
  /** RFC 9113 §7 error code; `undefined` for HTTP/1.1, and for a transport that closed without one. */
  readonly errorCode: number | undefined

  constructor(code: string, message: string, details: TransportDetails) {
    super(code, message, details)
    this.initiator = details.initiator
    this.errorCode = details.errorCode
  }
}

/** The whole connection ended: every request on it is concerned. */
export class ConnectionError extends TransportError {
  constructor(code: UnshardCode, message: string, details: TransportDetails) {
    super(codeOf(code, 'ERR_CONNECTION_LOST', details.cause), message, details)
    copySystemDetails(this)
  }
}

/** One stream ended early: only its request is concerned, the connection goes on. */
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
 * What ended a request that an earlier attempt may have delivered: an error that is sure of the contrary speaks only of the last one.
 * A new error, because others may have been told the same one.
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

/** The message with the origin in parentheses at its end, unless it names the origin already. */
function withOrigin(message: string, origin: string | undefined): string {
  return origin === undefined || message.includes(origin) ? message : `${message} (${origin})`
}
