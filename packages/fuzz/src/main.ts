/**
 * `pnpm fuzz`: every target in turn for the given time, then the findings. Exit code 1 if there are
 * any.
 */

import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { type Arguments, readArguments, USAGE } from './arguments.js'
import { smallest } from './corpus.js'
import { parseInput, readCorpus, writeFinding, writeSeeds } from './corpus-files.js'
import { Fuzzer } from './fuzzer.js'
import { retainedGrowth } from './heap.js'
import { type LoadedTarget, loadTarget } from './load-target.js'
import { fileLines, progress, summary, targetLine } from './report.js'
import { sharedSeeds } from './shared-corpora.js'

const SLICE_MS = 500
const PROGRESS_MS = 10_000
const MAX_SEEDS = 60
const MAX_SEED_BYTES = 400

interface Run {
  readonly loaded: LoadedTarget
  readonly fuzzer: Fuzzer
}

async function start(name: string, { seed, saveCorpus }: Arguments): Promise<Run> {
  const loaded = await loadTarget(name)
  const fuzzer = new Fuzzer(loaded.target, loaded.counters, seed)
  const files = [...readCorpus('seeds', name), ...readCorpus('regressions', name)]
  // Saved inputs go into the repository, which must not contain external data.
  const shared = saveCorpus ? [] : sharedSeeds(name)
  fuzzer.begin([...files.map(({ input }) => input), ...loaded.target.seeds(), ...shared])
  return { loaded, fuzzer }
}

async function fuzz(runs: readonly Run[], seconds: number): Promise<void> {
  const fuzzers = runs.map(({ fuzzer }) => fuzzer)
  const begun = performance.now()
  const until = begun + seconds * 1_000
  let lastReport = begun
  for (let slice = 0; performance.now() < until; slice++) {
    const left = until - performance.now()
    fuzzers[slice % fuzzers.length]!.run(Math.min(SLICE_MS, left))
    // Dependencies may have scheduled work for the next turn.
    await turn()
    if (performance.now() - lastReport < PROGRESS_MS) continue
    lastReport = performance.now()
    console.log(progress(fuzzers, (lastReport - begun) / 1_000))
  }
}

/** Writes all findings to files; returns their number. */
function report(runs: readonly Run[], { saveCorpus, files, seed }: Arguments): number {
  let found = 0
  for (const { loaded, fuzzer } of runs) {
    const { name } = loaded.target
    for (const { input, message } of fuzzer.findings) {
      found++
      console.log(`FINDING in ${name}: ${message}\n  ${writeFinding(name, input, `${message}\nseed ${seed}`)}`)
    }
    const growth = retainedGrowth(loaded.target, fuzzer.corpus.entries)
    if (growth > 0) {
      found++
      console.log(`FINDING in ${name}: ${growth} bytes of heap are retained`)
    }
    if (saveCorpus) save(name, fuzzer)
    console.log(targetLine(fuzzer))
    if (files) console.log(fileLines(fuzzer.coverage, loaded.files).join('\n'))
  }
  return found
}

/** Long inputs are not stored in the repository: they can be generated from short ones. */
function save(name: string, { corpus }: Fuzzer): void {
  const short = corpus.entries.filter(({ input }) => input.length <= MAX_SEED_BYTES)
  const inputs = smallest(short, MAX_SEEDS).map(({ input }) => input)
  writeSeeds(name, inputs)
}

async function replay(file: string, targets: readonly string[]): Promise<number> {
  const text = readFileSync(file, 'utf8')
  const name = /^# target: (\S+)$/m.exec(text)?.[1] ?? (targets.length === 1 ? targets[0]! : undefined)
  if (name === undefined) throw new Error(`${file} does not name a target: specify one with --target`)
  const { target } = await loadTarget(name)
  try {
    target.run(parseInput(text), (line) => console.log(line))
    console.log('no findings')
    return 0
  } catch (error) {
    console.log(`FINDING in ${name}: ${error instanceof Error ? error.stack : String(error)}`)
    return 1
  }
}

async function main(): Promise<number> {
  let args: Arguments
  try {
    args = readArguments(process.argv.slice(2), Date.now())
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    return 2
  }
  if (args.replay !== undefined) return replay(args.replay, args.targets)
  console.log(`seed ${args.seed}`)
  // Errors are frequent, and a stack trace costs more than the error itself.
  Error.stackTraceLimit = 0
  // hpack.js still uses `new Buffer`.
  process.noDeprecation = true
  const runs: Run[] = []
  for (const name of args.targets) runs.push(await start(name, args))
  await fuzz(runs, args.seconds)
  const found = report(runs, args)
  console.log(summary(runs.map(({ fuzzer }) => fuzzer)))
  return found === 0 ? 0 : 1
}

process.exitCode = await main()
