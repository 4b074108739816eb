/**
 * Coverage of one execution in the manner of AFL: how often each counter was passed, in buckets.
 */

/**
 * 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128 and more: one bit each, none for a counter that was not
 * passed.
 */
export function bucketOf(count: number): number {
  if (count <= 3) return count === 0 ? 0 : 1 << (count - 1)
  if (count < 8) return 8
  if (count < 16) return 16
  if (count < 32) return 32
  return count < 128 ? 64 : 128
}

/** One counter in one bucket, as a number: inputs of the corpus are kept for their features. */
export type Feature = number

/** The counters of the code under test, and the buckets reached by all executions so far. */
export class Coverage {
  readonly counters: Uint32Array
  readonly #reachedBuckets: Uint8Array
  #covered = 0

  constructor(counters: Uint32Array) {
    this.counters = counters
    this.#reachedBuckets = new Uint8Array(counters.length)
  }

  /** Number of counters that were passed at least once. */
  get covered(): number {
    return this.#covered
  }

  /** Resets the counters before an execution. */
  clear(): void {
    this.counters.fill(0)
  }

  /** Whether the execution has reached a new bucket; remembers it. */
  learn(): boolean {
    const { counters } = this
    const reached = this.#reachedBuckets
    let news = false
    for (let i = 0; i < counters.length; i++) {
      const count = counters[i]!
      if (count === 0) continue
      const bit = bucketOf(count)
      const before = reached[i]!
      if ((before & bit) !== 0) continue
      if (before === 0) this.#covered++
      reached[i] = before | bit
      news = true
    }
    return news
  }

  /** Returns all features of the execution. */
  features(): Feature[] {
    const features: Feature[] = []
    for (let i = 0; i < this.counters.length; i++) {
      const count = this.counters[i]!
      if (count !== 0) features.push(i * 256 + bucketOf(count))
    }
    return features
  }

  /** Sum of all counters. */
  get steps(): number {
    let steps = 0
    for (const count of this.counters) steps += count
    return steps
  }

  /** Returns a number that identifies everything the execution has reached. */
  fingerprint(): number {
    let hash = 0
    for (let i = 0; i < this.counters.length; i++) {
      const count = this.counters[i]!
      if (count !== 0) hash = Math.imul(hash ^ (i * 256 + bucketOf(count)), 0x01000193) + 1
    }
    return hash
  }

  /** Whether a counter was ever passed. */
  reached(counter: number): boolean {
    return this.#reachedBuckets[counter] !== 0
  }
}
