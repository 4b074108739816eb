/**
 * Applies received frames (RFC 9113 §5, §6): checks their order, and handles DATA, RST_STREAM and
 * WINDOW_UPDATE. Throws connection errors as ProtocolFault; a stream error ends only its stream.
 * Field blocks and connection-level frames have separate files.
 */

import { ConnectionFrames, isConnectionFrame } from './connection-frames.js'
import type { ConnectionState } from './connection-state.js'
import { ErrorCode, errorCodeName, ProtocolFault } from './error-code.js'
import { FieldBlockReader } from './field-block-reader.js'
import { Flag, FrameType, frameTypeName, MAX_31_BIT, writeWindowUpdate } from './frame.js'
import { checkFrameHeader, checkFrameSize } from './frame-checks.js'
import type { FrameSink } from './frame-reader.js'
import { type LateFrames, NOTHING_KNOWN } from './reset-streams.js'
import type { Sender } from './sender.js'
import { ResponsePhase, type Stream, type StreamOwner } from './stream.js'
import { StreamInput, StreamState } from './stream-state.js'

/** Applies received frames. */
export class Receiver<Owner extends StreamOwner> implements FrameSink {
  readonly #state: ConnectionState<Owner>
  readonly #sender: Sender<Owner>
  readonly #fieldBlocks: FieldBlockReader<Owner>
  readonly #connectionFrames: ConnectionFrames<Owner>
  #settingsSeen = false
  /**
   * The current DATA frame: its stream (unless discarded), its padding bytes so far, and its
   * length.
   */
  #dataStream: Stream<Owner> | undefined
  #dataOverhead = 0
  #dataLength = 0

  constructor(state: ConnectionState<Owner>, sender: Sender<Owner>) {
    this.#state = state
    this.#sender = sender
    this.#fieldBlocks = new FieldBlockReader(state, this)
    this.#connectionFrames = new ConnectionFrames(state, sender)
  }

  frameHeader(type: number, flags: number, streamId: number, length: number): boolean {
    // The listener may have abandoned the connection while handling an earlier frame.
    if (this.#state.abandoned) return false
    // Check SETTINGS before the size, because an HTTP/1.x response looks like a frame of 4 MiB.
    if (!this.#settingsSeen) this.#expectSettings(type, flags, length)
    checkFrameSize(type, length)
    this.#fieldBlocks.expect(type, streamId)
    checkFrameHeader(type, flags, streamId, length)
    switch (type) {
      case FrameType.DATA:
        return this.#beginData(flags, streamId, length)
      case FrameType.HEADERS:
      case FrameType.RST_STREAM:
      case FrameType.WINDOW_UPDATE:
        if (streamId !== 0) this.#refuseIdle(type, streamId)
        return true
      case FrameType.PRIORITY:
        return this.#priority(streamId, length)
      case FrameType.CONTINUATION:
        return true
      default:
        if (isConnectionFrame(type)) return true
        // RFC 9113 §5.5: frames of unknown types MUST be ignored and discarded.
        this.#state.limits.unproductive(frameTypeName(type))
        return false
    }
  }

  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case FrameType.HEADERS:
        return this.#fieldBlocks.headers(flags, streamId, bytes, start, end)
      case FrameType.CONTINUATION:
        return this.#fieldBlocks.continuation(flags, bytes, start, end)
      case FrameType.RST_STREAM:
        return this.#rstStream(streamId, bytes.readUInt32BE(start))
      case FrameType.WINDOW_UPDATE:
        return this.#windowUpdate(streamId, bytes.readUInt32BE(start) & MAX_31_BIT)
      default:
        return this.#connectionFrames.frame(type, flags, streamId, bytes, start, end)
    }
  }

  dataPart(_streamId: number, bytes: Buffer, start: number, end: number): void {
    const stream = this.#dataStream!
    const length = end - start
    this.#dataOverhead -= length
    if (stream.state === StreamState.CLOSED) return
    stream.receivedBytes += length
    // RFC 9113 §8.1.1: a response is malformed if its content exceeds content-length or is not
    // allowed.
    if (stream.noContent || (stream.expectedBytes >= 0 && stream.receivedBytes > stream.expectedBytes)) {
      this.failStream(
        stream,
        ErrorCode.PROTOCOL_ERROR,
        stream.noContent ? 'content in a response that must not have any' : 'content over content-length',
      )
      return
    }
    this.#state.limits.productive()
    stream.owner.onData(bytes, start, end)
  }

