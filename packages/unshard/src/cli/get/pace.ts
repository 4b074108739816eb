/** Holds a transfer back to a number of bytes per second. */

import { setTimeout as wait } from 'node:timers/promises'

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

  /** Waits until more bytes may be read. */
  async after(bytes: number): Promise<void> {
    this.#bytes += bytes
    const early = this.#bytes / this.#bytesPerMs - (performance.now() - this.#begun)
    if (early >= SHORTEST_MS) await wait(early)
  }
}
