/**
 * `pnpm bench memory`: memory of an idle connection, a request in flight and an aborted one, each
 * in a fresh process with its own heap.
 */

import { describe } from '../load.js'
import { nextMessage, startScript, takeTurn } from '../processes.js'
import type { RunContext, ScenarioReport } from '../report.js'
import { describeMemory, memoryCharts, memoryClaims, weightsOf } from './figures.js'
import { type MemoryAssignment, type MemoryServers, type MemoryTurn, WEIGHED, type Weighed } from './task.js'

const SERVERS_TIMEOUT_MS = 30_000
const TURN_TIMEOUT_MS = 120_000
const TITLE = 'what is held after garbage collection, on the heap and beside it'

export async function runMemory(context: RunContext): Promise<ScenarioReport> {
  const child = startScript('memory/server.js', { core: context.cores?.server, args: context.ownServer ? ['own'] : [] })
  try {
    const servers = await nextMessage<MemoryServers>(child, SERVERS_TIMEOUT_MS)
    const turns: Record<Weighed, MemoryTurn[]> = { connections: [], sockets: [], requests: [], aborts: [] }
    for (let round = 1; round <= context.rounds; round++) {
      for (const weighed of WEIGHED) {
        const turn = await weigh(weighed, servers, context)
        turns[weighed].push(turn)
        context.report(`memory ${round}/${context.rounds}: ${weighed} ${turn.firstError ?? `${turn.bytesEach.toFixed(1)} bytes`}`)
      }
    }
    return reportOf(servers, turns)
  } finally {
    if (child.connected) child.disconnect()
  }
}

function reportOf({ name: server }: MemoryServers, turns: Record<Weighed, MemoryTurn[]>): ScenarioReport {
  const weights = weightsOf(turns)
  const marks = memoryClaims(weights)
  const failures = WEIGHED.flatMap((weighed) =>
    turns[weighed].flatMap(({ firstError }) => (firstError === undefined ? [] : [`${weighed}: ${firstError}`])),
  )
  return {
    json: { name: 'memory', title: TITLE, server, weights, turns, marks } as { name: string },
    text: `memory: ${TITLE}\n\n${describeMemory(weights, failures, marks)}`,
    errors: failures.length,
    charts: memoryCharts(weights),
  }
}

async function weigh(weighed: Weighed, { ca, port, heldPort }: MemoryServers, { cores }: RunContext): Promise<MemoryTurn> {
  const held = weighed === 'requests' || weighed === 'aborts'
  const assignment: MemoryAssignment = { weighed, ca, port: held ? heldPort : port }
  try {
    const options = { core: cores?.client, nodeOptions: ['--expose-gc'] }
    return await takeTurn<MemoryTurn>('memory/child.js', assignment, options, TURN_TIMEOUT_MS)
  } catch (error) {
    return { bytesEach: Number.NaN, errors: 1, firstError: describe(error) }
  }
}
