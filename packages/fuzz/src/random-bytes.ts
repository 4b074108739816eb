/** Random bytes for new parts of inputs. */

import { EDGE_BYTES } from './dictionary.js'
import type { Prng } from './prng.js'

/** Encodes 32-bit numbers one after another. */
export function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, i * 4)
  return bytes
}

/** Returns random bytes, with edge values more often. */
export function someBytes(random: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => (random.oneIn(2) ? random.pick(EDGE_BYTES) : random.below(256)))
}
