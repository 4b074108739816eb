/** Pauses reading of a connection while its response waits for a reader: HTTP/1.1 has no flow control. */

import type { Clock, ClockTimer } from '../runtime/clock.js'
import type { Carrier } from '../transport/route.js'

/** Time for which a response may wait for its reader before those behind it are sent again elsewhere, in milliseconds. */
const UNREAD_MS = 10_000

/** Whether a connection reads its socket. */
export class ReadPause {
  readonly #socket: Carrier
  readonly #clock: Clock
  readonly #onOverdue: () => void
  #timer: ClockTimer | undefined
  /** Whether reading is paused until a reader consumes its response. */
  paused = false

  /** @param onOverdue called when other requests have waited for the reader for too long. */
  constructor(socket: Carrier, clock: Clock, onOverdue: () => void) {
    this.#socket = socket
    this.#clock = clock
    this.#onOverdue = onOverdue
  }

  /** Pauses reading. @param othersWait whether other requests wait behind the response. */
  pause(othersWait: boolean): void {
    this.paused = true
    this.#socket.pause()
    if (!othersWait) return
    this.#timer = this.#clock.startTimer(UNREAD_MS, this.#onOverdue)
    this.#timer.unref()
  }

  /** Resumes reading. Returns whether it was paused. */
  resume(): boolean {
    if (!this.paused) return false
    this.paused = false
    this.#timer?.cancel()
    this.#socket.resume()
    return true
  }

  /** Stops the timer: the connection is closed. */
  stop(): void {
    this.#timer?.cancel()
  }
}
