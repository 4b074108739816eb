/**
 * One attempt of an origin pool to get a connection. Aborted when no request waits for it any more.
 */

import { TimeoutError } from '../errors/errors.js'
import type { Clock, ClockTimer } from '../runtime/clock.js'
import { startDeadline } from '../runtime/deadlines.js'
import type { Attempt } from './permits.js'
import type { PendingWait } from './reuse/pending-dial.js'

/** An attempt to get a connection, by a dial or by sharing. */
export class Pursuit implements Attempt {
  readonly #stop = new AbortController()
  readonly #isWanted: () => boolean
  readonly #clock: Clock
  readonly #limitMs: number
  #startedAt: number
  #timer: ClockTimer | undefined
  /** Remote addresses of the pool's other connections, if the attempt should avoid them. */
  readonly taken: () => ReadonlySet<string> | undefined
  #waits = false
  onOverdue: (() => void) | undefined
  /** Duration of the last lookup, in milliseconds. */
  dnsMs = 0
  /** The address that is tried first, if it matters. */
  first: string | undefined
  /** The dial of this attempt, which requests of other origins may wait for as well. */
  dial: PendingWait | undefined

  /**
   * @param limitMs time limit while no request waits, in milliseconds; 0 is forever. Waiting
   *   requests have their own deadlines.
   * @param isWanted whether a request of the origin pool waits.
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

  /** Whether it waits for a permit. The connect timeout begins after that. */
  get waits(): boolean {
    return this.#waits
  }

  set waits(waits: boolean) {
    this.#waits = waits
    this.#startedAt = this.#clock.now()
  }

  /**
   * Whether it has exceeded the client's connect timeout. New requests then cause another dial;
   * this one continues for requests with longer timeouts.
   */
  get overdue(): boolean {
    return !this.#waits && this.#limitMs > 0 && this.#clock.now() - this.#startedAt >= this.#limitMs
  }

  /**
   * After a request left for `reason`: aborts, unless a request of this or another origin still
   * waits.
   */
  review(reason: unknown): void {
    if (!this.wanted) this.abort(reason)
  }

  abort(reason: unknown): void {
    this.#timer?.cancel()
    this.#stop.abort(reason)
  }

  /** Stops the timer. */
  end(): void {
    this.#timer?.cancel()
  }

  /** Whether a request waits for its connection. */
  get wanted(): boolean {
    return this.#isWanted() || this.dial?.awaited === true
  }

  /** Checks repeatedly: the requests that waited may have got another connection. */
  #limit(): void {
    this.#timer = startDeadline(this.#clock, this.#limitMs, () => {
      if (this.wanted) {
        this.#limit()
        if (this.overdue) this.onOverdue?.()
      } else this.abort(new TimeoutError('connect', this.#limitMs))
    })
    this.#timer.unref()
  }
}
