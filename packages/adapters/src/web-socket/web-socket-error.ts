/** `WebSocketError` of the WebSockets standard: an exception with a close code and a reason. */

import { checkCloseCode, checkReason, enforced } from './arguments.js'
import type { CloseOutcome } from './close-outcome.js'

/** How to close a {@link WebSocketStream}, or how it was closed. */
export interface WebSocketCloseInfo {
  /** 1000, or 3000 to 4999; as a result, the code of the server's Close frame. */
  readonly closeCode?: number
  /** At most 123 bytes. */
  readonly reason?: string
}

/**
 * Why a {@link WebSocketStream} failed. As the reason of `writable.abort()` or `readable.cancel()` it decides which Close frame is sent.
 * `cause` is the error of this project.
 */
export class WebSocketError extends DOMException {
  readonly closeCode: number | null
  readonly reason: string
  declare readonly cause?: unknown

  /** @throws DOMException `InvalidAccessError` for an invalid code, `SyntaxError` for a reason over 123 bytes. */
  constructor(message = '', { closeCode, reason = '' }: WebSocketCloseInfo = {}) {
    super(message, 'WebSocketError')
    checkReason(reason)
    // A reason needs a code.
    this.closeCode = checkCloseCode(enforced(closeCode)) ?? (reason === '' ? null : 1_000)
    this.reason = reason
  }
}

/** Returns the error of a WebSocket that did not end cleanly. */
export function uncleanError({ code, reason, error }: CloseOutcome): WebSocketError {
  const failed = new WebSocketError(error?.message ?? 'the WebSocket was closed')
  const members = { closeCode: code, reason, cause: error }
  for (const [name, value] of Object.entries(members))
    Object.defineProperty(failed, name, { value, enumerable: true, configurable: true })
  return failed
}
