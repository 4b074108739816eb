/** How long a connection waits for its peer: for SETTINGS and the acknowledgement of ours, and for a word after a reset. */

import type { Clock, ClockTimer } from '../deadlines.js'

/** How long a peer may take to send SETTINGS and to acknowledge ours (RFC 9113 §6.5.3), milliseconds. */
const SETTINGS_TIMEOUT_MS = 10_000
/** How long a peer may say nothing at all after a reset before new requests go elsewhere, milliseconds. */
const SILENCE_MS = 10_000
/** After so many times that, nobody is there. */
const GONE_AFTER = 3
/** How long slots are held for which no PING may be sent, milliseconds. */
const SLOT_HOLD_MS = 1_000

/** What a connection is asked, and told, when its patience is at an end. */
export interface Impatience {
  /** The time for SETTINGS has passed; whether they came is for the connection to see. */
  settingsOverdue(): void
  /** Octets that still wait for the socket: behind them, a PING cannot have arrived. */
  unsentBytes(): number
  /** Whether so much has been sent since the peer was last heard of that the network may still be busy with it. */
  uploading(): boolean
  /** Slots have been held long enough: the peer is there, and answers no PINGs, or may not be asked again. */
  freeSlots(): void
  /** Not a word since the reset. It may be slow, or gone: nothing new for it. */
  silent(): void
  /** Not a word for so long that nobody is there: what can be sent again is, elsewhere. */
  gone(): void
}

/** The timers of one connection. None of them keeps the process alive. */
export class Patience {
  readonly #clock: Clock
  readonly #impatience: Impatience
  readonly #settings: ClockTimer
  #slots: ClockTimer | undefined
  #word: ClockTimer | undefined
  /** Whether the word that is due is the answer to a PING. */
  #pinged = false
  #heard = false
  #silences = 0
  #unsentBytes = 0
  #stopped = false

  constructor(clock: Clock, impatience: Impatience) {
    this.#clock = clock
    this.#impatience = impatience
    this.#settings = this.#after(SETTINGS_TIMEOUT_MS, () => impatience.settingsOverdue())
  }

  /** The peer has said something. */
  heard(): void {
    this.#heard = true
  }

  /** A request was given up: from now on a word of the peer is due. `pinged`: it has been asked for one. */
  expectWord(pinged: boolean): void {
    if (pinged) this.#pinged = true
    else this.#holdSlots()
    if (this.#word !== undefined) return
    this.#heard = false
    this.#silences = 0
    this.#unsentBytes = this.#impatience.unsentBytes()
    this.#listen()
  }

  /** No slot is held any more. Where a PING was sent, it has come back. */
  slotsFree(): void {
    if (this.#pinged) this.#stopListening()
  }

  /** The connection is over. */
  stop(): void {
    this.#stopped = true
    this.#settings.cancel()
    this.#slots?.cancel()
    this.#stopListening()
  }

  #stopListening(): void {
    this.#pinged = false
    this.#word?.cancel()
    this.#word = undefined
  }

  #holdSlots(): void {
    this.#slots ??= this.#after(SLOT_HOLD_MS, () => {
      this.#slots = undefined
      this.#impatience.freeSlots()
    })
  }

  #listen(): void {
    const word = this.#after(SILENCE_MS, () => {
      // It may have come just now, and another been asked for.
      if (this.#word === word) this.#overdue()
    })
    this.#word = word
  }

  #overdue(): void {
    this.#word = undefined
    const unsentBytes = this.#impatience.unsentBytes()
    if (this.#heard) {
      this.#pinged = false
      return this.#impatience.freeSlots()
    }
    const moves = unsentBytes > 0 && unsentBytes < this.#unsentBytes
    this.#unsentBytes = unsentBytes
    if (!moves && ++this.#silences === 1) this.#impatience.silent()
    if (this.#stopped) return
    if (this.#silences < GONE_AFTER || this.#impatience.uploading()) this.#listen()
    else this.#impatience.gone()
  }

  /** A process that was busy for long runs its timers before it reads: what has arrived meanwhile counts. */
  #after(delayMs: number, act: () => void): ClockTimer {
    const timer = this.#clock.startTimer(delayMs, () =>
      setImmediate(() => {
        if (!this.#stopped) act()
      }),
    )
    timer.unref()
    return timer
  }
}
