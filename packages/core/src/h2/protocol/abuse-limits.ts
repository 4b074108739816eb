/**
 * One bound for each way a peer can make us work for nothing (RFC 9113 §10.5). Clock-free: what costs us is counted against
 * what serves us, and the connection's driver refills the budget as time passes.
 */

import { ErrorCode, ProtocolFault } from './error-code.js'

/** CONTINUATION frames of one field block (CVE-2024-27316 and its family). */
export const MAX_CONTINUATION_FRAMES = 8
/** Encoded octets of one field block, whatever the number of frames. */
export const MAX_FIELD_BLOCK_BYTES = 65_536
/** Interim responses (1xx) of one request. */
export const MAX_INFORMATIONAL = 16
/** Settings in one frame (CVE-2020-11080). */
export const MAX_SETTINGS_ENTRIES = 32
/** GOAWAY debug data kept, octets; the rest of the frame is only counted. */
export const MAX_DEBUG_BYTES = 4_096
/** Streams of ours that we have reset and still recognise, so that late frames on them are no error. */
export const MAX_REMEMBERED_RESETS = 1_024
/** Frames in a row that bring nothing: no field section, no content octet. */
const MAX_IDLE_FRAMES = 1_000

/** Answers to PING and SETTINGS that wait while the peer does not read them (CVE-2019-9512, CVE-2019-9515). */
const MAX_WAITING_ANSWERS = 1_000

/** Counts frames that bring no response nearer. */
export class AbuseLimits {
  #idleFrames = 0
  #answers = 0

  /** A frame that brings content or a field section: the peer works for us. */
  productive(): void {
    this.#idleFrames = 0
  }

  /** A frame that only costs. @throws ProtocolFault ENHANCE_YOUR_CALM past the bound. */
  unproductive(what: string): void {
    if (++this.#idleFrames > MAX_IDLE_FRAMES) {
      throw new ProtocolFault(
        ErrorCode.ENHANCE_YOUR_CALM,
        `over ${MAX_IDLE_FRAMES} frames without progress, the last one ${what}`,
      )
    }
  }

  /** An answer that the peer makes us send. @throws ProtocolFault ENHANCE_YOUR_CALM when it does not take them. */
  answer(): void {
    if (++this.#answers > MAX_WAITING_ANSWERS) {
      throw new ProtocolFault(ErrorCode.ENHANCE_YOUR_CALM, `${MAX_WAITING_ANSWERS} answers wait, and the peer asks for more`)
    }
  }

  /** The socket took what was written. */
  outputTaken(): void {
    this.#answers = 0
  }

  /** Forgives what is past, called by the driver once a second at the most: a slow peer is not a hostile one. */
  refill(): void {
    this.#idleFrames = 0
  }
}
