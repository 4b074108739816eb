// Effects on the bytes in one direction of a chaos proxy. All can be changed while bytes are in
// flight.

/** Directions of one link. */
export type Way = 'toServer' | 'toClient'

/**
 * Omitted members stay unchanged; `undefined`, `false` and 0 disable an effect. Byte counts start
 * when the toxic is set.
 */
export interface Toxics {
  /** Delay of every byte, in milliseconds. */
  readonly latencyMs?: number | undefined
  /** Maximum additional random delay, in milliseconds; bytes stay in order. */
  readonly jitterMs?: number | undefined
  /** Maximum number of bytes per write, each write in a separate turn. */
  readonly sliceBytes?: number | undefined
  /** Merges bytes that arrive within this many milliseconds of the first into one write. */
  readonly mergeMs?: number | undefined
  readonly bytesPerSecond?: number | undefined
  /** Changes one byte after this many further bytes. */
  readonly corruptAfter?: number | undefined
  /** Sends FIN after this many further bytes; the rest is dropped. */
  readonly truncateAfter?: number | undefined
  /** A black hole: bytes and FIN are held until it ends. */
  readonly stalled?: boolean | undefined
}

/** Byte counts of one direction. */
export interface Counts {
  /** From the sender. */
  readonly received: number
  /** Sent to the receiver; less than `received` while bytes are held. */
  readonly passed: number
}
