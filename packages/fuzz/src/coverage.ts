/** What one execution has reached, in the manner of AFL: how often each counter was passed, in buckets. */

/** 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128 and more: one bit each, none for a counter that was not passed. */
export function bucketOf(count: number): number {
  if (count <= 3) return count === 0 ? 0 : 1 << (count - 1)
  if (count < 8) return 8
  if (count < 16) return 16
  if (count < 32) return 32
  return count < 128 ? 64 : 128
}

/** One counter in one bucket, as a number: what inputs of the corpus are kept for. */
export type Feature = number

/** The counters of the code under test, and what all executions so far have reached of them. */
export class Coverage {
  readonly counters: Uint32Array
  readonly #seen: Uint8Array
  #covered = 0

  constructor(counters: Uint32Array) {
    this.counters = counters
    this.#seen = new Uint8Array(counters.length)
  }

  /** Counters that were passed at least once. */
  get covered(): number {
    return this.#covered
  }

  /** Before an execution. */
  clear(): void {
    this.counters.fill(0)
  }

  /** Whether the execution has reached a bucket that none before it has; that is remembered. */
  learn(): boolean {
    const { counters } = this
    const seen = this.#seen
    let news = false
    for (let i = 0; i < counters.length; i++) {
      const count = counters[i]!
      if (count === 0) continue
      const bit = bucketOf(count)
      const before = seen[i]!
      if ((before & bit) !== 0) continue
      if (before === 0) this.#covered++
      seen[i] = before | bit
      news = true
    }
    return news
  }

  /** Everything the execution has reached. */
  features(): Feature[] {
    const features: Feature[] = []
    for (let i = 0; i < this.counters.length; i++) {
      const count = this.counters[i]!
      if (count !== 0) features.push(i * 256 + bucketOf(count))
    }
    return features
  }

  /** Counters passed, each as often as it was. */
  get steps(): number {
    let steps = 0
    for (const count of this.counters) steps += count
    return steps
  }

  /** A number that stands for everything the execution has reached. */
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
    return this.#seen[counter] !== 0
  }
}
