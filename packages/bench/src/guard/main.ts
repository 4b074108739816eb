/**
 * `pnpm bench:guard`: the small GET and node:http2 in one short run, with an alarm if their ratio
 * has dropped since it was recorded in guard.json. Never sets an exit code: machines differ, and a
 * benchmark must not break a build at random.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseCores } from '@unshard/testkit'
import { runClosedLoop } from '../closed-loop.js'
import { nodeHttp2 } from '../competitors/node-http2.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import type { ScenarioResult } from '../runner.js'
import { smallGet } from '../scenarios/small-get.js'
import { type RecordedRatio, verdictOf } from './figures.js'

const folder = mkdtempSync(join(tmpdir(), 'unshard-guard-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const recorded = JSON.parse(readFileSync(new URL('../../guard.json', import.meta.url), 'utf8')) as RecordedRatio

try {
  // The same scenario with two of its competitors: a process finds its competitor by the scenario's
  // name.
  const scenario = { ...smallGet, competitors: [unshardRequest, nodeHttp2], baselines: [nodeHttp2.name], marks: [] }
  const conditions = { rounds: 3, seconds: 1, warmupSeconds: 0.7, roundTripMs: 0, ownServer: false, cores: chooseCores(), folder }
  const { json } = await runClosedLoop(scenario, { ...conditions, report: (line) => console.error(line) })
  const { ratios, results } = json as unknown as ScenarioResult
  const ratio = ratios[unshardRequest.name]?.[nodeHttp2.name]?.rate ?? Number.NaN
  console.log(verdictOf(results[0]?.server ?? 'no server', ratio, recorded))
} catch (error) {
  console.log(`ALARM: small GET against node:http2 could not be measured: ${error}`)
}
