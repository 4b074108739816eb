/** Reduces an input to the shortest one with the same effect. */

import { joinUnits, type Layout } from './layout.js'

/** Removes units, then runs of bytes, as long as `isSame` holds. Calls it at most `tries` times. */
export function minimize(input: Uint8Array, layout: Layout, isSame: (input: Uint8Array) => boolean, tries: number): Uint8Array {
  let left = tries
  const holds = (bytes: Uint8Array): boolean => left-- > 0 && isSame(bytes)
  let best = withoutUnits(input, layout, holds)
  best = withoutRuns(best, holds)
  return withZeros(withoutUnits(best, layout, holds), holds)
}

function withoutUnits(input: Uint8Array, layout: Layout, holds: (input: Uint8Array) => boolean): Uint8Array {
  const head = input.subarray(0, layout.headBytes)
  let units = layout.split(input)
  for (let size = units.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < units.length; ) {
      const fewer = [...units.slice(0, at), ...units.slice(at + size)]
      if (holds(joinUnits(head, fewer))) units = fewer
      else at += size
    }
  }
  return joinUnits(head, units)
}

function withoutRuns(input: Uint8Array, holds: (input: Uint8Array) => boolean): Uint8Array {
  let best = input
  for (let size = best.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < best.length; ) {
      const fewer = Buffer.concat([best.subarray(0, at), best.subarray(at + size)])
      if (holds(fewer)) best = fewer
      else at += size
    }
  }
  return best
}

/** Replaces irrelevant bytes by 0, so that the relevant ones stand out. */
function withZeros(input: Uint8Array, holds: (input: Uint8Array) => boolean): Uint8Array {
  let best = input
  for (let at = 0; at < best.length; at++) {
    if (best[at] === 0) continue
    const simpler = Uint8Array.from(best)
    simpler[at] = 0
    if (holds(simpler)) best = simpler
  }
  return best
}
