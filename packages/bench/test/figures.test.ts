import { failedRound, marksOf, median, type Result, ratio, ratiosOf, resultOf, roundOf } from '../src/figures.js'

const result = (name: string, requestsPerSecond: number, cpuMicrosPerRequest: number): Result => {
  return { name, server: 'nghttpd', requestsPerSecond, cpuMicrosPerRequest, errors: 0, rounds: [] }
}

describe('median', () => {
  test.each([
    [[5], 5],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
    [[100, 20, 3], 20],
    [[], Number.NaN],
  ])('of %p is %p', (values, expected) => {
    expect(median(values)).toBe(expected)
  })

  test('does not modify its input', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})

test('a ratio has two places, and is NaN without a baseline', () => {
  expect(ratio(10, 3)).toBe(3.33)
  expect(ratio(10, 0)).toBeNaN()
  expect(ratio(10, undefined)).toBeNaN()
  expect(ratio(10, Number.NaN)).toBeNaN()
})

describe('rounds', () => {
  test('a sample is converted to a rate and a cost', () => {
    const sample = { requests: 3000, seconds: 1.5, cpuMicros: 100_000, errors: 0, connections: 1 }
    expect(roundOf(sample)).toEqual({ requestsPerSecond: 2000, cpuMicrosPerRequest: 33.33, errors: 0, connections: 1 })
  })

  test('the first error is kept', () => {
    const sample = { requests: 1, seconds: 1, cpuMicros: 1, errors: 7, firstError: 'Error: wrong' }
    expect(roundOf(sample)).toMatchObject({ errors: 7, error: 'Error: wrong' })
  })

  test('no response is an error', () => {
    expect(roundOf({ requests: 0, seconds: 1, cpuMicros: 1, errors: 0 })).toMatchObject({ errors: 1, error: expect.any(String) })
  })

  test('the result is the median of the measured rounds, and the sum of all errors', () => {
    const rounds = [1000, 3000, 2000].map((requests) => roundOf({ requests, seconds: 1, cpuMicros: 6000, errors: 0 }))
    expect(resultOf('a', 'nginx', [...rounds, failedRound('killed')])).toMatchObject({
      name: 'a',
      server: 'nginx',
      requestsPerSecond: 2000,
      cpuMicrosPerRequest: 3,
      errors: 1,
    })
  })
})

describe('comparison', () => {
  const results = [result('ours', 50_000, 10), result('theirs', 5_000, 100)]

  test('compares each competitor with each baseline that took part', () => {
    expect(ratiosOf(results, ['theirs', 'absent'])).toEqual({
      ours: { theirs: { rate: 10, cpu: 0.1 } },
      theirs: { theirs: { rate: 1, cpu: 1 } },
    })
  })

  test('a mark on the rate holds from its ratio on, and is undefined if one of the two is missing', () => {
    const mark = (baseline: string, atLeast: number) => ({ name: 'ours', baseline, atLeast })
    const [reached, missed, absent] = marksOf([mark('theirs', 10), mark('theirs', 10.01), mark('absent', 1)], results)
    expect(reached).toMatchObject({ ratio: 10, holds: true })
    expect(missed).toMatchObject({ ratio: 10, holds: false })
    expect(absent).toEqual({ ...mark('absent', 1), ratio: Number.NaN })
  })

  test('a mark on CPU time holds up to its ratio, to the thousandth', () => {
    const mark = (cpuAtMost: number) => ({ name: 'ours', baseline: 'theirs', cpuAtMost })
    const close = [result('ours', 1, 10.04), result('theirs', 1, 100)]
    expect(marksOf([mark(1 / 10), mark(1 / 11)], results)).toMatchObject([{ ratio: 0.1, holds: true }, { holds: false }])
    expect(marksOf([mark(1 / 10)], close)).toMatchObject([{ ratio: 0.1004, holds: false }])
    expect(marksOf([mark(1)], [result('ours', 1, 5), result('theirs', 1, Number.NaN)])).toMatchObject([{ holds: false }])
  })

  test('a mark on the event loop delay is in milliseconds, and does not hold if none was measured', () => {
    const mark = { name: 'ours', delayBelowMs: 20 }
    const delayed = (delayMs: number): Result => ({ ...result('ours', 1, 1), delayMs })
    expect(marksOf([mark], [delayed(19.99)])).toMatchObject([{ ratio: 19.99, holds: true }])
    expect(marksOf([mark], [delayed(20)])).toMatchObject([{ ratio: 20, holds: false }])
    expect(marksOf([mark], results)).toMatchObject([{ ratio: Number.NaN, holds: false }])
  })
})
