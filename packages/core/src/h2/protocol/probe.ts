/**
 * The PING that this client sends of its own accord (RFC 9113 §6.7), and the one rule for all of them: none while one is out, and none
 * again before the peer has sent HEADERS or DATA. Servers count the PINGs in between (gRPC: `too_many_pings`). Time may forgive one.
 */

import { writePing } from './frame.js'
import type { Output } from './output.js'

/** Tells this PING from those of a caller, whose first four bytes are 0. */
const OPAQUE = Buffer.from('resetack')

/** The probes of one connection. */
export class Probe {
  #outstanding = false
  #spent = false
  #progress = false

  /** Whether one is sent and neither acknowledged nor given up. */
  get outstanding(): boolean {
    return this.#outstanding
  }

  /** Whether one may be sent now. */
  get available(): boolean {
    return !this.#outstanding && !this.#spent
  }

  /** Writes one. Only while {@link available}. */
  send(output: Output): void {
    writePing(output, OPAQUE, 0, false)
    this.#outstanding = true
    this.#spent = true
  }

  /** The peer has sent HEADERS or DATA. */
  renew(): void {
    this.#spent = false
    this.#progress = true
  }

  /** Enough time has passed since the last one. */
  forgive(): void {
    this.#spent = false
  }

  /** The acknowledgement is not waited for any longer. */
  giveUp(): void {
    this.#outstanding = false
  }

  /** Whether the peer has sent HEADERS or DATA since this was asked last. */
  takeProgress(): boolean {
    const progress = this.#progress
    this.#progress = false
    return progress
  }

  /** Whether a PING acknowledgement is that of the probe that is out. It is out no more, then. */
  acknowledge(opaque: Buffer, start: number): boolean {
    if (!this.#outstanding || opaque.compare(OPAQUE, 0, 8, start, start + 8) !== 0) return false
    this.#outstanding = false
    return true
  }
}
