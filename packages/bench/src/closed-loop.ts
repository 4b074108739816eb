/** A closed-loop scenario with the servers that all of these share. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nextMessage, startScript } from './processes.js'
import type { RunContext, ScenarioReport } from './report.js'
import { runScenario } from './runner.js'
import type { Scenario } from './scenarios/scenario.js'
import type { Servers } from './server.js'
import { chartsOf, describeScenario } from './table.js'

const SERVERS_TIMEOUT_MS = 30_000

export async function runClosedLoop(scenario: Scenario, context: RunContext): Promise<ScenarioReport> {
  const { cores, folder, ownServer, rounds, seconds, warmupSeconds, profileFolder, report } = context
  const child = startScript('server.js', {
    core: cores?.server,
    args: [...(ownServer ? ['own'] : []), ...(scenario.h2Server === undefined ? [] : [scenario.h2Server])],
  })
  try {
    const servers = await nextMessage<Servers>(child, SERVERS_TIMEOUT_MS)
    const caFile = join(folder, 'ca.pem')
    writeFileSync(caFile, servers.ca)
    const options = { rounds, seconds, warmupSeconds, core: cores?.client, servers, caFile, report }
    const result = await runScenario(scenario, { ...options, ...(profileFolder !== undefined && { profileFolder }) })
    return {
      json: { ...result, server: { h2: servers.at.h2.name, 'http/1.1': servers.at['http/1.1'].name } } as ScenarioReport['json'],
      text: describeScenario(result),
      errors: result.results.reduce((sum, { errors }) => sum + errors, 0),
      charts: chartsOf(result),
    }
  } finally {
    if (child.connected) child.disconnect()
  }
}
