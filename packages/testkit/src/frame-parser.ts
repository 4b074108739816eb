// Cuts a byte stream into HTTP/2 frames (RFC 9113 §4.1) and reads the payloads that tests ask about.
// It accepts anything: judging frames is the product's work, seeing exactly what was sent is this file's.
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

  /** Octets that do not make a whole frame yet. */
  get pendingBytes(): number {
    return this.#pending.length
  }

  /** Takes bytes cut anywhere, gives the frames they complete. */
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

/** The payload of DATA, HEADERS or PUSH_PROMISE without padding, and of HEADERS without priority. */
export function contentOf(frame: Frame): Buffer {
  let { payload } = frame
  if (hasFlag(frame, 'PADDED')) payload = payload.subarray(1, payload.length - (payload[0] ?? 0))
  if (frame.typeName === 'HEADERS' && hasFlag(frame, 'PRIORITY')) payload = payload.subarray(5)
  return payload
}

const settingNames = new Map<number, string>(Object.entries(SettingId).map(([name, id]) => [id, name]))

/** SETTINGS by name; those without a name under their number. */
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

/** The error code of RST_STREAM or the increment of WINDOW_UPDATE: the payload as one number of 32 bits. */
export function numberOf(frame: Frame): number {
  return frame.payload.readUInt32BE(0)
}
