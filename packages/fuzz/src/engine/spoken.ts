/** State of the server's output, read from its bytes by a reader independent of the engine. */

import { FrameType, SettingId } from '../../../testkit/src/frame-names.js'
import { contentOf, type Frame, FrameParser, hasFlag } from '../../../testkit/src/frame-parser.js'

const DEFAULT_WINDOW = 65_535

/** Settings that bind the client at one point of its output: where it acknowledged them. */
export class BindingSettings {
  initialWindow: number = DEFAULT_WINDOW
  maxFrame = 16_384
  maxStreams: number = Number.POSITIVE_INFINITY
  tableBytes = 4_096
  /** Smallest table size since the last field block. */
  minTableBytes = 4_096

  apply(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2)
      switch (payload.readUInt16BE(at)) {
        case SettingId.headerTableSize:
          this.tableBytes = value
          this.minTableBytes = Math.min(this.minTableBytes, value)
          break
        case SettingId.maxConcurrentStreams:
          this.maxStreams = value
          break
        case SettingId.initialWindowSize:
          this.initialWindow = value
          break
        case SettingId.maxFrameSize:
          this.maxFrame = value
      }
    }
  }
}

/**
 * Bookkeeping of a server. If the engine has stopped at an error, this object may know more than
 * the engine and is an upper bound; otherwise it is exact.
 */
export class Spoken {
  readonly #frames = new FrameParser()
  /** Unanswered SETTINGS and PING, in order. */
  readonly settings: Buffer[] = []
  readonly pings: Buffer[] = []
  connectionCredit: number = DEFAULT_WINDOW
  readonly #streamCredit = new Map<number, number>()
  connectionData = 0
  readonly #streamData = new Map<number, number>()
  readonly #streamContent = new Map<number, number>()
  byteCount = 0

  /** Processes bytes on their way to the engine. */
  say(bytes: Uint8Array): void {
    this.byteCount += bytes.length
    for (const frame of this.#frames.push(bytes)) this.#frame(frame)
  }

  /** Sum of WINDOW_UPDATE for a stream, in bytes. */
  streamCredit(id: number): number {
    return this.#streamCredit.get(id) ?? 0
  }

  /** Bytes of DATA on a stream that count for flow control. */
  streamData(id: number): number {
    return this.#streamData.get(id) ?? 0
  }

  /** The same without padding. */
  streamContent(id: number): number {
    return this.#streamContent.get(id) ?? 0
  }

  #frame(frame: Frame): void {
    const { type, streamId, payload } = frame
    switch (type) {
      case FrameType.SETTINGS:
        if (!hasFlag(frame, 'ACK')) this.settings.push(payload)
        return
      case FrameType.PING:
        if (!hasFlag(frame, 'ACK')) this.pings.push(payload)
        return
      case FrameType.WINDOW_UPDATE:
        if (payload.length === 4) this.#credit(streamId, payload.readUInt32BE(0) & 0x7fff_ffff)
        return
      case FrameType.DATA:
        this.connectionData += payload.length
        add(this.#streamData, streamId, payload.length)
        add(this.#streamContent, streamId, contentOf(frame).length)
    }
  }

  #credit(streamId: number, increment: number): void {
    if (streamId === 0) this.connectionCredit += increment
    else add(this.#streamCredit, streamId, increment)
  }
}

function add(sums: Map<number, number>, key: number, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value)
}
