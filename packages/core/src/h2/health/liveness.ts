/**
 * Checks whether the peer of an HTTP/2 connection is alive, by the rules of
 * docs/guides/production.md. An idle connection with open streams sends a PING (RFC 9113 §6.7).
 * Without a byte in return it takes no new requests, and later fails. A peer that acknowledges
 * PINGs may take any time to respond. Must not know requests; deadlines belong to the call.
 */

import type { Clock, ClockTimer } from '../../runtime/clock.js'
import type { Probe } from '../protocol/probe.js'

/** Idle time after which a connection with open streams sends a PING, in milliseconds. */
export const PROBE_AFTER_MS = 15_000
/** Idle time after a PING after which new requests use other connections, in milliseconds. */
export const PROBE_TIMEOUT_MS = 10_000
/**
 * Idle time after a PING after which the connection fails, in milliseconds: a server may be busy
 * for 30 s.
 */
const PROBE_LOST_MS = 30_000
/** Minimum idle time before the connection fails, whenever the PING was sent, in milliseconds. */
const LOST_AFTER_MS = 45_000
/**
 * Time after which another PING may follow without HEADERS or DATA in between, in milliseconds:
 * gRPC servers count PINGs within 5 minutes.
 */
const FORGIVEN_AFTER_MS = 310_000
/**
 * Time without HEADERS or DATA after which a connection takes no new requests, in milliseconds; up
 * to 15 s more after a stream opens.
 */
export const STALLED_AFTER_MS = 60_000
/** Time without SETTINGS after which new requests use another address, in milliseconds. */
const LATE_SETTINGS_MS = 2_000
/** Factor on the time to fail during an upload, because the PING may be queued behind content. */
const UPLOAD_FACTOR = 2
/** Time for which slots are held if no PING may be sent, in milliseconds. */
const SLOT_HOLD_MS = 1_000
/**
 * Idle time after which a connection yields one event-loop turn before reuse, in milliseconds:
 * GOAWAY or FIN may be unread.
 */
const YIELD_AFTER_MS = 100
/** Time after the last received byte during which the peer counts as alive, in milliseconds. */
const RECENT_MS = 1_000

/** The parts of the connection that its liveness needs. */
export interface LivenessDeps {
  readonly probe: Probe
  /** Sends a PING if the rule for probes allows it. Returns whether it was sent. */
  sendProbe(): boolean
  /** Requests in flight. */
  active(): number
  /** Streams that were ever opened. */
  openedStreams(): number
  /** Whether the peer's SETTINGS have been received. */
  confirmed(): boolean
  /** Slots held until a PING acknowledgment or a timeout. */
  heldSlots(): number
  freeSlots(): void
  /** Bytes that the socket has not sent yet: a PING behind them cannot have arrived. */
  unsentBytes(): number
  /** Whether an upload is in progress: many bytes were sent since the last one was received. */
  uploading(): boolean
  /** Called when the connection's readiness for requests may have changed. */
  changed(): void
  /** Stops new requests on this connection. */
  retire(): void
  /** Called when the peer is presumed dead. */
  gone(): void
}

/** Settings of one connection. */
export interface LivenessOptions {
  /** See `PoolSettings`; 0 disables the check. */
  readonly verifyAfterIdleMs: number
  /** Whether PINGs are sent while responses are pending. */
  readonly probes: boolean
  /** Whether new requests use other connections while no open stream moves. */
  readonly stalls: boolean
  /**
   * Whether the origin has other addresses, so that new requests need not wait for late SETTINGS.
   */
  readonly alternatives: boolean
}

