/** Counts the time since the last progress of a request. */

/** The longest time of a timer, 25 days: Node fires longer ones at once. */
const LONGEST_MS = 0x7fff_ffff

/** Calls `onIdle` after a time without {@link IdleTimer.touch}. */
export class IdleTimer {
  readonly #onIdle: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle
  }

  /** Restarts the count. @param ms time in milliseconds; 0 stops it. */
  start(ms: number): void {
    this.stop()
    // As for a socket: the request keeps the process alive, not its timer.
    if (ms > 0) this.#timer = setTimeout(this.#onIdle, Math.min(ms, LONGEST_MS)).unref()
  }

  /** Notes progress. */
  touch(): void {
    this.#timer?.refresh()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
