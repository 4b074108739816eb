/** What one group does to get a connection: it ends when nothing waits for the connection any more. */

import { TimeoutError } from '../errors/errors.js'
import type { Clock, ClockTimer } from '../runtime/clock.js'
import { startDeadline } from '../runtime/deadlines.js'
import type { PendingWait } from './reuse/pending-dial.js'

/** One of them. */
export class Pursuit {
  readonly #stop = new AbortController()
  readonly #isWanted: () => boolean
  readonly #clock: Clock
  readonly #limitMs: number
  readonly #startedAt: number
  #timer: ClockTimer | undefined
  /** Addresses that other connections of the group lead to, where it is to reach others. */
  readonly taken: () => ReadonlySet<string> | undefined
  /** The address that it will try first, where that matters. */
  first: string | undefined
  /** The dial that it has come to, which requests of other origins may wait for as well. */
  dial: PendingWait | undefined

  /**
   * @param limitMs how long it may take while nothing waits for it, milliseconds; 0 is forever. What waits has a clock of its own.
   * @param isWanted whether something of the group waits.
   */
  constructor(
    clock: Clock,
    limitMs: number,
    isWanted: () => boolean,
    taken: () => ReadonlySet<string> | undefined = () => undefined,
  ) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#isWanted = isWanted
    this.taken = taken
    this.#startedAt = clock.now()
    if (limitMs > 0) this.#limit()
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /**
   * Whether it has taken longer than the client gives a connection: requests that come now are given another one beside it. It goes on for
   * those that have more time.
   */
  get overdue(): boolean {
    return this.#limitMs > 0 && this.#clock.now() - this.#startedAt >= this.#limitMs
  }

  /** A request has left, for `reason`: ends it unless something waits for it, here or at another origin. */
  review(reason: unknown): void {
    if (!this.#wanted) this.abort(reason)
  }

  abort(reason: unknown): void {
    this.#timer?.cancel()
    this.#stop.abort(reason)
  }

  /** It is over. */
  end(): void {
    this.#timer?.cancel()
  }

  get #wanted(): boolean {
    return this.#isWanted() || this.dial?.awaited === true
  }

  /** Looks again and again: what waited may have got another connection. */
  #limit(): void {
    this.#timer = startDeadline(this.#clock, this.#limitMs, () => {
      if (this.#wanted) this.#limit()
      else this.abort(new TimeoutError('connect', this.#limitMs))
    })
    this.#timer.unref()
  }
}
