/**
 * `pnpm soak`: load for the given time, and two fixed runs. Exit code 1 if something is wrong or
 * grows.
 */

import { createAuthority } from '@unshard/testkit'
import { readSoakArguments, type SoakArguments, USAGE } from './arguments.js'
import { abortMany, type CycleResult, goawayMany } from './cycles.js'
import { soak } from './mix.js'
import { compare } from './samples.js'

/** Maximum number of lines of one kind. */
const MAX_LINES = 20

/** Prints a report and returns the number of problems. */
function report(name: string, { samples, summary, problems }: CycleResult): number {
  const { lines, grown } = compare(samples)
  console.log(`${name}: ${summary}`)
  console.log([`${samples.length} samples, medians of the first and the last third`, ...lines].join('\n'))
  for (const each of problems.slice(0, MAX_LINES)) console.log(`FAIL ${each}`)
  if (problems.length > MAX_LINES) console.log(`FAIL and ${problems.length - MAX_LINES} more`)
  for (const each of grown) console.log(`FAIL ${each}`)
  return problems.length + grown.length
}

async function main(): Promise<number> {
  let args: SoakArguments
  try {
    args = readSoakArguments(process.argv.slice(2), Date.now())
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    return 2
  }
  const { seed, seconds, aborts, goaways } = args
  console.log(`seed ${seed}`)
  const uncaught: unknown[] = []
  process.on('uncaughtException', (error) => uncaught.push(error))
  process.on('unhandledRejection', (error) => uncaught.push(error))
  const authority = await createAuthority()
  let problems = 0
  if (aborts !== undefined) problems += report('aborts', await abortMany(aborts, authority))
  if (goaways !== undefined) problems += report('goaways', await goawayMany(goaways, authority))
  if (seconds !== undefined) problems += report('soak', await soak(seconds, seed, authority))
  for (const error of uncaught) console.log(`FAIL uncaught error: ${(error as Error)?.stack ?? String(error)}`)
  problems += uncaught.length
  console.log(problems === 0 ? 'no problems' : `${problems} problems`)
  return problems === 0 ? 0 : 1
}

process.exitCode = await main()
