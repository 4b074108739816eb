/**
 * Slots of streams that we reset while the peer was still at work on them. RST_STREAM frees a slot at once (RFC 9113 §5.1.2), but a
 * client that opens and resets without pause is a rapid-reset attack to its server (CVE-2023-44487). So a slot is held until a PING
 * that followed RST_STREAM has come back: by then the peer has seen it. That PING also shows whether anybody is there: most resets
 * are of requests that were waited for in vain.
 */

import { writePing } from './frame.js'
import type { Output } from './output.js'

/** Tells our PING from the connection's, whose first four octets are 0. */
const OPAQUE = Buffer.from('resetack')

/** The held slots of one connection. */
export class HeldSlots {
  #held = 0
  #pinged = false
  /** Servers count PINGs between which they sent nothing (gRPC: "too_many_pings"): after each one wait until something has come. */
  #quiet = false

  /** How many slots are not to be used yet. */
  get count(): number {
    return this.#held
  }

  /** Whether the PING is under way. Slots that are held without one are freed by time. */
  get pinged(): boolean {
    return this.#pinged
  }

  /** A stream was reset; RST_STREAM is written. */
  hold(output: Output): void {
    this.#held++
    if (this.#quiet || this.#pinged) return
    writePing(output, OPAQUE, 0, false)
    this.#pinged = true
  }

  /** HEADERS or DATA have come. */
  peerSpoke(): void {
    this.#quiet = false
  }

  /** Time has passed. */
  free(): void {
    this.#held = 0
    this.#pinged = false
    this.#quiet = true
  }

  /** Whether this PING acknowledgement is that of {@link hold}: then all slots are free. */
  release(opaque: Buffer, start: number): boolean {
    if (!this.#pinged || opaque.compare(OPAQUE, 0, 8, start, start + 8) !== 0) return false
    this.free()
    return true
  }
}
