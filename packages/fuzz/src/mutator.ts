/**
 * Creates new inputs from old ones: blind changes of bytes, changes of whole units, and splices of
 * two inputs.
 */

import { EDGE_BYTES, NUMBERS } from './dictionary.js'
import { joinUnits, type Layout } from './layout.js'
import type { Prng } from './prng.js'

/** Longer inputs are slower and seldom reach more. */
export const MAX_INPUT_BYTES = 4_096
const MAX_ROUNDS = 6
const MAX_BLOCK = 32

export class Mutator {
  readonly #layout: Layout
  readonly #random: Prng

  constructor(layout: Layout, random: Prng) {
    this.#layout = layout
    this.#random = random
  }

  /**
   * Returns a new input made from `input` and possibly from parts of `other`. Neither is changed.
   */
  mutate(input: Uint8Array, other: Uint8Array): Uint8Array {
    const random = this.#random
    let bytes = input
    const rounds = 1 + random.below(MAX_ROUNDS)
    for (let i = 0; i < rounds; i++) bytes = random.oneIn(3) ? this.#changeBytes(bytes, other) : this.#units(bytes, other)
    return bytes.length > MAX_INPUT_BYTES ? bytes.subarray(0, MAX_INPUT_BYTES) : bytes
  }

  /** Changes that ignore units. */
  #changeBytes(input: Uint8Array, other: Uint8Array): Uint8Array {
    const random = this.#random
    const at = random.below(input.length)
    switch (random.below(7)) {
      case 0:
        return changed(input, at, (input[at] ?? 0) ^ (1 << random.below(8)))
      case 1:
        return changed(input, at, random.below(256))
      case 2:
        return changed(input, at, random.pick(EDGE_BYTES))
      case 3:
        return withNumber(input, at, random.pick(NUMBERS))
      case 4: // Remove.
        return spliced(input, at, 1 + random.below(MAX_BLOCK), new Uint8Array(0))
      case 5: // Duplicate, or insert from elsewhere.
        return spliced(input, at, 0, block(random.oneIn(2) ? input : other, random))
      default:
        return spliced(input, at, input.length, other.subarray(random.below(other.length)))
    }
  }

  /** Changes that keep units whole. */
  #units(input: Uint8Array, other: Uint8Array): Uint8Array {
    const random = this.#random
    const layout = this.#layout
    const units = layout.split(input)
    const at = random.below(units.length)
    switch (random.below(8)) {
      case 0:
        units.splice(at, 1)
        break
      case 1:
        units.splice(random.below(units.length + 1), 0, ...units.slice(at, at + 1 + random.below(3)))
        break
      case 2: // Move.
        units.splice(random.below(units.length), 0, ...units.splice(at, 1))
        break
      case 3:
      case 4:
        units.splice(random.below(units.length + 1), 0, layout.invent(random))
        break
      case 5:
        units.splice(at, random.below(3), ...this.#someUnits(other))
        break
      default:
        if (units.length > 0) units[at] = layout.alter(units[at]!, random)
    }
    return joinUnits(input.subarray(0, layout.headBytes), units)
  }

  #someUnits(input: Uint8Array): Uint8Array[] {
    const units = this.#layout.split(input)
    const from = this.#random.below(units.length)
    return units.slice(from, from + 1 + this.#random.below(6))
  }
}

function changed(input: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = Uint8Array.from(input)
  copy[at] = byte
  return copy
}

function withNumber(input: Uint8Array, at: number, value: number): Uint8Array {
  if (input.length - at < 4) return changed(input, at, value)
  const copy = Buffer.from(input)
  copy.writeUInt32BE(value, at)
  return copy
}

function spliced(input: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return Buffer.concat([input.subarray(0, at), insert, input.subarray(at + remove)])
}

function block(input: Uint8Array, random: Prng): Uint8Array {
  const from = random.below(input.length)
  return input.subarray(from, from + 1 + random.below(MAX_BLOCK))
}
