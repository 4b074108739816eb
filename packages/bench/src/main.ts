/**
 * `pnpm bench`: scenarios against peers, all in one run. The table, or with --json one object, goes to standard output, progress to
 * standard error. Exit code 1 when an answer was wrong or missing, 2 when the command line is.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Arguments, ArgumentsError, parseArguments, USAGE } from './arguments.js'
import { type Cores, chooseCores } from './cores.js'
import { nextMessage, startScript } from './processes.js'
import { runScenario, type ScenarioResult } from './runner.js'
import { scenarios } from './scenarios/index.js'
import type { Servers } from './server.js'
import { describeScenario } from './table.js'

const SERVERS_TIMEOUT_MS = 30_000

await main()

async function main(): Promise<void> {
  const options = readArguments()
  if (options === undefined) return
  const cores = chooseCores()
  const folder = mkdtempSync(join(tmpdir(), 'unshard-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  const serverProcess = startScript('server.js', { core: cores?.server, args: options.ownServer ? ['own'] : [] })
  try {
    const servers = await nextMessage<Servers>(serverProcess, SERVERS_TIMEOUT_MS)
    const caFile = join(folder, 'ca.pem')
    writeFileSync(caFile, servers.ca)
    print(options, cores, servers, await runAll(options, cores, servers, caFile))
  } finally {
    if (serverProcess.connected) serverProcess.disconnect()
  }
}

function readArguments(): Arguments | undefined {
  try {
    return parseArguments(process.argv.slice(2), [...scenarios.keys()])
  } catch (error) {
    if (!(error instanceof ArgumentsError)) throw error
    console.error(`${error.message}\n${USAGE}`)
    process.exitCode = 2
    return undefined
  }
}

async function runAll(options: Arguments, cores: Cores | undefined, servers: Servers, caFile: string): Promise<ScenarioResult[]> {
  const { rounds, seconds, warmupSeconds } = options
  const report = (line: string): void => console.error(line)
  const results: ScenarioResult[] = []
  for (const name of options.scenarios) {
    const scenario = scenarios.get(name)!
    results.push(await runScenario(scenario, { rounds, seconds, warmupSeconds, core: cores?.client, servers, caFile, report }))
  }
  return results
}

function print(options: Arguments, cores: Cores | undefined, servers: Servers, results: readonly ScenarioResult[]): void {
  const cpu = cpus()[0]?.model.trim() ?? 'unknown'
  if (options.json) {
    const { h2, 'http/1.1': http1 } = servers.at
    const server = { h2: h2.name, 'http/1.1': http1.name }
    console.log(JSON.stringify({ node: process.version, cpu, pinned: cores !== undefined, server, scenarios: results }))
  } else {
    console.log(`\nNode ${process.version}, ${cpus().length} × ${cpu}, ${describeCores(cores)}`)
    console.log(`${options.rounds} rounds of ${options.seconds} s after ${options.warmupSeconds} s of warm-up, medians\n`)
    for (const result of results) console.log(`${describeScenario(result)}\n`)
  }
  if (results.some(({ results: each }) => each.some(({ errors }) => errors > 0))) process.exitCode = 1
}

function describeCores(cores: Cores | undefined): string {
  return cores === undefined ? 'not pinned to cores' : `servers pinned to core ${cores.server}, clients to core ${cores.client}`
}
