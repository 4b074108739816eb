/** `pnpm sim`: runs the client in modelled worlds, one for each seed. Exit code 1 with findings. */

import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { type Arguments, readArguments, USAGE } from './arguments.js'
import { drawWorld } from './draw/worlds.js'
import { emptySummary, runBatch, runWorld, type SeedFinding, type Summary } from './run/batch.js'
import { shrink } from './run/shrink.js'
import { warmUp } from './run/warm-up.js'
import type { WorldScript } from './script/script.js'
import { ClientCoverage } from './steer/coverage.js'
import { writeScript } from './steer/scripts.js'
import { describeSteering, Steering, type SteeringFigures } from './steer/steering.js'

/** Worlds whose findings are printed. */
const MOST_SHOWN = 50

/** Prints the first finding of each rule in one world. */
function show(findings: readonly SeedFinding[], alarm: boolean): void {
  const byRule = new Map<string, SeedFinding[]>()
  for (const finding of findings) byRule.set(finding.rule, [...(byRule.get(finding.rule) ?? []), finding])
  for (const [rule, [first, ...others]] of byRule) {
    const { seed, world, text, request } = first!
    const where = request === undefined ? '' : ` [request ${request}]`
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`
    console.log(`${alarm ? 'ALARM: ' : ''}seed ${seed} (${world}): ${rule}: ${text}${where}${more}`)
  }
}

/** The sum of a run, and of its steering if it was steered. */
interface Outcome {
  readonly summary: Summary
  readonly steering?: SteeringFigures
}

async function main(args: Arguments): Promise<Outcome> {
  const isOne = args.script !== undefined || args.trace
  // V8 counts only what it compiles later.
  const coverage = args.steer && !isOne ? new ClientCoverage() : undefined
  try {
    await warmUp()
    if (isOne) return { summary: await runOne(args) }
    const steering = coverage === undefined ? undefined : new Steering(args, () => coverage.take())
    const summary = await runMany(args, steering)
    return steering === undefined ? { summary } : { summary, steering: steering.figures }
  } finally {
    coverage?.stop()
  }
}

async function runMany(args: Arguments, steering: Steering | undefined): Promise<Summary> {
  let shown = 0
  let failing: WorldScript | undefined
  const onSeed = (script: WorldScript, findings: readonly SeedFinding[]): void => {
    if (findings.length === 0) return
    failing ??= script
    if (shown++ < MOST_SHOWN) show(findings, args.alarm)
    const world = steering?.steeredWorld
    if (world === undefined) return
    const path = relative(process.cwd(), writeScript(script, args.seed, world))
    console.log(`  no seed leads to this world; run it again with --script ${path}`)
  }
  const summary = await runBatch(args, onSeed, steering)
  const first = summary.findings[0]
  if (args.shrink && first !== undefined) {
    const small = await shrink(failing!, first)
    console.log(`seed ${first.seed}, shrunk for ${first.rule}:`)
    console.log(JSON.stringify(small, undefined, 1))
  }
  return summary
}

/** Runs a script from a file, or the world of one seed. */
async function runOne({ script: path, seed, world, trace: verbose, alarm }: Arguments): Promise<Summary> {
  const script = path === undefined ? drawWorld(seed, world) : (JSON.parse(readFileSync(path, 'utf8')) as WorldScript)
  const summary = emptySummary()
  const { trace } = await runWorld(script, summary, verbose)
  if (trace !== undefined) console.log(trace.join('\n'))
  show(summary.findings, alarm)
  return summary
}

/** One line for people. */
function described({
  seeds,
  requests,
  realTlsSeeds,
  realTlsRequests,
  simulatedMs,
  faults,
  tookMs,
  findings,
  hash,
  compared,
  lostShared,
  lostApart,
}: Summary): string {
  const hours = (simulatedMs / 3_600_000).toFixed(1)
  const rate = Math.round((1_000 * (requests - realTlsRequests)) / Math.max(1, tookMs))
  return `${seeds} seeds, ${requests} requests, ${faults} faults in ${hours} simulated hours; ${rate} requests/s, and ${realTlsSeeds} worlds with real TLS; compared ${compared}: ${lostShared} lost only by sharing, ${lostApart} only without; ${findings.length} findings; traces ${hash}`
}

function print({ summary, steering }: Outcome, { json, seed }: Arguments): void {
  console.log(described(summary))
  if (steering !== undefined) console.log(describeSteering(steering))
  if (!json) return
  const { tookMs, ...figures } = summary
  console.log(
    JSON.stringify({
      ...{ seed, ...figures, simulatedMs: Math.round(figures.simulatedMs), realMs: Math.round(tookMs) },
      ...(steering === undefined ? {} : { steering }),
    }),
  )
}

/** Runs the command, and returns its exit code. An alarm never fails a run, whatever happens. */
async function run(args: Arguments): Promise<number> {
  try {
    const outcome = await main(args)
    print(outcome, args)
    return outcome.summary.findings.length > 0 && !args.alarm ? 1 : 0
  } catch (error) {
    if (!args.alarm) throw error
    console.log(`ALARM: the simulation from seed ${args.seed} on has failed: ${String((error as Error).stack ?? error)}`)
    return 0
  }
}

/** @returns `undefined` after an explanation if the arguments are wrong. */
function given(): Arguments | undefined {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`)
    return undefined
  }
}

const args = given()
process.exitCode = args === undefined ? 2 : await run(args)
