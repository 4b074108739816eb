/**
 * Times small pieces of synchronous work, with competitors in turn, so that noise of the machine
 * affects all of them.
 */

import { median } from '../figures.js'

/** One implementation of the same work. */
export interface Contestant {
  readonly name: string
  /** Does it once; returns the number of units (fields, frames). */
  run(): number
}

export interface Timing {
  readonly name: string
  /** Median of the rounds. */
  readonly unitsPerSecond: number
}

const BATCH_NS = 5_000_000n

/** Runs each in turn for `rounds` rounds of `seconds`, after an uncounted warm-up round. */
export function measure(contestants: readonly Contestant[], rounds: number, seconds: number): Timing[] {
  const rates = contestants.map((): number[] => [])
  for (let round = 0; round <= rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const rate = unitsPerSecond(contestant, seconds)
      if (round > 0) rates[i]!.push(rate)
    }
  }
  return contestants.map(({ name }, i) => ({ name, unitsPerSecond: median(rates[i]!) }))
}

function unitsPerSecond(contestant: Contestant, seconds: number): number {
  const limit = BigInt(Math.round(seconds * 1e9))
  const start = process.hrtime.bigint()
  let units = 0
  let elapsed = 0n
  while (elapsed < limit) {
    const batchEnd = elapsed + BATCH_NS
    while (elapsed < batchEnd) {
      for (let i = 0; i < 32; i++) units += contestant.run()
      elapsed = process.hrtime.bigint() - start
    }
  }
  return (units * 1e9) / Number(elapsed)
}
