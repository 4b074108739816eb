/** The codes by which libraries over Node's own client decide whether to send a request again. */

import { TimeoutError, type UnshardError, UsageError } from '@unshard/core'

/** Codes of requests whose connection or stream ended, which is ECONNRESET in Node. */
const LOST: ReadonlySet<string> = new Set(['ERR_CONNECTION_LOST', 'ERR_PIPELINE_LOST', 'ERR_STREAM_REFUSED', 'ERR_STREAM_RESET'])

/** Returns the code of Node's client for an error: ETIMEDOUT, ECONNRESET, or the code that it has. */
export function nodeCodeOf(error: UnshardError): string {
  if (error instanceof TimeoutError) return 'ETIMEDOUT'
  if (error instanceof UsageError) return error.code
  return LOST.has(error.code) ? 'ECONNRESET' : error.code
}
