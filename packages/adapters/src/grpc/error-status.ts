/**
 * The status of a call whose request failed, as a number: Connect has the same numbers. HTTP/2 error
 * codes follow the mapping of gRPC (doc/PROTOCOL-HTTP2.md, "Errors").
 */

import {
  ConnectError,
  ResponseError,
  TimeoutError,
  TransportError,
  type UnshardCode,
  type UnshardError,
  UsageError,
} from '@unshard/core'

const CANCELLED = 1
const UNKNOWN = 2
const DEADLINE_EXCEEDED = 4
const PERMISSION_DENIED = 7
const RESOURCE_EXHAUSTED = 8
const INTERNAL = 13
const UNAVAILABLE = 14

/** Codes that say more than the class of the error. */
const BY_CODE: ReadonlyMap<string, number> = new Map<UnshardCode, number>([
  ['ERR_ADDRESS_FORBIDDEN', PERMISSION_DENIED],
  ['ERR_BODY_TOO_LARGE', RESOURCE_EXHAUSTED],
  ['ERR_CIRCUIT_OPEN', UNAVAILABLE],
  ['ERR_CLIENT_CLOSED', CANCELLED],
  ['ERR_CLIENT_DESTROYED', CANCELLED],
  ['ERR_INADEQUATE_SECURITY', PERMISSION_DENIED],
  ['ERR_PROXY_AUTHENTICATION', PERMISSION_DENIED],
  ['ERR_REQUEST_FIELDS_TOO_LARGE', RESOURCE_EXHAUSTED],
  ['ERR_RESPONSE_TOO_LARGE', RESOURCE_EXHAUSTED],
  ['ERR_STREAM_REFUSED', UNAVAILABLE],
  ['ERR_TLS_PIN', PERMISSION_DENIED],
  ['ERR_UNREAD_RESPONSES', RESOURCE_EXHAUSTED],
])

/** By HTTP/2 error code (RFC 9113 §7); the others are `INTERNAL`. */
const BY_ERROR_CODE: ReadonlyMap<number, number> = new Map([
  [0x5, UNKNOWN], // STREAM_CLOSED has no mapping: the stream was in order for us.
  [0x7, UNAVAILABLE], // REFUSED_STREAM
  [0x8, CANCELLED], // CANCEL
  [0xb, RESOURCE_EXHAUSTED], // ENHANCE_YOUR_CALM
  [0xc, PERMISSION_DENIED], // INADEQUATE_SECURITY
  [0xd, PERMISSION_DENIED], // HTTP_1_1_REQUIRED
])

/** Returns the status for an error of the client. */
export function statusOfError(error: UnshardError): number {
  const known = BY_CODE.get(error.code)
  if (known !== undefined) return known
  if (error instanceof TimeoutError) return isBeforeSending(error) ? UNAVAILABLE : DEADLINE_EXCEEDED
  if (error instanceof ConnectError) return UNAVAILABLE
  if (error instanceof UsageError || error instanceof ResponseError) return INTERNAL
  return error instanceof TransportError ? statusOfLoss(error) : INTERNAL
}

/** Whether no connection was free in time: the call itself has no deadline. */
function isBeforeSending({ phase }: TimeoutError): boolean {
  return phase === 'queue' || phase === 'connect'
}

/** A connection that closed without an error is `UNAVAILABLE`, a stream that did is not. */
function statusOfLoss({ code, errorCode }: TransportError): number {
  if (errorCode === undefined) return UNAVAILABLE
  if (errorCode === 0 && code !== 'ERR_STREAM_RESET') return UNAVAILABLE
  return BY_ERROR_CODE.get(errorCode) ?? INTERNAL
}
