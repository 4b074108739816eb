/**
 * Fixture of this folder: an engine without socket or clock, its events and its sent frames as
 * readable lines, and a server that sends any frames.
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

/** A stream whose events a {@link Recorder} records. */
export type TestStream = Stream<RecordedOwner>

/** Local settings with the defaults of RFC 9113: windows of 65,535 bytes. */
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

  /** Opens a stream whose events are recorded. */
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

/** Turns events into lines. Consecutive parts of DATA of one stream are one line. */
export class Recorder implements ProtocolListener {
  lines: string[] = []
  readonly ends: StreamEnd[] = []
  /** Called inside every event, after it is recorded: the action of a listener. */
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

/**
 * Turns the bytes of the client into lines: the preface, then frames, with field blocks decoded in
 * order.
 */
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
  /** First SETTINGS of the server, or false if the test sends them. */
  readonly settings?: SettingsRecord | false
}

/** An engine and its server. */
export class Peer {
  readonly recorder = new Recorder()
  readonly budget: WindowBudget
  readonly local: LocalSettings
  readonly client: Protocol<RecordedOwner>
  readonly reader = new ClientReader()
  /** All streams opened by the test. */
  readonly opened: TestStream[] = []
  fault: ProtocolFault | undefined

  /** Completes the handshake and discards its events and frames. */
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

  /**
   * Receives frames of the server in one piece; returns the name of the connection error, if any.
   */
  receive(...frames: readonly Uint8Array[]): string | undefined {
    const fault = this.client.receive(Buffer.concat(frames))
    if (fault === undefined) return undefined
    this.fault = fault
    return errorCodeName(fault.errorCode)
  }

  /** Returns the events since the last call. */
  events(): string[] {
    const { lines } = this.recorder
    this.recorder.lines = []
    return lines
  }

  /** Returns the frames that the engine has written since the last call. */
  sent(): string[] {
    return this.reader.read(Buffer.concat(this.client.takeOutput()))
  }

  open(head: Partial<RequestHead> = {}, endStream = true): TestStream {
    const stream = RecordedOwner.open(this.recorder, this.client, request(head), endStream)
    this.opened.push(stream)
    return stream
  }

  /** Opens a stream with a request without content. */
  get(path = '/'): TestStream {
    return this.open({ path })
  }

  /** Opens a stream with a request whose content follows. */
  post(path = '/'): TestStream {
    return this.open({ method: 'POST', path }, false)
  }

  /**
   * Completes a GET, after which the dynamic table has the entry that {@link proveAlive} refers to.
   */
  exchange(): TestStream {
    const stream = this.get('/before')
    this.receive(headers(stream.id, inserting, { endStream: true }))
    this.events()
    this.sent()
    return stream
  }

  /**
   * Expects that the connection is usable and HPACK in step: another stream completes, with an
   * indexed field. The newest entry of the table must be that of {@link inserting}, so the block
   * under test contains it.
   */
  proveAlive(): void {
    this.events()
    this.sent()
    const { id } = this.get('/alive')
    expect(this.receive(headers(id, indexed, { endStream: true }))).toBeUndefined()
    expect(this.events()).toEqual([`response ${id} 200 in=step`, `end ${id}`, `closed ${id}`])
  }
}

/** A block of `:status: 200` by index, and `in: step` inserted into the dynamic table. */
export const inserting: Buffer = Buffer.from('8840 02 696e 04 73746570'.replaceAll(' ', ''), 'hex')
/** A block of `:status: 200` and the newest entry of the dynamic table. */
export const indexed: Buffer = Buffer.from('88be', 'hex')

export function request(head: Partial<RequestHead> = {}): RequestHead {
  return { method: 'GET', scheme: 'https', authority: 'a.test', path: '/', fields: [], sensitive: undefined, ...head }
}

/** Bytes for a test in which their values do not matter. */
export function bytesOf(length: number): Buffer {
  return Buffer.alloc(length, 0x2e)
}

/** HEADERS of a final response. */
export function response(streamId: number, fields: readonly Field[] = [], options: HeadersOptions = {}): Buffer {
  return headers(streamId, [[':status', '200'], ...fields], options)
}
