/**
 * Our errors as those of Connect-ES: its code, our message, our error as `cause`. HTTP/2 error codes follow the
 * mapping of gRPC (PROTOCOL-HTTP2.md, "Errors").
 */

import { Code, ConnectError as RpcError } from '@connectrpc/connect'
import { ConnectError, ResponseError, TimeoutError, TransportError, UnshardError, UsageError } from '@unshard/core'

/** Codes that say more than the class of the error. */
const BY_CODE: Readonly<Record<string, Code>> = {
  ERR_ADDRESS_FORBIDDEN: Code.PermissionDenied,
  ERR_CIRCUIT_OPEN: Code.Unavailable,
  ERR_CLIENT_CLOSED: Code.Canceled,
  ERR_CLIENT_DESTROYED: Code.Canceled,
  ERR_INADEQUATE_SECURITY: Code.PermissionDenied,
  ERR_PROXY_AUTHENTICATION: Code.PermissionDenied,
  ERR_REQUEST_FIELDS_TOO_LARGE: Code.ResourceExhausted,
  ERR_RESPONSE_TOO_LARGE: Code.ResourceExhausted,
  ERR_STREAM_REFUSED: Code.Unavailable,
  ERR_TLS_PIN: Code.PermissionDenied,
  ERR_UNREAD_RESPONSES: Code.ResourceExhausted,
}

/** By HTTP/2 error code (RFC 9113 §7); the others are `Internal`. */
const BY_ERROR_CODE = new Map<number, Code>([
  [0x5, Code.Unknown], // STREAM_CLOSED has no mapping: the stream was in order for us.
  [0x7, Code.Unavailable], // REFUSED_STREAM
  [0x8, Code.Canceled], // CANCEL
  [0xb, Code.ResourceExhausted], // ENHANCE_YOUR_CALM
  [0xc, Code.PermissionDenied], // INADEQUATE_SECURITY
  [0xd, Code.PermissionDenied], // HTTP_1_1_REQUIRED
])

/**
 * Returns the error that a call rejects with.
 * @param signal the signal of the call: if it is aborted, its reason is the error.
 */
export function rpcError(error: unknown, signal: AbortSignal | undefined): RpcError {
  if (error instanceof RpcError) return error
  if (signal?.aborted === true) return RpcError.from(signal.reason, Code.Canceled)
  if (!(error instanceof UnshardError)) return RpcError.from(error, Code.Internal)
  // The source of the content failed: its error is that of the call, such as a message over `writeMaxBytes`.
  if (error.code === 'ERR_REQUEST_BODY' && error.cause !== undefined) return RpcError.from(error.cause, Code.Internal)
  return new RpcError(error.message, codeOf(error), undefined, undefined, error)
}

function codeOf(error: UnshardError): Code {
  const known = BY_CODE[error.code]
  if (known !== undefined) return known
  if (error instanceof TimeoutError) return isBeforeSending(error) ? Code.Unavailable : Code.DeadlineExceeded
  if (error instanceof ConnectError) return Code.Unavailable
  if (error instanceof UsageError || error instanceof ResponseError) return Code.Internal
  return error instanceof TransportError ? codeOfLoss(error) : Code.Internal
}

/** Whether no connection was free in time: the call itself has no deadline. */
function isBeforeSending({ phase }: TimeoutError): boolean {
  return phase === 'queue' || phase === 'connect'
}

/** A connection that closed without an error is `Unavailable`, a stream that did is not. */
function codeOfLoss({ code, errorCode }: TransportError): Code {
  if (errorCode === undefined) return Code.Unavailable
  if (errorCode === 0 && code !== 'ERR_STREAM_RESET') return Code.Unavailable
  return BY_ERROR_CODE.get(errorCode) ?? Code.Internal
}
