/**
 * A server that rejects everything RFC 9113 does not allow: it reads the engine's output and does
 * its own bookkeeping.
 */

import { HpackDecoder } from '../../../core/src/h2/hpack/decoder.js'
import { FrameType } from '../../../testkit/src/frame-names.js'
import { type Frame, FrameParser, hasFlag } from '../../../testkit/src/frame-parser.js'
import { OtherDecoder } from '../other-decoder.js'
import { must } from '../target.js'
import { contentAt, type Request } from './request.js'
import { BindingSettings, type Spoken } from './spoken.js'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
/** Larger than the field sections of the tests. */
const MAX_SECTION = 200_000
/** Our encoder never uses more; hpack.js reads no 32-bit integers. */
const MAX_TABLE = 65_536

/** State of one stream. */
interface Sent {
  content: number
  ended: boolean
  reset: boolean
}

export class StrictServer {
  readonly #frames = new FrameParser()
  readonly #serverSent: Spoken
  readonly #requests: readonly Request[]
  readonly #decoder = new HpackDecoder({ maxTableBytes: 4_096, maxFieldSectionBytes: MAX_SECTION })
  readonly #otherDecoder = new OtherDecoder()
  readonly #binding = new BindingSettings()
  readonly #streams = new Map<number, Sent>()
  readonly #granted = new Map<number, number>()
  #prefaceLeft = PREFACE.length
  #settingsSeen = false
  #block: Buffer[] = []
  #blockStream = 0
  #blockEnds = false
  #connectionContent = 0
  /** Number of GOAWAY frames. */
  goaways = 0
  /** Bytes of frames that are neither content nor field blocks. */
  controlBytes = 0
  /** Bytes of DATA read so far. */
  dataBytes = 0

  constructor(serverSent: Spoken, requests: readonly Request[]) {
    this.#serverSent = serverSent
    this.#requests = requests
  }

  /** Bytes of an incomplete frame. */
  get pendingBytes(): number {
    return this.#frames.pendingBytes
  }

  /** Bytes granted to the server by WINDOW_UPDATE; 0 is the connection. */
  granted(streamId: number): number {
    return this.#granted.get(streamId) ?? 0
  }

  contentOf(streamId: number): number {
    return this.#streams.get(streamId)?.content ?? 0
  }

  hasEnded(streamId: number): boolean {
    return this.#streams.get(streamId)?.ended ?? false
  }

  get initialWindow(): number {
    return this.#binding.initialWindow
  }

  get connectionContent(): number {
    return this.#connectionContent
  }

