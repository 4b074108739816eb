/**
 * Runs a scenario: all competitors in turn, A B C A B C, each in a fresh process, one at a time.
 */

import type { Assignment, Outcome } from './child.js'
import type { Competitor, Target } from './competitor.js'
import {
  failedRound,
  type MarkResult,
  marksOf,
  type Ratios,
  type Result,
  type Round,
  ratiosOf,
  resultOf,
  roundOf,
} from './figures.js'
import { describe } from './load.js'
import { profiling, takeTurn } from './processes.js'
import type { Scenario } from './scenarios/scenario.js'
import type { Servers } from './server.js'

export interface RunOptions {
  readonly rounds: number
  readonly seconds: number
  readonly warmupSeconds: number
  /** Core of the clients; undefined if processes are not pinned. */
  readonly core: number | undefined
  readonly profileFolder?: string
  readonly servers: Servers
  readonly caFile: string
  /** Called with each line of progress. */
  readonly report: (line: string) => void
}

export interface ScenarioResult {
  readonly name: string
  readonly title: string
  /** See {@link Scenario}. */
  readonly movedBytes?: number
  readonly results: readonly Result[]
  readonly ratios: Ratios
  readonly marks: readonly MarkResult[]
  /** Competitors that could not take part, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly because: string }[]
}

/** Time beyond the load: starting, connecting, the last responses. */
const MARGIN_MS = 20_000

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<ScenarioResult> {
  const { servers } = options
  const standing = scenario.competitors.map((competitor) => ({
    competitor,
    available: competitor.available(servers.at[competitor.protocol].name),
  }))
  const taking = standing.filter(({ available }) => available === true).map(({ competitor }) => competitor)
  const skipped = standing.flatMap(({ competitor: { name }, available }) =>
    available === true ? [] : [{ name, because: available }],
  )
  for (const { name, because } of skipped) options.report(`${scenario.name}: without ${name}: ${because}`)

  const rounds = new Map<Competitor, Round[]>(taking.map((competitor) => [competitor, []]))
  for (let round = 1; round <= options.rounds; round++) {
    for (const competitor of taking) {
      const figures = await runOnce(scenario, competitor, options)
      rounds.get(competitor)!.push(figures)
      const { requestsPerSecond, error } = figures
      options.report(
        `${scenario.name} ${round}/${options.rounds}: ${competitor.name} ${requestsPerSecond}/s ${error ?? ''}`.trimEnd(),
      )
    }
  }
  const results = taking.map((competitor) =>
    resultOf(competitor.name, servers.at[competitor.protocol].name, rounds.get(competitor)!),
  )
  const { name, title, baselines, marks, movedBytes } = scenario
  return {
    name,
    title,
    ...(movedBytes !== undefined && { movedBytes }),
    results,
    ratios: ratiosOf(results, baselines),
    marks: marksOf(marks, results),
    skipped,
  }
}

async function runOnce(scenario: Scenario, competitor: Competitor, options: RunOptions): Promise<Round> {
  const { servers } = options
  const { name, path, text, bytes, reading, upload, inFlight, minSeconds = 0 } = scenario
  const target: Target = {
    origin: `https://127.0.0.1:${servers.at[competitor.protocol].port}`,
    path,
    text,
    ...(bytes !== undefined && { bytes }),
    ...(reading !== undefined && { reading }),
    ...(upload !== undefined && { upload }),
    ca: servers.ca,
    inFlight,
  }
  const seconds = Math.max(minSeconds, options.seconds)
  const load = { inFlight, seconds, warmupSeconds: options.warmupSeconds }
  return measureOnce({ scenario: name, competitor: competitor.name, target, load }, options)
}

/** Runs one turn of one competitor in a separate process. */
export async function measureOnce(
  assignment: Assignment,
  { core, caFile, profileFolder }: Pick<RunOptions, 'core' | 'caFile' | 'profileFolder'>,
): Promise<Round> {
  const { seconds, warmupSeconds } = assignment.load
  const options = {
    core,
    env: { NODE_EXTRA_CA_CERTS: caFile },
    nodeOptions: profiling(profileFolder, `${assignment.scenario}-${assignment.competitor}`),
  }
  const timeoutMs = (seconds + warmupSeconds) * 1000 + MARGIN_MS
  try {
    const outcome = await takeTurn<Outcome>('child.js', assignment, options, timeoutMs)
    return 'sample' in outcome ? roundOf(outcome.sample) : failedRound(outcome.error)
  } catch (error) {
    return failedRound(describe(error))
  }
}
