/**
 * The automatic PING of this client (RFC 9113 §6.7), called a probe. At most one is outstanding,
 * and the next one is allowed only after the peer has sent HEADERS or DATA, or after a long time:
 * servers count the PINGs in between (gRPC: `too_many_pings`).
 */

import { writePing } from './frame.js'
import type { Output } from './output.js'

/** Distinguishes a probe from the PINGs of {@link Pings}, whose first four bytes are 0. */
const OPAQUE = Buffer.from('resetack')

/** The probes of one connection. */
export class Probe {
  #outstanding = false
  #spent = false
  #progress = false

  /** Whether a probe was sent and is neither acknowledged nor given up. */
  get outstanding(): boolean {
    return this.#outstanding
  }

  /** Whether a probe may be sent now. */
  get available(): boolean {
    return !this.#outstanding && !this.#spent
  }

  /** Writes a probe. Call only while {@link available}. */
  send(output: Output): void {
    writePing(output, OPAQUE, 0, false)
    this.#outstanding = true
    this.#spent = true
  }

  /** Allows the next probe: the peer has sent HEADERS or DATA. */
  renew(): void {
    this.#spent = false
    this.#progress = true
  }

  /** Allows the next probe: enough time has passed since the last one. */
  forgive(): void {
    this.#spent = false
  }

  /** Stops waiting for the acknowledgment. */
  giveUp(): void {
    this.#outstanding = false
  }

  /** Whether the peer has sent HEADERS or DATA since the last call. */
  takeProgress(): boolean {
    const progress = this.#progress
    this.#progress = false
    return progress
  }

  /**
   * Returns whether a PING acknowledgment is for the outstanding probe, which then is no longer
   * outstanding.
   */
  acknowledge(opaque: Buffer, start: number): boolean {
    if (!this.#outstanding || opaque.compare(OPAQUE, 0, 8, start, start + 8) !== 0) return false
    this.#outstanding = false
    return true
  }
}
