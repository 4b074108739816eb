/** The inputs worth keeping, and which of them is changed next. */

import type { Feature } from './coverage.js'
import type { Prng } from './prng.js'

export interface Entry {
  readonly input: Uint8Array
  readonly features: readonly Feature[]
  /** What its execution took: counters passed. Not a time, which would not be the same again. */
  readonly steps: number
}

export class Corpus {
  readonly entries: Entry[] = []
  /** The cheapest input that has each feature: it is tried more often than others. */
  readonly #best = new Map<Feature, Entry>()
  #favourites: Entry[] = []
  #stale = false
  /** What an execution usually takes. */
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

  /** One to mutate. Those that take long have to be lucky. */
  choose(random: Prng): Entry {
    let entry = this.#candidate(random)
    for (let i = 0; i < SECOND_THOUGHTS && entry.steps > SLOW * this.#usual; i++) entry = this.#candidate(random)
    return entry
  }

  /** Mostly a favourite, often a new one. */
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
/** How much one execution says about the usual one, what that is in the beginning, and the most it may say. */
const STEP = 0.05
const USUAL_STEPS = 1_000
const MAX_STEPS = 5_000

function costOf({ input, steps }: Entry): number {
  return input.length * steps
}

/** At most `limit` inputs that together reach as much as possible: always the next that adds most, the shorter one of two. */
export function smallest(entries: readonly Entry[], limit: number): Entry[] {
  const left = [...entries].sort((a, b) => a.input.length - b.input.length)
  const reached = new Set<Feature>()
  const chosen: Entry[] = []
  while (chosen.length < limit) {
    let best: Entry | undefined
    let most = 0
    for (const entry of left) {
      let news = 0
      for (const feature of entry.features) if (!reached.has(feature)) news++
      if (news > most) {
        most = news
        best = entry
      }
    }
    if (best === undefined) break
    for (const feature of best.features) reached.add(feature)
    chosen.push(best)
  }
  return chosen
}
