import { Prng } from '../src/prng.js'

const take = (seed: number, count: number): number[] => {
  const random = new Prng(seed)
  return Array.from({ length: count }, () => random.next())
}

it('the same seed gives the same numbers, another seed gives others', () => {
  expect(take(7, 50)).toEqual(take(7, 50))
  expect(take(7, 50)).not.toEqual(take(8, 50))
})

it('numbers have 32 bits and do not repeat soon', () => {
  const numbers = take(1, 10_000)
  expect(new Set(numbers).size).toBeGreaterThan(9_990)
  expect(Math.max(...numbers)).toBeGreaterThan(0xff00_0000)
  expect(Math.min(...numbers)).toBeLessThan(0x100_0000)
})

it('below stays below its bound, reaches every number, and is 0 for a bound of 0', () => {
  const random = new Prng(3)
  const seen = new Set(Array.from({ length: 1_000 }, () => random.below(5)))
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4])
  expect([random.below(0), random.below(1)]).toEqual([0, 0])
})
