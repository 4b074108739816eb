/**
 * Reference model of RFC 9113 §5.1 and §8.1: the reaction of a client to each frame on each stream.
 * Written from the RFC and not from the engine, without bytes, windows or HPACK. The model check
 * runs the same scripts with both.
 */

/** An action of the server, or of the caller of the engine. `stream` is an identifier. */
export type Step =
  | { readonly kind: 'get' | 'post' | 'head' }
  | { readonly kind: 'send-end' | 'reset'; readonly stream: number }
  | { readonly kind: 'HEADERS'; readonly stream: number; readonly status: 0 | 103 | 200; readonly endStream: boolean }
  | { readonly kind: 'DATA'; readonly stream: number; readonly bytes: number; readonly endStream: boolean }
  | { readonly kind: 'RST_STREAM' | 'PRIORITY' | 'CONTINUATION' | 'PUSH_PROMISE'; readonly stream: number }
  | { readonly kind: 'WINDOW_UPDATE'; readonly stream: number; readonly increment: number }
  | { readonly kind: 'GOAWAY'; readonly last: number }
  | { readonly kind: 'SETTINGS' | 'PING' | 'UNKNOWN' }

type State = 'open' | 'half-closed (local)' | 'half-closed (remote)' | 'closed'

interface ModelStream {
  state: State
  head: boolean
  answered: boolean
  /**
   * Later frames are ignored: "An endpoint MUST ignore frames that it receives on closed streams
   * after it has sent a RST_STREAM frame".
   */
  ignoring: boolean
  /** Later frames are discarded: "An endpoint can perform this minimal processing for all streams that are in the "closed" state". */
  resetByPeer: boolean
}

/** Result of one step: events of the caller, sent resets, and the connection error, if any. */
export interface Outcome {
  readonly events: string[]
  readonly resets: string[]
  fault: string | undefined
}

export class ReferenceModel {
  readonly #streams = new Map<number, ModelStream>()
  #next = 1
  #last = 0x7fff_ffff
  #goaway = false

  /** State of a stream in the words of the RFC. */
  stateOf(id: number): State | 'idle' {
    return this.#streams.get(id)?.state ?? 'idle'
  }

  get mayOpen(): boolean {
    return !this.#goaway
  }

  step(step: Step): Outcome {
    const outcome: Outcome = { events: [], resets: [], fault: undefined }
    switch (step.kind) {
      case 'get':
      case 'post':
      case 'head':
        this.#open(step.kind)
        break
      case 'send-end':
        this.#sendEnd(step.stream, outcome)
        break
      case 'reset':
        this.#reset(step.stream, 'CANCEL', outcome)
        break
      case 'GOAWAY':
        this.#goawayReceived(step.last, outcome)
        break
      case 'SETTINGS':
      case 'PING':
      case 'UNKNOWN':
        break
      // §8.4: "A client that has set this setting to 0 ... MUST treat the receipt of a PUSH_PROMISE
      // frame as a connection error".
      case 'PUSH_PROMISE':
      // §6.10: CONTINUATION without a field block is "a connection error of type PROTOCOL_ERROR".
      case 'CONTINUATION':
        outcome.fault = 'PROTOCOL_ERROR'
        break
      default:
        this.#received(step, outcome)
    }
    return outcome
  }

