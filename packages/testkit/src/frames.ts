// Builds the bytes of every HTTP/2 frame, valid or not: nothing is checked, so that a test can
// define exactly what a faulty peer sends. Deliberately simple and independent of the product's
// code. RFC 9113 §4.1 and §6, RFC 7541 §6.2.2, RFC 7838 §4, RFC 8336 §2.
import { FrameFlag, FrameType, SettingId, type SettingName } from './frame-names.js'

/** A field line: name and value, as sent. */
export type Field = readonly [name: string, value: string]

/** Fields to encode, or the bytes of a custom field block. */
export type FieldsOrBlock = readonly Field[] | Uint8Array

/** Settings by name, or by number for those without a name. */
export type SettingsRecord = { readonly [Name in SettingName]?: number } & { readonly [id: number]: number }

export interface StreamPriority {
  readonly dependsOn: number
  /** 1 to 256. Default 16. */
  readonly weight?: number
  readonly exclusive?: boolean
}

export interface DataOptions {
  /** Default false. */
  readonly endStream?: boolean
  /** Number of padding bytes; 0 sets the flag with empty padding. Default: no flag. */
  readonly padding?: number
}

export interface HeadersOptions extends DataOptions {
  /** Default true. */
  readonly endHeaders?: boolean
  readonly priority?: StreamPriority
}

export interface PushPromiseOptions {
  /** Default true. */
  readonly endHeaders?: boolean
  readonly padding?: number
}

/** Builds any frame. `declaredLength` overrides the payload's actual length. */
export function raw(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array = new Uint8Array(0),
  declaredLength: number = payload.length,
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(declaredLength, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(streamId >>> 0, 5)
  return Buffer.concat([head, payload])
}

export function data(streamId: number, bytes: Uint8Array | string, options: DataOptions = {}): Buffer {
  const flags = flag(options.endStream, FrameFlag.END_STREAM) | padFlag(options.padding)
  return raw(FrameType.DATA, flags, streamId, pad(toBytes(bytes), options.padding))
}

export function headers(streamId: number, fields: FieldsOrBlock, options: HeadersOptions = {}): Buffer {
  const flags =
    flag(options.endStream, FrameFlag.END_STREAM) |
    flag(options.endHeaders ?? true, FrameFlag.END_HEADERS) |
    flag(options.priority !== undefined, FrameFlag.PRIORITY) |
    padFlag(options.padding)
  const block = toBlock(fields)
  const payload = options.priority === undefined ? block : Buffer.concat([priorityBytes(options.priority), block])
  return raw(FrameType.HEADERS, flags, streamId, pad(payload, options.padding))
}

export function continuation(streamId: number, fields: FieldsOrBlock, options: { endHeaders?: boolean } = {}): Buffer {
  return raw(FrameType.CONTINUATION, flag(options.endHeaders ?? true, FrameFlag.END_HEADERS), streamId, toBlock(fields))
}

export function priority(streamId: number, options: StreamPriority): Buffer {
  return raw(FrameType.PRIORITY, 0, streamId, priorityBytes(options))
}

export function rstStream(streamId: number, errorCode: number): Buffer {
  return raw(FrameType.RST_STREAM, 0, streamId, uint32(errorCode))
}

export function settings(record: SettingsRecord = {}): Buffer {
  const entries = Object.entries(record).map(([name, value]) => {
    const entry = Buffer.alloc(6)
    entry.writeUInt16BE(name in SettingId ? SettingId[name as SettingName] : Number(name), 0)
    entry.writeUInt32BE(value, 2)
    return entry
  })
  return raw(FrameType.SETTINGS, 0, 0, Buffer.concat(entries))
}

export function settingsAck(): Buffer {
  return raw(FrameType.SETTINGS, FrameFlag.ACK, 0)
}

export function pushPromise(
  streamId: number,
  promisedStreamId: number,
  fields: FieldsOrBlock,
  options: PushPromiseOptions = {},
): Buffer {
  const flags = flag(options.endHeaders ?? true, FrameFlag.END_HEADERS) | padFlag(options.padding)
  const payload = Buffer.concat([uint32(promisedStreamId), toBlock(fields)])
  return raw(FrameType.PUSH_PROMISE, flags, streamId, pad(payload, options.padding))
}

/** `payload` has 8 bytes in a valid frame. */
export function ping(payload: Uint8Array = new Uint8Array(8), ack: boolean = false): Buffer {
  return raw(FrameType.PING, flag(ack, FrameFlag.ACK), 0, payload)
}

export function goaway(lastStreamId: number, errorCode: number = 0, debug: Uint8Array | string = ''): Buffer {
  return raw(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(lastStreamId), uint32(errorCode), toBytes(debug)]))
}

export function windowUpdate(streamId: number, increment: number): Buffer {
  return raw(FrameType.WINDOW_UPDATE, 0, streamId, uint32(increment))
}

/** RFC 7838 §4. On stream 0 `originText` is required, on another stream it must be empty. */
export function altsvc(streamId: number, originText: string, value: string): Buffer {
  return raw(FrameType.ALTSVC, 0, streamId, Buffer.concat([lengthPrefixed(originText), toBytes(value)]))
}

/** RFC 8336 §2.1. */
export function origin(origins: readonly string[]): Buffer {
  return raw(FrameType.ORIGIN, 0, 0, Buffer.concat(origins.map(lengthPrefixed)))
}

/**
 * Encodes each field as "literal without indexing, new name", without Huffman (RFC 7541 §6.2.2):
 * stateless, always decodable.
 */
export function fieldBlock(fields: readonly Field[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0x00]), hpackString(name), hpackString(value)]))
}

function hpackString(text: string): Buffer {
  const bytes = toBytes(text)
  return Buffer.concat([hpackInteger(bytes.length), bytes])
}

/** RFC 7541 §5.1 with a 7-bit prefix. */
function hpackInteger(value: number): Buffer {
  if (value < 0x7f) return Buffer.from([value])
  const bytes = [0x7f]
  let rest = value - 0x7f
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

function toBlock(fields: FieldsOrBlock): Uint8Array {
  return ArrayBuffer.isView(fields) ? (fields as Uint8Array) : fieldBlock(fields as readonly Field[])
}

function priorityBytes({ dependsOn, weight = 16, exclusive = false }: StreamPriority): Buffer {
  return Buffer.concat([uint32(exclusive ? dependsOn + 0x8000_0000 : dependsOn), Buffer.from([weight - 1])])
}

function pad(payload: Uint8Array, padding: number | undefined): Uint8Array {
  return padding === undefined ? payload : Buffer.concat([Buffer.from([padding]), payload, Buffer.alloc(padding)])
}

function padFlag(padding: number | undefined): number {
  return flag(padding !== undefined, FrameFlag.PADDED)
}

function flag(set: boolean | undefined, bit: number): number {
  return set === true ? bit : 0
}

function lengthPrefixed(text: string): Buffer {
  const bytes = toBytes(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/**
 * One byte per character, so that a test can write any byte; content with other characters is
 * passed as bytes.
 */
function toBytes(value: Uint8Array | string): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value, 'latin1') : value
}
