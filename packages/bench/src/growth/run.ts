/**
 * `pnpm bench growth`: does a request cost more if there are many, or a field? Levels take turns,
 * each in a fresh process.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from '../competitor.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import { type Round, resultOf } from '../figures.js'
import { nextMessage, startScript } from '../processes.js'
import type { RunContext, ScenarioReport } from '../report.js'
import { measureOnce } from '../runner.js'
import { smallGet } from '../scenarios/small-get.js'
import { describeGrowth, type Growing, growthCharts, growthClaims, LEVELS, type Level } from './figures.js'
import type { GrowthServers } from './server.js'

const SERVERS_TIMEOUT_MS = 30_000
const TITLE = 'one connection: 1 to 10,000 requests in flight; 10 to 1,000 response fields, 100 in flight'

export async function runGrowth(context: RunContext): Promise<ScenarioReport> {
  const { cores, ownServer, folder } = context
  const child = startScript('growth/server.js', { core: cores?.server, args: ownServer ? ['own'] : [] })
  try {
    const servers = await nextMessage<GrowthServers>(child, SERVERS_TIMEOUT_MS)
    const caFile = join(folder, 'growth-ca.pem')
    writeFileSync(caFile, servers.ca)
    const levels = await measureLevels(context, servers, caFile)
    const marks = growthClaims(levels)
    return {
      json: { name: 'growth', title: TITLE, levels, marks } as { name: string },
      text: `growth: ${TITLE}\n\n${describeGrowth(levels, marks)}`,
      errors: levels.reduce((sum, { result }) => sum + result.errors, 0),
      charts: growthCharts(levels),
    }
  } finally {
    if (child.connected) child.disconnect()
  }
}

async function measureLevels(context: RunContext, servers: GrowthServers, caFile: string): Promise<Level[]> {
  const all = (Object.keys(LEVELS) as Growing[]).flatMap((growing) =>
    LEVELS[growing].map((level) => ({ growing, level, rounds: [] as Round[] })),
  )
  for (let round = 1; round <= context.rounds; round++) {
    for (const { growing, level, rounds } of all) {
      const figures = await measureLevel(growing, level, context, servers, caFile)
      rounds.push(figures)
      const summary = `${figures.cpuMicrosPerRequest} µs ${figures.error ?? ''}`.trimEnd()
      context.report(`growth ${round}/${context.rounds}: ${level} ${growing} ${summary}`)
    }
  }
  return all.map(({ growing, level, rounds }) => ({
    growing,
    level,
    result: resultOf(`${level} ${growing}`, serverOf(growing, servers).name, rounds),
  }))
}

function measureLevel(
  growing: Growing,
  level: number,
  { cores, seconds, warmupSeconds, profileFolder }: RunContext,
  servers: GrowthServers,
  caFile: string,
): Promise<Round> {
  const isField = growing === 'response fields'
  const inFlight = isField ? smallGet.inFlight : level
  const target: Target = {
    origin: `https://127.0.0.1:${serverOf(growing, servers).port}`,
    path: isField ? `/fields-${level}` : smallGet.path,
    text: smallGet.text,
    ca: servers.ca,
    inFlight,
  }
  const assignment = {
    scenario: smallGet.name,
    competitor: unshardRequest.name,
    target,
    load: { inFlight, seconds, warmupSeconds },
  }
  return measureOnce(assignment, { core: cores?.client, caFile, ...(profileFolder !== undefined && { profileFolder }) })
}

function serverOf(growing: Growing, servers: GrowthServers): { readonly name: string; readonly port: number } {
  return growing === 'response fields' ? servers.fields : servers.requests
}
