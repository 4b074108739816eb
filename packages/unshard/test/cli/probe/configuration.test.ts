import type { Comparison } from '../../../src/cli/probe/compare.js'
import { configurationFor, sourceOf } from '../../../src/cli/probe/configuration.js'

const compared = (host: string, outcome: string, status: number): Comparison =>
  ({ origin: `https://${host}`, outcome, shared: { status } }) as Comparison

it.each<[string, Comparison[], string]>([
  ['nothing for equal answers and for 421', [compared('a.example', 'same', 200)], 'createClient()'],
  ['a denied host for another status', [compared('a.example', 'other-status', 421)], "deny: ['a.example']"],
  [
    'a suspected status for an error',
    [compared('a.example', 'other-status', 404), compared('b.example', 'other-status', 404)],
    "deny: ['a.example', 'b.example'], suspectStatuses: [404]",
  ],
  [
    'declared wildcards for content of another host',
    [compared('a.example', 'other-content', 200)],
    "deny: ['a.example'], wildcards: 'declared'",
  ],
])('suggests %s', (_title, comparisons, source) => {
  expect(sourceOf(configurationFor(comparisons))).toContain(source)
})

it('suggests the defaults without a comparison', () => {
  expect(sourceOf(configurationFor())).toMatch(/^createClient\(\) /)
})
