/** One connection played from an input: the engine, a distrustful listener, and a strict server. */

import { createHash } from 'node:crypto'
import type { ProtocolFault } from '../../../core/src/h2/protocol/error-code.js'
import { Protocol } from '../../../core/src/h2/protocol/protocol.js'
import type { LocalSettings } from '../../../core/src/h2/protocol/settings.js'
import { WindowBudget } from '../../../core/src/h2/protocol/window.js'
import { settings, settingsAck } from '../../../testkit/src/frames.js'
import { must, throwBroken } from '../target.js'
import { checkCredit, checkNothingIsStuck } from './books.js'
import { contentAt, hasContent, headOf, Request, TRAILERS } from './request.js'
import { Spoken } from './spoken.js'
import { StrictServer } from './strict-server.js'
import { type ListenerCall, Witness } from './witness.js'

const CONNECTION_WINDOWS = [65_535, 131_070, 1_048_576, 65_535] as const
const BUDGETS = [0, 1_000, 100_000, 10_000_000] as const
/** Limits of one input. */
const MAX_REQUESTS = 64
const MAX_CONTENT = 400_000
const MAX_PIECES = 2_000
const SIZES = [0, 1, 15, 100, 1_000, 5_000, 16_384, 16_385, 65_535, 70_000] as const
/** The engine's own limit for content that waits for the socket, plus the last part beyond it. */
const MAX_WAITING_CONTENT = 262_144 + 70_000
const INTERNAL_ERROR = 2
const MAX_SETTLING = 10_000
const MAX_LINE_BYTES = 64

/** An act that waits for a listener call. */
export interface Inner {
  readonly call: ListenerCall
  readonly run: () => void
}

export class Conversation {
  readonly local: LocalSettings
  readonly budgetBytes: number
  readonly budget: WindowBudget
  readonly engine: Protocol<Request>
  readonly witness: Witness
  readonly requests: Request[] = []
  readonly serverSent: Spoken = new Spoken()
  readonly server: StrictServer
  readonly inner: Inner[] = []
  readonly #trace: ((line: string) => void) | undefined
  fault: ProtocolFault | undefined
  abandoned = false
  /** The engine is inside `receive`. */
  #receiving = false
  /** Number of running acts inside listener calls. */
  #hearing = 0
  #handedOver = 0
  #acts = 0

  constructor(head: number, trace: ((line: string) => void) | undefined) {
    this.#trace = trace
    this.local = {
      initialWindowBytes: 65_535,
      connectionWindowBytes: CONNECTION_WINDOWS[(head >> 1) & 3]!,
      headerTableBytes: (head & 0x40) === 0 ? 4_096 : 65_536,
      maxFieldSectionBytes: (head & 0x20) === 0 ? 65_536 : 300,
    }
    this.budgetBytes = BUDGETS[(head >> 3) & 3]!
    this.budget = new WindowBudget(this.budgetBytes)
    this.witness = new Witness(trace)
    this.witness.during = (call) => this.#during(call)
    this.server = new StrictServer(this.serverSent, this.requests)
    this.engine = new Protocol(this.witness, this.local, this.budget)
    this.engine.start()
    if ((head & 1) !== 0) this.deliver(Buffer.concat([settings({}), settingsAck()]), 0)
  }

  /** Delivers the server's bytes to the engine, in pieces of `cut` bytes, or whole for 0. */
  deliver(bytes: Buffer, cut: number): void {
    if (bytes.length === 0 || this.#receiving) return
    this.serverSent.say(bytes)
    const calls = this.witness.calls
    const step = cut === 0 ? bytes.length : Math.max(cut, Math.ceil(bytes.length / MAX_PIECES))
    for (let at = 0; at < bytes.length; at += step) this.#receive(bytes.subarray(at, at + step))
    const bound = 16 + 2 * bytes.length + 4 * this.requests.length
    must(this.witness.calls - calls <= bound, 'more listener calls than the bytes can explain')
  }

  #receive(bytes: Buffer): void {
    this.#receiving = true
    const over = this.fault !== undefined || this.abandoned
    if (over) this.witness.silence = 'a call after the connection was over'
    const fault = this.engine.receive(bytes)
    this.#receiving = false
    this.witness.silence = undefined
    this.witness.ending = false
    this.#failed(fault, over)
  }

