/** Status codes of gRPC, and how HTTP and this client's errors map to them. */

import { type HttpResponse, UnshardError } from '@unshard/core'
import { isTooLarge } from './compression.js'
import { statusOfError } from './error-status.js'
import { FrameError } from './frames.js'

/** The status codes of gRPC (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md). */
export const Status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

/** Name of a status code. */
export type StatusName = keyof typeof Status

const NAMES = new Map<number, StatusName>(Object.entries(Status).map(([name, code]) => [code, name as StatusName]))

/** Returns the name of a code; an unknown code is `UNKNOWN`. */
export function statusName(code: number): StatusName {
  return NAMES.get(code) ?? 'UNKNOWN'
}

/** Returns the code of a name, or of a number that is a code; `undefined` for anything else. */
export function statusCode(value: unknown): number | undefined {
  if (typeof value === 'number') return NAMES.has(value) ? value : undefined
  return typeof value === 'string' && Object.hasOwn(Status, value) ? Status[value as StatusName] : undefined
}

/** How a call has ended. */
export interface Outcome {
  readonly code: number
  /** The message of the status. */
  readonly details: string
  /** The trailing metadata: names and values in turn. */
  readonly trailers: readonly string[]
  /** The error of this client, if the status is not the server's. */
  readonly error?: unknown
}

const NO_TRAILERS: readonly string[] = []

/** Returns an outcome without trailing metadata. */
export function outcomeOf(code: number, details: string, error?: unknown): Outcome {
  return { code, details, trailers: NO_TRAILERS, error }
}

/** Maps the status of an HTTP response without `grpc-status` (doc/http-grpc-status-mapping.md). */
const FROM_HTTP = new Map<number, number>([
  [400, Status.INTERNAL],
  [401, Status.UNAUTHENTICATED],
  [403, Status.PERMISSION_DENIED],
  [404, Status.UNIMPLEMENTED],
  [429, Status.UNAVAILABLE],
  [502, Status.UNAVAILABLE],
  [503, Status.UNAVAILABLE],
  [504, Status.UNAVAILABLE],
])

/** Whether a content-type is `application/grpc`, with a subtype or parameters. */
export function isGrpc(type: string | undefined): boolean {
  return type !== undefined && /^application\/grpc(?:[+; ]|$)/i.test(type)
}

/** The outcome of an HTTP response that is not one of gRPC. */
export function notGrpc({ status }: HttpResponse, type: string | undefined): Outcome {
  if (status !== 200) return outcomeOf(FROM_HTTP.get(status) ?? Status.UNKNOWN, `the server answered with HTTP status ${status}`)
  const shown = JSON.stringify(type?.slice(0, 80) ?? 'none')
  return outcomeOf(Status.UNKNOWN, `the content-type ${shown} of the server is not application/grpc`)
}

/** The outcome of a request that failed. */
export function outcomeOfError(error: unknown): Outcome {
  const details = error instanceof Error ? error.message : String(error)
  return outcomeOf(codeOfError(error), details, error)
}

function codeOfError(error: unknown): number {
  // The source of the messages failed: its error is that of the call.
  if (error instanceof UnshardError && error.code === 'ERR_REQUEST_BODY') return codeOfError(error.cause)
  // As for grpc-js, which can open no connection: another server of the name may have HTTP/2.
  if (error instanceof UnshardError && error.code === 'ERR_HTTP2_REQUIRED') return Status.UNAVAILABLE
  if (error instanceof UnshardError) return statusOfError(error)
  if (error instanceof FrameError) return error.isTooLarge ? Status.RESOURCE_EXHAUSTED : Status.INTERNAL
  // Any other reason is the caller's.
  return isTooLarge(error) ? Status.RESOURCE_EXHAUSTED : Status.CANCELLED
}

/** Reads the outcome from the fields that end a response. `undefined` without a valid `grpc-status`. */
export function outcomeOfFields(fields: readonly string[]): Outcome | undefined {
  let code: number | undefined
  let details = ''
  const trailers: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    const value = fields[i + 1]!
    if (name === 'grpc-status') code = STATUS.test(value) ? Number(value) : Number.NaN
    else if (name === 'grpc-message') details = decodeMessage(value)
    else trailers.push(name, value)
  }
  if (code === undefined || Number.isNaN(code)) return undefined
  return { code: NAMES.has(code) ? code : Status.UNKNOWN, details, trailers }
}

const STATUS = /^\d{1,3}$/

/** Decodes `grpc-message`. Invalid percent-encoding is kept as it is (doc/PROTOCOL-HTTP2.md, "Responses"). */
function decodeMessage(value: string): string {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
