/** Runs every checked-in input through its target: regressions stay fixed. */

import { smallest } from '../src/corpus.js'
import { formatInput, parseInput, readCorpus } from '../src/corpus-files.js'
import type { Target } from '../src/target.js'
import { target as hpackDecode } from '../src/targets/hpack-decode.js'
import { target as hpackRoundtrip } from '../src/targets/hpack-roundtrip.js'
import { target as receive } from '../src/targets/receive.js'
import { target as receiveFramed } from '../src/targets/receive-framed.js'
import { target as split } from '../src/targets/split.js'

const MAX_SEEDS = 60
const targets: Target[] = [receive, receiveFramed, split, hpackDecode, hpackRoundtrip]

describe.each(targets.map((target) => [target.name, target] as const))('%s', (name, target) => {
  it.each(target.seeds().map((input, i) => [i, input] as const))('seed %i of the target', (_i, input) => target.run(input))

  const seeds = readCorpus('seeds', name)
  it('has a limited number of seeds', () => {
    expect(seeds.length).toBeGreaterThan(0)
    expect(seeds.length).toBeLessThanOrEqual(MAX_SEEDS)
  })
  it.each(seeds.map(({ name: file, input }) => [file, input] as const))('seed %s', (_file, input) => target.run(input))
  for (const { name: file, input } of readCorpus('regressions', name)) it(`regression ${file}`, () => target.run(input))
})

it('the seeds of a target are reproducible', () => {
  for (const target of targets) {
    for (const { input } of readCorpus('seeds', target.name)) {
      const hear = (): string[] => {
        const lines: string[] = []
        target.run(input, (line) => lines.push(line))
        return lines
      }
      expect(hear()).toEqual(hear())
    }
  }
})

it('an input is written in the format that is read', () => {
  const input = Uint8Array.from({ length: 200 }, (_, i) => i)
  const text = formatInput(input, ['what it is', 'and why'])
  expect(text.startsWith('# what it is\n# and why\n0001')).toBe(true)
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120)
  expect(Buffer.from(parseInput(text)).equals(input)).toBe(true)
  expect(parseInput('# nothing\n')).toHaveLength(0)
  expect(() => parseInput('abc')).toThrow('hex')
  expect(() => parseInput('zz')).toThrow('hex')
})

it('a smaller corpus reaches the same with fewer inputs, or as much as possible with too few', () => {
  const entry = (input: number, ...features: number[]) => ({ input: new Uint8Array(input), features, steps: 1 })
  const entries = [entry(1, 1), entry(2, 1, 2), entry(3, 1, 2, 3), entry(4, 4), entry(5, 4)]
  expect(smallest(entries, 10).map(({ input }) => input.length)).toEqual([3, 4])
  expect(smallest(entries, 1).map(({ input }) => input.length)).toEqual([3])
})
