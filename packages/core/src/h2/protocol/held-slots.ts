/**
 * Slots of streams that we reset while the peer was still at work on them. RST_STREAM frees a slot at once (RFC 9113 §5.1.2), but a
 * client that opens and resets without pause is a rapid-reset attack to its server (CVE-2023-44487). So a slot is held until a PING
 * that followed RST_STREAM has come back: by then the peer has seen it. Where no PING may be sent (see {@link Probe}) time frees it.
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

  /** How many slots are not to be used yet. */
  get count(): number {
    return this.#held
  }

  /** A stream was reset; RST_STREAM is written. */
  hold(output: Output): void {
    this.#held++
    if (this.#probe.available) this.#probe.send(output)
  }

  /** The peer has seen what was reset, or time has passed. */
  free(): void {
    this.#held = 0
  }
}
