import type { RunContext, ScenarioReport } from '../report.js'
export async function runManyOrigins(_: RunContext): Promise<ScenarioReport> {
  throw new Error('x')
}
