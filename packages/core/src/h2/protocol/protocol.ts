/**
 * One HTTP/2 connection of a client, without a socket (RFC 9113): bytes in, calls of a listener and bytes out. Synchronous, no clock,
 * no promise. Everything a caller may do stands here; how it is done stands in the sending and the receiving half.
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

/** The engine of one connection. `Owner` receives the events of its stream. */
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

  /** Writes the client's connection preface (RFC 9113 §3.4). Requests may follow at once. */
  start(): void {
    const { output, local } = this.#state
    output.writeLatin1(PREFACE)
    writeSettings(output, initialSettings(local))
    this.#state.unacknowledgedSettings = 1
    const increment = local.connectionWindowBytes - DEFAULT_WINDOW_BYTES
    if (increment > 0) writeWindowUpdate(output, 0, increment)
  }

  /** What the peer has told about itself. */
  get peerSettings(): PeerSettings {
    return this.#state.peer
  }

  /** Streams that hold a place. */
  get active(): number {
    return this.#state.streams.size
  }

  /** Grows with each stream that is opened. */
  get openedStreams(): number {
    return this.#state.nextStreamId
  }

  /** Streams that may be opened now: 0 after GOAWAY either way, a connection error, or the last identifier (RFC 9113 §5.1.1). */
  get capacity(): number {
    return this.#state.capacity
  }

  /** Streams that we reset, and whose slots are not to be used yet. */
  get heldSlots(): number {
    return this.#state.heldSlots.count
  }

  /** The PINGs that are sent without a caller's asking for one. */
  get probe(): Probe {
    return this.#state.probe
  }

  /** Sends one, if the rule allows it. Returns whether. */
  sendProbe(): boolean {
    const { probe, output, abandoned } = this.#state
    if (abandoned || !probe.available) return false
    probe.send(output)
    return true
  }

  /** Frees them, because time has passed. */
  freeHeldSlots(): void {
    this.#state.heldSlots.free()
    this.#state.listener.onCapacity()
  }

  /** Whether {@link capacity} stays 0: GOAWAY either way, or the last identifier. The driver lets what is open finish, and closes. */
  get retiring(): boolean {
    return this.#state.retiring
  }

  /** Whether the received bytes end between two frames. */
  get atFrameBoundary(): boolean {
    return this.#reader.atBoundary
  }

  /** Whether a request's field section is larger than the peer accepts (RFC 9113 §6.5.2), and by its own words. */
  exceedsPeerLimit(head: RequestHead): boolean {
    const limit = this.#state.peer.maxFieldSectionBytes
    return limit !== Number.POSITIVE_INFINITY && requestBytes(head) > limit
  }

  /** The same for a request's trailers. */
  trailersExceedPeerLimit(trailers: readonly string[]): boolean {
    return fieldSectionBytes(trailers) > this.#state.peer.maxFieldSectionBytes
  }

  /** Opens a stream and writes the request. Only while {@link capacity} is above 0. */
  openStream(owner: Owner, head: RequestHead, endStream: boolean): Stream<Owner> {
    return this.#sender.open(owner, head, endStream)
  }

  /**
   * Hands over content of the request, and its end with or without trailers. Bytes are kept by reference until written.
   * Returns false while something waits for a window or the socket: then `onSendable` says when to go on.
   */
  sendData(stream: Stream<Owner>, bytes: Uint8Array | undefined, endStream: boolean, trailers?: readonly string[]): boolean {
    return this.#sender.send(stream, bytes, endStream, trailers)
  }

  /**
   * Tells the peer that a response has become more or less urgent (RFC 9218 §7.1): `priority` as the field would say it. Returns whether
   * it was told: not where the response has ended, nor a peer that has not said it schedules so, because it is "likely to" ignore it (§2.1).
   */
  reprioritize(stream: Stream<Owner>, priority: string): boolean {
    const { peer, output, abandoned } = this.#state
    if (!peer.extensiblePriorities || abandoned || stream.state === StreamState.CLOSED) return false
    if (stream.phase === ResponsePhase.ENDED) return false
    writePriorityUpdate(output, stream.id, priority)
    return true
  }

  /** Ends a stream early (RFC 9113 §5.4.2). Its owner hears `onClosed`, and `onSendable` where content was still wanted. */
  resetStream(stream: Stream<Owner>, errorCode: number): void {
    this.#sender.cancel(stream, errorCode)
  }

  /** Streams that are open. */
  *open(): Iterable<Stream<Owner>> {
    for (const stream of this.#state.streams.all()) if (stream.state !== StreamState.CLOSED) yield stream
  }

  /** Whether that stream is open. */
  isOpen(streamId: number): boolean {
    return this.#state.streams.get(streamId) !== undefined
  }

  /** The connection is gone: tells `each` about every stream that is open, and closes it. What still arrives is ignored. */
  abandon(each: (stream: Stream<Owner>) => void): void {
    this.#state.abandoned = true
    for (const stream of this.#state.streams.all()) {
      // Whoever is told may close others.
      if (stream.state === StreamState.CLOSED) continue
      each(stream)
      this.#sender.close(stream)
    }
  }

  /** The reader took content: credit goes back to the peer (RFC 9113 §6.9). */
  consumed(stream: Stream<Owner>, bytes: number): void {
    this.#receiver.consumed(stream, bytes)
  }

  /** Asks for a PING acknowledgement with these eight bytes (RFC 9113 §6.7). */
  ping(opaque: Uint8Array): void {
    this.#state.pingsUnderWay++
    writePing(this.#state.output, opaque, 0, false)
  }

  /** Says goodbye (RFC 9113 §6.8). Streams that are open go on; none is opened any more. */
  goaway(errorCode: number, debug: string): void {
    if (this.#state.goawaySent) return
    this.#state.goawaySent = true
    writeGoaway(this.#state.output, 0, errorCode, debug)
  }

  /**
   * Takes received bytes. A connection error (RFC 9113 §5.4.1) is returned, once: GOAWAY is then written, the caller sends it, closes,
   * and whatever still arrives is ignored.
   */
  receive(bytes: Buffer): ProtocolFault | undefined {
    if (this.#fault !== undefined || this.#state.abandoned) return undefined
    try {
      this.#reader.read(bytes)
      return undefined
    } catch (error) {
      // Abandoned by the listener meanwhile: that its streams are closed is no fault of the peer.
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

  /** Bytes to send, in order, each exactly once. Empty when there are none. With no stream open, what a busy connection keeps at hand is given back. */
  takeOutput(): Uint8Array[] {
    this.#state.limits.outputTaken()
    const chunks = this.#state.output.take()
    if (this.#state.streams.size === 0) this.#state.output.rest()
    return chunks
  }

  /** Whether there is something to take. */
  get hasOutput(): boolean {
    return this.#state.output.pendingBytes > 0
  }

  /** The socket has caught up: content that waited for it is written. */
  resume(): void {
    this.#sender.pump()
  }

  /** `elapsedMs` have passed since the last time: what the peer did long ago is not held against it. Once a second at most. */
  refillLimits(elapsedMs: number): void {
    this.#state.limits.refill(elapsedMs)
  }
}
