/**
 * `pnpm misroutes`: random requests in a changing environment. Exit code 1 if one reached a
 * connection that the rules refuse, or if anything else is wrong.
 */

import { spawnSync } from 'node:child_process'
import { REFUSAL_REASONS } from '@unshard/coalescing'
import { chooseCores } from '@unshard/testkit'
import { type MisroutesArguments, readMisroutesArguments, USAGE } from './arguments.js'
import type { Load } from './load.js'
import { run } from './run.js'

function counts(map: ReadonlyMap<string, number>): string {
  return [...map]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

/** Prints the report and returns the number of problems. */
function report(load: Load, seconds: number): number {
  const never = REFUSAL_REASONS.filter((reason) => !load.refusals.has(reason))
  const { answered, deliveries } = load
  console.log(`${answered} responses and ${deliveries} deliveries in ${seconds.toFixed(0)} s`)
  console.log(`because: ${counts(load.because)}`)
  console.log(`refused: ${counts(load.refusals)}`)
  if (never.length > 0) console.log(`never refused for: ${never.join(', ')}`)
  console.log(`errors: ${counts(load.errors)}`)
  for (const [what, { count, first }] of load.problems) console.log(`FAIL ${what}: ${count}, the first: ${first}`)
  const { requests, coalesced, misdirected, misroutes } = load
  const { connections } = load.model
  console.log(
    `${requests} requests, ${coalesced} coalesced, ${connections} connections, ${misdirected} 421s, ${misroutes} misroutes`,
  )
  return load.problems.size
}

async function main(): Promise<number> {
  let args: MisroutesArguments
  try {
    args = readMisroutesArguments(process.argv.slice(2), Date.now())
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    return 2
  }
  console.log(`seed ${args.seed}`)
  const cores = chooseCores()
  if (cores !== undefined) {
    spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(cores.client), String(process.pid)], { stdio: 'ignore' })
  }
  const uncaught: unknown[] = []
  process.on('uncaughtException', (error) => uncaught.push(error))
  process.on('unhandledRejection', (error) => uncaught.push(error))
  const startedAt = performance.now()
  const load = await run({ ...args, cores, report: (line) => console.log(line) })
  for (const error of uncaught) console.log(`FAIL uncaught error: ${(error as Error)?.stack ?? String(error)}`)
  return report(load, (performance.now() - startedAt) / 1_000) + uncaught.length === 0 ? 0 : 1
}

process.exitCode = await main()
