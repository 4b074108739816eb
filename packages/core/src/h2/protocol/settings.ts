/** SETTINGS (RFC 9113 §6.5): local settings, peer settings, and checks for invalid values. */

import { ErrorCode, ProtocolFault } from './error-code.js'
import { DEFAULT_WINDOW_BYTES, MAX_31_BIT, MAX_MAX_FRAME_BYTES, MIN_MAX_FRAME_BYTES } from './frame.js'

/**
 * Setting identifiers (RFC 9113 §6.5.2); ENABLE_CONNECT_PROTOCOL is RFC 8441 §3,
 * NO_RFC7540_PRIORITIES RFC 9218 §2.1.
 */
export const Setting = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
  ENABLE_CONNECT_PROTOCOL: 0x8,
  NO_RFC7540_PRIORITIES: 0x9,
} as const

/** Stream limit assumed before SETTINGS arrive: the minimum that RFC 9113 §6.5.2 recommends. */
export const ASSUMED_MAX_CONCURRENT_STREAMS = 100

/** The peer's settings that apply to a client. */
export class PeerSettings {
  headerTableBytes = 4_096
  /**
   * The smallest {@link headerTableBytes} within the last SETTINGS frame, which the encoder must
   * signal (RFC 7541 §4.2).
   */
  leastHeaderTableBytes = 4_096
  /** The assumed limit before SETTINGS arrive; unlimited after SETTINGS without this setting. */
  maxConcurrentStreams: number
  initialWindowBytes: number = DEFAULT_WINDOW_BYTES
  maxFrameBytes: number = MIN_MAX_FRAME_BYTES
  /**
   * Maximum size of a request's field section, in bytes. Advisory (RFC 9113 §6.5.2), but enforced
   * by this client.
   */
  maxFieldSectionBytes: number = Number.POSITIVE_INFINITY
  connectProtocol = false
  /**
   * Whether the peer sent SETTINGS_NO_RFC7540_PRIORITIES = 1, so that it may use RFC 9218
   * priorities.
   */
  extensiblePriorities = false
  /** Whether the peer's first SETTINGS has arrived. */
  received = false

  constructor(assumedMaxConcurrentStreams: number) {
    this.maxConcurrentStreams = assumedMaxConcurrentStreams
  }

  /**
   * Applies one SETTINGS payload in order; the last value of a setting wins (RFC 9113 §6.5.3).
   * @throws ProtocolFault for invalid values (RFC 9113 §6.5.2).
   */
  apply(payload: Buffer, start: number, end: number): void {
    if (!this.received) {
      this.received = true
      this.maxConcurrentStreams = Number.POSITIVE_INFINITY
    }
    this.leastHeaderTableBytes = this.headerTableBytes
    for (let at = start; at < end; at += 6) this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
  }

  #set(identifier: number, value: number): void {
    switch (identifier) {
      case Setting.HEADER_TABLE_SIZE:
        this.headerTableBytes = value
        this.leastHeaderTableBytes = Math.min(this.leastHeaderTableBytes, value)
        return
      case Setting.ENABLE_PUSH:
        // RFC 9113 §6.5.2: a server must not send any SETTINGS_ENABLE_PUSH but 0.
        if (value !== 0) throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `SETTINGS_ENABLE_PUSH ${value} from a server`)
        return
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value
        return
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > MAX_31_BIT) throw new ProtocolFault(ErrorCode.FLOW_CONTROL_ERROR, `SETTINGS_INITIAL_WINDOW_SIZE ${value}`)
        this.initialWindowBytes = value
        return
      case Setting.MAX_FRAME_SIZE:
        if (value < MIN_MAX_FRAME_BYTES || value > MAX_MAX_FRAME_BYTES) {
          throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `SETTINGS_MAX_FRAME_SIZE ${value}`)
        }
        this.maxFrameBytes = value
        return
      case Setting.MAX_HEADER_LIST_SIZE:
        this.maxFieldSectionBytes = value
        return
      case Setting.ENABLE_CONNECT_PROTOCOL:
        // RFC 8441 §3: 0 or 1, and not 0 after 1.
        if (value > 1 || (value === 0 && this.connectProtocol)) {
          throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `SETTINGS_ENABLE_CONNECT_PROTOCOL ${value}`)
        }
        this.connectProtocol = value === 1
        return
      case Setting.NO_RFC7540_PRIORITIES:
        // RFC 9218 §2.1: "Any value other than 0 or 1 MUST be treated as a connection error".
        if (value > 1) throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `SETTINGS_NO_RFC7540_PRIORITIES ${value}`)
        this.extensiblePriorities = value === 1
        return
      default: // RFC 9113 §6.5.2: an unknown setting MUST be ignored.
    }
  }
}

/** The settings that this client announces. Each value limits memory. */
export interface LocalSettings {
  /**
   * Receive window of a new stream, in bytes. Minimum 65,535, because the peer may use that before
   * its acknowledgment.
   */
  readonly initialWindowBytes: number
  /**
   * Receive window of the connection, in bytes. Minimum 65,535, because it can only be raised (RFC
   * 9113 §6.9.2).
   */
  readonly connectionWindowBytes: number
  /** Size of the HPACK decoder table, in bytes. */
  readonly headerTableBytes: number
  /** Maximum field section of a response or its trailers, in bytes (RFC 9113 §6.5.2). */
  readonly maxFieldSectionBytes: number
}

/** Local limits on streams, in addition to the peer's. Not announced to the peer. */
export interface StreamLimits {
  /** Maximum concurrent streams. */
  readonly concurrent: number
  /** Maximum number of streams over the life of the connection. */
  readonly total: number
  /** Maximum concurrent streams before the peer's SETTINGS arrive. */
  readonly assumed: number
}

/** No local limits, and the default assumption before SETTINGS arrive. */
export const NO_STREAM_LIMITS: StreamLimits = {
  concurrent: Number.POSITIVE_INFINITY,
  total: Number.POSITIVE_INFINITY,
  assumed: ASSUMED_MAX_CONCURRENT_STREAMS,
}

/** Returns the initial SETTINGS of a client, without values that equal the defaults. */
export function initialSettings(local: LocalSettings): [identifier: number, value: number][] {
  const settings: [number, number][] = [
    [Setting.ENABLE_PUSH, 0],
    [Setting.INITIAL_WINDOW_SIZE, local.initialWindowBytes],
    [Setting.MAX_HEADER_LIST_SIZE, local.maxFieldSectionBytes],
    [Setting.NO_RFC7540_PRIORITIES, 1],
  ]
  if (local.headerTableBytes !== 4_096) settings.unshift([Setting.HEADER_TABLE_SIZE, local.headerTableBytes])
  return settings
}