  dataEnd(_streamId: number, flags: number): void {
    const stream = this.#dataStream!
    this.#dataStream = undefined
    if (stream.state === StreamState.CLOSED) return
    const overhead = this.#dataOverhead
    if (overhead > 0 && overhead === this.#dataLength) this.#state.limits.unproductive('DATA with padding only')
    if ((flags & Flag.END_STREAM) !== 0) this.endResponse(stream, undefined)
    // RFC 9113 §6.1: padding counts for flow control. No reader consumes it, so return its credit
    // now.
    else if (overhead > 0) this.consumed(stream, overhead)
  }

  /**
   * Returns credit for `bytes` of content that the reader consumed. Enlarges the window if the
   * reader keeps up.
   */
  consumed(stream: Stream<Owner>, bytes: number): void {
    if (stream.state === StreamState.CLOSED || stream.phase === ResponsePhase.ENDED) return
    const window = stream.receiveWindow
    const increment = window.consume(bytes)
    if (increment === 0) return
    // If all received content is consumed, the reader is faster than the peer.
    const growth = window.available === window.size ? window.grow(window.size, this.#state.budget) : 0
    writeWindowUpdate(this.#state.output, stream.id, increment + growth)
  }

  /** Ends a response after its last frame: HEADERS, DATA or trailers. */
  endResponse(stream: Stream<Owner>, trailers: readonly string[] | undefined): void {
    if (!stream.noContent && stream.expectedBytes >= 0 && stream.receivedBytes !== stream.expectedBytes) {
      const reason = `content-length ${stream.expectedBytes}, content ${stream.receivedBytes} bytes`
      return this.failStream(stream, ErrorCode.PROTOCOL_ERROR, reason)
    }
    stream.phase = ResponsePhase.ENDED
    stream.apply(StreamInput.RECEIVE_END)
    stream.owner.onEnd(trailers)
    if (stream.state === StreamState.CLOSED) this.#state.remove(stream)
  }

  /**
   * Resets an open stream after a stream error (RFC 9113 §5.4.2). Notifies its owner unless the
   * response was complete.
   */
  failStream(stream: Stream<Owner>, errorCode: number, reason: string): void {
    this.#state.endedEarly()
    this.refuse(stream, errorCode, reason)
  }

  /** Like {@link failStream}, for a local limit: does not count against the peer. */
  refuse(stream: Stream<Owner>, errorCode: number, reason: string): void {
    const complete = stream.phase === ResponsePhase.ENDED
    this.#sender.reset(stream, errorCode, complete ? undefined : { errorCode, initiator: 'local', reason, unprocessed: false })
  }

  /** Checks that the first frame is SETTINGS, the server connection preface (RFC 9113 §3.4). */
  #expectSettings(type: number, flags: number, length: number): void {
    if (type === FrameType.SETTINGS && (flags & Flag.ACK) === 0) {
      this.#settingsSeen = true
      return
    }
    const isHttp1 = length === 0x48_54_54 && type === 0x50 && flags === 0x2f
    const what = isHttp1 ? '"HTTP/", an HTTP/1.x response' : frameTypeName(type)
    throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `the peer's first frame is not SETTINGS but ${what}`)
  }

  /**
   * Rejects frames on a stream that was never opened (RFC 9113 §5.1); only PRIORITY is allowed
   * there.
   */
  #refuseIdle(type: number, streamId: number): void {
    if (streamId >= this.#state.nextStreamId || streamId % 2 === 0) {
      throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `${frameTypeName(type)} on stream ${streamId}, which was never opened`)
    }
  }

  #beginData(flags: number, streamId: number, length: number): boolean {
    const state = this.#state
    this.#refuseIdle(FrameType.DATA, streamId)
    // Return connection credit on receipt, even for reset streams, so that a paused reader does not
    // block other streams.
    if (!state.receiveWindow.receive(length)) {
      throw new ProtocolFault(ErrorCode.FLOW_CONTROL_ERROR, 'more DATA than the connection window allows')
    }
    const increment = state.receiveWindow.consume(length)
    if (increment > 0) writeWindowUpdate(state.output, 0, increment)
    // An empty DATA frame with END_STREAM is legitimate.
    if (length === 0 && (flags & Flag.END_STREAM) === 0) state.limits.unproductive('an empty DATA frame')
    const stream = state.streams.get(streamId)
    if (stream === undefined) {
      this.#lateData(flags, streamId, length)
      return false
    }
    if (!this.#mayReceiveData(stream, length)) return false
    state.probe.renew()
    this.#dataStream = stream
    this.#dataOverhead = length
    this.#dataLength = length
    return true
  }

  #mayReceiveData(stream: Stream<Owner>, length: number): boolean {
    if (!stream.allows(StreamInput.RECEIVE_DATA)) {
      this.failStream(stream, ErrorCode.STREAM_CLOSED, 'DATA after the end of the response')
      return false
    }
    if (!stream.receiveWindow.receive(length)) {
      this.failStream(stream, ErrorCode.FLOW_CONTROL_ERROR, 'more DATA than the stream window allows')
      return false
    }
    if (stream.phase === ResponsePhase.BEFORE_FINAL) {
      this.failStream(stream, ErrorCode.PROTOCOL_ERROR, 'DATA before the response')
      return false
    }
    return true
  }

  /** Drops a decoded field section on a closed stream. @throws ProtocolFault as {@link #late}. */
  lateSection(streamId: number, endStream: boolean): void {
    if (!this.#late(FrameType.HEADERS, streamId).excusesSection()) this.#state.limits.unproductive('HEADERS on a closed stream')
    if (endStream) this.#state.resets.ended(streamId)
  }

  #lateData(flags: number, streamId: number, length: number): void {
    if (!this.#late(FrameType.DATA, streamId).excusesData(length)) this.#state.limits.unproductive('DATA on a closed stream')
    if ((flags & Flag.END_STREAM) !== 0) this.#state.resets.ended(streamId)
  }

  /**
   * Returns the late frames allowed on a closed stream.
   * @throws ProtocolFault STREAM_CLOSED unless RST_STREAM or GOAWAY closed it (RFC 9113 §5.1).
   */
  #late(type: number, streamId: number): LateFrames {
    const late = this.#state.resets.find(streamId) ?? (streamId > this.#state.lastStreamId ? NOTHING_KNOWN : undefined)
    if (late !== undefined) return late
    throw new ProtocolFault(ErrorCode.STREAM_CLOSED, `${frameTypeName(type)} on stream ${streamId}, which is closed`)
  }

  #priority(streamId: number, length: number): boolean {
    this.#state.limits.unproductive('PRIORITY')
    if (length === 5) return false
    // RFC 9113 §6.3 calls this a stream error. Without an open stream, fail the connection.
    const stream = this.#state.streams.get(streamId)
    if (stream === undefined) throw new ProtocolFault(ErrorCode.FRAME_SIZE_ERROR, `PRIORITY of ${length} bytes`)
    this.failStream(stream, ErrorCode.FRAME_SIZE_ERROR, `PRIORITY of ${length} bytes`)
    return false
  }

  #rstStream(streamId: number, errorCode: number): void {
    this.#state.resets.addOfPeer(streamId)
    const stream = this.#state.streams.get(streamId)
    if (stream === undefined) return this.#state.limits.unproductive('RST_STREAM')
    // RFC 9113 §8.1: after a complete response, RST_STREAM only stops the rest of the request.
    if (stream.phase === ResponsePhase.ENDED) return this.#sender.close(stream)
    this.#state.endedEarly()
    const reason = `the peer reset the stream: ${errorCodeName(errorCode)}`
    // RFC 9113 §7, §8.7: these codes mean that the request was not processed, unless a response has
    // begun.
    const refused = errorCode === ErrorCode.REFUSED_STREAM || errorCode === ErrorCode.HTTP_1_1_REQUIRED
    const unprocessed = refused && !stream.answering
    this.#sender.close(stream, { errorCode, initiator: 'peer', reason, unprocessed })
  }

  #windowUpdate(streamId: number, increment: number): void {
    const state = this.#state
    state.limits.windowUpdate()
    if (streamId === 0) {
      // RFC 9113 §6.9, §6.9.1: on the connection, an increment of 0 or a window over 2^31 - 1 is a
      // connection error.
      if (increment === 0) throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0 on the connection')
      if (state.sendWindow + increment > MAX_31_BIT)
        throw new ProtocolFault(ErrorCode.FLOW_CONTROL_ERROR, 'connection window over 2^31 - 1')
      state.sendWindow += increment
      this.#sender.pump()
      return
    }
    const stream = state.streams.get(streamId)
    if (stream === undefined) return
    if (increment === 0) return this.failStream(stream, ErrorCode.PROTOCOL_ERROR, 'WINDOW_UPDATE of 0')
    if (stream.sendWindow + increment > MAX_31_BIT) {
      return this.failStream(stream, ErrorCode.FLOW_CONTROL_ERROR, 'stream window over 2^31 - 1')
    }
    stream.sendWindow += increment
    this.#sender.unblock(stream)
    this.#sender.pump()
  }
}
