import { describeMany, manyClaims, manyResult } from '../../src/many-origins/figures.js'
import { type Turn, urls } from '../../src/many-origins/task.js'

const turn = (cpuMicrosPerRequest: number, more: Partial<Turn> = {}): Turn => ({
  ...{ cpuMicrosPerRequest, requestsPerSecond: 1000, connections: 1, errors: 0 },
  ...more,
})

test('there are as many URLs as origins, all of different origins', () => {
  const all = urls(10_000, 8443)
  expect(new Set(all.map((url) => new URL(url).origin)).size).toBe(10_000)
})

test('medians of the rounds without errors', () => {
  const rounds = [turn(10, { bytesPerOrigin: 900 }), turn(30, { bytesPerOrigin: 1000 }), turn(12, { bytesPerOrigin: 950 })]
  const result = manyResult(10_000, [...rounds, turn(Number.NaN, { errors: 1, connections: 0 })])
  expect(result).toMatchObject({ cpuMicrosPerRequest: 12, bytesPerOrigin: 950, connections: 1, errors: 1 })
})

test.each([
  [13, 2048, 1, [true, true, true]],
  [13.1, 2049, 2, [false, false, false]],
  [13, Number.NaN, 1, [true, false, true]],
])('%d µs beside 10, %d bytes, %d connections: %p', (cpu, bytesPerOrigin, connections, holds) => {
  const claims = manyClaims(manyResult(1, [turn(10)]), manyResult(10_000, [turn(cpu, { bytesPerOrigin, connections })]))
  expect(claims.map((claim) => claim.holds)).toEqual(holds)
})

test('the table has both rows and the first error', () => {
  const results = [manyResult(1, [turn(10)]), manyResult(10_000, [turn(12, { errors: 2, firstError: 'no' })])]
  const text = describeMany('nghttpd', results, [])
  expect(text).toContain('10,000   nghttpd')
  expect(text).toContain('10000: 2 errors, the first: no')
})
