/**
 * Random numbers by name: every decision has a stream of its own, derived from the seed and the
 * name. Removing one caller from a world therefore does not change the decisions of the others.
 */

/** One stream of random numbers. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number, name: string) {
    let hash = 0x811c9dc5 ^ seed
    for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
    this.#a = hash
    this.#b = Math.imul(hash ^ 0x9e3779b9, 0x85ebca6b)
    this.#c = Math.imul(seed ^ 0xc2b2ae35, 0x27d4eb2f)
    for (let round = 0; round < 12; round++) this.#next()
  }

  /** From 0 to 1, without 1. */
  next(): number {
    return this.#next() / 0x1_0000_0000
  }

  /** A whole number from `min` to `max`, both included. */
  int(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  /** A whole number from `min` to `max`; small ones are as likely as large ones on a logarithmic scale. */
  log(min: number, max: number): number {
    return Math.round(min * (max / min) ** this.next())
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<Item>(list: readonly Item[]): Item {
    return list[Math.floor(this.next() * list.length)]!
  }

  /** Picks by weight. */
  weighted<Item>(list: readonly (readonly [weight: number, item: Item])[]): Item {
    let left = this.next() * list.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, item] of list) {
      left -= weight
      if (left < 0) return item
    }
    return list.at(-1)![1]
  }

  shuffled<Item>(list: readonly Item[]): Item[] {
    const result = [...list]
    for (let at = result.length - 1; at > 0; at--) {
      const other = this.int(0, at)
      ;[result[at], result[other]] = [result[other]!, result[at]!]
    }
    return result
  }

  /** The generator sfc32. */
  #next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }
}
