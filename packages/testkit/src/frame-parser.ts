// Splits a byte stream into HTTP/2 frames (RFC 9113 §4.1) and parses the payloads that tests need.
// Accepts anything: the product validates frames, this file only shows what was sent.
import { FrameFlag, type FrameTypeName, frameTypeName, SettingId, type SettingName } from './frame-names.js'

export interface Frame {
  readonly type: number
  readonly typeName: FrameTypeName
  readonly flags: number
  readonly streamId: number
  readonly payload: Buffer
}

export class FrameParser {
  #pending: Buffer = Buffer.alloc(0)

  /** Number of bytes of an incomplete frame. */
  get pendingBytes(): number {
    return this.#pending.length
  }

  /** Takes bytes split anywhere and returns the frames they complete. */
  push(bytes: Uint8Array): Frame[] {
    this.#pending = Buffer.concat([this.#pending, bytes])
    const frames: Frame[] = []
    for (;;) {
      if (this.#pending.length < 9) return frames
      const end = 9 + this.#pending.readUIntBE(0, 3)
      if (this.#pending.length < end) return frames
      const type = this.#pending.readUInt8(3)
      frames.push({
        type,
        typeName: frameTypeName(type),
        flags: this.#pending.readUInt8(4),
        streamId: this.#pending.readUInt32BE(5) & 0x7fff_ffff,
        payload: this.#pending.subarray(9, end),
      })
      this.#pending = this.#pending.subarray(end)
    }
  }
}

export function hasFlag(frame: Frame, name: keyof typeof FrameFlag): boolean {
  return (frame.flags & FrameFlag[name]) !== 0
}

/**
 * Returns the payload of DATA, HEADERS or PUSH_PROMISE without padding, and of HEADERS without
 * priority.
 */
export function contentOf(frame: Frame): Buffer {
  let { payload } = frame
  if (hasFlag(frame, 'PADDED')) payload = payload.subarray(1, payload.length - (payload[0] ?? 0))
  if (frame.typeName === 'HEADERS' && hasFlag(frame, 'PRIORITY')) payload = payload.subarray(5)
  return payload
}

const settingNames = new Map<number, string>(Object.entries(SettingId).map(([name, id]) => [id, name]))

/** Returns SETTINGS by name; unknown ones by number. */
export function settingsOf(frame: Frame): Partial<Record<SettingName | `${number}`, number>> {
  const record: Record<string, number> = {}
  for (let at = 0; at + 6 <= frame.payload.length; at += 6) {
    const id = frame.payload.readUInt16BE(at)
    record[settingNames.get(id) ?? String(id)] = frame.payload.readUInt32BE(at + 2)
  }
  return record
}

export function goawayOf(frame: Frame): { lastStreamId: number; errorCode: number; debug: string } {
  return {
    lastStreamId: frame.payload.readUInt32BE(0) & 0x7fff_ffff,
    errorCode: frame.payload.readUInt32BE(4),
    debug: frame.payload.toString('latin1', 8),
  }
}

/**
 * Returns the error code of RST_STREAM or the increment of WINDOW_UPDATE: the payload as a 32-bit
 * number.
 */
export function numberOf(frame: Frame): number {
  return frame.payload.readUInt32BE(0)
}