  read(chunks: readonly Uint8Array[]): void {
    for (let chunk of chunks) {
      if (this.#prefaceLeft > 0) chunk = this.#readPreface(chunk)
      for (const frame of this.#frames.push(chunk)) this.#frame(frame)
    }
  }

  #readPreface(chunk: Uint8Array): Uint8Array {
    const part = chunk.subarray(0, this.#prefaceLeft)
    const at = PREFACE.length - this.#prefaceLeft
    must(Buffer.from(part).toString('latin1') === PREFACE.slice(at, at + part.length), 'the preface is wrong')
    this.#prefaceLeft -= part.length
    return chunk.subarray(part.length)
  }

  #frame(frame: Frame): void {
    const { type, typeName, payload, streamId } = frame
    must(payload.length <= this.#binding.maxFrame, `${typeName} over SETTINGS_MAX_FRAME_SIZE`)
    must(
      (this.#blockStream !== 0) === (type === FrameType.CONTINUATION),
      `${typeName} inside or CONTINUATION outside a field block`,
    )
    must(this.#settingsSeen || type === FrameType.SETTINGS, 'the first frame is not SETTINGS')
    if (type !== FrameType.DATA && type !== FrameType.HEADERS && type !== FrameType.CONTINUATION) {
      this.controlBytes += 9 + payload.length
    }
    switch (type) {
      case FrameType.DATA:
        return this.#data(frame, this.#sending(typeName, streamId))
      case FrameType.HEADERS:
        return this.#headers(frame)
      case FrameType.CONTINUATION:
        must(streamId === this.#blockStream, 'CONTINUATION of another stream')
        return this.#blockPart(frame)
      case FrameType.RST_STREAM:
        must(payload.length === 4, 'RST_STREAM of a wrong size')
        this.#known(typeName, streamId).reset = true
        return
      case FrameType.WINDOW_UPDATE:
        return this.#windowUpdate(frame)
      default:
        must(streamId === 0, `${typeName} on a stream`)
        return this.#ofConnection(frame)
    }
  }

  #ofConnection(frame: Frame): void {
    const { type, payload } = frame
    const acknowledged = hasFlag(frame, 'ACK')
    switch (type) {
      case FrameType.SETTINGS:
        if (!acknowledged) {
          must(!this.#settingsSeen && payload.length % 6 === 0, 'SETTINGS twice or of a wrong size')
          this.#settingsSeen = true
          return
        }
        return this.#acknowledged(payload)
      case FrameType.PING: {
        must(payload.length === 8, 'PING of a wrong size')
        if (!acknowledged) return
        must(this.#serverSent.pings.shift()?.equals(payload) === true, 'PING acknowledged that was not sent, or out of order')
        return
      }
      case FrameType.GOAWAY:
        must(payload.length >= 8 && payload.readUInt32BE(0) === 0, 'GOAWAY of a wrong size or with a stream of the server')
        must(++this.goaways <= 2, 'more than two GOAWAY')
        return
      default:
        must(false, `a client wrote ${frame.typeName}`)
    }
  }

  /** RFC 9113 §6.5.3: these settings bind the client from here on. */
  #acknowledged(payload: Buffer): void {
    must(payload.length === 0, 'SETTINGS acknowledged with a payload')
    const settings = this.#serverSent.settings.shift()
    must(settings !== undefined, 'SETTINGS acknowledged that were not sent')
    this.#binding.apply(settings)
    const { tableBytes, minTableBytes } = this.#binding
    this.#decoder.setMaxTableBytes(Math.min(minTableBytes, MAX_TABLE))
    this.#decoder.setMaxTableBytes(Math.min(tableBytes, MAX_TABLE))
    // Within one interval the smaller size is signaled first, and hpack.js has only one limit.
    this.#otherDecoder.maxTableSize = Math.min(tableBytes, MAX_TABLE)
  }

  #known(typeName: string, streamId: number): Sent {
    const sent = this.#streams.get(streamId)
    must(sent !== undefined, `${typeName} on a stream that is not open`)
    must(!sent.reset, `${typeName} after RST_STREAM`)
    return sent
  }

  #sending(typeName: string, streamId: number): Sent {
    const sent = this.#known(typeName, streamId)
    must(!sent.ended, `${typeName} after END_STREAM`)
    return sent
  }

  #request(streamId: number): Request {
    return this.#requests[(streamId - 1) / 2]!
  }

  #data(frame: Frame, sent: Sent): void {
    const { payload, streamId } = frame
    must(!hasFlag(frame, 'PADDED'), 'DATA with padding')
    must(payload.equals(contentAt(sent.content, payload.length)), 'content lost, duplicated or out of order')
    sent.content += payload.length
    this.#connectionContent += payload.length
    this.dataBytes += payload.length
    if (payload.length > 0) {
      must(sent.content <= this.#binding.initialWindow + this.#serverSent.streamCredit(streamId), 'DATA above the stream window')
      must(this.#connectionContent <= this.#serverSent.connectionCredit, 'DATA above the connection window')
    }
    if (hasFlag(frame, 'END_STREAM')) this.#end(streamId, sent, undefined)
  }

  #end(streamId: number, sent: Sent, trailers: readonly string[] | undefined): void {
    const request = this.#request(streamId)
    must(sent.content === request.handedOver, 'END_STREAM before all content')
    must(request.sendingEnded, 'END_STREAM that was not requested')
    must(request.trailers?.join('\n') === trailers?.join('\n'), 'trailers are not those handed over')
    sent.ended = true
  }

  #headers(frame: Frame): void {
    const { streamId } = frame
    must(!hasFlag(frame, 'PADDED') && !hasFlag(frame, 'PRIORITY'), 'HEADERS with padding or priority')
    if (this.#streams.has(streamId)) this.#sending('HEADERS', streamId)
    else {
      must(streamId === this.#streams.size * 2 + 1, 'stream identifiers are not odd and rising')
      const request = this.#request(streamId)
      must(request.openBefore < this.#binding.maxStreams, 'a stream over SETTINGS_MAX_CONCURRENT_STREAMS')
    }
    this.#blockStream = streamId
    this.#blockEnds = hasFlag(frame, 'END_STREAM')
    this.#blockPart(frame)
  }

  #blockPart(frame: Frame): void {
    this.#block.push(frame.payload)
    if (!hasFlag(frame, 'END_HEADERS')) return
    const streamId = this.#blockStream
    const fields = this.#decode(this.#block.length === 1 ? this.#block[0]! : Buffer.concat(this.#block))
    this.#block = []
    this.#blockStream = 0
    const known = this.#streams.get(streamId)
    if (known !== undefined) {
      must(this.#blockEnds, 'trailers without END_STREAM')
      return this.#end(streamId, known, fields)
    }
    const sent = { content: 0, ended: false, reset: false }
    this.#streams.set(streamId, sent)
    const { head } = this.#request(streamId)
    const target = head.method === 'CONNECT' ? [] : [':path', head.path]
    const scheme = head.method === 'CONNECT' ? [] : [':scheme', head.scheme]
    const expected = [':method', head.method, ...scheme, ':authority', head.authority, ...target, ...head.fields]
    must(fields.join('\n') === expected.join('\n'), 'a decoded request differs from the one that was opened')
    if (this.#blockEnds) this.#end(streamId, sent, undefined)
  }

  #decode(block: Buffer): readonly string[] {
    let fields: readonly string[]
    let others: readonly string[]
    try {
      fields = this.#decoder.decode(block).fields
      others = this.#otherDecoder.decode(block)
    } catch (error) {
      must(false, `a field block cannot be decoded: ${String(error)}`)
    }
    this.#binding.minTableBytes = this.#binding.tableBytes
    must(fields.join('\n') === others.join('\n'), 'two decoders read a field block differently')
    return fields
  }

  #windowUpdate({ payload, streamId }: Frame): void {
    must(payload.length === 4, 'WINDOW_UPDATE of a wrong size')
    const increment = payload.readUInt32BE(0)
    must(increment > 0 && increment <= 0x7fff_ffff, 'WINDOW_UPDATE with an invalid increment')
    if (streamId !== 0) this.#known('WINDOW_UPDATE', streamId)
    this.#granted.set(streamId, this.granted(streamId) + increment)
  }
}
