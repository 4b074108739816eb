/**
 * `pnpm bench import-time`: time until a library is loaded, and until its first response. In turn,
 * each in a fresh process.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from '../load.js'
import { nextMessage, startScript, takeTurn } from '../processes.js'
import type { RunContext, ScenarioReport } from '../report.js'
import { smallGet } from '../scenarios/small-get.js'
import type { Servers } from '../server.js'
import { describeImports, failuresOf, importCharts, importClaims, type Timing, timingOf } from './figures.js'
import { FIRST_REQUESTS, IMPORTS, type ImportAssignment, type ImportTurn, NOTHING } from './subjects.js'

const TIMEOUT_MS = 30_000
/** A turn takes a quarter of a second, so there can be many. */
const TURNS_PER_ROUND = 3
const TITLE = 'from nothing loaded to an import, and to the first answer (GET of 6 bytes, a new TLS connection)'

export async function runImportTime(context: RunContext): Promise<ScenarioReport> {
  const child = startScript('server.js', { core: context.cores?.server, args: context.ownServer ? ['own'] : [] })
  try {
    const servers = await nextMessage<Servers>(child, TIMEOUT_MS)
    const caFile = join(context.folder, 'import-time-ca.pem')
    writeFileSync(caFile, servers.ca)
    const timings = await measureAll(context, servers, caFile)
    const marks = importClaims(timings)
    return {
      json: { name: 'import-time', title: TITLE, timings, marks } as { name: string },
      text: `import-time: ${TITLE}\n\n${describeImports(timings, marks)}`,
      errors: failuresOf(timings).length,
      charts: importCharts(timings),
    }
  } finally {
    if (child.connected) child.disconnect()
  }
}

async function measureAll(context: RunContext, servers: Servers, caFile: string): Promise<Timing[]> {
  const assignments = new Map<string, ImportAssignment>()
  for (const specifier of [NOTHING, ...IMPORTS]) assignments.set(specifier, { specifier })
  for (const first of FIRST_REQUESTS.keys()) {
    const { port } = servers.at[first === 'built-in fetch' ? 'http/1.1' : 'h2']
    const url = `https://127.0.0.1:${port}${smallGet.path}`
    assignments.set(first, { first, url, text: smallGet.text, ca: servers.ca })
  }
  const turns = new Map<string, ImportTurn[]>([...assignments.keys()].map((name) => [name, []]))
  for (let round = 1; round <= context.rounds * TURNS_PER_ROUND; round++) {
    for (const [name, assignment] of assignments) turns.get(name)!.push(await take(assignment, context, caFile))
    context.report(`import-time ${round}/${context.rounds * TURNS_PER_ROUND}`)
  }
  const nothing = timingOf(NOTHING, 'import', turns.get(NOTHING)!)
  return [
    ...IMPORTS.map((name) => timingOf(name, 'import', turns.get(name)!, nothing.ms)),
    ...[...FIRST_REQUESTS.keys()].map((name) => timingOf(name, 'first request', turns.get(name)!)),
  ]
}

async function take(assignment: ImportAssignment, { cores }: RunContext, caFile: string): Promise<ImportTurn> {
  const options = { core: cores?.client, env: { NODE_EXTRA_CA_CERTS: caFile } }
  try {
    return await takeTurn<ImportTurn>('import-time/child.js', assignment, options, TIMEOUT_MS)
  } catch (error) {
    return { error: describe(error) }
  }
}
