/**
 * Received field blocks: HEADERS with its CONTINUATION frames (RFC 9113 §6.2, §6.10), decoded in the order they came, even where
 * nobody wants them any more: the compression state is the connection's. Then: interim response, final response or trailers (§8.1).
 */

import type { DecodedSection } from '../hpack/decoder.js'
import { HpackError } from '../hpack/hpack-error.js'
import { MAX_OPEN_SECTIONS_BYTES, maxContinuationFrames, maxFieldBlockBytes } from './abuse-limits.js'
import type { ConnectionState } from './connection-state.js'
import { ErrorCode, ProtocolFault } from './error-code.js'
import { type FieldSection, fieldSectionBytes, parseFieldSection } from './field-section.js'
import { Flag, FrameType, frameTypeName } from './frame.js'
import { ResponsePhase, type Stream, type StreamOwner } from './stream.js'
import { StreamInput, StreamState } from './stream-state.js'

/** `:status` with its value, as RFC 9113 §6.5.2 counts it. */
const STATUS_BYTES = 42

/** What is done with a stream once its fields are known. */
export interface StreamEvents<Owner extends StreamOwner> {
  lateSection(streamId: number, endStream: boolean): void
  endResponse(stream: Stream<Owner>, trailers: readonly string[] | undefined): void
  failStream(stream: Stream<Owner>, errorCode: number, reason: string): void
  refuse(stream: Stream<Owner>, errorCode: number, reason: string): void
}

/** Assembles and interprets the field blocks of one connection. */
export class FieldBlocks<Owner extends StreamOwner> {
  readonly #state: ConnectionState<Owner>
  readonly #streams: StreamEvents<Owner>
  /** The stream whose block is not complete, 0 when none is. */
  #openStreamId = 0
  #openFlags = 0
  #parts: Buffer[] = []
  #bytes = 0
  readonly #maxBytes: number
  readonly #maxParts: number

  constructor(state: ConnectionState<Owner>, streams: StreamEvents<Owner>) {
    this.#state = state
    this.#streams = streams
    this.#maxBytes = maxFieldBlockBytes(state.local.maxFieldSectionBytes)
    this.#maxParts = 1 + maxContinuationFrames(this.#maxBytes)
  }

  /** RFC 9113 §6.10: between HEADERS and END_HEADERS nothing but CONTINUATION of that stream may come, and nowhere else. */
  expect(type: number, streamId: number): void {
    const wanted = this.#openStreamId !== 0
    if (wanted === (type === FrameType.CONTINUATION) && (!wanted || streamId === this.#openStreamId)) return
    const where = wanted ? `inside the field block of stream ${this.#openStreamId}` : 'outside a field block'
    throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `${frameTypeName(type)} on stream ${streamId} ${where}`)
  }

  /** A HEADERS frame: padding and the deprecated priority are skipped (RFC 9113 §6.2). */
  headers(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    if ((flags & Flag.PADDED) !== 0) end -= bytes[start++]!
    if ((flags & Flag.PRIORITY) !== 0) start += 5
    if (end < start) throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, 'HEADERS padding exceeds its payload')
    if ((flags & Flag.END_HEADERS) !== 0) return this.#complete(flags, streamId, bytes, start, end)
    this.#openStreamId = streamId
    this.#openFlags = flags
    this.#keep(bytes, start, end)
  }

  continuation(flags: number, bytes: Buffer, start: number, end: number): void {
    this.#keep(bytes, start, end)
    if ((flags & Flag.END_HEADERS) === 0) return
    const block = Buffer.concat(this.#parts)
    const streamId = this.#openStreamId
    this.#openStreamId = 0
    this.#parts = []
    this.#bytes = 0
    this.#complete(this.#openFlags, streamId, block, 0, block.length)
  }

  /** Bounded in frames and in bytes (CVE-2024-27316): a block without end is no block. */
  #keep(bytes: Buffer, start: number, end: number): void {
    this.#bytes += end - start
    this.#parts.push(Buffer.from(bytes.subarray(start, end)))
    if (this.#parts.length <= this.#maxParts && this.#bytes <= this.#maxBytes) return
    const reason = `field block of ${this.#bytes} bytes in ${this.#parts.length} frames, not ended`
    // The request that it answers hears what was wrong with its response; the others, that the connection is gone.
    const stream = this.#state.streams.get(this.#openStreamId)
    if (stream !== undefined) this.#tooMuch(stream, reason)
    throw new ProtocolFault(ErrorCode.ENHANCE_YOUR_CALM, reason)
  }

  #complete(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    const stream = this.#state.streams.get(streamId)
    const endStream = (flags & Flag.END_STREAM) !== 0
    if (stream === undefined) this.#streams.lateSection(streamId, endStream)
    const section = this.#decode(bytes, start, end)
    this.#state.probe.renew()
    if (stream === undefined) return
    if (!stream.allows(StreamInput.RECEIVE_HEADERS)) {
      return this.#streams.failStream(stream, ErrorCode.STREAM_CLOSED, 'HEADERS after the end of the response')
    }
    if (section.tooLarge) return this.#tooMuch(stream, `field section over the limit (${section.bytes} bytes)`)
    if (!this.#charge(stream, section)) {
      const reason = `field sections of all open streams over ${MAX_OPEN_SECTIONS_BYTES} bytes`
      return this.#streams.refuse(stream, ErrorCode.ENHANCE_YOUR_CALM, reason)
    }
    this.#interpret(stream, parseFieldSection(section), endStream)
  }

