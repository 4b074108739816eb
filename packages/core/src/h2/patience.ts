/** How long a connection waits for its peer: for SETTINGS and the acknowledgement of ours, and for the PING that follows a reset. */

import type { Clock, ClockTimer } from '../deadlines.js'

/** How long a peer may take to send SETTINGS and to acknowledge ours (RFC 9113 §6.5.3), milliseconds. */
const SETTINGS_TIMEOUT_MS = 10_000
/** How long a peer may take to answer the PING that follows a reset, milliseconds. */
export const PONG_TIMEOUT_MS = 10_000

/** What a connection does when its patience is at an end. */
export interface Impatience {
  /** The time for SETTINGS has passed; whether they came is for the connection to see. */
  settingsOverdue(): void
  /** Whether something written still waits for the socket: behind it, a PING cannot have arrived. */
  sending(): boolean
  /** The PING was not answered, but the peer has said something since. */
  unanswered(): void
  /** Not a word since the PING: RFC 9113 §6.7 has it answered before anything else, so nobody is there. */
  gone(): void
}

/** The timers of one connection. None of them keeps the process alive. */
export class Patience {
  readonly #clock: Clock
  readonly #impatience: Impatience
  readonly #settings: ClockTimer
  #pong: ClockTimer | undefined
  #heard = false
  #stopped = false

  constructor(clock: Clock, impatience: Impatience) {
    this.#clock = clock
    this.#impatience = impatience
    this.#settings = clock.startTimer(SETTINGS_TIMEOUT_MS, () => this.#afterReading(() => impatience.settingsOverdue()))
    this.#settings.unref()
  }

  /** The peer has said something. */
  heard(): void {
    this.#heard = true
  }

  /** A PING that follows a reset is on its way, or has been for a while. */
  expectPong(): void {
    if (this.#pong !== undefined) return
    this.#heard = false
    this.#pong = this.#clock.startTimer(PONG_TIMEOUT_MS, () => this.#afterReading(() => this.#overdue()))
    this.#pong.unref()
  }

  /** It has come back. */
  answered(): void {
    this.#pong?.cancel()
    this.#pong = undefined
  }

  /** The connection is over. */
  stop(): void {
    this.#stopped = true
    this.#settings.cancel()
    this.answered()
  }

  /** A process that was busy for long runs its timers before it reads: what has arrived meanwhile counts. */
  #afterReading(act: () => void): void {
    setImmediate(() => {
      if (!this.#stopped) act()
    })
  }

  #overdue(): void {
    // It may have come just now.
    if (this.#pong === undefined) return
    this.#pong = undefined
    if (this.#impatience.sending()) this.expectPong()
    else if (this.#heard) this.#impatience.unanswered()
    else this.#impatience.gone()
  }
}
