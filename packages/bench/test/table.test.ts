import { parseCpuList, pinned } from '@unshard/testkit'
import { scenarios } from '../src/scenarios/index.js'
import { describeScenario } from '../src/table.js'

test('the text of a scenario', () => {
  const result = (name: string, requestsPerSecond: number, cpuMicrosPerRequest: number, errors = 0) => {
    const rounds = errors > 0 ? [{ requestsPerSecond, cpuMicrosPerRequest, errors, error: 'Error: wrong' }] : []
    return { name, server: 'nghttpd', requestsPerSecond, cpuMicrosPerRequest, errors, rounds }
  }
  const text = describeScenario({
    name: 'small-get',
    title: 'a title',
    results: [result('ours', 123_456, 3.14), result('node:http2', 20_000, 51, 2), result('dead', Number.NaN, Number.NaN)],
    ratios: { ours: { 'node:http2': { rate: 6.17, cpu: 0.06 } }, 'node:http2': { 'node:http2': { rate: 1, cpu: 1 } } },
    marks: [
      { name: 'ours', baseline: 'node:http2', atLeast: 5, ratio: 6.17, holds: true },
      { name: 'ours', baseline: 'dead', atLeast: 8, ratio: Number.NaN, holds: false },
    ],
    skipped: [{ name: 'h2load', because: 'h2load is not installed' }],
  })
  expect(text).toBe(`small-get: a title

client      server   requests/s  CPU µs/request  errors  × node:http2
──────────  ───────  ──────────  ──────────────  ──────  ────────────
ours        nghttpd     123,456             3.1       0          6.17
node:http2  nghttpd      20,000            51.0       2          1.00
dead        nghttpd           -               -       0             -

node:http2: 2 errors, the first: Error: wrong
without h2load: h2load is not installed
ours >= 5 × node:http2: holds (6.17 ×)
ours >= 8 × dead: DOES NOT HOLD (- ×)`)
})

describe('cores', () => {
  test.each([
    ['0', [0]],
    ['0-2,5', [0, 1, 2, 5]],
    ['', []],
    ['none', []],
  ])('list %p', (list, expected) => {
    expect(parseCpuList(list)).toEqual(expected)
  })

  test('a command is pinned only if there is a core for it', () => {
    expect(pinned(3, ['node', 'x.js'])).toEqual(['taskset', '--cpu-list', '3', 'node', 'x.js'])
    expect(pinned(undefined, ['node', 'x.js'])).toEqual(['node', 'x.js'])
  })
})

test.each([...scenarios])('%s compares and marks only competitors that take part, each under a unique name', (name, scenario) => {
  const names = scenario.competitors.map((competitor) => competitor.name)
  expect(scenario.name).toBe(name)
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(
    expect.arrayContaining([
      ...scenario.baselines,
      ...scenario.marks.flatMap((mark) => ('baseline' in mark ? [mark.name, mark.baseline] : [mark.name])),
    ]),
  )
})