  #failed(fault: ProtocolFault | undefined, over: boolean): void {
    throwBroken()
    if (fault === undefined) return
    must(!over, 'an error after the connection was over')
    this.#trace?.(`fault ${fault.errorCode} ${fault.message}`)
    must(fault.errorCode !== INTERNAL_ERROR, `INTERNAL_ERROR: ${fault.message}`)
    this.fault = fault
    must(this.engine.capacity === 0, 'capacity after an error')
  }

  /**
   * Nothing was received for a while: sends a PING if allowed. Triggered by a timer, so never
   * inside a listener call.
   */
  overdue(): void {
    if (this.#receiving) return
    if (this.engine.sendProbe()) must(!this.engine.sendProbe(), 'a second PING while one is pending')
    else this.engine.probe.forgive()
  }

  /** Performs the acts that wait for this call inside it, one per call. */
  #during(call: ListenerCall): void {
    const at = this.inner.findIndex((act) => act.call === call)
    if (at < 0) return
    this.#hearing++
    this.inner.splice(at, 1)[0]!.run()
    this.#hearing--
  }

  open(x: number, y: number, z: number): void {
    this.#acts++
    const head = headOf(x, y, z)
    if (this.engine.capacity === 0 || this.requests.length >= MAX_REQUESTS || this.engine.exceedsPeerLimit(head)) return
    const endStream = !hasContent(head)
    const request = new Request(this.witness, head, this.witness.open, endStream)
    this.requests.push(request)
    this.witness.opened++
    request.stream = this.engine.openStream(request, head, endStream)
    this.#trace?.(`> open ${request.stream.id} ${head.method}`)
    must(request.stream.id === this.requests.length * 2 - 1, 'stream identifiers are not odd and rising')
  }

  request(index: number): Request | undefined {
    return this.requests[index % Math.max(1, this.requests.length)]
  }

  send(which: number, size: number, how: number): void {
    this.#acts++
    const request = this.request(which)
    if (request?.stream === undefined) return
    const length = this.#handedOver > MAX_CONTENT ? 0 : size < SIZES.length ? SIZES[size]! : size * 3
    const end = (how & 1) !== 0
    const trailers = end && (how & 2) !== 0 && !this.engine.trailersExceedPeerLimit(TRAILERS) ? TRAILERS : undefined
    const bytes = (how & 4) !== 0 ? undefined : contentAt(request.handedOver, length)
    const over = request.sendingEnded || request.closed || request.stopped
    if (!over) {
      request.handedOver += bytes?.length ?? 0
      request.sendingEnded = end
      request.trailers = trailers
    }
    this.#handedOver += length
    this.#trace?.(`> send ${request.id} ${bytes?.length ?? 'nothing'}${end ? ' end' : ''}`)
    const done = this.engine.sendData(request.stream, bytes, end, trailers)
    must(done || !over, 'sendData returns that the caller must wait after the end')
    if (!over) request.waiting = !done
  }

  reset(which: number, errorCode: number): void {
    this.#acts++
    const request = this.request(which)
    if (request?.stream === undefined) return
    this.#trace?.(`> reset ${request.id}`)
    this.engine.resetStream(request.stream, errorCode)
    // Inside a call about its end the stream is closed, and onClosed follows last.
    must(request.closed || this.#hearing > 0, 'resetStream leaves a stream open')
  }

  consume(which: number, amount: number): void {
    this.#acts++
    const request = this.request(which)
    if (request?.stream === undefined || request.unread === 0) return
    const bytes = amount >= 128 ? request.unread : Math.min(request.unread, amount * amount + 1)
    request.unread -= bytes
    request.consumed += bytes
    if (request.receiving) this.#trace?.(`> consumed ${request.id} ${bytes}`)
    this.engine.consumed(request.stream, bytes)
  }

  ping(byte: number): void {
    this.#acts++
    this.engine.ping(Buffer.alloc(8, byte))
  }

  goaway(code: number): void {
    this.#acts++
    this.engine.goaway(code, 'bye')
    must(this.engine.capacity === 0, 'capacity after goaway')
  }

  resume(): void {
    this.engine.resume()
  }

  /** Time passes: limits recover, and an unanswered PING expires. */
  refill(): void {
    this.engine.refillLimits(1_000)
    if (this.engine.heldSlots > 0) this.engine.freeHeldSlots()
  }

  /** The socket takes the output. */
  take(): number {
    const chunks = this.engine.takeOutput()
    must(!this.engine.hasOutput, 'takeOutput leaves output')
    if (chunks.length > 0) this.#trace?.(`written ${inShort(Buffer.concat(chunks))}`)
    const before = this.server.dataBytes
    this.server.read(chunks)
    must(this.server.dataBytes - before <= MAX_WAITING_CONTENT, 'more content waits for the socket than the bound')
    const calm = this.fault === undefined && !this.abandoned && !this.#receiving
    if (calm && this.engine.atFrameBoundary) checkCredit(this)
    return chunks.length
  }

  abandon(): void {
    if (this.abandoned) return
    this.abandoned = true
    this.#trace?.('> abandon')
    this.engine.abandon((stream) => must(!stream.owner.closed, 'abandon calls the owner of a stream that was closed'))
    must(this.witness.open === 0 || this.#hearing > 0, 'abandon leaves a stream open')
    if (!this.#receiving) return
    this.witness.silence = 'a call after abandon'
    this.witness.ending = true
  }

  /** Checks the invariants at the end. */
  finish(): void {
    this.inner.length = 0
    this.take()
    if (this.fault === undefined && !this.abandoned) this.#settle()
    this.abandon()
    this.take()
    must(this.server.pendingBytes === 0, 'an incomplete frame was written')
    for (const request of this.requests) {
      must(request.closed, 'a stream was never closed')
      must(!(request.ended && request.failed), 'onEnd and onStreamError for one stream')
    }
    must(this.engine.active === 0 && this.engine.capacity === 0, 'streams or capacity after abandon')
    must(this.budget.freeBytes === this.budgetBytes, 'the window budget was not returned')
    const bound = 1_000 + 2 * this.serverSent.byteCount + 32 * (this.#acts + this.requests.length)
    must(this.server.controlBytes <= bound, 'more bytes are sent in answer than the peer and the client can explain')
  }

  /** The socket takes everything: the remaining content waits for the peer, or is stuck. */
  #settle(): void {
    let rounds = 0
    do {
      must(++rounds < MAX_SETTLING, 'output without end')
      this.engine.resume()
    } while (this.take() > 0)
    if (this.engine.atFrameBoundary) checkNothingIsStuck(this)
  }
}

/** Formats bytes on one line: as hex, or as a hash if there are many. */
function inShort(bytes: Buffer): string {
  if (bytes.length <= MAX_LINE_BYTES) return bytes.toString('hex')
  return `${bytes.length} bytes, sha1 ${createHash('sha1').update(bytes).digest('hex')}`
}
