/** What one group does to get a connection: it ends when nothing waits for the connection any more. */

import type { Clock, ClockTimer } from '../deadlines.js'
import { startDeadline } from '../deadlines.js'
import { TimeoutError } from '../errors.js'
import type { PendingWait } from './dial-under-way.js'

/** One of them. */
export class Pursuit {
  readonly #stop = new AbortController()
  readonly #isWanted: () => boolean
  readonly #timer: ClockTimer | undefined
  /** The dial that it has come to, which requests of other origins may wait for as well. */
  dial: PendingWait | undefined

  /**
   * @param limitMs how long it may take while nothing waits for it, milliseconds; 0 is forever. What waits has a clock of its own.
   * @param isWanted whether something of the group waits.
   */
  constructor(clock: Clock, limitMs: number, isWanted: () => boolean) {
    this.#isWanted = isWanted
    this.#timer =
      limitMs === 0 ? undefined : startDeadline(clock, limitMs, () => this.review(new TimeoutError('connect', limitMs)))
    this.#timer?.unref()
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Ends it with `reason` unless something waits for it, here or at another origin. */
  review(reason: unknown): void {
    if (!this.#isWanted() && this.dial?.awaited !== true) this.abort(reason)
  }

  abort(reason: unknown): void {
    this.#timer?.cancel()
    this.#stop.abort(reason)
  }

  /** It is over. */
  end(): void {
    this.#timer?.cancel()
  }
}
