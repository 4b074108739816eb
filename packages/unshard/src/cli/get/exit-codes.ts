/** curl's exit codes for the errors of a transfer: see docs/reference/cli.md. */

import { ConnectError, TimeoutError, TransportError, UnshardError } from '@unshard/core'
import { CommandError } from '../errors.js'

/** The exit codes that this command has in common with curl. */
export const Exit = {
  UNSUPPORTED_SCHEME: 1,
  USAGE: 2,
  MALFORMED_URL: 3,
  RESOLVE_PROXY: 5,
  RESOLVE_HOST: 6,
  CONNECT: 7,
  WEIRD_REPLY: 8,
  HTTP2: 16,
  PARTIAL: 18,
  HTTP_ERROR: 22,
  WRITE: 23,
  READ: 26,
  TIMEOUT: 28,
  RANGE: 33,
  TLS: 35,
  REDIRECTS: 47,
  NO_RESPONSE: 52,
  RECEIVE: 56,
  CERTIFICATE_FILE: 58,
  CERTIFICATE: 60,
  DECODE: 61,
  TOO_LARGE: 63,
  AUTHORITY_FILE: 77,
  PINNED_KEY: 90,
  STREAM: 92,
  PROXY: 97,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const

const BY_CODE: Readonly<Record<string, number>> = {
  ERR_UNSUPPORTED_SCHEME: Exit.UNSUPPORTED_SCHEME,
  ERR_INVALID_URL: Exit.MALFORMED_URL,
  ERR_URL_CREDENTIALS: Exit.MALFORMED_URL,
  ERR_TOO_MANY_REDIRECTS: Exit.REDIRECTS,
  ERR_REDIRECT_TARGET: Exit.UNSUPPORTED_SCHEME,
  ERR_REDIRECT_BODY: Exit.READ,
  ERR_REQUEST_BODY: Exit.READ,
  ERR_CONTENT_LENGTH: Exit.READ,
  ERR_DECODE: Exit.DECODE,
  ERR_DECODED_TOO_LARGE: Exit.DECODE,
  ERR_TOO_MANY_CODINGS: Exit.DECODE,
  ERR_BODY_TOO_LARGE: Exit.TOO_LARGE,
  ERR_TLS_PIN: Exit.PINNED_KEY,
  ERR_MALFORMED_RESPONSE: Exit.WEIRD_REPLY,
  ERR_RESPONSE_TOO_LARGE: Exit.WEIRD_REPLY,
  ERR_PROTOCOL: Exit.HTTP2,
  ERR_STREAM_RESET: Exit.STREAM,
  ERR_STREAM_REFUSED: Exit.STREAM,
  ERR_HTTP_1_1_REQUIRED: Exit.STREAM,
  ERR_CONTENT_RANGE: Exit.RANGE,
}

const UNREACHABLE: readonly string[] = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT']

/** Codes of OpenSSL for certificates that are not trusted. */
const CERTIFICATE_CODES: readonly string[] = [
  ...['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'CERT_REVOKED', 'CERT_UNTRUSTED', 'CERT_REJECTED', 'CERT_CHAIN_TOO_LONG'],
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT', 'INVALID_CA', 'INVALID_PURPOSE'],
  ...['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'HOSTNAME_MISMATCH', 'CRL_HAS_EXPIRED'],
  'ERR_TLS_CERT_ALTNAME_INVALID',
]

/** Returns curl's exit code for an error. @param hasResponse whether the fields of a response have arrived. */
export function exitCodeOf(error: unknown, hasResponse: boolean): number {
  if (error instanceof CommandError) return error.exitCode
  if (error instanceof TimeoutError) return Exit.TIMEOUT
  if (!(error instanceof UnshardError)) return Exit.USAGE
  const known = BY_CODE[error.code]
  if (known !== undefined) return known
  if (error instanceof ConnectError) return connectExit(error)
  if (error instanceof TransportError) return transportExit(error, hasResponse)
  return hasResponse ? Exit.RECEIVE : Exit.USAGE
}

function connectExit({ phase, code, status }: ConnectError): number {
  if (phase === 'resolve') return Exit.RESOLVE_HOST
  const isUnresolved = code === 'ENOTFOUND' || code === 'EAI_AGAIN'
  if (phase === 'proxy') {
    if (status !== undefined) return Exit.RECEIVE
    if (isUnresolved) return Exit.RESOLVE_PROXY
    return code.startsWith('ERR_') ? Exit.PROXY : Exit.CONNECT
  }
  // A socket of --connect-to fails after it was taken.
  if (isUnresolved) return Exit.RESOLVE_HOST
  if (UNREACHABLE.includes(code)) return Exit.CONNECT
  if (phase === 'tcp') return Exit.CONNECT
  return CERTIFICATE_CODES.includes(code) ? Exit.CERTIFICATE : Exit.TLS
}

function transportExit({ code, errorCode }: TransportError, hasResponse: boolean): number {
  if (!hasResponse) return UNREACHABLE.includes(code) ? Exit.CONNECT : Exit.NO_RESPONSE
  return errorCode === undefined ? Exit.PARTIAL : Exit.STREAM
}
