/**
 * Process of one competitor in one round: nothing is warm in it. Gets its task as a message,
 * answers with one message, and ends.
 */

import { describe } from '../load.js'
import { competitors } from './competitors.js'
import { type Assignment, type Turn, urls } from './task.js'

process.once('message', (assignment: Assignment) => {
  run(assignment).then(answer, (error: unknown) => answer(failed(describe(error))))
})
process.once('uncaughtException', (error) => answer(failed(`uncaught: ${describe(error)}`)))
// The parent process has ended: the result is not needed.
process.once('disconnect', () => process.exit())

async function run({ competitor, port, ca }: Assignment): Promise<Turn> {
  const chosen = competitors.find(({ name }) => name === competitor)
  if (chosen === undefined) throw new Error(`unknown competitor ${competitor}`)
  const client = await chosen.start(ca)
  const all = urls(port)
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const outcomes = await Promise.allSettled(all.map((url) => client.get(url)))
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpuBefore)
  const failures = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  await client.close()
  const first = failures[0]
  return {
    ms,
    cpuMs: (user + system) / 1000,
    errors: failures.length,
    ...(first !== undefined && { firstError: describe(first.reason) }),
  }
}

function failed(firstError: string): Turn {
  return { ms: Number.NaN, cpuMs: Number.NaN, errors: 1, firstError }
}

function answer(turn: Turn): void {
  process.send!(turn, () => process.exit())
}
