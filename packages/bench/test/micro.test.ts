import { frameCases } from '../src/micro/frames.js'
import { hpackCases } from '../src/micro/hpack.js'
import { measure } from '../src/micro/measure.js'

describe('the micro-benchmarks', () => {
  it.each([...hpackCases, ...frameCases])('%s: all contestants do the same work', (_name, contestants) => {
    const units = contestants().map((contestant) => contestant.run())
    expect(units[0]).toBeGreaterThan(0)
    expect(new Set(units).size).toBe(1)
    // They must also do so repeatedly.
    for (const contestant of contestants()) for (let i = 0; i < 600; i++) expect(contestant.run()).toBe(units[0])
  })

  it('contestants take turns, and the median of the counted rounds is returned', () => {
    const order: string[] = []
    const contestant = (name: string) => ({ name, run: () => (order.at(-1) === name ? 1 : order.push(name) && 1) })
    const timings = measure([contestant('a'), contestant('b')], 2, 0.001)
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    expect(timings.map(({ name, unitsPerSecond }) => [name, unitsPerSecond > 0])).toEqual([
      ['a', true],
      ['b', true],
    ])
  })
})
