/** Frames about the connection itself: SETTINGS, PING, GOAWAY (RFC 9113 §6.5, §6.7, §6.8), ORIGIN (RFC 8336), ALTSVC (RFC 7838). */

import { MAX_DEBUG_BYTES, MAX_SETTINGS_ENTRIES } from './abuse-limits.js'
import type { ConnectionState } from './connection-state.js'
import { ErrorCode, errorCodeName, ProtocolFault } from './error-code.js'
import { Flag, FrameType, MAX_31_BIT, writePing, writeSettingsAck } from './frame.js'
import { parseAltSvc, parseOrigins } from './origin-frames.js'
import type { Sender } from './sender.js'
import { ResponsePhase, type StreamOwner } from './stream.js'
import { StreamState } from './stream-state.js'

/** Acts on the frames of stream 0. */
export class ConnectionFrames<Owner extends StreamOwner> {
  readonly #state: ConnectionState<Owner>
  readonly #sender: Sender<Owner>

  constructor(state: ConnectionState<Owner>, sender: Sender<Owner>) {
    this.#state = state
    this.#sender = sender
  }

  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case FrameType.SETTINGS:
        return (flags & Flag.ACK) !== 0 ? this.#settingsAcknowledged() : this.#settings(bytes, start, end)
      case FrameType.PING:
        return this.#ping(flags, bytes, start)
      case FrameType.GOAWAY:
        return this.#goaway(bytes, start, end)
      case FrameType.ORIGIN:
        return this.#origin(flags, streamId, bytes, start, end)
      case FrameType.ALTSVC:
        return this.#altSvc(streamId, bytes, start, end)
    }
  }

  #settings(bytes: Buffer, start: number, end: number): void {
    const state = this.#state
    state.limits.unproductive('SETTINGS')
    if (end - start > MAX_SETTINGS_ENTRIES * 6) {
      throw new ProtocolFault(ErrorCode.ENHANCE_YOUR_CALM, `SETTINGS with ${(end - start) / 6} entries`)
    }
    const before = state.peer.initialWindowBytes
    const tableBefore = state.peer.headerTableBytes
    state.peer.apply(bytes, start, end)
    const { headerTableBytes, leastHeaderTableBytes } = state.peer
    if (leastHeaderTableBytes < headerTableBytes) state.encoder.setMaxTableBytes(leastHeaderTableBytes)
    if (headerTableBytes !== tableBefore || leastHeaderTableBytes < tableBefore) state.encoder.setMaxTableBytes(headerTableBytes)
    this.#adjustWindows(state.peer.initialWindowBytes - before)
    state.limits.answer()
    // RFC 9113 §6.5.3: acknowledged as soon as all values are applied.
    writeSettingsAck(state.output)
    this.#sender.pump()
    // By whoever was told meanwhile that it may send.
    if (!state.abandoned) state.listener.onCapacity()
  }

  /** RFC 9113 §6.9.2: a new initial window moves every stream's window by the difference, below zero if need be. */
  #adjustWindows(difference: number): void {
    if (difference === 0) return
    for (const stream of this.#state.streams.all()) {
      stream.sendWindow += difference
      if (stream.sendWindow > MAX_31_BIT) {
        throw new ProtocolFault(ErrorCode.FLOW_CONTROL_ERROR, 'SETTINGS_INITIAL_WINDOW_SIZE lifts a stream window over 2^31 - 1')
      }
      this.#sender.unblock(stream)
    }
  }

  #settingsAcknowledged(): void {
    if (this.#state.unacknowledgedSettings === 0) {
      throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, 'acknowledgement of SETTINGS that were never sent')
    }
    this.#state.unacknowledgedSettings--
    // RFC 7541 §4.2: from now on, where that is less than before, the next block has to say so.
    this.#state.decoder.setMaxTableBytes(this.#state.local.headerTableBytes)
  }

  #ping(flags: number, bytes: Buffer, start: number): void {
    if ((flags & Flag.ACK) !== 0) return this.#pong(bytes, start)
    this.#state.limits.unproductive('PING')
    this.#state.limits.answer()
    writePing(this.#state.output, bytes, start, true)
  }

  /** An answer, to what we asked or out of the blue: only the latter is held against the peer. */
  #pong(bytes: Buffer, start: number): void {
    const state = this.#state
    if (state.probe.acknowledge(bytes, start)) {
      state.heldSlots.free()
      return state.listener.onCapacity()
    }
    if (state.pingsUnderWay > 0) state.pingsUnderWay--
    else state.limits.unproductive('an acknowledgement of no PING')
    state.listener.onPong(Buffer.from(bytes.subarray(start, start + 8)))
  }

  #goaway(bytes: Buffer, start: number, end: number): void {
    const state = this.#state
    const lastStreamId = bytes.readUInt32BE(start) & MAX_31_BIT
    const errorCode = bytes.readUInt32BE(start + 4)
    state.limits.unproductive('GOAWAY')
    // RFC 9113 §6.8: "Endpoints MUST NOT increase the value they send in the last stream identifier".
    if (state.goawayReceived && lastStreamId > state.lastStreamId) {
      throw new ProtocolFault(
        ErrorCode.PROTOCOL_ERROR,
        `GOAWAY raises its last stream from ${state.lastStreamId} to ${lastStreamId}`,
      )
    }
    state.goawayReceived = true
    state.lastStreamId = lastStreamId
    const reason = `GOAWAY ${errorCodeName(errorCode)} with last stream ${lastStreamId}`
    // RFC 9113 §8.7: as if refused, unless it is said that another protocol would be welcome.
    const streamCode = errorCode === ErrorCode.HTTP_1_1_REQUIRED ? errorCode : ErrorCode.REFUSED_STREAM
    for (const stream of state.streams.all()) {
      // RFC 9113 §6.8: above the identifier nothing was or will be processed; at or below it, the peer may still finish.
      // And one that was told already may have closed this one.
      if (stream.id <= lastStreamId || stream.state === StreamState.CLOSED) continue
      const complete = stream.phase === ResponsePhase.ENDED
      // A response is proof of the contrary, whatever the peer says now: on this stream, or on any that it denies.
      const unprocessed = !stream.answering && lastStreamId >= state.answeredStreamId
      this.#sender.close(stream, complete ? undefined : { errorCode: streamCode, initiator: 'peer', reason, unprocessed })
    }
    // By whoever was told meanwhile.
    if (state.abandoned) return
    state.listener.onGoaway(
      lastStreamId,
      errorCode,
      bytes.toString('latin1', start + 8, Math.min(end, start + 8 + MAX_DEBUG_BYTES)),
    )
  }

  /** RFC 8336 §2.1: ignored on a stream, or with one of the four low flags set. */
  #origin(flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.#state.limits.unproductive('ORIGIN')
    if (streamId === 0 && (flags & 0x0f) === 0) this.#state.listener.onOrigin(parseOrigins(bytes, start, end))
  }

  /** RFC 7838 §4: ignored where the origin is missing on stream 0, or present on a stream. */
  #altSvc(streamId: number, bytes: Buffer, start: number, end: number): void {
    this.#state.limits.unproductive('ALTSVC')
    const parsed = parseAltSvc(bytes, start, end)
    if (parsed === undefined || (streamId === 0) === (parsed.origin === '')) return
    this.#state.listener.onAltSvc(streamId, parsed.origin, parsed.value)
  }
}
