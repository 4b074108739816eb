/**
 * Whether the peer of an HTTP/2 connection is still there, by the rules of docs/guides/production.md. An open stream and no byte for a while: a PING
 * (RFC 9113 §6.7). No byte after it: no new request, and in the end the connection fails. A peer that answers may take as long as it wants.
 * It must not know what a request is; deadlines are the call's.
 */

import type { Clock, ClockTimer } from '../../runtime/clock.js'
import type { Probe } from '../protocol/probe.js'

/** Time without a byte after which a connection with an open stream gets a PING, milliseconds. */
export const PROBE_AFTER_MS = 15_000
/** Time without a byte after a PING from which on new requests use other connections, milliseconds. */
export const PROBE_TIMEOUT_MS = 10_000
/** Time without a byte after a PING at which the connection fails, milliseconds: a server may be busy for half a minute. */
const PROBE_LOST_MS = 30_000
/** Least time without a byte before it fails, whenever the PING was sent, milliseconds. */
const LOST_AFTER_MS = 45_000
/** Time after a PING at which another may follow though the peer has sent neither HEADERS nor DATA, milliseconds. gRPC servers count those within 5 minutes. */
const FORGIVEN_AFTER_MS = 310_000
/** Time without HEADERS or DATA on any open stream after which a connection takes no new request, milliseconds; up to 15 s more where streams were opened late. */
export const STALLED_AFTER_MS = 60_000
/** Time without SETTINGS after which new requests use another address, milliseconds. */
const LATE_SETTINGS_MS = 2_000
/** Factor for the time to fail while content is on its way: the PING may be behind it. */
const UPLOAD_FACTOR = 2
/** Time for which slots are held where no PING may be sent, milliseconds. */
const SLOT_HOLD_MS = 1_000
/** Idle time after which a connection is left for one turn of the event loop, milliseconds: GOAWAY or the end may have arrived and not been read. */
const YIELD_AFTER_MS = 100
/** Time since the last byte within which the peer counts as there, milliseconds. */
const RECENT_MS = 1_000

/** The connection, as its liveness sees it. */
export interface LivenessDeps {
  readonly probe: Probe
  /** Sends a PING if the rule for probes allows it. Returns whether. */
  sendProbe(): boolean
  /** Requests in flight. */
  active(): number
  /** Streams that were ever opened. */
  openedStreams(): number
  /** Whether the peer's SETTINGS have been received. */
  confirmed(): boolean
  /** Slots that wait for a PING acknowledgement, or for time. */
  heldSlots(): number
  freeSlots(): void
  /** Bytes that wait for the socket: behind them, a PING cannot have arrived. */
  unsentBytes(): number
  /** Whether the network may still be busy with bytes that were sent since one was received last. */
  uploading(): boolean
  /** Whether requests may be sent has changed. */
  changed(): void
  /** No new request is to be sent here. */
  retire(): void
  /** Nothing is received any more. */
  gone(): void
}

/** Settings of one connection. */
export interface LivenessOptions {
  /** See `PoolSettings`; 0 never. */
  readonly verifyAfterIdleMs: number
  /** Whether a PING is sent while responses are waited for. */
  readonly probes: boolean
  /** Whether other connections take new requests while no open stream moves. */
  readonly stalls: boolean
  /** Whether the origin has other addresses: then new requests do not wait for SETTINGS that are late. */
  readonly alternatives: boolean
}

