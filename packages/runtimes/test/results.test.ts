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

it.each(Object.entries(results))('%s: every suite is known, and nothing failed', async (name, { suites }) => {
  const known = [...(await testSuites()).map((suite) => suite.name), 'fresh', 'misroutes']
  expect(ALL_RUNTIMES.map((runtime) => runtime.name)).toContain(name)
  expect(Object.keys(suites).filter((suite) => !known.includes(suite))).toEqual([])
  expect(Object.entries(suites).filter(([, { failed }]) => failed > 0)).toEqual([])
})

it.each(['bun', 'deno'])('%s: every suite has run, and none of 20,000 requests was misrouted', async (name) => {
  const suites = [...(await testSuites()).map((suite) => suite.name), 'fresh', 'misroutes']
  expect(Object.keys(results[name]!.suites).sort()).toEqual(suites.sort())
  expect(results[name]!.suites['misroutes']).toEqual({ passed: 20_000, failed: 0, skipped: 0 })
})
