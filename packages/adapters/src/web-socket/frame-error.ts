/** Errors of the library that reads frames, as errors of this project with the code for the Close frame. */

import { ResponseError } from '@unshard/core'

/** Codes of the Close frame (RFC 6455 §7.4.1); all others are protocol errors, 1002. */
const CLOSE_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1_007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1_008,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1_009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1_009,
}

/** An error of a frame, and the code that tells the peer. */
export type FrameError = ResponseError & { readonly closeCode: number }

/** Returns the error for an error of the library or of its decompressor. */
export function frameError(cause: Error & { readonly code?: string }): FrameError {
  const { code = '' } = cause
  // Data that does not decompress is not "consistent with the type of the message" (1007).
  const closeCode = CLOSE_CODES[code] ?? (code.startsWith('Z_') ? 1_007 : 1_002)
  const name = closeCode === 1_009 ? 'ERR_WEBSOCKET_TOO_LARGE' : 'ERR_WEBSOCKET_FRAME'
  const text = closeCode === 1_009 ? 'a message is over `maxMessageBytes`' : `the server sent an invalid frame: ${cause.message}`
  return Object.assign(new ResponseError(name, text, { cause }), { closeCode })
}
