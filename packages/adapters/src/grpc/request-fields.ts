/** The fields of a call's request (doc/PROTOCOL-HTTP2.md, "Requests"). */

import { ACCEPTED, type Encoding } from './compression.js'

/** The values from which the fields of a request are made. */
export interface CallFields {
  /** Media type, such as `application/grpc+proto`. */
  readonly contentType: string
  readonly userAgent: string
  /** Milliseconds until the deadline; `undefined` without one. */
  readonly timeoutMs: number | undefined
  readonly encoding: Encoding | undefined
  /** Attempts of the call before this one (gRFC A6). */
  readonly previousAttempts?: number
  /** Custom metadata: names in lower case, binary values in base64. */
  readonly metadata: Iterable<readonly [string, string]>
}

/** Returns names and values in turn, in the order of the specification. */
export function requestFields(call: CallFields): string[] {
  const fields = ['te', 'trailers', 'content-type', call.contentType]
  if (call.timeoutMs !== undefined) fields.push('grpc-timeout', timeoutText(call.timeoutMs))
  if (call.encoding !== undefined) fields.push('grpc-encoding', call.encoding)
  fields.push('grpc-accept-encoding', ACCEPTED, 'user-agent', call.userAgent)
  const { previousAttempts = 0 } = call
  if (previousAttempts > 0) fields.push('grpc-previous-rpc-attempts', String(previousAttempts))
  for (const [name, value] of call.metadata) if (!RESERVED.has(name)) fields.push(name, value)
  return fields
}

/** Fields that a call sets itself. */
const RESERVED: ReadonlySet<string> = new Set([
  ...['te', 'content-type', 'grpc-timeout', 'grpc-encoding', 'grpc-accept-encoding', 'user-agent', 'grpc-previous-rpc-attempts'],
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'grpc-status', 'grpc-message'],
])

/** "TimeoutValue: positive integer as ASCII string of at most 8 digits": rounded up to a coarser unit if needed. */
function timeoutText(ms: number): string {
  for (const [unit, factor] of UNITS) {
    const amount = Math.ceil(Math.max(ms, 0) / factor)
    if (amount < 100_000_000) return `${amount}${unit}`
  }
  return '99999999H'
}

const UNITS: readonly (readonly [string, number])[] = [
  ['m', 1],
  ['S', 1_000],
  ['M', 60_000],
  ['H', 3_600_000],
]
