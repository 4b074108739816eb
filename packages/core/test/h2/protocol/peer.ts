/**
 * The test language of this folder: one engine, what it tells its listener as readable lines, what it sends as readable lines, and
 * a server that says anything. Bytes only: no socket, no clock.
 */

import { type Frame, FrameParser, goawayOf, hasFlag, numberOf, settingsOf } from '../../../../testkit/src/frame-parser.js'
import {
  type Field,
  type HeadersOptions,
  headers,
  type SettingsRecord,
  settings,
  settingsAck,
} from '../../../../testkit/src/frames.js'
import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import type { ProtocolListener } from '../../../src/h2/protocol/connection-state.js'
import { errorCodeName, type ProtocolFault } from '../../../src/h2/protocol/error-code.js'
import type { FieldSection, RequestHead } from '../../../src/h2/protocol/field-section.js'
import { Protocol } from '../../../src/h2/protocol/protocol.js'
import type { LocalSettings } from '../../../src/h2/protocol/settings.js'
import type { Stream, StreamEnd, StreamOwner } from '../../../src/h2/protocol/stream.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'

export * from '../../../../testkit/src/frames.js'
export { ErrorCode } from '../../../src/h2/protocol/error-code.js'

/** A stream whose events a {@link Recorder} writes down. */
export type TestStream = Stream<RecordedOwner>

/** Frames of RFC 9113's defaults: 65,535 bytes everywhere. */
export const LOCAL: LocalSettings = {
  initialWindowBytes: 65_535,
  connectionWindowBytes: 65_535,
  headerTableBytes: 4_096,
  maxFieldSectionBytes: 65_536,
}

const list = (fields: readonly string[]): string => {
  let text = ''
  for (let i = 0; i < fields.length; i += 2) text += ` ${fields[i]}=${fields[i + 1]}`
  return text
}

/** Passes the events of one stream to the recorder. */
export class RecordedOwner implements StreamOwner {
  readonly #recorder: Recorder
  #stream!: TestStream

  /** Opens a stream that is recorded. */
  static open(recorder: Recorder, engine: Protocol<RecordedOwner>, head: RequestHead, endStream = true): TestStream {
    const owner = new RecordedOwner(recorder)
    owner.#stream = engine.openStream(owner, head, endStream)
    return owner.#stream
  }

  constructor(recorder: Recorder) {
    this.#recorder = recorder
  }

  onInformational(section: FieldSection): void {
    this.#recorder.onInformational(this.#stream, section)
  }
  onResponse(section: FieldSection): void {
    this.#recorder.onResponse(this.#stream, section)
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.#recorder.onData(this.#stream, bytes, start, end)
  }
  onEnd(trailers: readonly string[] | undefined): void {
    this.#recorder.onEnd(this.#stream, trailers)
  }
  onStreamError(end: StreamEnd): void {
    this.#recorder.onStreamError(this.#stream, end)
  }
  onSendable(stopped: boolean): void {
    this.#recorder.onSendable(this.#stream, stopped)
  }
  onClosed(): void {
    this.#recorder.onClosed(this.#stream)
  }
}

/** Turns events into lines. DATA of one stream that arrives in parts is one line, however the parts were cut. */
export class Recorder implements ProtocolListener {
  lines: string[] = []
  readonly ends: StreamEnd[] = []
  /** Called inside every event, after it has been written down: for what a listener may do there. */
  during: ((line: string, stream: TestStream | undefined) => void) | undefined
  #dataOf: number | undefined

