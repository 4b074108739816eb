/** `--verbose`: the frames of HTTP/2 connections as `nghttp -nv` prints them, and the heads of HTTP/1.1. */

import {
  errorCodeName,
  Flag,
  FrameReader,
  type FrameSink,
  FrameType,
  frameTypeName,
  HpackDecoder,
  PREFACE,
  Setting,
} from '@unshard/core/internal'
import { lineForTerminal } from '../terminal.js'

type Direction = 'sent' | 'received'

/** Prints one line. @param tone what it is, for its color. */
export type PrintLine = (line: string, tone: 'frame' | 'detail') => void

const VERBS = { sent: 'send', received: 'recv' } as const
const FLAG_NAMES: Readonly<Record<number, readonly (readonly [bit: number, name: string])[]>> = {
  [FrameType.DATA]: [
    [Flag.END_STREAM, 'END_STREAM'],
    [Flag.PADDED, 'PADDED'],
  ],
  [FrameType.HEADERS]: [
    [Flag.END_STREAM, 'END_STREAM'],
    [Flag.END_HEADERS, 'END_HEADERS'],
    [Flag.PADDED, 'PADDED'],
    [Flag.PRIORITY, 'PRIORITY'],
  ],
  [FrameType.CONTINUATION]: [[Flag.END_HEADERS, 'END_HEADERS']],
  [FrameType.PUSH_PROMISE]: [[Flag.END_HEADERS, 'END_HEADERS']],
  [FrameType.SETTINGS]: [[Flag.ACK, 'ACK']],
  [FrameType.PING]: [[Flag.ACK, 'ACK']],
}
const SETTING_NAMES = new Map<number, string>(Object.entries(Setting).map(([name, id]) => [id, name]))

/** The frames of one connection in one direction. */
export class FrameLog implements FrameSink {
  readonly #direction: Direction
  readonly #print: PrintLine
  readonly #decoder = new HpackDecoder({ maxTableBytes: 65_536 })
  readonly #reader = new FrameReader(this)
  /** A field block that is not complete. */
  #block: Buffer[] = []
  /** Bytes of the preface that are still to come. */
  #preface: number

  constructor(direction: Direction, print: PrintLine) {
    this.#direction = direction
    this.#print = print
    this.#preface = direction === 'sent' ? PREFACE.length : 0
  }

  /** Reads bytes. Prints nothing more after a fault: what follows has no meaning. */
  read(bytes: Uint8Array): void {
    const skipped = Math.min(this.#preface, bytes.length)
    this.#preface -= skipped
    try {
      this.#reader.read(Buffer.from(bytes.subarray(skipped)))
    } catch (error) {
      this.#print(`${VERBS[this.#direction]} invalid bytes: ${lineForTerminal((error as Error).message)}`, 'frame')
      this.read = () => undefined
    }
  }

  frameHeader(type: number, flags: number, streamId: number, length: number): boolean {
    const shownFlags = `0x${flags.toString(16).padStart(2, '0')}`
    this.#print(
      `${VERBS[this.#direction]} ${frameTypeName(type)} frame <length=${length}, flags=${shownFlags}, stream_id=${streamId}>`,
      'frame',
    )
    const names = (FLAG_NAMES[type] ?? []).filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name)
    if (names.length > 0) this.#print(`; ${names.join(' | ')}`, 'detail')
    return true
  }

  frame(type: number, flags: number, _streamId: number, bytes: Buffer, start: number, end: number): void {
    const payload = bytes.subarray(start, end)
    if (type === FrameType.HEADERS) this.#fields(withoutPadding(payload, flags), flags)
    else if (type === FrameType.CONTINUATION) this.#fields(payload, flags)
    else for (const line of detailsOf(type, payload)) this.#print(line, 'detail')
  }

  dataPart(): void {}

  dataEnd(): void {}

  #fields(block: Buffer, flags: number): void {
    this.#block.push(Buffer.from(block))
    if ((flags & Flag.END_HEADERS) === 0) return
    const { fields } = this.#decoder.decode(Buffer.concat(this.#block))
    this.#block = []
    for (let at = 0; at < fields.length; at += 2) this.#print(lineForTerminal(`${fields[at]}: ${fields[at + 1]}`), 'detail')
  }
}

/** Removes padding and the priority of a HEADERS frame (RFC 9113 §6.2). */
function withoutPadding(payload: Buffer, flags: number): Buffer {
  const padding = (flags & Flag.PADDED) === 0 ? 0 : payload[0]!
  const start = ((flags & Flag.PADDED) === 0 ? 0 : 1) + ((flags & Flag.PRIORITY) === 0 ? 0 : 5)
  return payload.subarray(start, payload.length - padding)
}

function detailsOf(type: number, payload: Buffer): string[] {
  const uint32 = (at: number): number => (at + 4 <= payload.length ? payload.readUInt32BE(at) : 0)
  switch (type) {
    case FrameType.SETTINGS:
      return Array.from({ length: Math.floor(payload.length / 6) }, (_, index) => settingOf(payload, index * 6))
    case FrameType.WINDOW_UPDATE:
      return [`(window_size_increment=${uint32(0) & 0x7fff_ffff})`]
    case FrameType.RST_STREAM:
      return [`(error_code=${errorCodeName(uint32(0))})`]
    case FrameType.PING:
      return [`(opaque_data=${payload.toString('hex')})`]
    case FrameType.GOAWAY: {
      const debug = lineForTerminal(payload.subarray(8).toString('latin1'))
      return [
        `(last_stream_id=${uint32(0) & 0x7fff_ffff}, error_code=${errorCodeName(uint32(4))}, debug_data=${JSON.stringify(debug)})`,
      ]
    }
    case FrameType.ORIGIN:
      return originsOf(payload)
    default:
      return []
  }
}

function settingOf(payload: Buffer, at: number): string {
  const id = payload.readUInt16BE(at)
  return `[${SETTING_NAMES.get(id) ?? 'UNKNOWN'}(0x${id.toString(16).padStart(2, '0')}):${payload.readUInt32BE(at + 2)}]`
}

/** The origins of an ORIGIN frame (RFC 8336 §2.1). */
function originsOf(payload: Buffer): string[] {
  const origins: string[] = []
  for (let at = 0; at + 2 <= payload.length; ) {
    const length = payload.readUInt16BE(at)
    origins.push(`[${lineForTerminal(payload.toString('latin1', at + 2, at + 2 + length))}]`)
    at += 2 + length
  }
  return origins
}
