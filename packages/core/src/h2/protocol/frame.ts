/**
 * Frame layout (RFC 9113 §4.1, §6): types, flags, fixed sizes, and writers for the frames that a
 * client sends.
 */

import type { Output } from './output.js'

/** Size of a frame header, in bytes (RFC 9113 §4.1). */
export const FRAME_HEADER_BYTES = 9
/** The smallest SETTINGS_MAX_FRAME_SIZE and its initial value (RFC 9113 §6.5.2). */
export const MIN_MAX_FRAME_BYTES = 16_384
/** The largest SETTINGS_MAX_FRAME_SIZE (RFC 9113 §6.5.2). */
export const MAX_MAX_FRAME_BYTES = 16_777_215
/** The largest flow-control window and the largest stream identifier: 2^31 - 1 (RFC 9113 §5.1.1, §6.9.1). */
export const MAX_31_BIT = 0x7fff_ffff
/**
 * Initial SETTINGS_INITIAL_WINDOW_SIZE and initial connection window, in bytes (RFC 9113 §6.9.2).
 */
export const DEFAULT_WINDOW_BYTES = 65_535

/**
 * Frame types (RFC 9113 §6); ALTSVC is RFC 7838 §4, ORIGIN RFC 8336 §2, PRIORITY_UPDATE RFC 9218
 * §7.1.
 */
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
  ALTSVC: 0xa,
  ORIGIN: 0xc,
  PRIORITY_UPDATE: 0x10,
} as const

/** Frame flags (RFC 9113 §6). They share bits, because their meaning depends on the frame type. */
export const Flag = { ACK: 0x1, END_STREAM: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const

const NAMES = new Map<number, string>(Object.entries(FrameType).map(([name, type]) => [type, name]))

/** Returns the name of a frame type for messages. */
export function frameTypeName(type: number): string {
  return NAMES.get(type) ?? `frame type 0x${type.toString(16)}`
}

/** The client connection preface (RFC 9113 §3.4). */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** Writes the 9 bytes of a frame header (RFC 9113 §4.1) at `at`, which must already be reserved. */
export function putFrameHeader(buffer: Buffer, at: number, length: number, type: number, flags: number, streamId: number): void {
  buffer[at] = length >>> 16
  buffer[at + 1] = length >>> 8
  buffer[at + 2] = length
  buffer[at + 3] = type
  buffer[at + 4] = flags
  putUint32(buffer, at + 5, streamId)
}

function putUint32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24
  buffer[at + 1] = value >>> 16
  buffer[at + 2] = value >>> 8
  buffer[at + 3] = value
}

function writeHeader(output: Output, length: number, type: number, flags: number, streamId: number): number {
  output.ensure(FRAME_HEADER_BYTES + length)
  const payload = output.position + FRAME_HEADER_BYTES
  putFrameHeader(output.buffer, output.position, length, type, flags, streamId)
  output.position = payload + length
  return payload
}

/** Writes the header of a DATA frame. The caller writes the payload. */
export function writeDataHeader(output: Output, length: number, streamId: number, endStream: boolean): void {
  output.ensure(FRAME_HEADER_BYTES)
  putFrameHeader(output.buffer, output.position, length, FrameType.DATA, endStream ? Flag.END_STREAM : 0, streamId)
  output.position += FRAME_HEADER_BYTES
}

/** Writes SETTINGS (RFC 9113 §6.5) with identifier, value pairs. */
export function writeSettings(output: Output, settings: readonly (readonly [identifier: number, value: number])[]): void {
  let at = writeHeader(output, settings.length * 6, FrameType.SETTINGS, 0, 0)
  for (const [identifier, value] of settings) {
    output.buffer[at] = identifier >>> 8
    output.buffer[at + 1] = identifier
    putUint32(output.buffer, at + 2, value)
    at += 6
  }
}

/** Writes the acknowledgment of the peer's SETTINGS (RFC 9113 §6.5.3). */
export function writeSettingsAck(output: Output): void {
  writeHeader(output, 0, FrameType.SETTINGS, Flag.ACK, 0)
}

/** Writes PING (RFC 9113 §6.7): eight bytes from `opaque` at `from`. */
export function writePing(output: Output, opaque: Uint8Array, from: number, ack: boolean): void {
  const payload = writeHeader(output, 8, FrameType.PING, ack ? Flag.ACK : 0, 0)
  for (let i = 0; i < 8; i++) output.buffer[payload + i] = opaque[from + i]!
}

/** Writes RST_STREAM (RFC 9113 §6.4). */
export function writeRstStream(output: Output, streamId: number, errorCode: number): void {
  const payload = writeHeader(output, 4, FrameType.RST_STREAM, 0, streamId)
  putUint32(output.buffer, payload, errorCode)
}

/** Writes WINDOW_UPDATE (RFC 9113 §6.9); `streamId` 0 is the connection. */
export function writeWindowUpdate(output: Output, streamId: number, increment: number): void {
  const payload = writeHeader(output, 4, FrameType.WINDOW_UPDATE, 0, streamId)
  putUint32(output.buffer, payload, increment)
}

/** Writes GOAWAY (RFC 9113 §6.8). `lastStreamId` is 0 from a client: the server opened no stream. */
export function writeGoaway(output: Output, lastStreamId: number, errorCode: number, debug: string): void {
  const payload = writeHeader(output, 8 + debug.length, FrameType.GOAWAY, 0, 0)
  putUint32(output.buffer, payload, lastStreamId)
  putUint32(output.buffer, payload + 4, errorCode)
  output.buffer.write(debug, payload + 8, 'latin1')
}

/**
 * Writes PRIORITY_UPDATE (RFC 9218 §7.1): the new priority of `streamId`, in the syntax of the
 * `priority` field.
 */
export function writePriorityUpdate(output: Output, streamId: number, priority: string): void {
  const payload = writeHeader(output, 4 + priority.length, FrameType.PRIORITY_UPDATE, 0, 0)
  putUint32(output.buffer, payload, streamId)
  output.buffer.write(priority, payload + 4, 'latin1')
}
