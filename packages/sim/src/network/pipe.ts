/**
 * One direction of a TCP connection: bytes arrive in order, late, or never. Loss is delay, a black
 * hole is retransmission until it ends or the sender gives up (RFC 9293 §3.8.1, Linux: about 15 minutes).
 */

import type { QueuedEvent } from '../kernel/event-queue.js'
import { ByteQueue } from './byte-queue.js'
import type { Direction, Machine } from './machine.js'

/** Bytes in flight and unread before the sender must wait. */
const WINDOW_BYTES = 1_048_576
/** Bytes that are written at the same time travel together, up to this size. */
const MAX_SEGMENT_BYTES = 65_536
/** Longer ones are not copied, and arrive in their parts. */
const MAX_JOINED_BYTES = 8_192
const FIRST_RETRY_MS = 200
const MAX_RETRY_MS = 120_000
/** `net.ipv4.tcp_retries2` of 15. */
const GIVE_UP_MS = 924_600

/** The receiver and the sender of a pipe, as far as it calls them. */
export interface PipeEnds {
  /** Bytes that can be read now. */
  readable(): void
  /** The window is open again. */
  writable(): void
  /** The sender gives up. */
  timedOut(): void
  /** Whether the flow still exists in the network (a NAT may have forgotten it). */
  connected(): boolean
}

interface Segment {
  /** Parts that were written at the same time; `undefined` is FIN. */
  readonly parts: Uint8Array[] | undefined
  length: number
  readonly sentAt: number
  arrivesAt: number
}

export class Pipe {
  readonly #machine: Machine
  readonly #direction: Direction
  readonly #ends: PipeEnds
  #flying: Segment[] = []
  /** Arrived and unread. */
  readonly arrived: ByteQueue = new ByteQueue()
  #bytes = 0
  #lastArrivesAt = 0
  #event: QueuedEvent | undefined
  #retryMs = FIRST_RETRY_MS
  #stuckMs = 0
  #full = false
  #closed = false
  /** Whether the sender has sent something that was not acknowledged. */
  unacknowledged = false

  constructor(machine: Machine, direction: Direction, ends: PipeEnds) {
    this.#machine = machine
    this.#direction = direction
    this.#ends = ends
  }

  /** Whether the sender has to wait for {@link PipeEnds.writable}. */
  get full(): boolean {
    return this.#full
  }

  /** Bytes in flight and unread. */
  get bytes(): number {
    return this.#bytes
  }

  /** Sends bytes, or FIN. Keeps them. */
  send(bytes: Uint8Array | undefined): void {
    const { kernel, path } = this.#machine
    const length = bytes?.length ?? 0
    let leavesAt = kernel.now
    if (path.bandwidth !== undefined) {
      const { lineFreeAt } = this.#machine
      leavesAt = Math.max(leavesAt, lineFreeAt[this.#direction]) + length / path.bandwidth
      lineFreeAt[this.#direction] = leavesAt
    }
    this.#bytes += length
    if (this.#bytes >= WINDOW_BYTES) this.#full = true
    const last = this.#flying.at(-1)
    if (bytes !== undefined && last?.parts !== undefined && last.sentAt === kernel.now && last.length < MAX_SEGMENT_BYTES) {
      last.parts.push(bytes)
      last.length += length
      last.arrivesAt = Math.max(last.arrivesAt, leavesAt + path.latencyMs)
      this.#lastArrivesAt = last.arrivesAt
      return
    }
    const arrivesAt = Math.max(this.#lastArrivesAt, leavesAt + this.#machine.delayMs())
    this.#lastArrivesAt = arrivesAt
    this.#flying.push({ parts: bytes === undefined ? undefined : [bytes], length, sentAt: kernel.now, arrivesAt })
    this.#event ??= kernel.at(arrivesAt, this.#arrive)
  }

  /** The receiver has read `length` bytes. */
  credit(length: number): void {
    this.#bytes -= length
    if (!this.#full || this.#bytes > WINDOW_BYTES / 2) return
    this.#full = false
    if (!this.#closed) this.#ends.writable()
  }

  /** Ends the pipe: nothing arrives any more. */
  close(): void {
    this.#closed = true
    for (const { length } of this.#flying) this.#bytes -= length
    this.#flying = []
    this.unacknowledged = false
    if (this.#event !== undefined) this.#event.callback = undefined
  }

  readonly #arrive = (): void => {
    this.#event = undefined
    const { kernel } = this.#machine
    const back = this.#direction === 'toServer' ? 'toClient' : 'toServer'
    const passes = this.#machine.up(this.#direction) && this.#ends.connected()
    this.unacknowledged = !passes || !this.#machine.up(back)
    if (passes) this.#deliver(kernel.now)
    if (this.#closed) return
    if (this.unacknowledged) return this.#retry()
    this.#retryMs = FIRST_RETRY_MS
    this.#stuckMs = 0
    const next = this.#flying[0]
    if (next !== undefined) this.#event = kernel.at(next.arrivesAt, this.#arrive)
  }

  #deliver(now: number): void {
    let count = 0
    for (const { parts, length, arrivesAt } of this.#flying) {
      if (arrivesAt > now) break
      if (parts === undefined || parts.length === 1) this.arrived.push(parts?.[0])
      else if (length <= MAX_JOINED_BYTES) this.arrived.push(Buffer.concat(parts, length))
      else this.arrived.push(...parts)
      count++
    }
    if (count === 0) return
    this.#flying.splice(0, count)
    this.#ends.readable()
  }

  /** RFC 6298 §5: the time doubles with each retransmission. */
  #retry(): void {
    const { kernel } = this.#machine
    // A suspended machine does not count, and the other one notices nothing of it until it is awake.
    if (!kernel.asleep || this.#direction === 'toClient') this.#stuckMs += this.#retryMs
    if (this.#stuckMs > GIVE_UP_MS) return this.#ends.timedOut()
    this.#event = kernel.after(this.#retryMs, this.#arrive)
    this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2)
  }
}
