/** The page of documentation has the counts of the last complete runs. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Results, withTables } from '../src/results.js'
import { ALL_RUNTIMES } from '../src/runtimes.js'
import { testSuites } from '../src/suites.js'

const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/runtimes.md'), 'utf8')
const results = JSON.parse(readFileSync(join(import.meta.dirname, '../results.json'), 'utf8')) as Results

it('the tables are those of the results', () => {
  expect(withTables(page, results)).toBe(page)
})

it.each(ALL_RUNTIMES)('$name has run every suite, and nothing failed', async ({ name }) => {
  const suites = [...(await testSuites()).map((suite) => suite.name), 'fresh', 'misroutes']
  expect(Object.keys(results[name]!.suites)).toEqual(suites)
  expect(Object.entries(results[name]!.suites).filter(([, { failed }]) => failed > 0)).toEqual([])
  expect(results[name]!.suites['misroutes']).toEqual({ passed: 20_000, failed: 0, skipped: 0 })
})
