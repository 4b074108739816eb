/**
 * Writes requests, content under both flow-control windows (RFC 9113 §5.2, §6.9), trailers and
 * resets. Queues content while a window is closed or the socket is full. Streams take turns, one
 * frame each.
 */

import type { ConnectionState } from './connection-state.js'
import { beginFieldBlock, endFieldBlock } from './field-block-writer.js'
import { encodeRequest, encodeTrailers, type RequestHead } from './field-section.js'
import { writeDataHeader, writeRstStream } from './frame.js'
import { NO_CONTENT, ResponsePhase, Stream, type StreamEnd, type StreamOwner } from './stream.js'
import { StreamInput, StreamState } from './stream-state.js'

/** Pending output above which no content is written, in bytes. */
const OUTPUT_HIGH_WATER_BYTES = 262_144
/**
 * Maximum content of one DATA frame, in bytes, even if the peer accepts 16 MiB (RFC 9113 §4.2): a
 * frame cannot be interrupted, and other streams and PINGs wait for its end.
 */
const MAX_DATA_BYTES = 65_536

/** Writes the stream frames of one connection. */
export class Sender<Owner extends StreamOwner> {
  readonly #state: ConnectionState<Owner>
  /**
   * Streams with content and an open stream window, in the order of their turns. Others wait for
   * credit.
   */
  readonly #ready: Stream<Owner>[] = []

  constructor(state: ConnectionState<Owner>) {
    this.#state = state
  }

  /** Opens a stream with its request (RFC 9113 §8.1). The caller has checked the capacity. */
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
   * Queues content, kept by reference until it is written; `endStream` ends it, optionally with
   * `trailers`. Returns false if content has to wait; `onSendable` then follows. Does nothing once
   * sending has ended.
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

  /** Puts a stream back in the list of turns after its window has opened. */
  unblock(stream: Stream<Owner>): void {
    if (stream.ready || stream.queue.length === 0 || stream.sendWindow <= 0) return
    stream.ready = true
    this.#ready.push(stream)
  }

  /** Writes the content that the windows and the socket allow, one frame per turn. */
  pump(): void {
    const { output } = this.#state
    if (this.#state.failed) return
    while (this.#ready.length > 0 && this.#state.sendWindow > 0 && output.pendingBytes < OUTPUT_HIGH_WATER_BYTES) {
      const stream = this.#ready.shift()!
      stream.ready = false
      // SETTINGS may have closed the window in the meantime (RFC 9113 §6.9.2). Credit calls
      // `unblock`.
      if (stream.sendWindow <= 0) continue
      this.#writeData(stream)
      if (stream.queue.length > 0) this.unblock(stream)
      // A closed stream gets no more callbacks.
      else if (stream.backlogged && stream.state !== StreamState.CLOSED) this.#drained(stream)
    }
  }

  /** Resets a stream in both directions (RFC 9113 §5.4.2). `end` is passed to its owner. */
  reset(stream: Stream<Owner>, errorCode: number, end?: StreamEnd): void {
    if (stream.state === StreamState.CLOSED) return
    this.#writeReset(stream, errorCode)
    this.close(stream, end)
  }

  /**
   * Cancels a stream for its owner. The slot is held until the peer has received the reset, unless
   * the peer had finished.
   */
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
   * Closes a stream after RST_STREAM or GOAWAY from either side: drops its content, notifies its
   * owner, and removes it, in this order. The state changes first, so that a callback cannot close
   * it again.
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

  /**
   * Removes a reset stream from the list of turns; `pump` would not while the connection window is
   * closed.
   */
  #forget(stream: Stream<Owner>): void {
    if (!stream.ready) return
    stream.ready = false
    this.#ready.splice(this.#ready.indexOf(stream), 1)
  }

  /**
   * Writes one DATA frame, limited by the queue, both windows, SETTINGS_MAX_FRAME_SIZE (RFC 9113
   * §4.2, §6.9) and our own maximum. Joins queued chunks, so that small chunks do not cost the peer a frame and a
   * WINDOW_UPDATE each.
   */
  #writeData(stream: Stream<Owner>): void {
    const state = this.#state
    const limit = Math.min(stream.sendWindow, state.sendWindow, state.peer.maxFrameBytes, MAX_DATA_BYTES)
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

  /** Moves at most `limit` bytes of the first chunk to the output. Returns their number. */
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

  /**
   * Writes the end of the request: trailers, or an empty DATA frame, which needs no window (RFC
   * 9113 §6.9.1, §8.1).
   */
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

/** Returns the number of queued bytes of a stream; counting stops beyond `limit`. */
function waitingBytes({ queue, queueOffset }: Stream, limit: number): number {
  let bytes = -queueOffset
  for (let i = 0; i < queue.length && bytes <= limit; i++) bytes += queue[i]!.length
  return bytes
}
