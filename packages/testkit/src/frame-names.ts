// Numbers of RFC 9113 and its extensions by name: frame types (§6), flags, settings (§6.5.2), error
// codes (§7). Written from the RFCs, independently of the product's tables, so that a typo in
// either is detected.

/** The 24 bytes a client sends first (RFC 9113 §3.4). */
export const CLIENT_PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
  ALTSVC: 0xa, // RFC 7838 §4
  ORIGIN: 0xc, // RFC 8336 §2
  PRIORITY_UPDATE: 0x10, // RFC 9218 §7.1
} as const

/** A frame type by name; `UNKNOWN` for all others. */
export type FrameTypeName = keyof typeof FrameType | 'UNKNOWN'

export const FrameFlag = {
  ACK: 0x1, // SETTINGS, PING
  END_STREAM: 0x1, // DATA, HEADERS
  END_HEADERS: 0x4, // HEADERS, PUSH_PROMISE, CONTINUATION
  PADDED: 0x8, // DATA, HEADERS, PUSH_PROMISE
  PRIORITY: 0x20, // HEADERS
} as const

export const SettingId = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  enableConnectProtocol: 0x8, // RFC 8441 §3
  noRfc7540Priorities: 0x9, // RFC 9218 §2.1
} as const

export type SettingName = keyof typeof SettingId

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

const namesByType = new Map<number, FrameTypeName>(Object.entries(FrameType).map(([name, type]) => [type, name as FrameTypeName]))

export function frameTypeName(type: number): FrameTypeName {
  return namesByType.get(type) ?? 'UNKNOWN'
}