  #open(kind: 'get' | 'post' | 'head'): void {
    const state = kind === 'post' ? 'open' : 'half-closed (local)'
    this.#streams.set(this.#next, { state, head: kind === 'head', answered: false, ignoring: false, resetByPeer: false })
    this.#next += 2
  }

  #sendEnd(id: number, outcome: Outcome): void {
    const stream = this.#streams.get(id)
    if (stream?.state === 'open') stream.state = 'half-closed (local)'
    else if (stream?.state === 'half-closed (remote)') this.#close(id, stream, outcome)
  }

  /**
   * §5.1: idle: "Receiving any frame other than HEADERS or PRIORITY ... PROTOCOL_ERROR", and
   * HEADERS are valid only on streams that the client opened.
   */
  #received(step: Step & { stream: number }, outcome: Outcome): void {
    const { kind, stream: id } = step
    if (kind === 'PRIORITY') {
      if (id === 0) outcome.fault = 'PROTOCOL_ERROR'
      return
    }
    if (id === 0) return this.#onConnection(step, outcome)
    if (id % 2 === 0 || id >= this.#next) {
      outcome.fault = 'PROTOCOL_ERROR'
      return
    }
    const stream = this.#streams.get(id)!
    if (stream.state === 'closed') return this.#onClosed(step, stream, outcome)
    if (kind === 'RST_STREAM') return this.#peerReset(id, stream, outcome)
    if (kind === 'WINDOW_UPDATE') {
      // §6.9: "MUST treat the receipt of a WINDOW_UPDATE frame with a flow-control window increment
      // of 0 as a stream error".
      if ((step as { increment: number }).increment === 0) this.#fail(id, stream, 'PROTOCOL_ERROR', outcome)
      return
    }
    // §5.1 half-closed (remote): any other frame "MUST" be answered "with a stream error of type
    // STREAM_CLOSED".
    if (stream.state === 'half-closed (remote)') return this.#fail(id, stream, 'STREAM_CLOSED', outcome)
    if (step.kind === 'HEADERS') this.#headers(step, stream, outcome)
    else if (step.kind === 'DATA') this.#data(step, stream, outcome)
  }

  #onConnection(step: Step, outcome: Outcome): void {
    const isCredit = step.kind === 'WINDOW_UPDATE' && step.increment > 0
    if (!isCredit) outcome.fault = 'PROTOCOL_ERROR'
  }

  /**
   * §5.1 closed: WINDOW_UPDATE and RST_STREAM are ignored; HEADERS and DATA only after RST_STREAM
   * or GOAWAY of the peer.
   */
  #onClosed(step: Step, stream: ModelStream, outcome: Outcome): void {
    if (step.kind === 'RST_STREAM') stream.resetByPeer = true
    if (step.kind !== 'HEADERS' && step.kind !== 'DATA') return
    if (!stream.ignoring && !stream.resetByPeer && !this.#refused(step.stream)) outcome.fault = 'STREAM_CLOSED'
    if (step.endStream) stream.ignoring = false
  }

  /** §6.8: frames on streams above the last stream of GOAWAY are ignored. */
  #refused(id: number): boolean {
    return id > this.#last
  }

  #headers(step: Extract<Step, { kind: 'HEADERS' }>, stream: ModelStream, outcome: Outcome): void {
    const { stream: id, status, endStream } = step
    // §8.1: interim responses, one final response, then trailers; the last frame ends the stream.
    const interim = status === 103
    const wellFormed = stream.answered ? status === 0 && endStream : status !== 0 && !(interim && endStream)
    if (!wellFormed) return this.#fail(id, stream, 'PROTOCOL_ERROR', outcome)
    if (interim) {
      outcome.events.push(`informational ${id}`)
      return
    }
    if (!stream.answered) outcome.events.push(`response ${id}`)
    stream.answered = true
    if (endStream) this.#peerEnded(id, stream, outcome)
  }

  #data(step: Extract<Step, { kind: 'DATA' }>, stream: ModelStream, outcome: Outcome): void {
    const { stream: id, bytes, endStream } = step
    // §8.1: content follows a final response; §8.1.1 with RFC 9110 §6.4.1: a response to HEAD has
    // none.
    if (!stream.answered || (stream.head && bytes > 0)) return this.#fail(id, stream, 'PROTOCOL_ERROR', outcome)
    if (bytes > 0) outcome.events.push(`data ${id}`)
    if (endStream) this.#peerEnded(id, stream, outcome)
  }

  #peerEnded(id: number, stream: ModelStream, outcome: Outcome): void {
    outcome.events.push(`end ${id}`)
    if (stream.state === 'half-closed (local)') this.#close(id, stream, outcome)
    else stream.state = 'half-closed (remote)'
  }

  #peerReset(id: number, stream: ModelStream, outcome: Outcome): void {
    stream.resetByPeer = true
    // §8.1: after a complete response it only stops the rest of the request.
    if (stream.state !== 'half-closed (remote)') outcome.events.push(`error ${id}`)
    this.#close(id, stream, outcome)
  }

  #fail(id: number, stream: ModelStream, code: string, outcome: Outcome): void {
    outcome.resets.push(`RST_STREAM ${id} ${code}`)
    if (stream.state !== 'half-closed (remote)') outcome.events.push(`error ${id}`)
    stream.ignoring = true
    this.#close(id, stream, outcome)
  }

  #reset(id: number, code: string, outcome: Outcome): void {
    const stream = this.#streams.get(id)
    if (stream === undefined || stream.state === 'closed') return
    outcome.resets.push(`RST_STREAM ${id} ${code}`)
    stream.ignoring = true
    this.#close(id, stream, outcome)
  }

  /**
   * §6.8: the last stream may not increase; later streams are closed as unprocessed; no stream is
   * opened after it.
   */
  #goawayReceived(last: number, outcome: Outcome): void {
    if (this.#goaway && last > this.#last) {
      outcome.fault = 'PROTOCOL_ERROR'
      return
    }
    this.#goaway = true
    this.#last = last
    for (const [id, stream] of this.#streams) {
      if (id <= last || stream.state === 'closed') continue
      if (stream.state !== 'half-closed (remote)') outcome.events.push(`error ${id}`)
      this.#close(id, stream, outcome)
    }
  }

  #close(id: number, stream: ModelStream, outcome: Outcome): void {
    stream.state = 'closed'
    outcome.events.push(`closed ${id}`)
  }
}