  onCapacity(): void {
    this.#add('settings')
  }
  onInformational(stream: TestStream, section: FieldSection): void {
    this.#add(`informational ${stream.id} ${section.status}${list(section.fields)}`, stream)
  }
  onResponse(stream: TestStream, section: FieldSection): void {
    this.#add(`response ${stream.id} ${section.status}${list(section.fields)}`, stream)
  }
  onData(stream: TestStream, bytes: Buffer, start: number, end: number): void {
    const text = bytes.toString('latin1', start, end)
    if (this.#dataOf === stream.id) {
      this.lines.push(this.lines.pop()! + text)
      this.during?.(`data ${stream.id} ${text}`, stream)
      return
    }
    this.#add(`data ${stream.id} ${text}`, stream, stream.id)
  }
  onEnd(stream: TestStream, trailers: readonly string[] | undefined): void {
    this.#add(`end ${stream.id}${trailers === undefined ? '' : ` trailers${list(trailers)}`}`, stream)
  }
  onStreamError(stream: TestStream, end: StreamEnd): void {
    this.ends.push(end)
    const unprocessed = end.unprocessed ? ' unprocessed' : ''
    this.#add(`error ${stream.id} ${errorCodeName(end.errorCode)} ${end.initiator}${unprocessed}`, stream)
  }
  onSendable(stream: TestStream, stopped: boolean): void {
    this.#add(`${stopped ? 'stopped' : 'sendable'} ${stream.id}`, stream)
  }
  onClosed(stream: TestStream): void {
    this.#add(`closed ${stream.id}`, stream)
  }
  onStreamClosed(): void {}
  onGoaway(lastStreamId: number, errorCode: number, debug: string): void {
    this.#add(`goaway ${lastStreamId} ${errorCodeName(errorCode)}${debug === '' ? '' : ` ${debug}`}`)
  }
  onPong(opaque: Buffer): void {
    this.#add(`pong ${opaque.toString('hex')}`)
  }
  onOrigin(origins: readonly string[]): void {
    this.#add(['origin', ...origins].join(' '))
  }
  onAltSvc(streamId: number, origin: string, value: string): void {
    this.#add(`altsvc ${streamId} ${origin}|${value}`)
  }

  #add(line: string, stream?: TestStream, dataOf?: number): void {
    this.lines.push(line)
    this.#dataOf = dataOf
    this.during?.(line, stream)
  }
}

/** Reads the bytes a client sends: its preface, then frames as lines, field blocks decoded in order. */
export class ClientReader {
  readonly #frames = new FrameParser()
  readonly #decoder: HpackDecoder
  #block: Buffer[] = []
  #head = ''

  constructor(maxTableBytes = 65_536) {
    this.#decoder = new HpackDecoder({ maxTableBytes, maxFieldSectionBytes: 1_000_000 })
  }

  read(bytes: Uint8Array): string[] {
    return this.#frames.push(bytes).flatMap((frame) => this.#line(frame))
  }

  get pendingBytes(): number {
    return this.#frames.pendingBytes
  }

  #line(frame: Frame): string[] {
    const { typeName, streamId, payload } = frame
    const end = hasFlag(frame, 'END_STREAM') ? ' END_STREAM' : ''
    switch (typeName) {
      case 'DATA':
        return [`DATA ${streamId} ${payload.length}${end}`]
      case 'HEADERS':
        this.#head = `HEADERS ${streamId}${end}`
        return this.#blockPart(frame, [])
      case 'CONTINUATION':
        return this.#blockPart(frame, [`CONTINUATION ${streamId} ${payload.length}`])
      case 'RST_STREAM':
        return [`RST_STREAM ${streamId} ${errorCodeName(numberOf(frame))}`]
      case 'WINDOW_UPDATE':
        return [`WINDOW_UPDATE ${streamId} ${numberOf(frame)}`]
      case 'SETTINGS':
        return [hasFlag(frame, 'ACK') ? 'SETTINGS ACK' : `SETTINGS ${JSON.stringify(settingsOf(frame))}`]
      case 'PING':
        return [`PING${hasFlag(frame, 'ACK') ? ' ACK' : ''} ${payload.toString('hex')}`]
      case 'GOAWAY': {
        const { lastStreamId, errorCode, debug } = goawayOf(frame)
        return [`GOAWAY ${lastStreamId} ${errorCodeName(errorCode)}${debug === '' ? '' : ` ${debug}`}`]
      }
      default:
        return [`${typeName} ${streamId} ${payload.length}`]
    }
  }

  #blockPart(frame: Frame, lines: string[]): string[] {
    this.#block.push(frame.payload)
    if (!hasFlag(frame, 'END_HEADERS')) return lines
    const { fields } = this.#decoder.decode(Buffer.concat(this.#block))
    this.#block = []
    return [...lines, this.#head + list(fields)]
  }
}

