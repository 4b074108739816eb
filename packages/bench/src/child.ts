/**
 * Process of one competitor in one round. Gets its task as a message, answers with one message, and
 * ends.
 */

import type { Competitor, Target } from './competitor.js'
import { closedLoop, describe, type Load, type Sample } from './load.js'
import { scenarios } from './scenarios/index.js'

export interface Assignment {
  readonly scenario: string
  readonly competitor: string
  readonly target: Target
  readonly load: Load
}

export type Outcome = { readonly sample: Sample } | { readonly error: string }

process.once('message', (assignment: Assignment) => {
  measure(assignment).then(
    (sample) => answer({ sample }),
    (error: unknown) => answer({ error: describe(error) }),
  )
})

// A library that throws outside of its promise has failed: report the error.
process.once('uncaughtException', (error) => answer({ error: `uncaught: ${describe(error)}` }))
// The parent process has ended: the result is not needed.
process.once('disconnect', () => process.exit())

async function measure({ scenario, competitor, target, load }: Assignment): Promise<Sample> {
  const chosen = find(scenario, competitor)
  if ('run' in chosen) return chosen.run(target, load)
  const session = await chosen.start(target)
  // One request first: 100 at once would open as many connections in a pool that has not learned
  // yet that one is enough.
  await session.once()
  const sample = await closedLoop(() => session.once(), load)
  await session.close()
  return sample
}

function find(scenario: string, competitor: string): Competitor {
  const found = scenarios.get(scenario)?.competitors.find(({ name }) => name === competitor)
  if (found === undefined) throw new Error(`unknown competitor ${competitor} in ${scenario}`)
  return found
}

function answer(outcome: Outcome): void {
  process.send!(outcome, () => process.exit())
}
