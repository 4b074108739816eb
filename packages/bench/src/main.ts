/**
 * `pnpm bench`: scenarios against competitors, all in one run. The table, or one object with
 * --json, goes to standard output, progress to standard error. Exit code 1 if a response was wrong
 * or missing, 2 for an invalid command line.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Cores, chooseCores } from '@unshard/testkit'
import { type Arguments, ArgumentsError, parseArguments, USAGE } from './arguments.js'
import { runClosedLoop } from './closed-loop.js'
import { runColdStart } from './cold-start/run.js'
import { runConnect } from './connect/run.js'
import { runGrowth } from './growth/run.js'
import { runGrpc } from './grpc/run.js'
import { runImportTime } from './import-time/run.js'
import { runManyOrigins } from './many-origins/run.js'
import { runMemory } from './memory/run.js'
import { recordOf, writeDocs, writePlots } from './record.js'
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
  ['growth', runGrowth],
  ['grpc', runGrpc],
  ['memory', runMemory],
  ['import-time', runImportTime],
  ['connect', runConnect],
])

/** Below the root of the repository, wherever this is called from. */
const DOCS = fileURLToPath(new URL('../../../docs/contributing', import.meta.url))

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
  for (const name of options.scenarios) {
    const report = await runs.get(name)!(context)
    reports.push(report)
    // Write each result at once: a run of all scenarios takes long.
    keep(options, cores, report)
  }
  print(options, cores, reports)
}

function keep({ plot, docs, rounds, seconds }: Arguments, cores: Cores | undefined, report: ScenarioReport): void {
  if (!plot && !docs) return
  const date = new Date().toISOString().slice(0, 10)
  const conditions = { date, node: process.version, cpu: cpuName(), pinned: cores !== undefined, rounds, seconds }
  const records = [recordOf(report, conditions)]
  for (const file of docs ? writeDocs(DOCS, records) : writePlots(DOCS, records)) console.error(`written: ${file}`)
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
  if (options.json) {
    console.log(
      JSON.stringify({
        node: process.version,
        cpu: cpuName(),
        pinned: cores !== undefined,
        scenarios: reports.map(({ json }) => json),
      }),
    )
  } else {
    console.log(`\nNode ${process.version}, ${cpus().length} × ${cpuName()}, ${describeCores(cores)}`)
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

function cpuName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown'
}
