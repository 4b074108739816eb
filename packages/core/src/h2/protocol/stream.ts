/** One stream (RFC 9113 §5): state, both windows, progress of the response, and content to send. */

import { ErrorCode, ProtocolFault } from './error-code.js'
import type { FieldSection } from './field-section.js'
import { nextState, REFUSED, type StreamInput, StreamState } from './stream-state.js'
import { ReceiveWindow } from './window.js'

/** Progress of a response (RFC 9113 §8.1). */
export const ResponsePhase = { BEFORE_FINAL: 0, CONTENT: 1, ENDED: 2 } as const
export type ResponsePhase = (typeof ResponsePhase)[keyof typeof ResponsePhase]

/** Why a stream ended before its response was complete. */
export interface StreamEnd {
  /** Error code (RFC 9113 §7). */
  readonly errorCode: number
  readonly initiator: 'local' | 'peer'
  readonly reason: string
  /** Whether the peer has certainly not processed the request (RFC 9113 §8.7). */
  readonly unprocessed: boolean
}

/** Receives the events of one stream. Called synchronously while bytes are received; must not throw. */
export interface StreamOwner {
  /** Called with an interim response (1xx). */
  onInformational(section: FieldSection): void
  /** Called with the field section of the final response. */
  onResponse(section: FieldSection): void
  /** Called with a part of the content: `bytes` from `start` to `end`, valid during the call. */
  onData(bytes: Buffer, start: number, end: number): void
  /** Called when the response is complete; `trailers` is name, value, name, value. */
  onEnd(trailers: readonly string[] | undefined): void
  /** Called when the stream ended early: at most once, and never after `onEnd`. */
  onStreamError(end: StreamEnd): void
  /**
   * Called when content may be sent again: the queue is written, or the peer wants no more
   * (`stopped`).
   */
  onSendable(stopped: boolean): void
  /** Called once for every opened stream, when it no longer occupies a slot. */
  onClosed(): void
}

/** The empty queue that streams without content share; never pushed to. */
export const NO_CONTENT: Uint8Array[] = []

/** The protocol state of a stream. `owner` receives the stream's events. */
export class Stream<Owner = StreamOwner> {
  readonly id: number
  readonly owner: Owner
  state: StreamState = StreamState.IDLE

  /**
   * Send window, in bytes. May be negative after a lower SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113
   * §6.9.2).
   */
  sendWindow: number
  readonly #receiveWindowBytes: number
  #receiveWindow: ReceiveWindow | undefined

  phase: ResponsePhase = ResponsePhase.BEFORE_FINAL
  /**
   * Whether content is forbidden: a response to HEAD, 204 or 304, whatever its `content-length`
   * (RFC 9110 §6.4.1).
   */
  noContent: boolean
  /** Whether CONNECT opened the stream. After a 2xx, a tunnel carries only DATA (RFC 9113 §8.5). */
  tunnel = false
  /**
   * Whether response field values are trimmed; otherwise edge blanks make the response malformed.
   */
  trimsFieldValues = false
  /** `content-length` of the response, or -1 if absent. */
  expectedBytes = -1
  receivedBytes = 0
  informational = 0
  /** Whether the caller wants interim responses, which are then unlimited. */
  wantsInformational = false
  /** Bytes of interim responses, and the allowance at the time of the first one. */
  interimBytes = 0
  interimSince = 0
  /** Size of the received field sections, in bytes (RFC 9113 §6.5.2). */
  sectionBytes = 0

  /** Content that is queued but not yet written, in order. */
  queue: Uint8Array[] = NO_CONTENT
  /** Bytes of `queue[0]` that are already written. */
  queueOffset = 0
  /** Whether the end of the content is queued; trailers, if any, follow the queue. */
  endQueued = false
  trailers: readonly string[] | undefined
  /** Whether the stream is in the sender's list of turns. */
  ready = false
  /** The next stream in the same bucket of the stream table. */
  nextInTable: Stream<Owner> | undefined
  /** Whether the owner waits for `onSendable`. */
  backlogged = false

  constructor(id: number, owner: Owner, head: boolean, sendWindow: number, receiveWindowBytes: number) {
    this.id = id
    this.owner = owner
    this.noContent = head
    this.sendWindow = sendWindow
    this.#receiveWindowBytes = receiveWindowBytes
  }

  /** The receive window. Created lazily, because 10,000 pending requests need none. */
  get receiveWindow(): ReceiveWindow {
    this.#receiveWindow ??= new ReceiveWindow(this.#receiveWindowBytes)
    return this.#receiveWindow
  }

  /** Growth of the receive window so far, in bytes. */
  get grownBytes(): number {
    return this.#receiveWindow === undefined ? 0 : this.#receiveWindow.size - this.#receiveWindowBytes
  }

  /**
   * Drops late allocations of a closed stream, so that an old-generation stream does not retain
   * them.
   */
  release(): void {
    this.#receiveWindow = undefined
  }

  /** Appends content to the queue. */
  enqueue(bytes: Uint8Array): void {
    if (this.queue.length === 0) this.queue = [bytes]
    else this.queue.push(bytes)
  }

  /** Whether the peer has sent a final or an interim response. */
  get answering(): boolean {
    return this.phase !== ResponsePhase.BEFORE_FINAL || this.informational > 0
  }

  /**
   * Applies a state transition (RFC 9113 §5.1).
   * @throws ProtocolFault INTERNAL_ERROR for an invalid one: check the peer's inputs with {@link
   * allows} first.
   */
  apply(input: StreamInput): void {
    const next = nextState(this.state, input)
    if (next === REFUSED)
      throw new ProtocolFault(ErrorCode.INTERNAL_ERROR, `stream ${this.id}: input ${input} in state ${this.state}`)
    this.state = next
  }

  /** Whether `input` is valid in the current state. */
  allows(input: StreamInput): boolean {
    return nextState(this.state, input) !== REFUSED
  }
}
