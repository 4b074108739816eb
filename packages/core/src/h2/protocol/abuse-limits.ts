/**
 * One bound for each way a peer can make us work for nothing (RFC 9113 §10.5). Clock-free: what costs us is counted against
 * what serves us, and the connection's driver refills the budget as time passes.
 */

import { ErrorCode, ProtocolFault } from './error-code.js'

/** CONTINUATION frames of one field block (CVE-2024-27316 and its family), unless a larger field section is allowed. */
const MAX_CONTINUATION_FRAMES = 8
/** Encoded bytes of one field block, whatever the number of frames, unless a larger field section is allowed. */
const MAX_FIELD_BLOCK_BYTES = 65_536
/**
 * Field sections of all open streams of a connection, bytes as RFC 9113 §6.5.2 counts them: what a few bytes on the wire may
 * become (CVE-2016-6581, CVE-2026-49975) is bounded for each section, and here for many of them at once.
 */
export const MAX_OPEN_SECTIONS_BYTES = 16_777_216
/** Interim responses (1xx) of one request, bytes as RFC 9113 §6.5.2 counts them, unless the caller wants them. Time allows more. */
const MAX_INTERIM_BYTES = 65_536
/** How many of those bytes a millisecond allows: a server that reports its progress for an hour is no flood. */
const INTERIM_BYTES_PER_MS = 1
/** Settings in one frame (CVE-2020-11080). */
export const MAX_SETTINGS_ENTRIES = 32
/** GOAWAY debug data kept, bytes; the rest of the frame is only counted. */
export const MAX_DEBUG_BYTES = 4_096
/** Streams of ours that we have reset and still recognise, so that late frames on them are no error. */
export const MAX_REMEMBERED_RESETS = 16_384
/** Frames in a row that bring nothing: no field section, no content byte. */
const MAX_IDLE_FRAMES = 1_000
/** Streams that ended early by the peer's doing, its RST_STREAM or ours, over those that were answered (CVE-2025-8671). */
const MAX_RESETS = 1_000
/**
 * WINDOW_UPDATE frames that one byte of DATA may bring back: one for its stream and one for the connection. An increment is at least 1
 * (RFC 9113 §6.9), so a peer that credits only what it was sent cannot send more.
 */
const UPDATES_PER_CONTENT_BYTE = 2
/** How many of them a second of time forgives. */
const FORGIVEN_RESETS_PER_SECOND = 100

/** Answers to PING and SETTINGS that wait while the peer does not read them (CVE-2019-9512, CVE-2019-9515). */
const MAX_WAITING_ANSWERS = 1_000

/** The largest field block that a limit on field sections leaves room for, in bytes: encoded it is shorter, hardly ever longer. */
export function maxFieldBlockBytes(maxFieldSectionBytes: number): number {
  return Math.max(MAX_FIELD_BLOCK_BYTES, maxFieldSectionBytes)
}

/** CONTINUATION frames of one block of that size: a few short ones are no attack. */
export function maxContinuationFrames(fieldBlockBytes: number): number {
  return MAX_CONTINUATION_FRAMES * (fieldBlockBytes / MAX_FIELD_BLOCK_BYTES)
}

/** Counts frames that bring no response nearer. */
export class AbuseLimits {
  #idleFrames = 0
  #resets = 0
  #answers = 0
  #allowedInterimBytes = 0
  /** WINDOW_UPDATE frames that the peer may still send for content that it received. */
  #updates = 0

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

  /** Counts content that is written: the peer returns credit for it, in frames that may arrive much later. */
  contentSent(bytes: number): void {
    this.#idleFrames = 0
    this.#updates += bytes * UPDATES_PER_CONTENT_BYTE
  }

  /** A WINDOW_UPDATE. @throws ProtocolFault ENHANCE_YOUR_CALM past the bound on those that nothing was sent for. */
  windowUpdate(): void {
    if (this.#updates > 0) this.#updates--
    else this.unproductive('WINDOW_UPDATE')
  }

  /** Bytes of interim responses that time has allowed since the connection began. */
  get allowedInterimBytes(): number {
    return this.#allowedInterimBytes
  }

  /** Whether a request has too many bytes of interim responses. @param since {@link allowedInterimBytes} when the first of them came. */
  isInterimFlood(bytes: number, since: number): boolean {
    return bytes > MAX_INTERIM_BYTES + this.#allowedInterimBytes - since
  }

  /** A stream that was answered makes up for one that was not. */
  answered(): void {
    if (this.#resets > 0) this.#resets--
  }

  /** A stream ended early, by the peer's doing. Returns false past the bound: then no more are opened, and those that are go on. */
  reset(): boolean {
    return ++this.#resets <= MAX_RESETS
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

  /** Forgives what is past, called by the driver once a second at most: a slow peer is not a hostile one. */
  refill(elapsedMs: number): void {
    this.#idleFrames = 0
    this.#allowedInterimBytes += elapsedMs * INTERIM_BYTES_PER_MS
    this.#resets = Math.max(0, this.#resets - Math.floor((elapsedMs * FORGIVEN_RESETS_PER_SECOND) / 1_000))
  }
}
