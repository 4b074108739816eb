/**
 * Whether the peer is still there (RFC 9113 §6.7): asked before a connection that has been idle is used again, after a request that ran
 * out of time, and, where the caller wants it, whenever nothing has been heard for a while.
 */

import type { Clock, ClockTimer } from '../deadlines.js'
import type { KeepaliveOptions } from '../pool-settings.js'

/** An idle connection is left for one turn of the event loop after so long: GOAWAY or the end may have arrived and not been read. */
const AIR_AFTER_MS = 100
/** How long an answer is waited for that a request depends on, milliseconds. */
export const PROBE_TIMEOUT_MS = 5_000
/** While content is on its way an answer may be behind it: so many times that. */
const UPLOAD_PROBES = 6
/** Who has spoken so recently is there, milliseconds. */
const RECENT_MS = 1_000
/** A keepalive interval is never stretched beyond this, milliseconds. */
const MAX_INTERVAL_MS = 0x7fff_ffff

/** What liveness knows of its connection, and tells it. */
export interface LivenessParts {
  /** Sends a PING; rejects where no answer comes in time. */
  ping(timeoutMs: number): Promise<number>
  /** Requests in flight. */
  active(): number
  /** Whether so much was sent since the peer was last heard of that an answer may be stuck behind it. */
  uploading(): boolean
  /** The doubt is over: the peer is there. */
  changed(): void
  /** Nobody is there. */
  gone(): void
}

export interface LivenessOptions {
  /** See `PoolSettings`; 0 never. */
  readonly verifyAfterIdleMs: number
  readonly keepalive: Required<KeepaliveOptions> | undefined
  /** How often the origin has complained of PINGs: the interval is doubled as often. */
  readonly tooManyPings: number
}

/** The doubts of one connection. */
export class Liveness {
  readonly #clock: Clock
  readonly #parts: LivenessParts
  readonly #options: LivenessOptions
  #heardAt: number
  #airedAt = 0
  #verifying = false
  #probing = false
  #probes = 0
  #keepalive: ClockTimer | undefined
  #stopped = false

  constructor(clock: Clock, options: LivenessOptions, parts: LivenessParts) {
    this.#clock = clock
    this.#parts = parts
    this.#options = options
    this.#heardAt = clock.now()
    this.#keepAlive()
  }

  /** Whether nothing new should be sent until it is known. */
  get verifying(): boolean {
    return this.#verifying
  }

  /** The peer has said something: whatever it was, it is there. */
  heard(now: number): void {
    this.#heardAt = now
    if (this.#verifying && this.#probing) this.#settle()
  }

  /** See `Connection.verify`. */
  verify(): boolean {
    const now = this.#clock.now()
    const silentMs = now - this.#heardAt
    const { verifyAfterIdleMs } = this.#options
    const due = verifyAfterIdleMs > 0 && silentMs >= verifyAfterIdleMs
    if (!due && (silentMs < AIR_AFTER_MS || now - this.#airedAt < AIR_AFTER_MS)) return true
    if (this.#verifying) return false
    this.#verifying = true
    if (due) this.#probe(PROBE_TIMEOUT_MS)
    else this.#air()
    return false
  }

  /** A request has run out of time. Until the peer has shown that it is there, no other is sent after it. */
  suspect(): void {
    if (this.#stopped || this.#verifying || this.#clock.now() - this.#heardAt < RECENT_MS) return
    this.#verifying = true
    this.#probe(PROBE_TIMEOUT_MS)
  }

  /** The connection is over. */
  stop(): void {
    this.#stopped = true
    this.#verifying = false
    this.#keepalive?.cancel()
  }

  /** All of one turn, wherever in a turn this is: what lies in the socket is read before it is over. */
  #air(): void {
    setImmediate(() =>
      setImmediate(() => {
        this.#airedAt = this.#clock.now()
        this.#settle()
      }),
    )
  }

  #probe(timeoutMs: number): void {
    if (this.#probing) return
    this.#probing = true
    const sentAt = this.#clock.now()
    this.#parts.ping(timeoutMs).then(
      () => this.#answered(),
      // A process that was busy runs its timers before it reads: what has arrived meanwhile counts.
      () => setImmediate(() => this.#unanswered(sentAt, timeoutMs)),
    )
  }

  #answered(): void {
    this.#probing = false
    this.#probes = 0
    this.#settle()
  }

  #unanswered(sentAt: number, timeoutMs: number): void {
    this.#probing = false
    if (this.#stopped) return
    if (this.#heardAt >= sentAt) return this.#answered()
    if (this.#parts.uploading() && ++this.#probes < UPLOAD_PROBES) return this.#probe(timeoutMs)
    this.#parts.gone()
  }

  #settle(): void {
    if (!this.#verifying || this.#stopped) return
    this.#verifying = false
    this.#parts.changed()
  }

  /** One timer, which never keeps the process alive; activity only moves what it finds when it fires. */
  #keepAlive(): void {
    const { keepalive, tooManyPings } = this.#options
    if (keepalive === undefined || this.#stopped) return
    const intervalMs = Math.min(MAX_INTERVAL_MS, keepalive.intervalMs * 2 ** tooManyPings)
    const silentMs = this.#clock.now() - this.#heardAt
    const due = silentMs >= intervalMs
    if (due && (keepalive.whenIdle || this.#parts.active() > 0)) this.#probe(keepalive.timeoutMs)
    this.#keepalive = this.#clock.startTimer(due ? intervalMs : intervalMs - silentMs, () => this.#keepAlive())
    this.#keepalive.unref()
  }
}