/** The liveness of one connection: one unref'd timer. */
export class Liveness {
  readonly #clock: Clock
  readonly #deps: LivenessDeps
  readonly #options: LivenessOptions
  #receivedAt: number
  /** Start of the idle time: the last received byte, or the opening of the first stream since. */
  #idleSince: number
  /** Time of the last HEADERS or DATA, or of the last check that found newly opened streams. */
  #progressAt: number
  /**
   * Wall clock minus monotonic clock at the last byte, in milliseconds. If it grows, the machine
   * was suspended.
   */
  #wallAheadMs: number
  #yieldedAt = 0
  /** Whether the outstanding probe has been seen here, and when it was written. */
  #probing = false
  #probedAt = Number.NEGATIVE_INFINITY
  /** Whether a byte was received after the probe. */
  #receivedSince = false
  #unsentBytes = 0
  #missed = false
  /** Set while new requests wait: for a received byte, or for one event-loop turn. */
  #verifying: 'byte' | 'turn' | undefined
  #stalled: 'quiet' | 'unconfirmed' | undefined
  readonly #startedAt: number
  #openedStreams = 0
  #heldSince = Number.POSITIVE_INFINITY
  #timer: ClockTimer | undefined
  #dueAt = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(clock: Clock, options: LivenessOptions, deps: LivenessDeps) {
    this.#clock = clock
    this.#deps = deps
    this.#options = options
    const now = clock.now()
    this.#startedAt = now
    this.#receivedAt = now
    this.#idleSince = now
    this.#progressAt = now
    this.#wallAheadMs = clock.wallNow() - now
    this.#schedule(now + (options.alternatives ? LATE_SETTINGS_MS : PROBE_AFTER_MS))
  }

  /** Time of the last received byte. */
  get receivedAt(): number {
    return this.#receivedAt
  }

  /** Whether new requests wait until a byte is received. If the connection is stalled, they use others instead. */
  get verifying(): boolean {
    return this.#verifying !== undefined && this.#stalled === undefined
  }

  /** Whether new requests use other connections, because no open stream has moved for long. */
  get stalled(): boolean {
    return this.#stalled !== undefined
  }

  /** Called after bytes were received: the peer is alive. */
  received(now: number): void {
    const { probe } = this.#deps
    this.#receivedAt = now
    this.#receivedSince = true
    this.#idleSince = now
    this.#wallAheadMs = this.#clock.wallNow() - now
    if (!probe.outstanding) this.#probing = false
    const progress = probe.takeProgress()
    if (progress) this.#progressAt = now
    const moves = this.#stalled === 'unconfirmed' ? this.#deps.confirmed() : progress && this.#stalled !== undefined
    if (this.#verifying !== undefined || moves) this.#settle(moves)
  }

  /** Called when a stream opens on an idle connection. */
  busy(): void {
    const now = this.#clock.now()
    this.#openedStreams = this.#deps.openedStreams()
    this.#idleSince = now
    this.#progressAt = now
    this.#schedule(now + PROBE_AFTER_MS)
  }

  /** Called when the last open stream has closed. */
  idle(): void {
    if (this.#stalled === 'quiet') this.#stalled = undefined
  }

  /** See `Connection.verify`. */
  verify(): boolean {
    const now = this.#clock.now()
    const idleMs = this.#idleMs(now, this.#receivedAt)
    const { verifyAfterIdleMs } = this.#options
    const due = verifyAfterIdleMs > 0 && idleMs >= verifyAfterIdleMs
    if (!due && (idleMs < YIELD_AFTER_MS || now - this.#yieldedAt < YIELD_AFTER_MS)) return true
    if (this.#verifying !== undefined) return false
    this.#verifying = due ? 'byte' : 'turn'
    if (!due) this.#yieldTurn()
    else this.#ask(now)
    return false
  }

  /** Called after a suspend, with requests in flight: new ones wait until the peer has answered a PING, or use another connection. */
  awoke(): void {
    const now = this.#clock.now()
    const { verifyAfterIdleMs } = this.#options
    if (this.#stopped || verifyAfterIdleMs === 0 || this.#deps.active() === 0) return
    if (this.#verifying === 'byte' || this.#idleMs(now, this.#receivedAt) < verifyAfterIdleMs) return
    this.#verifying = 'byte'
    this.#ask(now)
  }

  /**
   * Sends a PING, unless one is outstanding that the peer may still acknowledge in time. Without
   * either the connection cannot be verified, so requests use another one.
   */
  #ask(now: number): void {
    if (this.#probe(now)) return
    if (!this.#deps.probe.outstanding || this.#idleMs(now, this.#probedAt) >= PROBE_TIMEOUT_MS) this.#deps.retire()
  }

  /**
   * Called when a request timed out and a PING followed its RST_STREAM. New requests wait until a
   * byte is received.
   */
  suspect(): void {
    if (this.#stopped || this.#verifying === 'byte' || !this.#deps.probe.outstanding) return
    if (this.#clock.now() - this.#receivedAt >= RECENT_MS) this.#verifying = 'byte'
  }

  /** Called after output was written: it may contain a probe, and reset streams may hold slots. */
  written(): void {
    const { probe, heldSlots } = this.#deps
    if (probe.outstanding && !this.#probing) this.#probed(this.#clock.now())
    if (heldSlots() === 0) this.#heldSince = Number.POSITIVE_INFINITY
    else if (this.#heldSince === Number.POSITIVE_INFINITY) {
      this.#heldSince = this.#clock.now()
      this.#schedule(this.#heldSince + SLOT_HOLD_MS)
    }
  }

  /** Stops the timer: the connection is closed. */
  stop(): void {
    this.#stopped = true
    this.#verifying = undefined
    this.#timer?.cancel()
  }

  /**
   * Idle time since `since`, in milliseconds, by the clock that shows more. The wall clock only
   * triggers a PING, never a failure.
   */
  #idleMs(now: number, since: number): number {
    return now - since + Math.max(0, this.#clock.wallNow() - now - this.#wallAheadMs)
  }

  /** Yields one full event-loop turn, so that bytes in the socket are read before it ends. */
  #yieldTurn(): void {
    const { afterTurn } = this.#clock
    afterTurn(() =>
      afterTurn(() => {
        this.#yieldedAt = this.#clock.now()
        if (this.#verifying === 'turn') this.#settle(false)
      }),
    )
  }

  #settle(moves: boolean): void {
    if (this.#stopped) return
    this.#verifying = undefined
    if (moves) this.#stalled = undefined
    this.#deps.changed()
  }

  #probe(now: number): boolean {
    // The time of a suspended machine counts: it passed for the server.
    if (this.#idleMs(now, this.#probedAt) >= FORGIVEN_AFTER_MS) this.#deps.probe.forgive()
    if (!this.#deps.sendProbe()) return false
    this.#probed(now)
    return true
  }

  #probed(now: number): void {
    this.#probing = true
    this.#missed = false
    this.#receivedSince = false
    this.#probedAt = now
    this.#unsentBytes = this.#deps.unsentBytes()
    this.#schedule(now + PROBE_TIMEOUT_MS)
  }

  /** Checks all time limits and schedules the next check. */
  #look(): void {
    if (this.#stopped) return
    const now = this.#clock.now()
    if (this.#probing && this.#deps.probe.outstanding) this.#judge(now)
    else if (this.#mayProbe() && this.#idleMs(now, this.#idleSince) >= PROBE_AFTER_MS) this.#probe(now)
    if (this.#stopped) return
    if (now - this.#heldSince >= SLOT_HOLD_MS && !this.#deps.probe.outstanding) this.#freeSlots()
    this.#noteStall(now)
    if (!this.#stopped) this.#schedule(this.#nextDue(now))
  }

  /** Checks the time limits of an outstanding probe. */
  #judge(now: number): void {
    const { probe, unsentBytes, active, retire, gone } = this.#deps
    const sinceMs = now - this.#probedAt
    if (this.#receivedSince) {
      // The peer is alive but does not acknowledge PINGs.
      if (sinceMs < PROBE_TIMEOUT_MS) return
      probe.giveUp()
      this.#probing = false
      return this.#freeSlots()
    }
    const unsent = unsentBytes()
    if (unsent > 0 && unsent < this.#unsentBytes) {
      // The probe is queued behind bytes that are still being sent.
      this.#unsentBytes = unsent
      this.#probedAt = now
      return
    }
    if (sinceMs >= PROBE_TIMEOUT_MS && !this.#missed) {
      this.#missed = true
      this.#verifying = undefined
      retire()
    }
    if (now >= this.#lostAt && active() > 0) gone()
  }

  #freeSlots(): void {
    this.#heldSince = Number.POSITIVE_INFINITY
    if (this.#deps.heldSlots() > 0) this.#deps.freeSlots()
  }

  #noteStall(now: number): void {
    const { openedStreams, active, changed } = this.#deps
    // Streams opened since the last check count as opened now.
    if (openedStreams() !== this.#openedStreams) this.#progressAt = now
    this.#openedStreams = openedStreams()
    const { stalls, alternatives } = this.#options
    if (!stalls || this.#stalled !== undefined) return
    if (alternatives && !this.#deps.confirmed() && now - this.#startedAt >= LATE_SETTINGS_MS) this.#stalled = 'unconfirmed'
    else if (active() > 0 && now - this.#progressAt >= STALLED_AFTER_MS) this.#stalled = 'quiet'
    else return
    changed()
  }

  #mayProbe(): boolean {
    return this.#options.probes && (this.#deps.active() > 0 || !this.#deps.confirmed())
  }

  /** Time of the next check if nothing happens before. */
  #nextDue(now: number): number {
    const { probe, active } = this.#deps
    let due: number
    if (probe.outstanding) due = this.#missed ? this.#lostAt : this.#probedAt + PROBE_TIMEOUT_MS
    // No timer fires when a suspended machine awakes, so one that is due later looks in between.
    else
      due = Math.min(
        this.#heldSince + SLOT_HOLD_MS,
        this.#mayProbe() ? Math.min(this.#probeAt, now + PROBE_AFTER_MS) : Number.POSITIVE_INFINITY,
      )
    if (this.#options.stalls && active() > 0 && this.#stalled === undefined)
      due = Math.min(due, this.#progressAt + STALLED_AFTER_MS)
    return Math.max(due, now + 1)
  }

  /** Time of the next PING if no byte is received before. */
  get #probeAt(): number {
    const idleDue = this.#idleSince + PROBE_AFTER_MS
    return this.#deps.probe.available ? idleDue : Math.max(idleDue, this.#probedAt + FORGIVEN_AFTER_MS)
  }

  /** Time at which the connection fails if no byte is received before. */
  get #lostAt(): number {
    const lostMs = this.#deps.uploading() ? PROBE_LOST_MS * UPLOAD_FACTOR : PROBE_LOST_MS
    return Math.max(this.#probedAt + lostMs, this.#idleSince + LOST_AFTER_MS)
  }

  /** Keeps a timer that fires earlier: its check schedules the next one. */
  #schedule(at: number): void {
    if (at >= this.#dueAt || this.#stopped) return
    this.#timer?.cancel()
    this.#dueAt = at
    this.#timer = this.#clock.startTimer(at - this.#clock.now(), () => {
      this.#dueAt = Number.POSITIVE_INFINITY
      // A busy process runs its timers before it reads, so first read what has already arrived.
      this.#clock.afterTurn(() => this.#look())
    })
    this.#timer.unref()
  }
}
