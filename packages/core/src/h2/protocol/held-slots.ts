/**
 * Slots of streams that we reset before the peer had finished. RST_STREAM frees a slot at once (RFC
 * 9113 §5.1.2), but to a server, rapid opens and resets look like a rapid-reset attack
 * (CVE-2023-44487). So a slot is held until the acknowledgment of a PING sent after RST_STREAM
 * proves that the peer has received the reset. If no PING may be sent (see {@link Probe}), a
 * timeout frees the slot.
 */

import type { Output } from './output.js'
import type { Probe } from './probe.js'

/** The held slots of one connection. */
export class HeldSlots {
  readonly #probe: Probe
  #held = 0

  constructor(probe: Probe) {
    this.#probe = probe
  }

  /** Number of held slots. */
  get count(): number {
    return this.#held
  }

  /** Holds the slot of a stream after its RST_STREAM was written. */
  hold(output: Output): void {
    this.#held++
    if (this.#probe.available) this.#probe.send(output)
  }

  /** Frees all slots: the peer has received the resets, or the timeout has passed. */
  free(): void {
    this.#held = 0
  }
}
