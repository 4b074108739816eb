/**
 * Inputs of the HPACK targets: a head byte, then units of a kind, a length, and that many bytes.
 */

import { BLOCKS, NUMBERS } from './dictionary.js'
import type { Layout } from './layout.js'
import type { Prng } from './prng.js'
import { someBytes } from './random-bytes.js'

export const UNIT_HEAD_BYTES = 2
const FIELD_NAMES = [':status', 'content-length', 'in', 'x-a', 'cookie', 'authorization', 'set-cookie', 'etag', 'a'] as const

export interface Unit {
  readonly kind: number
  readonly payload: Uint8Array
}

/** Creates a unit of a kind and at most 255 bytes. */
export function makeUnit(kind: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(kind, Math.min(255, payload.length)), payload.subarray(0, 255)])
}

export function readUnits(input: Uint8Array): Unit[] {
  return hpackLayout.split(input).map((unit) => ({ kind: unit[0]!, payload: unit.subarray(UNIT_HEAD_BYTES) }))
}

/** Reads up to four bytes of a payload as a number. */
export function numberIn(payload: Uint8Array): number {
  let value = 0
  for (const byte of payload.subarray(0, 4)) value = value * 256 + byte
  return value
}

function split(input: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = []
  for (let at = 1; at < input.length; ) {
    const end = at + UNIT_HEAD_BYTES + (input[at + 1] ?? 0)
    units.push(input.subarray(at, end))
    at = end
  }
  return units
}

function somePayload(random: Prng): Uint8Array {
  switch (random.below(4)) {
    case 0:
      return someBytes(random, random.below(24))
    case 1:
      return Buffer.concat([
        Buffer.from(random.pick(FIELD_NAMES), 'latin1'),
        Uint8Array.of(0),
        someBytes(random, random.below(40)),
      ])
    case 2: {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(random.pick(NUMBERS))
      return bytes
    }
    default:
      return random.pick(BLOCKS)
  }
}

export const hpackLayout: Layout = {
  headBytes: 1,
  split,
  invent: (random) => makeUnit(random.below(16), somePayload(random)),
  alter(unit, random) {
    const payload = unit.subarray(UNIT_HEAD_BYTES)
    const kind = random.oneIn(5) ? random.below(16) : unit[0]!
    if (random.oneIn(6)) return makeUnit(kind, somePayload(random))
    const at = random.below(payload.length + 1)
    const rest = at + random.below(4)
    const inserted = random.oneIn(2) ? someBytes(random, random.below(6)) : somePayload(random)
    return makeUnit(kind, Buffer.concat([payload.subarray(0, at), inserted, payload.subarray(rest)]))
  },
}
