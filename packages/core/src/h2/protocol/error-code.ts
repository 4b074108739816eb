/**
 * HTTP/2 error codes (RFC 9113 §7). An unknown code has no special meaning and is passed on as a
 * number.
 */

/** RFC 9113 §7, by name. */
export const ErrorCode = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd,
} as const

const NAMES: readonly string[] = Object.keys(ErrorCode)

/**
 * Returns the name of an error code for messages, or its number in hexadecimal if RFC 9113 §7 has
 * no name.
 */
export function errorCodeName(code: number): string {
  return NAMES[code] ?? `0x${code.toString(16)}`
}

/**
 * A connection error (RFC 9113 §5.4.1). Thrown anywhere in the receiver; caught in
 * `Protocol.receive`.
 */
export class ProtocolFault extends Error {
  /** RFC 9113 §7. */
  readonly errorCode: number

  constructor(errorCode: number, reason: string) {
    super(reason)
    this.errorCode = errorCode
  }
}
