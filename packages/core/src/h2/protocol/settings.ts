/** SETTINGS (RFC 9113 §6.5): what we tell the peer, what the peer tells us, and which values are errors. */

import { ErrorCode, ProtocolFault } from './error-code.js'
import { DEFAULT_WINDOW_BYTES, MAX_31_BIT, MAX_MAX_FRAME_BYTES, MIN_MAX_FRAME_BYTES } from './frame.js'

/** RFC 9113 §6.5.2; ENABLE_CONNECT_PROTOCOL is RFC 8441 §3, NO_RFC7540_PRIORITIES RFC 9218 §2.1. */
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

/** Streams a client may assume before it knows the peer's SETTINGS: the least that RFC 9113 §6.5.2 recommends. */
export const ASSUMED_MAX_CONCURRENT_STREAMS = 100

/** The peer's settings, as far as they bind a client. */
export class PeerSettings {
  headerTableBytes = 4_096
  /** The smallest value that {@link headerTableBytes} had since the last SETTINGS frame began: it is to be signalled (RFC 7541 §4.2). */
  leastHeaderTableBytes = 4_096
  /** Before SETTINGS arrive what is assumed; after it without this setting, no limit. */
  maxConcurrentStreams: number
  initialWindowBytes: number = DEFAULT_WINDOW_BYTES
  maxFrameBytes: number = MIN_MAX_FRAME_BYTES
  /** RFC 9113 §6.5.2: advisory, but a request above it is refused here rather than there. */
  maxFieldSectionBytes: number = Number.POSITIVE_INFINITY
  connectProtocol = false
  /** The peer schedules by RFC 9218, if by anything: it has said that it does not by RFC 7540. */
  extensiblePriorities = false
  /** Whether the peer's first SETTINGS has arrived. */
  received = false

  constructor(assumedMaxConcurrentStreams: number) {
    this.maxConcurrentStreams = assumedMaxConcurrentStreams
  }

  /**
   * Applies one SETTINGS payload in order, the last value of a setting winning (RFC 9113 §6.5.3).
   * @throws ProtocolFault for the values that RFC 9113 §6.5.2 calls errors.
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
        // RFC 9113 §6.5.2: "A client MUST treat receipt of a SETTINGS frame with SETTINGS_ENABLE_PUSH set to 1 as a connection error".
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
        // RFC 8441 §3: 0 or 1, and never back from 1 to 0.
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

/** What this client announces. Every value is a bound on memory. */
export interface LocalSettings {
  /** Window of a new stream, bytes. At least 65,535: until the peer has acknowledged, it may count on that. */
  readonly initialWindowBytes: number
  /** Window of the connection, bytes. At least 65,535: a connection window can only be raised (RFC 9113 §6.9.2). */
  readonly connectionWindowBytes: number
  /** HPACK decoder table, bytes. */
  readonly headerTableBytes: number
  /** A response's or trailer's field section, bytes as RFC 9113 §6.5.2 counts them. */
  readonly maxFieldSectionBytes: number
}

/** Bounds of ours on streams, below the peer's. They are announced to nobody. */
export interface StreamLimits {
  /** Streams at once. */
  readonly concurrent: number
  /** Streams in all: after the last one the connection opens no more. */
  readonly total: number
  /** Streams that may be opened before the peer's SETTINGS have come. */
  readonly assumed: number
}

/** No bound but the peer's, and the least it is to allow. */
export const NO_STREAM_LIMITS: StreamLimits = {
  concurrent: Number.POSITIVE_INFINITY,
  total: Number.POSITIVE_INFINITY,
  assumed: ASSUMED_MAX_CONCURRENT_STREAMS,
}

/** The SETTINGS a client opens with: no push, our window, our limit on field sections, no priorities of RFC 7540; defaults are not repeated. */
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
