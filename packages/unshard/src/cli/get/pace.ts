/** Holds a transfer back to a number of bytes per second. */

import { delay } from './deadline.js'

/** Shortest pause, in milliseconds: timers are not more precise. */
const SHORTEST_MS = 5

/** The pace of one transfer. */
export class Pace {
  readonly #bytesPerMs: number
  readonly #begun = performance.now()
  #bytes = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000
  }

  /** Waits until more bytes may be read, or until the signal is aborted. */
  async after(bytes: number, signal: AbortSignal): Promise<void> {
    this.#bytes += bytes
    const early = this.#bytes / this.#bytesPerMs - (performance.now() - this.#begun)
    if (early >= SHORTEST_MS) await delay(early, signal)
  }
}
