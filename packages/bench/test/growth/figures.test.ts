import { resultOf } from '../../src/figures.js'
import { costOf, describeGrowth, type Growing, growthCharts, growthClaims, type Level } from '../../src/growth/figures.js'

const level = (growing: Growing, count: number, cpuMicrosPerRequest: number): Level => ({
  growing,
  level: count,
  result: resultOf('ours', 'nghttpd', [{ requestsPerSecond: 1000, cpuMicrosPerRequest, errors: 0 }]),
})
const levels = (inFlight: number, fields: number): Level[] => [
  level('requests in flight', 1, 100),
  level('requests in flight', 100, 10),
  level('requests in flight', 10_000, inFlight),
  level('response fields', 10, 20),
  level('response fields', 1_000, fields),
]

describe('growth', () => {
  test('the cost of a field is the cost of the request, divided', () => {
    expect(costOf(level('response fields', 1_000, 500))).toBe(0.5)
    expect(costOf(level('requests in flight', 1_000, 500))).toBe(500)
  })

  test('the cost may grow by a factor of 1.3, for requests and for fields', () => {
    expect(growthClaims(levels(13, 2_600)).map(({ holds }) => holds)).toEqual([true, true, true])
    expect(growthClaims(levels(13.1, 2_620)).map(({ holds }) => holds)).toEqual([true, false, false])
    expect(growthClaims(levels(131, 2_600)).map(({ holds }) => holds)).toEqual([false, false, true])
  })

  test('a claim does not hold if a level is missing', () => {
    expect(growthClaims([]).map(({ holds }) => holds)).toEqual([false, false, false])
  })

  test('the result is printed with its errors and drawn in two charts', () => {
    const failed = { ...level('requests in flight', 10, 1), result: resultOf('ours', 'nghttpd', []) }
    const wrong = { requestsPerSecond: 0, cpuMicrosPerRequest: Number.NaN, errors: 1, error: 'reset' }
    const all = [...levels(10, 20), { ...failed, result: resultOf('ours', 'nghttpd', [wrong]) }]
    expect(describeGrowth(all, [])).toContain('10 requests in flight: 1 errors, the first: reset')
    expect(growthCharts(all).map(({ bars }) => bars.length)).toEqual([4, 2])
  })
})
