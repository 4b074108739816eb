/**
 * The typed errors of every package: a closed set of classes, one `code` each failure, and for each the answer to the two
 * questions a caller has: may I try again (`processed`), and whom do I tell (`initiator`, `origin`)? Knows no protocol engine.
 */

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
  /** Stable, machine-readable, upper case, such as `ERR_PEER_RESET`. */
  readonly code: string
  /** The origin concerned. */
  readonly origin: string | undefined
  /** Whether the server may have acted on the request. */
  readonly processed: Processed

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.origin = details.origin
    this.processed = details.processed ?? 'unknown'
  }

  override get name(): string {
    return this.constructor.name
  }
}

/**
 * The call itself is wrong: nothing was sent, and sending the same again cannot work. Only where a body turns out wrong while it is
 * being sent has the server seen a part, and `processed` says so.
 */
export class UsageError extends UnshardError {
  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(code, message, { ...details, processed: details.processed ?? 'no' })
  }
}

/** The step of establishing a connection that failed. */
export type ConnectPhase = 'resolve' | 'tcp' | 'proxy' | 'tls' | 'negotiate'

/** No connection could be established. The request was not sent, unless `processed` says that an earlier attempt was. */
export class ConnectError extends UnshardError {
  readonly phase: ConnectPhase
  /** What a proxy answered to CONNECT, such as 407; `undefined` where it was not that. */
  readonly status: number | undefined

  constructor(phase: ConnectPhase, message: string, details: ErrorDetails & { code?: string; status?: number | undefined } = {}) {
    super(details.code ?? `ERR_CONNECT_${phase.toUpperCase()}`, message, { ...details, processed: details.processed ?? 'no' })
    this.phase = phase
    this.status = details.status
  }
}

/** The part of a request's life that a deadline covers; `ping` is that of a PING. */
export type TimeoutPhase = 'queue' | 'connect' | 'headers' | 'body' | 'total' | 'ping'

/** A deadline of the request passed. `ms` is the limit that was set, in milliseconds. */
export class TimeoutError extends UnshardError {
  readonly phase: TimeoutPhase
  readonly ms: number

  constructor(phase: TimeoutPhase, ms: number, details: ErrorDetails = {}) {
    super(`ERR_TIMEOUT_${phase.toUpperCase()}`, `${phase} timeout after ${ms} ms${forOrigin(details.origin)}`, details)
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
export class ConnectionError extends TransportError {}

/** One stream ended early: only its request is concerned, the connection goes on. */
export class StreamError extends TransportError {}

/** The response is malformed, over a size limit, or cannot be decoded. */
export class ResponseError extends UnshardError {
  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(code, message, { processed: 'yes', ...details })
  }
}

/**
 * What ended a request that an earlier attempt may have delivered: an error that is sure of the contrary speaks only of the last one.
 * A new error, because others may have been told the same one.
 */
export function afterAttempt(error: Error): Error {
  if (!(error instanceof UnshardError) || error.processed !== 'no') return error
  const { code, message, origin, cause } = error
  const details = { origin, cause, processed: 'unknown' } as const
  if (error instanceof ConnectError) return new ConnectError(error.phase, message, { ...details, code, status: error.status })
  if (error instanceof TimeoutError) return new TimeoutError(error.phase, error.ms, details)
  if (error instanceof UsageError) return new UsageError(code, message, details)
  if (!(error instanceof TransportError)) return error
  const { initiator, errorCode } = error
  const Kind = error instanceof StreamError ? StreamError : ConnectionError
  return new Kind(code, message, { ...details, initiator, errorCode })
}

function forOrigin(origin: string | undefined): string {
  return origin === undefined ? '' : ` (${origin})`
}