  #decode(bytes: Buffer, start: number, end: number): DecodedSection {
    try {
      return this.#state.decoder.decode(bytes, start, end)
    } catch (error) {
      // RFC 9113 §4.3: "A decoding error in a field block MUST be treated as a connection error of type COMPRESSION_ERROR".
      if (error instanceof HpackError) throw new ProtocolFault(ErrorCode.COMPRESSION_ERROR, error.reason)
      throw error
    }
  }

  /** Counts a section against its connection. One that repeats another is the same object, and costs nothing more. */
  #charge(stream: Stream<Owner>, section: DecodedSection): boolean {
    if (section.parsed !== undefined) return true
    stream.sectionBytes += section.bytes
    this.#state.openSectionsBytes += section.bytes
    return this.#state.openSectionsBytes <= MAX_OPEN_SECTIONS_BYTES
  }

  #interpret(stream: Stream<Owner>, received: FieldSection, endStream: boolean): void {
    const section = stream.trimsFieldValues ? (received.trimmed ?? received) : received
    if (section.malformed !== undefined) return this.#malformed(stream, section.malformed)
    if (stream.phase === ResponsePhase.CONTENT) return this.#trailers(stream, section, endStream)
    if (section.status === 0) return this.#malformed(stream, 'a response without :status')
    if (section.status < 200) return this.#informational(stream, section, endStream)
    this.#state.limits.productive()
    this.#state.limits.answered()
    this.#state.answeredStreamId = Math.max(this.#state.answeredStreamId, stream.id)
    stream.phase = ResponsePhase.CONTENT
    if (section.status > 299) stream.tunnel = false
    // RFC 9110 §9.3.6: in a successful answer to CONNECT, content-length MUST be ignored, and any 2xx is one.
    if (!stream.tunnel) {
      stream.expectedBytes = section.contentLength
      // RFC 9110 §6.4.1: no content in 204 and 304; HEAD was known when the stream was opened.
      if (section.status === 204 || section.status === 304) stream.noContent = true
    }
    stream.owner.onResponse(section)
    if (endStream && stream.state !== StreamState.CLOSED) this.#streams.endResponse(stream, undefined)
  }

  #informational(stream: Stream<Owner>, section: FieldSection, endStream: boolean): void {
    // RFC 9113 §8.1: an interim response with END_STREAM is malformed; §8.6: HTTP/2 has no 101.
    if (endStream) return this.#malformed(stream, `interim response ${section.status} with END_STREAM`)
    if (section.status === 101) return this.#malformed(stream, 'status 101')
    if (this.#isFlood(stream, section)) return this.#tooMuch(stream, `${stream.interimBytes} bytes of interim responses`)
    stream.owner.onInformational(section)
  }

  /** Bytes are counted, and time allows more. A caller who wants interim responses has no limit. */
  #isFlood(stream: Stream<Owner>, section: FieldSection): boolean {
    const { limits } = this.#state
    stream.informational++
    if (stream.wantsInformational) {
      limits.productive()
      return false
    }
    limits.unproductive('an interim response')
    if (stream.interimBytes === 0) stream.interimSince = limits.allowedInterimBytes
    stream.interimBytes += STATUS_BYTES + fieldSectionBytes(section.fields)
    return limits.isInterimFlood(stream.interimBytes, stream.interimSince)
  }

  /** RFC 9113 §8.1: trailers carry END_STREAM and no pseudo-field. */
  #trailers(stream: Stream<Owner>, section: FieldSection, endStream: boolean): void {
    // RFC 9113 §8.5: on a connected stream, frames other than DATA and those of stream management are a stream error.
    if (stream.tunnel) return this.#malformed(stream, 'HEADERS in a tunnel')
    if (section.status !== 0) return this.#malformed(stream, 'a second final response, or pseudo-fields in trailers')
    if (!endStream) return this.#malformed(stream, 'trailers without END_STREAM')
    this.#streams.endResponse(stream, section.fields)
  }

  /** RFC 9113 §10.5: a response that costs more than it may; the connection and its other streams go on. */
  #tooMuch(stream: Stream<Owner>, reason: string): void {
    this.#streams.failStream(stream, ErrorCode.ENHANCE_YOUR_CALM, reason)
  }

  /** RFC 9113 §8.1.1: a malformed response is a stream error of type PROTOCOL_ERROR. */
  #malformed(stream: Stream<Owner>, reason: string): void {
    this.#streams.failStream(stream, ErrorCode.PROTOCOL_ERROR, reason)
  }
}
