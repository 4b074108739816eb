/**
 * Connection-level frames: SETTINGS, PING, GOAWAY (RFC 9113 §6.5, §6.7, §6.8), ORIGIN (RFC 8336),
 * ALTSVC (RFC 7838).
 */

import { MAX_DEBUG_BYTES, MAX_SETTINGS_ENTRIES } from './abuse-limits.js'
import type { ConnectionState } from './connection-state.js'
import { ErrorCode, errorCodeName, ProtocolFault } from './error-code.js'
import { Flag, FrameType, frameTypeName, MAX_31_BIT, writePing, writeSettingsAck } from './frame.js'
import type { Sender } from './sender.js'
import { ResponsePhase, type StreamOwner } from './stream.js'
import { StreamState } from './stream-state.js'

/** A connection-level frame type: the valid size and stream, and the handler. */
interface ConnectionFrame {
  /** Whether the frame must be on stream 0. */
  readonly connectionOnly: boolean
  /** Whether a payload of `length` bytes is valid. */
  fits(length: number, flags: number): boolean
  /** Applies the frame; `undefined` if the type is discarded. */
  readonly receive: ((handlers: ConnectionFrameHandlers, frame: ReceivedFrame) => void) | undefined
}

/** A received frame, valid during the call. */
interface ReceivedFrame {
  readonly flags: number
  readonly streamId: number
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** One handler for each frame type that is not discarded. */
interface ConnectionFrameHandlers {
  settings(frame: ReceivedFrame): void
  ping(frame: ReceivedFrame): void
  goaway(frame: ReceivedFrame): void
  origin(frame: ReceivedFrame): void
  altSvc(frame: ReceivedFrame): void
}

const ANY_LENGTH = (): boolean => true

/**
 * All connection-level frames. A new type needs a row here, a number in `frame.ts` and an event in
 * `ProtocolListener`.
 */
const CONNECTION_FRAMES: ReadonlyMap<number, ConnectionFrame> = new Map<number, ConnectionFrame>([
  [
    FrameType.SETTINGS,
    {
      connectionOnly: true,
      // RFC 9113 §6.5: an acknowledgment is empty; other frames contain whole settings.
      fits: (length, flags) => ((flags & Flag.ACK) !== 0 ? length === 0 : length % 6 === 0),
      receive: (handlers, frame) => handlers.settings(frame),
    },
  ],
  [FrameType.PING, { connectionOnly: true, fits: (length) => length === 8, receive: (handlers, frame) => handlers.ping(frame) }],
  [
    FrameType.GOAWAY,
    { connectionOnly: true, fits: (length) => length >= 8, receive: (handlers, frame) => handlers.goaway(frame) },
  ],
  [FrameType.ORIGIN, { connectionOnly: false, fits: ANY_LENGTH, receive: (handlers, frame) => handlers.origin(frame) }],
  [FrameType.ALTSVC, { connectionOnly: false, fits: ANY_LENGTH, receive: (handlers, frame) => handlers.altSvc(frame) }],
  // Servers must not send PRIORITY_UPDATE (RFC 9218 §7.1). It is discarded like a frame of an
  // unknown type, and counts as unproductive.
  [FrameType.PRIORITY_UPDATE, { connectionOnly: false, fits: ANY_LENGTH, receive: undefined }],
])

/** Whether {@link ConnectionFrames} handles a frame of this type. */
export function isConnectionFrame(type: number): boolean {
  return CONNECTION_FRAMES.get(type)?.receive !== undefined
}

/** Checks size and stream of a connection-level frame. @throws ProtocolFault if one is invalid. */
export function checkConnectionFrame(type: number, flags: number, streamId: number, length: number): void {
  const row = CONNECTION_FRAMES.get(type)
  if (row === undefined) return
  if (row.connectionOnly && streamId !== 0) {
    throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, `${frameTypeName(type)} on stream ${streamId}`)
  }
  if (!row.fits(length, flags)) throw new ProtocolFault(ErrorCode.FRAME_SIZE_ERROR, `${frameTypeName(type)} of ${length} bytes`)
}

/** Applies connection-level frames. */
export class ConnectionFrames<Owner extends StreamOwner> implements ConnectionFrameHandlers {
  readonly #state: ConnectionState<Owner>
  readonly #sender: Sender<Owner>

