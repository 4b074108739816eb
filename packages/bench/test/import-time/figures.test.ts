import { describeImports, failuresOf, importCharts, importClaims, timingOf } from '../../src/import-time/figures.js'

const timings = (imported: number, ours: number) => [
  timingOf('unshard', 'import', [{ ms: imported + 2 }], 2),
  timingOf('unshard fetch', 'first request', [{ ms: ours }]),
  timingOf('built-in fetch', 'first request', [{ ms: 50 }]),
]

describe('import time', () => {
  test('is the median of the successful turns, minus the time of importing nothing', () => {
    const turns = [{ ms: 12 }, { error: 'no such module' }, { ms: 14 }, { ms: 30 }]
    const timing = timingOf('a', 'import', turns, 2)
    expect(timing.ms).toBe(12)
    expect(failuresOf([timing])).toEqual(['a: no such module'])
  })

  test('marks: the import itself, and the first request compared with the built-in one', () => {
    expect(importClaims(timings(40, 65)).map(({ holds }) => holds)).toEqual([true, true])
    expect(importClaims(timings(40.1, 65.1)).map(({ holds }) => holds)).toEqual([false, false])
    expect(importClaims(timings(1, 40))[1]).toMatchObject({ measured: '- 10.0 ms' })
    expect(importClaims([]).map(({ holds }) => holds)).toEqual([false, false])
  })

  test('is printed and drawn, each kind separately', () => {
    expect(describeImports(timings(40, 65), [])).toMatch(/unshard fetch +first request +65\.0/)
    expect(importCharts(timings(40, 65)).map(({ bars }) => bars.length)).toEqual([1, 2])
  })
})
