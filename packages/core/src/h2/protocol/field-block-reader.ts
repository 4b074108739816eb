/**
 * Received field blocks: HEADERS and CONTINUATION frames (RFC 9113 §6.2, §6.10). Decodes every
 * block in order, even for closed streams, because HPACK state belongs to the connection. Passes
 * the result on as an interim response, a final response or trailers (§8.1).
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

/** Size of the `:status` field, in bytes (RFC 9113 §6.5.2). */
const STATUS_BYTES = 42

/** Actions on a stream that follow from its fields. */
export interface StreamEvents<Owner extends StreamOwner> {
  lateSection(streamId: number, endStream: boolean): void
  endResponse(stream: Stream<Owner>, trailers: readonly string[] | undefined): void
  failStream(stream: Stream<Owner>, errorCode: number, reason: string): void
  refuse(stream: Stream<Owner>, errorCode: number, reason: string): void
}

/** Assembles and interprets the field blocks of one connection. */
export class FieldBlockReader<Owner extends StreamOwner> {
  readonly #state: ConnectionState<Owner>
  readonly #streams: StreamEvents<Owner>
  /** The stream with an incomplete block, or 0. */
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

  /**
   * Checks that only CONTINUATION of the same stream follows an incomplete block, and only there
   * (RFC 9113 §6.10).
   */
  expect(type: number, streamId: number): void {
    const wanted = this.#openStreamId !== 0
    if (wanted === (type === FrameType.CONTINUATION) && (!wanted || streamId === this.#openStreamId)) return
    const where = wanted ? `inside the field block of stream ${this.#openStreamId}` : 'outside a field block'
    throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `${frameTypeName(type)} on stream ${streamId} ${where}`)
  }

  /** Reads a HEADERS frame; skips padding and the deprecated priority (RFC 9113 §6.2). */
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

  /** Keeps a part of a block, up to the limits on frames and bytes (CVE-2024-27316). */
  #keep(bytes: Buffer, start: number, end: number): void {
    this.#bytes += end - start
    this.#parts.push(Buffer.from(bytes.subarray(start, end)))
    if (this.#parts.length <= this.#maxParts && this.#bytes <= this.#maxBytes) return
    const reason = `field block without END_HEADERS after ${this.#bytes} bytes in ${this.#parts.length} frames`
    // This request fails with the reason; the other requests fail with the connection.
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
    if (section.tooLarge) return this.#tooMuch(stream, `field section of ${section.bytes} bytes is over the limit`)
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

  /**
   * Counts a section against the connection's limit. A repeated section is the same object and
   * costs nothing.
   */
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
    // RFC 9110 §9.3.6: content-length MUST be ignored in a 2xx response to CONNECT.
    if (!stream.tunnel) {
      stream.expectedBytes = section.contentLength
      // RFC 9110 §6.4.1: 204 and 304 have no content. HEAD is set when the stream opens.
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

  /**
   * Whether the interim responses exceed the limit, which grows with time. Callers that want them
   * have no limit.
   */
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

  /** Applies trailers, which carry END_STREAM and no pseudo-field (RFC 9113 §8.1). */
  #trailers(stream: Stream<Owner>, section: FieldSection, endStream: boolean): void {
    // RFC 9113 §8.5: in a tunnel, only DATA and stream management frames are allowed.
    if (stream.tunnel) return this.#malformed(stream, 'HEADERS in a tunnel')
    if (section.status !== 0) return this.#malformed(stream, 'a second final response, or pseudo-fields in trailers')
    if (!endStream) return this.#malformed(stream, 'trailers without END_STREAM')
    this.#streams.endResponse(stream, section.fields)
  }

  /** Rejects an oversized response (RFC 9113 §10.5); the connection and its other streams go on. */
  #tooMuch(stream: Stream<Owner>, reason: string): void {
    this.#streams.failStream(stream, ErrorCode.ENHANCE_YOUR_CALM, reason)
  }

  /** Fails a malformed response with a stream error PROTOCOL_ERROR (RFC 9113 §8.1.1). */
  #malformed(stream: Stream<Owner>, reason: string): void {
    this.#streams.failStream(stream, ErrorCode.PROTOCOL_ERROR, reason)
  }
}
