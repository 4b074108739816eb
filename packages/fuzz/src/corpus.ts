/** Inputs worth keeping, and the choice of the next one to mutate. */

import type { Feature } from './coverage.js'
import type { Prng } from './prng.js'

export interface Entry {
  readonly input: Uint8Array
  readonly features: readonly Feature[]
  /** Cost of its execution: counters passed. Not a time, which would not be reproducible. */
  readonly steps: number
}

export class Corpus {
  readonly entries: Entry[] = []
  /** The cheapest input for each feature: it is chosen more often than others. */
  readonly #best = new Map<Feature, Entry>()
  #favourites: Entry[] = []
  #stale = false
  /** Typical cost of an execution. */
  #usual = USUAL_STEPS

  add(entry: Entry): void {
    this.entries.push(entry)
    this.#usual += STEP * (Math.min(entry.steps, MAX_STEPS) - this.#usual)
    for (const feature of entry.features) {
      const best = this.#best.get(feature)
      if (best === undefined || costOf(best) > costOf(entry)) this.#best.set(feature, entry)
    }
    this.#stale = true
  }

  /** Chooses an input to mutate. Expensive ones are chosen less often. */
  choose(random: Prng): Entry {
    let entry = this.#candidate(random)
    for (let i = 0; i < SECOND_THOUGHTS && entry.steps > SLOW * this.#usual; i++) entry = this.#candidate(random)
    return entry
  }

  /** Usually a favorite, often a new one. */
  #candidate(random: Prng): Entry {
    const { entries } = this
    if (random.oneIn(4)) return entries[Math.max(0, entries.length - 1 - random.below(RECENT))]!
    if (random.oneIn(8)) return random.pick(entries)
    if (this.#stale) {
      this.#favourites = [...new Set(this.#best.values())]
      this.#stale = false
    }
    return this.#favourites.length > 0 ? random.pick(this.#favourites) : random.pick(entries)
  }
}

const RECENT = 16
const SECOND_THOUGHTS = 4
const SLOW = 2
/** Weight of one execution in the typical cost, its initial value, and the maximum contribution. */
const STEP = 0.05
const USUAL_STEPS = 1_000
const MAX_STEPS = 5_000

function costOf({ input, steps }: Entry): number {
  return input.length * steps
}

/**
 * Returns at most `limit` inputs that together reach as much as possible: greedily the one that
 * adds most, preferring the shorter one.
 */
export function smallest(entries: readonly Entry[], limit: number): Entry[] {
  const left = [...entries].sort((a, b) => a.input.length - b.input.length)
  const reached = new Set<Feature>()
  const chosen: Entry[] = []
  while (chosen.length < limit) {
    let best: Entry | undefined
    let maxGain = 0
    for (const entry of left) {
      let news = 0
      for (const feature of entry.features) if (!reached.has(feature)) news++
      if (news > maxGain) {
        maxGain = news
        best = entry
      }
    }
    if (best === undefined) break
    for (const feature of best.features) reached.add(feature)
    chosen.push(best)
  }
  return chosen
}