  constructor(state: ConnectionState<Owner>, sender: Sender<Owner>) {
    this.#state = state
    this.#sender = sender
  }

  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    CONNECTION_FRAMES.get(type)?.receive?.(this, { flags, streamId, bytes, start, end })
  }

  settings({ flags, bytes, start, end }: ReceivedFrame): void {
    if ((flags & Flag.ACK) !== 0) this.#settingsAcknowledged()
    else this.#settings(bytes, start, end)
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
    // RFC 9113 §6.5.3: acknowledge as soon as all values are applied.
    writeSettingsAck(state.output)
    this.#sender.pump()
    // An owner that was notified above may have abandoned the connection.
    if (!state.abandoned) state.listener.onCapacity()
  }

  /**
   * Applies a new initial window: every stream's window changes by the difference and may become
   * negative (RFC 9113 §6.9.2).
   */
  #adjustWindows(difference: number): void {
    if (difference === 0) return
    for (const stream of this.#state.streams.all()) {
      stream.sendWindow += difference
      if (stream.sendWindow > MAX_31_BIT) {
        throw new ProtocolFault(ErrorCode.FLOW_CONTROL_ERROR, 'SETTINGS_INITIAL_WINDOW_SIZE raises a stream window over 2^31 - 1')
      }
      this.#sender.unblock(stream)
    }
  }

  #settingsAcknowledged(): void {
    if (this.#state.unacknowledgedSettings === 0) {
      throw new ProtocolFault(ErrorCode.PROTOCOL_ERROR, 'unsolicited SETTINGS acknowledgment')
    }
    this.#state.unacknowledgedSettings--
    // RFC 7541 §4.2: after a lower limit, the next block must signal the smaller table.
    this.#state.decoder.setMaxTableBytes(this.#state.local.headerTableBytes)
  }

  ping({ flags, bytes, start }: ReceivedFrame): void {
    if ((flags & Flag.ACK) !== 0) return this.#pong(bytes, start)
    this.#state.limits.unproductive('PING')
    this.#state.limits.answer()
    writePing(this.#state.output, bytes, start, true)
  }

  /** Applies a PING acknowledgment. Only an unsolicited one counts against the peer's limits. */
  #pong(bytes: Buffer, start: number): void {
    const state = this.#state
    if (state.probe.acknowledge(bytes, start)) {
      state.heldSlots.free()
      return state.listener.onCapacity()
    }
    if (state.pendingPings > 0) state.pendingPings--
    else state.limits.unproductive('an unsolicited PING acknowledgment')
    state.listener.onPong(Buffer.from(bytes.subarray(start, start + 8)))
  }

  goaway({ bytes, start, end }: ReceivedFrame): void {
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
    // RFC 9113 §8.7: the streams count as refused, unless the peer requires HTTP/1.1.
    const streamCode = errorCode === ErrorCode.HTTP_1_1_REQUIRED ? errorCode : ErrorCode.REFUSED_STREAM
    for (const stream of state.streams.all()) {
      // RFC 9113 §6.8: streams above the identifier are never processed; others may still finish.
      // The owner of an earlier stream may have closed this one.
      if (stream.id <= lastStreamId || stream.state === StreamState.CLOSED) continue
      const complete = stream.phase === ResponsePhase.ENDED
      // A response on this stream, or on any above the identifier, disproves that.
      const unprocessed = !stream.answering && lastStreamId >= state.answeredStreamId
      this.#sender.close(stream, complete ? undefined : { errorCode: streamCode, initiator: 'peer', reason, unprocessed })
    }
    // An owner that was notified above may have abandoned the connection.
    if (state.abandoned) return
    state.listener.onGoaway(
      lastStreamId,
      errorCode,
      bytes.toString('latin1', start + 8, Math.min(end, start + 8 + MAX_DEBUG_BYTES)),
    )
  }

  /**
   * Applies ORIGIN. Ignored on a stream other than 0, or if one of the four low flags is set (RFC
   * 8336 §2.1).
   */
  origin({ flags, streamId, bytes, start, end }: ReceivedFrame): void {
    this.#state.limits.unproductive('ORIGIN')
    if (streamId === 0 && (flags & 0x0f) === 0) this.#state.listener.onOrigin(parseOrigins(bytes, start, end))
  }

  /**
   * Applies ALTSVC. Ignored without an origin on stream 0, or with one on another stream (RFC 7838
   * §4).
   */
  altSvc({ streamId, bytes, start, end }: ReceivedFrame): void {
    this.#state.limits.unproductive('ALTSVC')
    const parsed = parseAltSvc(bytes, start, end)
    if (parsed === undefined || (streamId === 0) === (parsed.origin === '')) return
    this.#state.listener.onAltSvc(streamId, parsed.origin, parsed.value)
  }
}

/** Returns the serialized origins of an ORIGIN payload. Drops a truncated entry. */
export function parseOrigins(bytes: Buffer, start: number, end: number): string[] {
  const origins: string[] = []
  let at = start
  while (at + 2 <= end) {
    const next = at + 2 + bytes.readUInt16BE(at)
    if (next > end) break
    origins.push(bytes.toString('latin1', at + 2, next))
    at = next
  }
  return origins
}

/** Returns origin and field value of an ALTSVC payload; `undefined` if it is truncated. */
export function parseAltSvc(bytes: Buffer, start: number, end: number): { origin: string; value: string } | undefined {
  if (end - start < 2) return undefined
  const split = start + 2 + bytes.readUInt16BE(start)
  if (split > end) return undefined
  return { origin: bytes.toString('latin1', start + 2, split), value: bytes.toString('latin1', split, end) }
}
