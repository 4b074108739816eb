import { bucketOf, Coverage } from '../src/coverage.js'

it.each([
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 4],
  [4, 8],
  [7, 8],
  [8, 16],
  [15, 16],
  [16, 32],
  [31, 32],
  [32, 64],
  [127, 64],
  [128, 128],
  [1_000_000, 128],
])('a count of %i is in bucket %i', (count, bucket) => expect(bucketOf(count)).toBe(bucket))

it('only a bucket that was never reached is new', () => {
  const coverage = new Coverage(new Uint32Array(3))
  const run = (...counts: number[]): boolean => {
    coverage.clear()
    coverage.counters.set(counts)
    return coverage.learn()
  }
  expect(run(1, 0, 0)).toBe(true)
  expect(run(1, 0, 0)).toBe(false)
  expect(run(5, 0, 0)).toBe(true)
  expect(run(6, 0, 0)).toBe(false)
  expect(run(0, 1, 0)).toBe(true)
  expect(coverage.covered).toBe(2)
  expect([coverage.reached(0), coverage.reached(2)]).toEqual([true, false])
})

it('features and the fingerprint describe the coverage of the last execution', () => {
  const coverage = new Coverage(Uint32Array.of(0, 3, 200))
  expect(coverage.features()).toEqual([256 + 4, 512 + 128])
  const before = coverage.fingerprint()
  coverage.counters.set([0, 3, 300])
  expect(coverage.fingerprint()).toBe(before)
  coverage.counters.set([0, 2, 300])
  expect(coverage.fingerprint()).not.toBe(before)
})
