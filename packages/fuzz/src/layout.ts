/**
 * Structure of a target's inputs. Any bytes can be split into units, and joined units are an input
 * again.
 */

import type { Prng } from './prng.js'

export interface Layout {
  /** Bytes before the first unit. */
  readonly headBytes: number
  /** Returns the units of `input` from `headBytes` on; a truncated end is a unit as well. */
  split(input: Uint8Array): Uint8Array[]
  /** Creates a new unit. */
  invent(random: Prng): Uint8Array
  /** Returns a variation of the unit with the same structure. */
  alter(unit: Uint8Array, random: Prng): Uint8Array
}

/** Joins head and units. */
export function joinUnits(head: Uint8Array, units: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([head, ...units])
}
