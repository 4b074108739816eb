/** Random numbers that depend only on a seed and a name: a cell can be repeated alone. */

/** Returns a number from 0 (included) to 1 (excluded). */
export type Random = () => number

/** mulberry32, seeded with a hash (FNV-1a) of the name. */
export function randomFor(seed: number, name = ''): Random {
  let state = 0x811c9dc5 ^ seed
  for (const character of name) state = Math.imul(state ^ character.codePointAt(0)!, 0x01000193)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Returns a whole number from 0 to `bound` - 1. */
export function below(random: Random, bound: number): number {
  return Math.floor(random() * bound)
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[below(random, list.length)]!
}

/** Returns the list in random order. */
export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const all = [...list]
  for (let i = all.length - 1; i > 0; i--) {
    const j = below(random, i + 1)
    const one = all[i]!
    all[i] = all[j]!
    all[j] = one
  }
  return all
}