/** The liveness of one connection: one timer, which never keeps the process alive. */
export class Liveness {
  readonly #clock: Clock
  readonly #deps: LivenessDeps
  readonly #options: LivenessOptions
  #receivedAt: number
  /** Since when nothing received counts as silence: the last byte, or the first of the streams that are open. */
  #silentSince: number
  /** When HEADERS or DATA were received last, or streams were opened. */
  #progressAt: number
  /** How far the wall clock was ahead of the monotonic one at the last byte. Farther than that, and the machine was suspended. */
  #wallAheadMs: number
  #yieldedAt = 0
  /** Whether the probe that is out has been noticed, and when it was written. */
  #probing = false
  #probedAt = Number.NEGATIVE_INFINITY
  /** Whether a byte was received after that. */
  #receivedSince = false
  #unsentBytes = 0
  #missed = false
  /** Set while nothing new is sent: until a byte is received, or a turn of the event loop has brought nothing. */
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
    this.#silentSince = now
    this.#progressAt = now
    this.#wallAheadMs = clock.wallNow() - now
    this.#schedule(now + (options.alternatives ? LATE_SETTINGS_MS : PROBE_AFTER_MS))
  }

  /** When the last byte was received. */
  get receivedAt(): number {
    return this.#receivedAt
  }

  /** Whether nothing new is sent until a byte is received. */
  get verifying(): boolean {
    return this.#verifying !== undefined
  }

  /** Whether other connections take new requests, because no open stream has moved for long. */
  get stalled(): boolean {
    return this.#stalled !== undefined
  }

  /** Bytes were received: the peer is there. */
  received(now: number): void {
    const { probe } = this.#deps
    this.#receivedAt = now
    this.#receivedSince = true
    this.#silentSince = now
    this.#wallAheadMs = this.#clock.wallNow() - now
    if (!probe.outstanding) this.#probing = false
    const progress = probe.takeProgress()
    if (progress) this.#progressAt = now
    const moves = this.#stalled === 'unconfirmed' ? this.#deps.confirmed() : progress && this.#stalled !== undefined
    if (this.#verifying !== undefined || moves) this.#settle(moves)
  }

  /** The first of the streams that are open now was opened. */
  busy(): void {
    const now = this.#clock.now()
    this.#openedStreams = this.#deps.openedStreams()
    this.#silentSince = now
    this.#progressAt = now
    this.#schedule(now + PROBE_AFTER_MS)
  }

  /** No stream is open any more. */
  idle(): void {
    if (this.#stalled === 'quiet') this.#stalled = undefined
  }

  /** See `Connection.verify`. */
  verify(): boolean {
    const now = this.#clock.now()
    const silentMs = this.#silentMs(now, this.#receivedAt)
    const { verifyAfterIdleMs } = this.#options
    const due = verifyAfterIdleMs > 0 && silentMs >= verifyAfterIdleMs
    if (!due && (silentMs < YIELD_AFTER_MS || now - this.#yieldedAt < YIELD_AFTER_MS)) return true
    if (this.#verifying !== undefined) return false
    this.#verifying = due ? 'byte' : 'turn'
    if (!due) this.#yieldTurn()
    // Where no PING may be sent, nothing can be known about this connection: another one is used.
    else if (!this.#deps.probe.outstanding && !this.#probe(now)) this.#deps.retire()
    return false
  }

  /** A request has run out of time; a PING follows its RST_STREAM, if one may. Nothing new is sent before a byte is received. */
  suspect(): void {
    if (this.#stopped || this.#verifying === 'byte' || !this.#deps.probe.outstanding) return
    if (this.#clock.now() - this.#receivedAt >= RECENT_MS) this.#verifying = 'byte'
  }

  /** Output was written: a probe may be among it, and slots of streams that were reset may be held. */
  written(): void {
    const { probe, heldSlots } = this.#deps
    if (probe.outstanding && !this.#probing) this.#probed(this.#clock.now())
    if (heldSlots() === 0) this.#heldSince = Number.POSITIVE_INFINITY
    else if (this.#heldSince === Number.POSITIVE_INFINITY) {
      this.#heldSince = this.#clock.now()
      this.#schedule(this.#heldSince + SLOT_HOLD_MS)
    }
  }

  /** The connection is closed. */
  stop(): void {
    this.#stopped = true
    this.#verifying = undefined
    this.#timer?.cancel()
  }

  /** How long nothing has been received since `since`: by the clock that says more. The wall clock only causes a PING, never an end. */
  #silentMs(now: number, since: number): number {
    return now - since + Math.max(0, this.#clock.wallNow() - now - this.#wallAheadMs)
  }

  /** All of one turn, wherever in a turn this is: what lies in the socket is read before it is over. */
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
    if (now - this.#probedAt >= FORGIVEN_AFTER_MS) this.#deps.probe.forgive()
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

  /** Looks at everything that time decides. */
  #look(): void {
    if (this.#stopped) return
    const now = this.#clock.now()
    if (this.#probing && this.#deps.probe.outstanding) this.#judge(now)
    else if (this.#mayProbe() && this.#silentMs(now, this.#silentSince) >= PROBE_AFTER_MS) this.#probe(now)
    if (this.#stopped) return
    if (now - this.#heldSince >= SLOT_HOLD_MS && !this.#deps.probe.outstanding) this.#freeSlots()
    this.#noteStall(now)
    if (!this.#stopped) this.#schedule(this.#nextDue(now))
  }

  /** A probe is out. */
  #judge(now: number): void {
    const { probe, unsentBytes, active, retire, gone } = this.#deps
    const sinceMs = now - this.#probedAt
    if (this.#receivedSince) {
      // The peer is there and does not answer PINGs.
      if (sinceMs < PROBE_TIMEOUT_MS) return
      probe.giveUp()
      this.#probing = false
      return this.#freeSlots()
    }
    const unsent = unsentBytes()
    if (unsent > 0 && unsent < this.#unsentBytes) {
      // It is behind bytes that are still being sent.
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
    // Streams that were opened since the last look count as opened now.
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

  /** When there is something to look at, if nothing happens until then. */
  #nextDue(now: number): number {
    const { probe, active } = this.#deps
    let due: number
    if (probe.outstanding) due = this.#missed ? this.#lostAt : this.#probedAt + PROBE_TIMEOUT_MS
    else due = Math.min(this.#heldSince + SLOT_HOLD_MS, this.#mayProbe() ? this.#probeAt : Number.POSITIVE_INFINITY)
    if (this.#options.stalls && active() > 0 && this.#stalled === undefined)
      due = Math.min(due, this.#progressAt + STALLED_AFTER_MS)
    return Math.max(due, now + 1)
  }

  /** When the next PING is due, if no byte is received until then. */
  get #probeAt(): number {
    const silentDue = this.#silentSince + PROBE_AFTER_MS
    return this.#deps.probe.available ? silentDue : Math.max(silentDue, this.#probedAt + FORGIVEN_AFTER_MS)
  }

  /** When nothing received means that the peer is gone. */
  get #lostAt(): number {
    const lostMs = this.#deps.uploading() ? PROBE_LOST_MS * UPLOAD_FACTOR : PROBE_LOST_MS
    return Math.max(this.#probedAt + lostMs, this.#silentSince + LOST_AFTER_MS)
  }

  /** A timer that fires earlier is left: it looks again when it fires. */
  #schedule(at: number): void {
    if (at >= this.#dueAt || this.#stopped) return
    this.#timer?.cancel()
    this.#dueAt = at
    this.#timer = this.#clock.startTimer(at - this.#clock.now(), () => {
      this.#dueAt = Number.POSITIVE_INFINITY
      // A process that was busy runs its timers before it reads: what has arrived by then counts.
      this.#clock.afterTurn(() => this.#look())
    })
    this.#timer.unref()
  }
}
