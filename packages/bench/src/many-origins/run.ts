/**
 * `pnpm bench many-origins`: one origin and ten thousand in turn, each in a fresh process, over one
 * connection.
 */

import { describe } from '../load.js'
import { nextMessage, startScript } from '../processes.js'
import type { RunContext, ScenarioReport } from '../report.js'
import { describeMany, manyClaims, manyResult } from './figures.js'
import { type Assignment, IN_FLIGHT, ORIGINS, type Server, type Turn } from './task.js'

const SERVER_TIMEOUT_MS = 30_000
/** Time beyond the load: every one of ten thousand origins gets a first request. */
const MARGIN_MS = 60_000

export async function runManyOrigins(context: RunContext): Promise<ScenarioReport> {
  const { cores, ownServer } = context
  const child = startScript('many-origins/server.js', { core: cores?.server, args: ownServer ? ['own'] : [] })
  try {
    return await measureBoth(context, await nextMessage<Server>(child, SERVER_TIMEOUT_MS))
  } finally {
    if (child.connected) child.disconnect()
  }
}

async function measureBoth(context: RunContext, { name: server, port, ca }: Server): Promise<ScenarioReport> {
  const { seconds, warmupSeconds } = context
  const turns = new Map<number, Turn[]>([
    [1, []],
    [ORIGINS, []],
  ])
  for (let round = 1; round <= context.rounds; round++) {
    for (const [origins, taken] of turns) {
      const turn = await takeTurn({ origins, port, ca, seconds, warmupSeconds }, context)
      taken.push(turn)
      const summary = `${turn.cpuMicrosPerRequest.toFixed(2)} µs ${turn.firstError ?? ''}`.trimEnd()
      context.report(`many-origins ${round}/${context.rounds}: ${origins} ${summary}`)
    }
  }
  const results = [...turns].map(([origins, rounds]) => manyResult(origins, rounds))
  const [one, many] = results as [(typeof results)[0], (typeof results)[0]]
  const marks = manyClaims(one, many)
  const title = `GET of 6 bytes in turn from ${ORIGINS.toLocaleString('en-US')} origins, ${IN_FLIGHT} in flight, one connection`
  return {
    json: { name: 'many-origins', title, server, results, marks } as { name: string },
    text: `many-origins: ${title}\n\n${describeMany(server, results, marks)}`,
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
  }
}

async function takeTurn(assignment: Assignment, { cores, seconds, warmupSeconds }: RunContext): Promise<Turn> {
  const child = startScript('many-origins/child.js', { core: cores?.client, nodeOptions: ['--expose-gc'] })
  const exit = new Promise((resolve) => {
    child.once('close', resolve).once('error', resolve)
  })
  try {
    child.send(assignment)
    return await nextMessage<Turn>(child, (seconds + warmupSeconds) * 1_000 + MARGIN_MS)
  } catch (error) {
    return { cpuMicrosPerRequest: Number.NaN, requestsPerSecond: 0, connections: 0, errors: 1, firstError: describe(error) }
  } finally {
    // The next process gets the core for itself.
    await exit
  }
}
