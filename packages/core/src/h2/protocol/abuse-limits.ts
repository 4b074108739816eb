/**
 * One bound for each way a peer can cause useless work (RFC 9113 §10.5). Has no clock: useless
 * frames count against useful ones, and the connection refills the budget over time.
 */

import { ErrorCode, ProtocolFault } from './error-code.js'

/**
 * Maximum CONTINUATION frames of one field block (CVE-2024-27316), unless a larger field section is
 * allowed.
 */
const MAX_CONTINUATION_FRAMES = 8
/** Maximum encoded bytes of one field block, unless a larger field section is allowed. */
const MAX_FIELD_BLOCK_BYTES = 65_536
/**
 * Maximum size of the field sections of all open streams of a connection, in bytes (RFC 9113
 * §6.5.2). Limits HPACK bombs spread over many streams (CVE-2016-6581, CVE-2026-49975).
 */
export const MAX_OPEN_SECTIONS_BYTES = 16_777_216
/**
 * Maximum size of the interim responses (1xx) of one request, in bytes (RFC 9113 §6.5.2), unless
 * the caller wants them. Grows with time.
 */
const MAX_INTERIM_BYTES = 65_536
/**
 * Bytes of interim responses allowed per millisecond: a server may report its progress for an hour.
 */
const INTERIM_BYTES_PER_MS = 1
/** Maximum settings in one frame (CVE-2020-11080). */
export const MAX_SETTINGS_ENTRIES = 32
/** Maximum GOAWAY debug data kept, in bytes. */
export const MAX_DEBUG_BYTES = 4_096
/** Maximum reset streams remembered, so that late frames on them are not errors. */
export const MAX_REMEMBERED_RESETS = 16_384
/** The same for streams that the peer has reset: it may have had more frames queued. */
export const MAX_REMEMBERED_PEER_RESETS = 100
/** Maximum consecutive frames without a field section or content. */
const MAX_IDLE_FRAMES = 1_000
/**
 * Maximum streams that the peer made end early (RST_STREAM from either side), minus answered
 * streams (CVE-2025-8671).
 */
const MAX_RESETS = 1_000
/**
 * Maximum WINDOW_UPDATE frames per byte of DATA sent: one for its stream, one for the connection.
 * An increment is at least 1 (RFC 9113 §6.9), so a peer that only returns credit cannot send more.
 */
const UPDATES_PER_CONTENT_BYTE = 2
/** Early stream ends forgiven per second. */
const FORGIVEN_RESETS_PER_SECOND = 100

/** Maximum queued acknowledgments of PING and SETTINGS (CVE-2019-9512, CVE-2019-9515). */
const MAX_WAITING_ANSWERS = 1_000

/**
 * Returns the largest field block for a field section limit, in bytes: encoding rarely makes a
 * section longer.
 */
export function maxFieldBlockBytes(maxFieldSectionBytes: number): number {
  return Math.max(MAX_FIELD_BLOCK_BYTES, maxFieldSectionBytes)
}

/**
 * Returns the maximum CONTINUATION frames of a block of that size; allows for a few short frames.
 */
export function maxContinuationFrames(fieldBlockBytes: number): number {
  return MAX_CONTINUATION_FRAMES * (fieldBlockBytes / MAX_FIELD_BLOCK_BYTES)
}

/** Counts frames and streams that make no progress. */
export class AbuseLimits {
  #idleFrames = 0
  #resets = 0
  #answers = 0
  #allowedInterimBytes = 0
  /** WINDOW_UPDATE frames that the peer may still send. */
  #updates = 0

  /** Counts a frame with content or a field section. */
  productive(): void {
    this.#idleFrames = 0
  }

  /** Counts a frame without progress. @throws ProtocolFault ENHANCE_YOUR_CALM over the limit. */
  unproductive(what: string): void {
    if (++this.#idleFrames > MAX_IDLE_FRAMES) {
      throw new ProtocolFault(
        ErrorCode.ENHANCE_YOUR_CALM,
        `over ${MAX_IDLE_FRAMES} frames without progress, the last one ${what}`,
      )
    }
  }

  /** Counts written content: the peer may return credit for it much later. */
  contentSent(bytes: number): void {
    this.#idleFrames = 0
    this.#updates += bytes * UPDATES_PER_CONTENT_BYTE
  }

  /**
   * Counts a WINDOW_UPDATE.
   * @throws ProtocolFault ENHANCE_YOUR_CALM for too many without sent content.
   */
  windowUpdate(): void {
    if (this.#updates > 0) this.#updates--
    else this.unproductive('WINDOW_UPDATE')
  }

  /** Bytes of interim responses allowed by the time since the connection began. */
  get allowedInterimBytes(): number {
    return this.#allowedInterimBytes
  }

  /**
   * Whether a request has too many interim responses.
   * @param since {@link allowedInterimBytes} at the first one.
   */
  isInterimFlood(bytes: number, since: number): boolean {
    return bytes > MAX_INTERIM_BYTES + this.#allowedInterimBytes - since
  }

  /** Counts an answered stream, which offsets one that ended early. */
  answered(): void {
    if (this.#resets > 0) this.#resets--
  }

  /**
   * Counts a stream that the peer made end early. Returns false over the limit: no more streams may
   * be opened.
   */
  reset(): boolean {
    return ++this.#resets <= MAX_RESETS
  }

  /**
   * Counts a queued acknowledgment.
   * @throws ProtocolFault ENHANCE_YOUR_CALM if the peer does not read them.
   */
  answer(): void {
    if (++this.#answers > MAX_WAITING_ANSWERS) {
      throw new ProtocolFault(
        ErrorCode.ENHANCE_YOUR_CALM,
        `${MAX_WAITING_ANSWERS} acknowledgments are queued, and the peer does not read them`,
      )
    }
  }

  /** Called when the socket has sent all output. */
  outputTaken(): void {
    this.#answers = 0
  }

  /** Refills the budgets; called at most once per second. A slow peer is not an attacker. */
  refill(elapsedMs: number): void {
    this.#idleFrames = 0
    this.#allowedInterimBytes += elapsedMs * INTERIM_BYTES_PER_MS
    this.#resets = Math.max(0, this.#resets - Math.floor((elapsedMs * FORGIVEN_RESETS_PER_SECOND) / 1_000))
  }
}
