/** How a target's input is made of units. Any octets can be split into units, and units joined are an input again. */

import type { Prng } from './prng.js'

export interface Layout {
  /** Octets before the first unit. */
  readonly headBytes: number
  /** The units of `input` from `headBytes` on; what is cut off at the end is a unit as well. */
  split(input: Uint8Array): Uint8Array[]
  /** A new unit. */
  invent(random: Prng): Uint8Array
  /** Another unit like this one, of the same make. */
  alter(unit: Uint8Array, random: Prng): Uint8Array
}

/** Head and units in one piece. */
export function joinUnits(head: Uint8Array, units: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([head, ...units])
}
