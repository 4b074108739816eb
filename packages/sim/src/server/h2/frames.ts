/** Frames of the modelled servers (RFC 9113 §4.1): written quickly, and split from a byte stream. */

export const DATA = 0
export const HEADERS = 1
export const RST_STREAM = 3
export const SETTINGS = 4
export const PING = 6
export const GOAWAY = 7
export const WINDOW_UPDATE = 8
export const CONTINUATION = 9
export const ORIGIN = 12

export const END_STREAM = 1
export const ACK = 1
export const END_HEADERS = 4
export const PADDED = 8
export const PRIORITY = 32

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export const NO_ERROR = 0
export const INTERNAL_ERROR = 2
export const FLOW_CONTROL_ERROR = 3
export const REFUSED_STREAM = 7
export const CANCEL = 8
export const ENHANCE_YOUR_CALM = 11
export const MAX_STREAM_ID = 0x7fff_ffff

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const { length } = payload
  const bytes = Buffer.allocUnsafe(9 + length)
  bytes.writeUInt32BE((length << 8) | type, 0)
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  bytes.set(payload, 9)
  return bytes
}

export function numberFrame(type: number, stream: number, value: number): Buffer {
  const payload = Buffer.allocUnsafe(4)
  payload.writeUInt32BE(value, 0)
  return frame(type, 0, stream, payload)
}

export function goawayFrame(lastStream: number, code: number, debug: string): Buffer {
  const payload = Buffer.alloc(8 + debug.length)
  payload.writeUInt32BE(lastStream, 0)
  payload.writeUInt32BE(code, 4)
  payload.write(debug, 8, 'latin1')
  return frame(GOAWAY, 0, 0, payload)
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length)
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, 6 * index)
    payload.writeUInt32BE(value, 6 * index + 2)
  })
  return frame(SETTINGS, 0, 0, payload)
}

/** RFC 8336 §2.1. */
export function originFrame(origins: readonly string[]): Buffer {
  const parts = origins.map((origin) => {
    const part = Buffer.alloc(2 + origin.length)
    part.writeUInt16BE(origin.length, 0)
    part.write(origin, 2, 'latin1')
    return part
  })
  return frame(ORIGIN, 0, 0, Buffer.concat(parts))
}

/** Splits bytes into frames. */
export class FrameSplitter {
  #pending: Buffer | undefined;

  *push(bytes: Uint8Array): Iterable<Frame> {
    let all = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    if (this.#pending !== undefined) all = Buffer.concat([this.#pending, all])
    let at = 0
    while (all.length - at >= 9) {
      const head = all.readUInt32BE(at)
      const end = at + 9 + (head >>> 8)
      if (all.length < end) break
      yield {
        type: head & 0xff,
        flags: all[at + 4]!,
        stream: all.readUInt32BE(at + 5) & MAX_STREAM_ID,
        payload: all.subarray(at + 9, end),
      }
      at = end
    }
    this.#pending = at === all.length ? undefined : all.subarray(at)
  }
}

/** The payload of DATA or HEADERS without padding and priority (RFC 9113 §6.1, §6.2). */
export function withoutPadding(flags: number, payload: Buffer): Buffer {
  const isPadded = (flags & PADDED) !== 0
  const begin = (isPadded ? 1 : 0) + ((flags & PRIORITY) === 0 ? 0 : 5)
  return payload.subarray(begin, payload.length - (isPadded ? payload[0]! : 0))
}
