/**
 * One HTTP/2 client connection without a socket (RFC 9113): takes bytes, calls listeners, produces
 * bytes. Synchronous; has no clock and no promises. This is the interface; `Sender` and `Receiver`
 * do the work.
 */

import { ConnectionState, type ProtocolListener } from './connection-state.js'
import { ErrorCode, ProtocolFault } from './error-code.js'
import { fieldSectionBytes, type RequestHead, requestBytes } from './field-section.js'
import {
  DEFAULT_WINDOW_BYTES,
  PREFACE,
  writeGoaway,
  writePing,
  writePriorityUpdate,
  writeSettings,
  writeWindowUpdate,
} from './frame.js'
import { FrameReader } from './frame-reader.js'
import type { Probe } from './probe.js'
import { Receiver } from './receiver.js'
import { Sender } from './sender.js'
import { initialSettings, type LocalSettings, type PeerSettings, type StreamLimits } from './settings.js'
import { ResponsePhase, type Stream, type StreamOwner } from './stream.js'
import { StreamState } from './stream-state.js'
import type { WindowBudget } from './window.js'

/** The protocol engine of one connection. `Owner` receives the events of its stream. */
export class Protocol<Owner extends StreamOwner> {
  readonly #state: ConnectionState<Owner>
  readonly #sender: Sender<Owner>
  readonly #receiver: Receiver<Owner>
  readonly #reader: FrameReader
  #fault: ProtocolFault | undefined

  constructor(listener: ProtocolListener, local: LocalSettings, budget: WindowBudget, streams?: StreamLimits) {
    this.#state = new ConnectionState(listener, local, budget, streams)
    this.#sender = new Sender(this.#state)
    this.#receiver = new Receiver(this.#state, this.#sender)
    this.#reader = new FrameReader(this.#receiver)
  }

  /** Writes the client connection preface (RFC 9113 §3.4). Requests may follow at once. */
  start(): void {
    const { output, local } = this.#state
    output.writeLatin1(PREFACE)
    writeSettings(output, initialSettings(local))
    this.#state.unacknowledgedSettings = 1
    const increment = local.connectionWindowBytes - DEFAULT_WINDOW_BYTES
    if (increment > 0) writeWindowUpdate(output, 0, increment)
  }

  /** The peer's settings. */
  get peerSettings(): PeerSettings {
    return this.#state.peer
  }

  /** Number of streams that occupy a slot. */
  get active(): number {
    return this.#state.streams.size
  }

  /** Counter that grows with each opened stream. */
  get openedStreams(): number {
    return this.#state.nextStreamId
  }

  /**
   * Number of streams that may be opened now: 0 after GOAWAY from either side, a connection error,
   * or the last identifier (RFC 9113 §5.1.1).
   */
  get capacity(): number {
    return this.#state.capacity
  }

  /** Number of slots held by streams that we reset. */
  get heldSlots(): number {
    return this.#state.heldSlots.count
  }

  /** The automatic PINGs. */
  get probe(): Probe {
    return this.#state.probe
  }

  /** Sends a probe if one is allowed. Returns whether it was sent. */
  sendProbe(): boolean {
    const { probe, output, abandoned } = this.#state
    if (abandoned || !probe.available) return false
    probe.send(output)
    return true
  }

  /** Frees the held slots after a timeout. */
  freeHeldSlots(): void {
    this.#state.heldSlots.free()
    this.#state.listener.onCapacity()
  }

  /** Whether {@link capacity} stays 0. The connection then lets open streams finish, and closes. */
  get retiring(): boolean {
    return this.#state.retiring
  }

  /** Whether the received bytes end between two frames. */
  get atFrameBoundary(): boolean {
    return this.#reader.atBoundary
  }

  /**
   * Whether a request's field section exceeds the peer's SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113
   * §6.5.2).
   */
  exceedsPeerLimit(head: RequestHead): boolean {
    const limit = this.#state.peer.maxFieldSectionBytes
    return limit !== Number.POSITIVE_INFINITY && requestBytes(head) > limit
  }

  /** Whether a request's trailers exceed the same limit. */
  trailersExceedPeerLimit(trailers: readonly string[]): boolean {
    return fieldSectionBytes(trailers) > this.#state.peer.maxFieldSectionBytes
  }

  /** Opens a stream and writes the request. Call only while {@link capacity} is above 0. */
  openStream(owner: Owner, head: RequestHead, endStream: boolean): Stream<Owner> {
    return this.#sender.open(owner, head, endStream)
  }