export interface PeerOptions {
  readonly local?: Partial<LocalSettings>
  readonly budgetBytes?: number
  /** The server's first SETTINGS, or false to leave them to the test. */
  readonly settings?: SettingsRecord | false
}

/** An engine and the server it speaks to. */
export class Peer {
  readonly recorder = new Recorder()
  readonly budget: WindowBudget
  readonly local: LocalSettings
  readonly client: Protocol<RecordedOwner>
  readonly reader = new ClientReader()
  /** Every stream so far. */
  readonly opened: TestStream[] = []
  fault: ProtocolFault | undefined

  /** The handshake is done, and what it said is forgotten. */
  constructor(options: PeerOptions = {}) {
    this.local = { ...LOCAL, ...options.local }
    this.budget = new WindowBudget(options.budgetBytes ?? 0)
    this.client = new Protocol(this.recorder, this.local, this.budget)
    this.client.start()
    if (options.settings === false) return
    this.client.takeOutput()
    this.receive(settings(options.settings ?? {}), settingsAck())
    this.sent()
    this.recorder.lines = []
  }

  /** The server says this, in one piece. Gives the name of the connection error, if it is one. */
  receive(...frames: readonly Uint8Array[]): string | undefined {
    const fault = this.client.receive(Buffer.concat(frames))
    if (fault === undefined) return undefined
    this.fault = fault
    return errorCodeName(fault.errorCode)
  }

  /** What the engine has told since the last time. */
  events(): string[] {
    const { lines } = this.recorder
    this.recorder.lines = []
    return lines
  }

  /** What the engine has written since the last time. */
  sent(): string[] {
    return this.reader.read(Buffer.concat(this.client.takeOutput()))
  }

  open(head: Partial<RequestHead> = {}, endStream = true): TestStream {
    const stream = RecordedOwner.open(this.recorder, this.client, request(head), endStream)
    this.opened.push(stream)
    return stream
  }

  /** A request without content. */
  get(path = '/'): TestStream {
    return this.open({ path })
  }

  /** A request whose content is still to come. */
  post(path = '/'): TestStream {
    return this.open({ method: 'POST', path }, false)
  }

  /** A GET that is answered: the stream is over, and the dynamic table holds the entry that {@link proveAlive} names. */
  exchange(): TestStream {
    const stream = this.get('/before')
    this.receive(headers(stream.id, inserting, { endStream: true }))
    this.events()
    this.sent()
    return stream
  }

  /**
   * Proves that the connection is alive and HPACK in step: a stream of its own comes through, with a field by index. The newest
   * entry of the table must be that of {@link inserting}, so a block under suspicion carries it.
   */
  proveAlive(): void {
    this.events()
    this.sent()
    const { id } = this.get('/alive')
    expect(this.receive(headers(id, indexed, { endStream: true }))).toBeUndefined()
    expect(this.events()).toEqual([`response ${id} 200 in=step`, `end ${id}`, `closed ${id}`])
  }
}

/** A block: `:status: 200` by index and `in: step` put into the dynamic table. */
export const inserting: Buffer = Buffer.from('8840 02 696e 04 73746570'.replaceAll(' ', ''), 'hex')
/** A block: `:status: 200`, then the newest entry of the dynamic table. */
export const indexed: Buffer = Buffer.from('88be', 'hex')

export function request(head: Partial<RequestHead> = {}): RequestHead {
  return { method: 'GET', scheme: 'https', authority: 'a.test', path: '/', fields: [], sensitive: undefined, ...head }
}

/** What a test sends when the bytes do not matter. */
export function bytesOf(length: number): Buffer {
  return Buffer.alloc(length, 0x2e)
}

/** A final response. */
export function response(streamId: number, fields: readonly Field[] = [], options: HeadersOptions = {}): Buffer {
  return headers(streamId, [[':status', '200'], ...fields], options)
}
