/**
 * `pnpm bench cold-start`: all competitors in turn, A B C A B C, each in a fresh process; the
 * proxies count its connections.
 */

import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from '../load.js'
import { nextMessage, startScript } from '../processes.js'
import type { RunContext, ScenarioReport } from '../report.js'
import { type ColdCompetitor, competitors, OUR_FETCH, OURS } from './competitors.js'
import { type ColdRound, coldClaims, coldResult, coldTitle, describeCold } from './figures.js'
import type { Assignment, Places, Seen, Turn } from './task.js'

const SERVERS_TIMEOUT_MS = 30_000
/** Ten times as long as any competitor takes. */
const TURN_TIMEOUT_MS = 30_000

export async function runColdStart(context: RunContext): Promise<ScenarioReport> {
  const { cores, roundTripMs, folder } = context
  const servers = startScript('cold-start/servers.js', { core: cores?.server, args: [String(roundTripMs / 2)] })
  try {
    const places = await nextMessage<Places>(servers, SERVERS_TIMEOUT_MS)
    const caFile = join(folder, 'cold-start-ca.pem')
    writeFileSync(caFile, places.ca)
    return await measureAll(context, servers, places, caFile)
  } finally {
    if (servers.connected) servers.disconnect()
  }
}

async function measureAll(context: RunContext, servers: ChildProcess, places: Places, caFile: string): Promise<ScenarioReport> {
  const standing = competitors.map((competitor) => ({ competitor, available: availability(competitor, places) }))
  const taking = standing.filter(({ available }) => available === true).map(({ competitor }) => competitor)
  const skipped = standing.flatMap(({ competitor: { name }, available }) =>
    available === true ? [] : [{ name, because: available }],
  )
  const rounds = new Map<ColdCompetitor, ColdRound[]>(taking.map((competitor) => [competitor, []]))
  for (let round = 1; round <= context.rounds; round++) {
    for (const competitor of taking) {
      const { port } = places.at[competitor.place]!
      const turn = await takeTurn({ competitor: competitor.name, port, ca: places.ca }, context, caFile)
      servers.send('seen')
      const counts = await nextMessage<Seen>(servers, SERVERS_TIMEOUT_MS)
      rounds.get(competitor)!.push({ ...turn, ...counts })
      const summary = `${turn.ms.toFixed(0)} ms, ${counts.handshakes} handshakes ${turn.firstError ?? ''}`.trimEnd()
      context.report(`cold-start ${round}/${context.rounds}: ${competitor.name} ${summary}`)
    }
  }
  const results = taking.map((each) => coldResult(each.name, places.at[each.place]!.server, rounds.get(each)!))
  const ownNames = taking.map(({ name }) => name).filter((name) => name.startsWith('unshard'))
  const marks = coldClaims(results, ownNames, [OURS, OUR_FETCH])
  const title = coldTitle(context.roundTripMs)
  return {
    json: { name: 'cold-start', title, results, marks, skipped } as { name: string },
    text: `cold-start: ${describeCold(title, results, marks, skipped)}`,
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
    charts: [{ title: 'cold-start: ms, less is better', bars: results.map(({ name, ms }) => ({ label: name, value: ms })) }],
  }
}

function availability(competitor: ColdCompetitor, places: Places): true | string {
  if (places.at[competitor.place] === undefined) return 'its server is not installed'
  return competitor.available()
}

async function takeTurn(assignment: Assignment, { cores }: RunContext, caFile: string): Promise<Turn> {
  const child = startScript('cold-start/child.js', { core: cores?.client, env: { NODE_EXTRA_CA_CERTS: caFile } })
  const exit = new Promise((resolve) => {
    child.once('close', resolve).once('error', resolve)
  })
  try {
    child.send(assignment)
    return await nextMessage<Turn>(child, TURN_TIMEOUT_MS)
  } catch (error) {
    return { ms: Number.NaN, cpuMs: Number.NaN, errors: 1, firstError: describe(error) }
  } finally {
    // The next process gets the core for itself.
    await exit
  }
}
