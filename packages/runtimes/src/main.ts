/**
 * `npm run runtimes`: the suites of the built packages on every runtime. Exit code 1 if a test
 * failed that is not listed as a difference of its runtime.
 */

import { writeFile } from 'node:fs/promises'
import { type Arguments, readArguments, USAGE } from './arguments.js'
import { fresh } from './fresh.js'
import { misroutes } from './misroutes.js'
import { keepResults, type Results, type RuntimeCounts, type SuiteCounts, tablesOf } from './results.js'
import { runSuite, type SuiteTest } from './run-suite.js'
import { ALL_RUNTIMES, installedRuntimes, type Runtime, versionOf } from './runtimes.js'
import { testSuites } from './suites.js'

const MOST_SHOWN = 600

function countsOf(tests: readonly SuiteTest[]): SuiteCounts {
  const of = (status: SuiteTest['status']): number => tests.filter((test) => test.status === status).length
  return { passed: of('passed'), failed: of('failed'), skipped: of('skipped') }
}

function shown({ passed, failed, skipped }: SuiteCounts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

function reportFile(runtime: Runtime, file: string, tests: readonly SuiteTest[], ms: number): void {
  console.log(`${runtime.name} ${file}: ${shown(countsOf(tests))}, ${Math.round(ms)} ms`)
  for (const { title, status, error = '' } of tests) {
    if (status === 'failed') console.log(`  FAILED ${title}: ${error.slice(0, MOST_SHOWN).replaceAll(/\s+/g, ' ')}`)
  }
}

async function runOn(runtime: Runtime, args: Arguments, tests: SuiteTest[]): Promise<RuntimeCounts> {
  const wanted = (name: string): boolean => args.suites.length === 0 || args.suites.includes(name)
  const suites: Record<string, SuiteCounts> = {}
  const skipped: Record<string, number> = {}
  for (const suite of await testSuites()) {
    if (!wanted(suite.name)) continue
    const onFile = (file: string, results: readonly SuiteTest[], ms: number): void => reportFile(runtime, file, results, ms)
    const results = await runSuite(runtime, suite, { file: args.file, all: args.all, onFile })
    tests.push(...results)
    suites[suite.name] = countsOf(results)
    for (const { reason } of results) if (reason !== undefined) skipped[reason] = (skipped[reason] ?? 0) + 1
    console.log(`${runtime.name} ${suite.name}: ${shown(suites[suite.name]!)}`)
  }
  const programs = { fresh: () => fresh(runtime, args.fresh), misroutes: () => misroutes(runtime, args.misroutes) }
  for (const [name, run] of Object.entries(programs)) {
    if (!wanted(name) || args.file !== undefined) continue
    const { counts, output } = await run()
    console.log(`${output}\n${runtime.name} ${name}: ${shown(counts)}`)
    suites[name] = counts
  }
  return { title: runtime.title, version: versionOf(runtime), suites, skipped }
}

async function main(): Promise<number> {
  let args: Arguments
  try {
    args = readArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    return 2
  }
  const installed = installedRuntimes()
  for (const runtime of ALL_RUNTIMES) if (!installed.includes(runtime)) console.log(`${runtime.name} is not installed`)
  const results: Record<string, RuntimeCounts> = {}
  const all: Record<string, SuiteTest[]> = {}
  for (const runtime of installed) {
    if (args.runtimes.length > 0 && !args.runtimes.includes(runtime.name)) continue
    const tests: SuiteTest[] = []
    all[runtime.name] = tests
    results[runtime.name] = await runOn(runtime, args, tests)
    if (args.docs) await keepResults({ [runtime.name]: results[runtime.name]! })
    if (args.output !== undefined) await writeFile(args.output, JSON.stringify(all))
  }
  console.log(`\n${tablesOf(results as Results)}`)
  const failed = Object.values(results).flatMap(({ suites }) => Object.values(suites).map((counts) => counts.failed))
  return failed.some((count) => count > 0) ? 1 : 0
}

process.exitCode = await main()
