/**
 * The sending half: requests, content under both flow-control windows (RFC 9113 §5.2, §6.9), trailers and resets. Content waits
 * here while a window is closed or the socket is behind; streams that could send take turns, one frame each.
 */

import type { ConnectionState } from './connection-state.js'
import { beginFieldBlock, endFieldBlock } from './field-block-writer.js'
import { encodeRequest, encodeTrailers, type RequestHead } from './field-section.js'
import { writeDataHeader, writeRstStream } from './frame.js'
import { NO_CONTENT, ResponsePhase, Stream, type StreamEnd, type StreamOwner } from './stream.js'
import { StreamInput, StreamState } from './stream-state.js'

/** No content is written while this much output waits for the socket: it would only move from the queue to the socket. */
const OUTPUT_HIGH_WATER_BYTES = 262_144

/** Writes what one connection sends on its streams. */
export class Sender<Owner extends StreamOwner> {
  readonly #state: ConnectionState<Owner>
  /** Streams with content and an open window of their own, in the order of their turns. Others are parked until credit comes. */
  readonly #ready: Stream<Owner>[] = []

  constructor(state: ConnectionState<Owner>) {
    this.#state = state
  }

  /** Opens a stream with its request (RFC 9113 §8.1). The caller has checked that one may be opened. */
  open(owner: Owner, head: RequestHead, endStream: boolean): Stream<Owner> {
    const state = this.#state
    const id = state.nextStreamId
    state.nextStreamId += 2
    const stream = new Stream(id, owner, head.method === 'HEAD', state.peer.initialWindowBytes, state.local.initialWindowBytes)
    if (head.method === 'CONNECT') stream.tunnel = true
    if (head.wantsInformational === true) stream.wantsInformational = true
    if (head.trimFieldValues === true) stream.trimsFieldValues = true
    state.streams.add(stream)
    stream.apply(StreamInput.SEND_HEADERS)
    beginFieldBlock(state.output)
    encodeRequest(state.encoder, state.output, head)
    endFieldBlock(state.output, id, endStream, state.peer.maxFrameBytes)
    if (endStream) {
      stream.endQueued = true
      stream.apply(StreamInput.SEND_END)
    }
    return stream
  }

