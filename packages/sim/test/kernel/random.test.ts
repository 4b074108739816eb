import { Random } from '../../src/kernel/random.js'

function numbers(seed: number, name: string): number[] {
  const random = new Random(seed, name)
  return Array.from({ length: 5 }, () => random.next())
}

it('equal seeds and names give equal numbers; others give others', () => {
  expect(numbers(7, 'path')).toEqual(numbers(7, 'path'))
  const streams = [numbers(7, 'path'), numbers(8, 'path'), numbers(7, 'pbth'), numbers(7, 'path 1'), numbers(7, 'path 2')]
  expect(new Set(streams.map((each) => each.join())).size).toBe(streams.length)
})

it('numbers are within their bounds, and reach both ends', () => {
  const random = new Random(1, 'bounds')
  const seen = new Set<number>()
  for (let index = 0; index < 1_000; index++) {
    seen.add(random.int(3, 6))
    const log = random.log(10, 1_000)
    expect(log >= 10 && log <= 1_000).toBe(true)
  }
  expect([...seen].sort()).toEqual([3, 4, 5, 6])
})

it('weights decide how often an item is chosen, and 0 is never', () => {
  const random = new Random(1, 'weights')
  const counts = { often: 0, seldom: 0, never: 0 }
  for (let index = 0; index < 10_000; index++) {
    counts[
      random.weighted([
        [9, 'often'],
        [0, 'never'],
        [1, 'seldom'],
      ] as const)
    ]++
  }
  expect(counts.never).toBe(0)
  expect(counts.seldom).toBeGreaterThan(800)
  expect(counts.seldom).toBeLessThan(1_200)
})

it('shuffling keeps every item', () => {
  const list = [1, 2, 3, 4, 5, 6, 7, 8]
  const shuffled = new Random(2, 'order').shuffled(list)
  expect(shuffled).not.toEqual(list)
  expect([...shuffled].sort()).toEqual(list)
})
