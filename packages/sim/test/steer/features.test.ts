/** Features in coverage as V8 reports it. */

import type { CoveredScript } from '../../src/steer/coverage.js'
import { DRAWN, Features, STEERED } from '../../src/steer/features.js'

type Range = readonly [start: number, end: number, count: number]

/** One script; each list of ranges is a function. */
function covered(...functions: (readonly Range[])[]): CoveredScript[] {
  const ranges = functions.map((list) => list.map(([startOffset, endOffset, count]) => ({ startOffset, endOffset, count })))
  return [{ url: 'file:///client.js', functions: ranges.map((each) => ({ functionName: '', ranges: each })) }]
}

it('functions and blocks are new once', () => {
  const features = new Features()
  const world = covered([
    [0, 100, 3],
    [20, 30, 0],
    [40, 50, 2],
  ])
  // The function, and the block at 40.
  expect(features.learn(world, DRAWN)).toBe(2)
  expect(features.learn(world, STEERED)).toBe(0)
  expect([features.count(DRAWN), features.count(STEERED)]).toEqual([2, 0])
})

it('how often a block is executed is no feature', () => {
  const features = new Features()
  features.learn(
    covered([
      [0, 100, 1],
      [20, 30, 5],
    ]),
    DRAWN,
  )
  expect(
    features.learn(
      covered([
        [0, 100, 7],
        [20, 30, 1],
      ]),
      DRAWN,
    ),
  ).toBe(0)
})

it('a block that was left out is reached although its count is that of its function', () => {
  const features = new Features()
  features.learn(
    covered([
      [0, 100, 3],
      [20, 30, 0],
    ]),
    DRAWN,
  )
  expect(features.learn(covered([[0, 100, 1]]), STEERED)).toBe(1)
  expect([features.count(DRAWN), features.count(STEERED)]).toEqual([1, 1])
})

it('a block that is reported late was executed by the world that reported only its function', () => {
  const features = new Features()
  features.learn(covered([[0, 100, 1]]), DRAWN)
  expect(
    features.learn(
      covered([
        [0, 100, 4],
        [20, 30, 2],
      ]),
      STEERED,
    ),
  ).toBe(0)
  expect([features.count(DRAWN), features.count(STEERED)]).toEqual([2, 0])
})

it('a function within another is reached only if it is called', () => {
  const features = new Features()
  features.learn(covered([[0, 100, 1]], [[40, 60, 0]]), DRAWN)
  expect(features.learn(covered([[40, 60, 1]]), STEERED)).toBe(1)
})

it('a function beyond the end of those known before is learned', () => {
  const features = new Features()
  features.learn(covered([[0, 100, 1]]), DRAWN)
  expect(features.learn(covered([[200, 300, 1]]), DRAWN)).toBe(1)
  expect(features.learn(covered([[200, 300, 1]]), DRAWN)).toBe(0)
})
