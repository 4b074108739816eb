/**
 * State that the sender and the receiver of one connection share. Data and small rules; must not
 * read frames.
 */

import { HpackDecoder } from '../hpack/decoder.js'
import { HpackEncoder } from '../hpack/encoder.js'
import { AbuseLimits } from './abuse-limits.js'
import { ErrorCode } from './error-code.js'
import { DEFAULT_WINDOW_BYTES, MAX_31_BIT, writeGoaway } from './frame.js'
import { HeldSlots } from './held-slots.js'
import { Output } from './output.js'
import { Probe } from './probe.js'
import { ResetStreams } from './reset-streams.js'
import { type LocalSettings, NO_STREAM_LIMITS, PeerSettings, type StreamLimits } from './settings.js'
import type { Stream, StreamOwner } from './stream.js'
import { StreamTable } from './stream-table.js'
import { ReceiveWindow, type WindowBudget } from './window.js'

/** Initial SETTINGS_HEADER_TABLE_SIZE, in bytes (RFC 9113 §6.5.2). */
const INITIAL_TABLE_BYTES = 4_096

/**
 * Events of the whole connection. Called synchronously while bytes are received; must not throw.
 */
export interface ProtocolListener {
  /** `Protocol.capacity` may have changed: SETTINGS were received, or held slots were freed. */
  onCapacity(): void
  /** A stream closed, after its owner's `onClosed`. */
  onStreamClosed(): void
  /** The peer sent GOAWAY and accepts no new streams (RFC 9113 §6.8). Owners of streams above `lastStreamId` have had their `onStreamError`. */
  onGoaway(lastStreamId: number, errorCode: number, debug: string): void
  /** The peer acknowledged a PING with these eight bytes. */
  onPong(opaque: Buffer): void
  /** The peer sent ORIGIN: serialized origins as received, unchecked (RFC 8336). */
  onOrigin(origins: readonly string[]): void
  /** The peer sent ALTSVC: on stream 0 with an origin, or on a stream without (RFC 7838 §4). */
  onAltSvc(streamId: number, origin: string, value: string): void
}

/** The state of one connection. */
export class ConnectionState<Owner extends StreamOwner> {
  readonly listener: ProtocolListener
  readonly output: Output = new Output()
  readonly encoder: HpackEncoder = new HpackEncoder()
  readonly decoder: HpackDecoder
  readonly limits: AbuseLimits = new AbuseLimits()
  readonly local: LocalSettings
  readonly peer: PeerSettings
  readonly #streamLimits: StreamLimits
  /** The highest stream identifier that may be used. */
  readonly #finalStreamId: number
  readonly budget: WindowBudget

  readonly streams: StreamTable<Owner> = new StreamTable()
  /** Client streams are odd (RFC 9113 §5.1.1). */
  nextStreamId = 1
  sendWindow: number = DEFAULT_WINDOW_BYTES
  readonly receiveWindow: ReceiveWindow
  /** The last stream the peer may process, from GOAWAY; 2^31 - 1 before GOAWAY. */
  lastStreamId: number = MAX_31_BIT
  /** The highest stream with a final response. */
  answeredStreamId = 0
  goawayReceived = false
  goawaySent = false
  /** Whether a connection error was found; GOAWAY is then the last frame written. */
  failed = false
  /** Whether the connection was abandoned: no stream is opened, and received bytes are ignored. */
  abandoned = false
  /** Size of the field sections of all open streams, in bytes. */
  openSectionsBytes = 0
  /** PINGs that the peer has not acknowledged yet. */
  pendingPings = 0
  /** SETTINGS frames that the peer has not acknowledged yet. */
  unacknowledgedSettings = 0
  readonly resets: ResetStreams = new ResetStreams()
  readonly probe: Probe = new Probe()
  readonly heldSlots: HeldSlots = new HeldSlots(this.probe)

  constructor(listener: ProtocolListener, local: LocalSettings, budget: WindowBudget, streams: StreamLimits = NO_STREAM_LIMITS) {
    this.#streamLimits = streams
    this.#finalStreamId = Math.min(MAX_31_BIT, 2 * streams.total - 1)
    this.peer = new PeerSettings(streams.assumed)
    this.listener = listener
    this.local = local
    this.budget = budget
    // RFC 7541 §4.2: until the peer acknowledges a smaller table, it may use the initial size.
    const maxTableBytes = Math.max(INITIAL_TABLE_BYTES, local.headerTableBytes)
    this.decoder = new HpackDecoder({ maxTableBytes, maxFieldSectionBytes: local.maxFieldSectionBytes })
    this.receiveWindow = new ReceiveWindow(local.connectionWindowBytes)
  }

  /** Number of streams that may be opened now. A connection error counts as GOAWAY sent. */
  get capacity(): number {
    if (this.retiring) return 0
    return Math.max(
      0,
      Math.min(this.peer.maxConcurrentStreams, this.#streamLimits.concurrent) - this.streams.size - this.heldSlots.count,
    )
  }

  /** Whether no stream can be opened anymore. */
  get retiring(): boolean {
    return this.abandoned || this.goawayReceived || this.goawaySent || this.nextStreamId > this.#finalStreamId
  }

  /**
   * Counts a stream that the peer made end early. Over the limit, sends GOAWAY and opens no more
   * streams. Open streams go on, since an overloaded server may still answer them.
   */
  endedEarly(): void {
    if (this.limits.reset() || this.goawaySent) return
    this.goawaySent = true
    writeGoaway(this.output, 0, ErrorCode.ENHANCE_YOUR_CALM, 'too many streams ended early')
    this.listener.onCapacity()
  }

  /** Removes a stream and returns its extra window to the client's budget. */
  remove(stream: Stream<Owner>): void {
    if (!this.streams.delete(stream)) return
    this.openSectionsBytes -= stream.sectionBytes
    if (stream.grownBytes > 0) this.budget.give(stream.grownBytes)
    stream.release()
    stream.owner.onClosed()
    this.listener.onStreamClosed()
  }
}
