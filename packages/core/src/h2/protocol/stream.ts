/** One stream (RFC 9113 §5): its state, its two windows, what its response has shown so far, and the content still to be sent. */

import { ErrorCode, ProtocolFault } from './error-code.js'
import type { FieldSection } from './field-section.js'
import { nextState, REFUSED, type StreamInput, StreamState } from './stream-state.js'
import { ReceiveWindow } from './window.js'

/** How far the response of a stream has come (RFC 9113 §8.1). */
export const ResponsePhase = { BEFORE_FINAL: 0, CONTENT: 1, ENDED: 2 } as const
export type ResponsePhase = (typeof ResponsePhase)[keyof typeof ResponsePhase]

/** Why a stream ended before its response was complete. */
export interface StreamEnd {
  /** RFC 9113 §7. */
  readonly errorCode: number
  readonly initiator: 'local' | 'peer'
  readonly reason: string
  /** The peer has certainly not acted on the request (RFC 9113 §8.7). */
  readonly unprocessed: boolean
}

/** Receives the events of one stream. Called synchronously while bytes are received; must not throw. */
export interface StreamOwner {
  /** An interim response, 1xx. */
  onInformational(section: FieldSection): void
  /** The field section of the final response. */
  onResponse(section: FieldSection): void
  /** Part of the content: `bytes` from `start` to `end`, valid during the call. */
  onData(bytes: Buffer, start: number, end: number): void
  /** The response is complete; `trailers` is name, value, name, value. */
  onEnd(trailers: readonly string[] | undefined): void
  /** The stream ended early. Called at most once, and never after `onEnd`. */
  onStreamError(end: StreamEnd): void
  /** Content may be handed over again: all that was queued is written, or the peer wants no more of it (`stopped`). */
  onSendable(stopped: boolean): void
  /** The stream no longer occupies a slot. Called once for every stream that was opened. */
  onClosed(): void
}

/** The queue of all that have nothing to send: shared, and never pushed to. */
export const NO_CONTENT: Uint8Array[] = []

/** A stream and what the protocol keeps for it. `owner` is the argument of `openStream`: it receives the stream's events. */
export class Stream<Owner = StreamOwner> {
  readonly id: number
  readonly owner: Owner
  state: StreamState = StreamState.IDLE

  /** What we may send. Negative after the peer lowered SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.9.2). */
  sendWindow: number
  readonly #receiveWindowBytes: number
  #receiveWindow: ReceiveWindow | undefined

  phase: ResponsePhase = ResponsePhase.BEFORE_FINAL
  /** Responses to HEAD, 204 and 304 have no content, whatever `content-length` says (RFC 9110 §6.4.1). */
  noContent: boolean
  /** Opened by CONNECT: with a 2xx it is a tunnel, and carries nothing but DATA from then on (RFC 9113 §8.5). */
  tunnel = false
  /** Blanks at the ends of field values are taken off, in place of a malformed response. */
  trimsFieldValues = false
  /** `content-length` of the response, -1 where it said none. */
  expectedBytes = -1
  receivedBytes = 0
  informational = 0
  /** The caller wants interim responses: there is no limit on them. */
  wantsInformational = false
  /** Bytes of interim responses, and what time had allowed of them when the first one came. */
  interimBytes = 0
  interimSince = 0
  /** Bytes of the field sections that have arrived (RFC 9113 §6.5.2). */
  sectionBytes = 0

  /** Content handed over and not yet written, in order. */
  queue: Uint8Array[] = NO_CONTENT
  /** Bytes of `queue[0]` that are already written. */
  queueOffset = 0
  /** The end of the content was handed over; trailers, if any, follow the queue. */
  endQueued = false
  trailers: readonly string[] | undefined
  /** Whether the sender's list of streams that could send now holds this one. */
  ready = false
  /** The next one in the same place of the connection's table. */
  nextInTable: Stream<Owner> | undefined
  /** Whether its owner was told to wait, and is owed an `onSendable`. */
  backlogged = false

  constructor(id: number, owner: Owner, head: boolean, sendWindow: number, receiveWindowBytes: number) {
    this.id = id
    this.owner = owner
    this.noContent = head
    this.sendWindow = sendWindow
    this.#receiveWindowBytes = receiveWindowBytes
  }

  /** What the peer may send. Made when something comes: ten thousand requests that wait for an answer need none. */
  get receiveWindow(): ReceiveWindow {
    this.#receiveWindow ??= new ReceiveWindow(this.#receiveWindowBytes)
    return this.#receiveWindow
  }

  /** What that was enlarged by, bytes. */
  get grownBytes(): number {
    return this.#receiveWindow === undefined ? 0 : this.#receiveWindow.size - this.#receiveWindowBytes
  }

  /** It is over: lets go of what it has got late. A stream that was open for long is garbage of the old generation, and would keep it for as long. */
  release(): void {
    this.#receiveWindow = undefined
  }

  /** Puts content behind what waits. */
  enqueue(bytes: Uint8Array): void {
    if (this.queue.length === 0) this.queue = [bytes]
    else this.queue.push(bytes)
  }

  /** Whether the peer has begun to answer: with a final response, or with an interim one. */
  get answering(): boolean {
    return this.phase !== ResponsePhase.BEFORE_FINAL || this.informational > 0
  }

  /**
   * Moves through the table of RFC 9113 §5.1.
   * @throws ProtocolFault INTERNAL_ERROR where the table refuses: callers ask {@link allows} first for what the peer decides.
   */
  apply(input: StreamInput): void {
    const next = nextState(this.state, input)
    if (next === REFUSED)
      throw new ProtocolFault(ErrorCode.INTERNAL_ERROR, `stream ${this.id}: input ${input} in state ${this.state}`)
    this.state = next
  }

  /** Whether the table has a way from here. */
  allows(input: StreamInput): boolean {
    return nextState(this.state, input) !== REFUSED
  }
}