  /**
   * Sends request content and its end, with or without trailers. Bytes are kept by reference until
   * written. Returns false if bytes wait for a window or the socket; `onSendable` is then called
   * once they are written.
   */
  sendData(stream: Stream<Owner>, bytes: Uint8Array | undefined, endStream: boolean, trailers?: readonly string[]): boolean {
    return this.#sender.send(stream, bytes, endStream, trailers)
  }

  /**
   * Sends a new priority for a response (RFC 9218 §7.1), in the syntax of the `priority` field.
   * Returns whether it was sent: not after the end of the response, nor to a peer without
   * SETTINGS_NO_RFC7540_PRIORITIES, which would probably ignore it (§2.1).
   */
  reprioritize(stream: Stream<Owner>, priority: string): boolean {
    const { peer, output, abandoned } = this.#state
    if (!peer.extensiblePriorities || abandoned || stream.state === StreamState.CLOSED) return false
    if (stream.phase === ResponsePhase.ENDED) return false
    writePriorityUpdate(output, stream.id, priority)
    return true
  }

  /**
   * Resets a stream (RFC 9113 §5.4.2). Calls `onClosed`, and `onSendable` if the owner was waiting
   * for it.
   */
  resetStream(stream: Stream<Owner>, errorCode: number): void {
    this.#sender.cancel(stream, errorCode)
  }

  /** Iterates over the open streams. */
  *open(): Iterable<Stream<Owner>> {
    for (const stream of this.#state.streams.all()) if (stream.state !== StreamState.CLOSED) yield stream
  }

  /** Whether the stream is open. */
  isOpen(streamId: number): boolean {
    return this.#state.streams.get(streamId) !== undefined
  }

  /**
   * Abandons a lost connection: closes every open stream and calls `each` with it. Later bytes are
   * ignored.
   */
  abandon(each: (stream: Stream<Owner>) => void): void {
    this.#state.abandoned = true
    for (const stream of this.#state.streams.all()) {
      // A callback may have closed other streams.
      if (stream.state === StreamState.CLOSED) continue
      each(stream)
      this.#sender.close(stream)
    }
  }

  /** Returns credit to the peer after the reader consumed content (RFC 9113 §6.9). */
  consumed(stream: Stream<Owner>, bytes: number): void {
    this.#receiver.consumed(stream, bytes)
  }

  /** Sends a PING with these eight bytes (RFC 9113 §6.7). */
  ping(opaque: Uint8Array): void {
    this.#state.pendingPings++
    writePing(this.#state.output, opaque, 0, false)
  }

  /** Sends GOAWAY (RFC 9113 §6.8). Open streams go on; no new ones are opened. */
  goaway(errorCode: number, debug: string): void {
    if (this.#state.goawaySent) return
    this.#state.goawaySent = true
    writeGoaway(this.#state.output, 0, errorCode, debug)
  }

  /**
   * Processes received bytes. Returns a connection error once (RFC 9113 §5.4.1): the caller then
   * sends the output, which ends with GOAWAY, and closes. Later bytes are ignored.
   */
  receive(bytes: Buffer): ProtocolFault | undefined {
    if (this.#fault !== undefined || this.#state.abandoned) return undefined
    try {
      this.#reader.read(bytes)
      return undefined
    } catch (error) {
      // The listener abandoned the connection during the call: the peer did not cause this error.
      if (this.#state.abandoned) return undefined
      return this.#fail(error instanceof ProtocolFault ? error : new ProtocolFault(ErrorCode.INTERNAL_ERROR, String(error)))
    }
  }

  #fail(fault: ProtocolFault): ProtocolFault {
    this.#fault = fault
    this.#state.failed = true
    this.#state.goawaySent = true
    writeGoaway(this.#state.output, 0, fault.errorCode, fault.message.slice(0, 256).replace(/[^\x20-\x7e]/g, '?'))
    return fault
  }

  /**
   * Returns the pending bytes, in order, each exactly once. Releases large buffers if no stream is
   * open.
   */
  takeOutput(): Uint8Array[] {
    this.#state.limits.outputTaken()
    const chunks = this.#state.output.take()
    if (this.#state.streams.size === 0) this.#state.output.rest()
    return chunks
  }

  /** Whether output is pending. */
  get hasOutput(): boolean {
    return this.#state.output.pendingBytes > 0
  }

  /** Writes content that waited for the socket. Call when the socket has sent its output. */
  resume(): void {
    this.#sender.pump()
  }

  /** Refills the abuse limits for `elapsedMs` since the last call. Call at most once per second. */
  refillLimits(elapsedMs: number): void {
    this.#state.limits.refill(elapsedMs)
  }
}
