/**
 * `pnpm bench`: scenarios against peers, all in one run. The table, or with --json one object, goes to standard output, progress to
 * standard error. Exit code 1 when an answer was wrong or missing, 2 when the command line is.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Cores, chooseCores } from '@unshard/testkit'
import { type Arguments, ArgumentsError, parseArguments, USAGE } from './arguments.js'
import { runClosedLoop } from './closed-loop.js'
import { runColdStart } from './cold-start/run.js'
import { runManyOrigins } from './many-origins/run.js'
import type { RunContext, ScenarioReport } from './report.js'
import { scenarios } from './scenarios/index.js'
import { runStream } from './stream/run.js'

type Run = (context: RunContext) => Promise<ScenarioReport>

/** In the order in which they run. */
const runs = new Map<string, Run>([
  ...[...scenarios].map(([name, scenario]): [string, Run] => [name, (context) => runClosedLoop(scenario, context)]),
  ['cold-start', runColdStart],
  ['many-origins', runManyOrigins],
  ['stream-100m', runStream],
])

await main()

async function main(): Promise<void> {
  const options = readArguments()
  if (options === undefined) return
  const cores = chooseCores()
  const folder = mkdtempSync(join(tmpdir(), 'unshard-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  const context = { ...options, cores, folder, report: (line: string) => console.error(line) }
  const reports: ScenarioReport[] = []
  for (const name of options.scenarios) reports.push(await runs.get(name)!(context))
  print(options, cores, reports)
}

function readArguments(): Arguments | undefined {
  try {
    return parseArguments(process.argv.slice(2), [...runs.keys()])
  } catch (error) {
    if (!(error instanceof ArgumentsError)) throw error
    console.error(`${error.message}\n${USAGE}`)
    process.exitCode = 2
    return undefined
  }
}

function print(options: Arguments, cores: Cores | undefined, reports: readonly ScenarioReport[]): void {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown'
  if (options.json) {
    console.log(
      JSON.stringify({ node: process.version, cpu, pinned: cores !== undefined, scenarios: reports.map(({ json }) => json) }),
    )
  } else {
    console.log(`\nNode ${process.version}, ${cpus().length} × ${cpu}, ${describeCores(cores)}`)
    console.log(
      `${options.rounds} rounds, medians; a closed loop: ${options.seconds} s after ${options.warmupSeconds} s of warm-up\n`,
    )
    for (const { text } of reports) console.log(`${text}\n`)
  }
  if (reports.some(({ errors }) => errors > 0)) process.exitCode = 1
}

function describeCores(cores: Cores | undefined): string {
  return cores === undefined ? 'not pinned to cores' : `servers pinned to core ${cores.server}, clients to core ${cores.client}`
}
