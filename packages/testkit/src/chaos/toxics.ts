// What a direction of a chaos proxy may be made to do to the octets that pass. Everything can be changed while octets are on their way.

/** Directions of one link. */
export type Way = 'toServer' | 'toClient'

/** What is left out stays as it is; `undefined`, `false` and 0 switch off. Counts of octets begin when the toxic is set. */
export interface Toxics {
  /** Delay of every octet, milliseconds. */
  readonly latencyMs?: number | undefined
  /** Up to so much more, milliseconds; octets keep their order. */
  readonly jitterMs?: number | undefined
  /** Octets of one write at the most, each write in a turn of its own. */
  readonly sliceBytes?: number | undefined
  /** What arrives within so many milliseconds of the first octet leaves in one write. */
  readonly mergeMs?: number | undefined
  readonly bytesPerSecond?: number | undefined
  /** After so many octets more, one is changed. */
  readonly corruptAfter?: number | undefined
  /** After so many octets more, FIN; the rest is dropped. */
  readonly truncateAfter?: number | undefined
  /** A black hole: octets and FIN are kept until it is over. */
  readonly stalled?: boolean | undefined
}

/** Octets of one direction. */
export interface Counts {
  /** From the sender. */
  readonly received: number
  /** To the receiver; less than `received` while something is kept back. */
  readonly passed: number
}