  /**
   * Hands over content, kept by reference until it is written; with `endStream` it is the last, and `trailers` may follow it.
   * Returns false while some of it has to wait: `onSendable` says when to go on. Nothing happens once sending has ended.
   */
  send(stream: Stream<Owner>, bytes: Uint8Array | undefined, endStream: boolean, trailers?: readonly string[]): boolean {
    if (stream.endQueued || this.#state.failed) return true
    if (bytes !== undefined && bytes.length > 0) stream.enqueue(bytes)
    stream.endQueued = endStream
    stream.trailers = trailers
    if (stream.queue.length === 0) {
      if (endStream) this.#writeEnd(stream)
      return true
    }
    this.unblock(stream)
    this.pump()
    stream.backlogged = stream.queue.length > 0
    return !stream.backlogged
  }

  /** Gives a stream its turn again, after its window has opened. */
  unblock(stream: Stream<Owner>): void {
    if (stream.ready || stream.queue.length === 0 || stream.sendWindow <= 0) return
    stream.ready = true
    this.#ready.push(stream)
  }

  /** Writes what the windows and the socket now allow, one frame a turn. */
  pump(): void {
    const { output } = this.#state
    if (this.#state.failed) return
    while (this.#ready.length > 0 && this.#state.sendWindow > 0 && output.pendingBytes < OUTPUT_HIGH_WATER_BYTES) {
      const stream = this.#ready.shift()!
      stream.ready = false
      // RFC 9113 §6.9.2: SETTINGS may have closed its window while it waited. New credit gives it its turn again.
      if (stream.sendWindow <= 0) continue
      this.#writeData(stream)
      if (stream.queue.length > 0) this.unblock(stream)
      // Who is closed is owed nothing any more.
      else if (stream.backlogged && stream.state !== StreamState.CLOSED) this.#drained(stream)
    }
  }

  /** A stream error (RFC 9113 §5.4.2): ends the stream in both directions. `end` is what its owner hears. */
  reset(stream: Stream<Owner>, errorCode: number, end?: StreamEnd): void {
    if (stream.state === StreamState.CLOSED) return
    this.#writeReset(stream, errorCode)
    this.close(stream, end)
  }

  /** Its owner wants no more of it. Where the peer is still at work on it, the slot is held until it has heard. */
  cancel(stream: Stream<Owner>, errorCode: number): void {
    if (stream.state === StreamState.CLOSED) return
    this.#writeReset(stream, errorCode)
    if (stream.phase !== ResponsePhase.ENDED) this.#state.heldSlots.hold(this.#state.output)
    this.close(stream)
  }

  #writeReset(stream: Stream<Owner>, errorCode: number): void {
    writeRstStream(this.#state.output, stream.id, errorCode)
    this.#state.resets.add(stream.id, stream.receiveWindow.available)
  }

  /**
   * The stream is over, by RST_STREAM or GOAWAY either way: forgets its content, tells its owner, and takes it out, in this order.
   * It is closed before anybody is told, so that whatever they do cannot close it again.
   */
  close(stream: Stream<Owner>, end?: StreamEnd): void {
    if (stream.state === StreamState.CLOSED) return
    const unfinished = !stream.endQueued || stream.queue.length > 0
    stream.apply(StreamInput.RESET)
    stream.queue = NO_CONTENT
    stream.endQueued = true
    this.#forget(stream)
    if (end !== undefined) stream.owner.onStreamError(end)
    if (unfinished) stream.owner.onSendable(true)
    this.#state.remove(stream)
  }

  /** Out of the list: while the connection window stays closed, nothing else would take a stream out that was reset. */
  #forget(stream: Stream<Owner>): void {
    if (!stream.ready) return
    stream.ready = false
    this.#ready.splice(this.#ready.indexOf(stream), 1)
  }

  /**
   * Writes one DATA frame: the least of what waits, both windows and SETTINGS_MAX_FRAME_SIZE (RFC 9113 §4.2, §6.9). Chunks that wait are
   * joined: a source that yields a few bytes at a time would cost the peer a frame, and a WINDOW_UPDATE, for each.
   */
  #writeData(stream: Stream<Owner>): void {
    const state = this.#state
    const limit = Math.min(stream.sendWindow, state.sendWindow, state.peer.maxFrameBytes)
    const waiting = waitingBytes(stream, limit)
    const size = Math.min(waiting, limit)
    stream.sendWindow -= size
    state.sendWindow -= size
    state.limits.contentSent(size)
    const last = waiting <= limit && stream.endQueued && stream.trailers === undefined
    writeDataHeader(state.output, size, stream.id, last)
    for (let left = size; left > 0; ) left -= this.#writeChunk(stream, left)
    if (last) this.#ended(stream)
    else if (stream.queue.length === 0 && stream.endQueued) this.#writeEnd(stream)
  }

  /** Moves at most `limit` bytes of the first chunk to the output. Returns how many. */
  #writeChunk(stream: Stream<Owner>, limit: number): number {
    const chunk = stream.queue[0]!
    const from = stream.queueOffset
    const size = Math.min(chunk.length - from, limit)
    if (from + size === chunk.length) {
      stream.queue.shift()
      stream.queueOffset = 0
    } else {
      stream.queueOffset = from + size
    }
    this.#state.output.appendBody(size === chunk.length ? chunk : chunk.subarray(from, from + size))
    return size
  }

  /** The end that no content carries: trailers, or an empty DATA frame, which needs no window (RFC 9113 §6.9.1, §8.1). */
  #writeEnd(stream: Stream<Owner>): void {
    const state = this.#state
    if (stream.trailers === undefined) {
      writeDataHeader(state.output, 0, stream.id, true)
    } else {
      beginFieldBlock(state.output)
      encodeTrailers(state.encoder, state.output, stream.trailers)
      endFieldBlock(state.output, stream.id, true, state.peer.maxFrameBytes)
    }
    this.#ended(stream)
  }

  #ended(stream: Stream<Owner>): void {
    stream.apply(StreamInput.SEND_END)
    if (stream.state === StreamState.CLOSED) this.#state.remove(stream)
  }

  #drained(stream: Stream<Owner>): void {
    stream.backlogged = false
    stream.owner.onSendable(false)
  }
}

/** Bytes that wait in a stream's queue; counting ends beyond `limit`. */
function waitingBytes({ queue, queueOffset }: Stream, limit: number): number {
  let bytes = -queueOffset
  for (let i = 0; i < queue.length && bytes <= limit; i++) bytes += queue[i]!.length
  return bytes
}
