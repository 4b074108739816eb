/** The suite `fresh`: 10 and 12 hosts on one connection, in many new processes of the runtime. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { SuiteCounts } from './results.js'
import type { Runtime } from './runtimes.js'

const SERVER = fileURLToPath(new URL('./server.js', import.meta.url))
const CLIENT = fileURLToPath(new URL('./fresh-client.js', import.meta.url))
const TIMEOUT_MS = 60_000

/** Runs that many processes. Each step that used more than one connection counts as failed. */
export async function fresh(runtime: Runtime, processes: number): Promise<{ counts: SuiteCounts; output: string }> {
  const server = spawn(process.execPath, [SERVER], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [report] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
  const connections = new Map<string, number[]>()
  const errors: string[] = []
  let passed = 0
  for (let number = 0; number < processes; number++) {
    const steps = await runOnce(runtime, report).catch((error: unknown) => void errors.push(String(error)))
    for (const [step, count] of Object.entries(steps ?? {})) {
      connections.set(step, [...(connections.get(step) ?? []), count])
      if (count === 1) passed++
    }
  }
  server.stdin.end()
  const all = [...connections.values()].flat().length
  const lines = [...connections].map(
    ([step, counts]) => `${step}: ${counts.filter((count) => count === 1).length} of ${counts.length}`,
  )
  return { counts: { passed, failed: all - passed + errors.length, skipped: 0 }, output: [...lines, ...errors].join('\n') }
}

function runOnce({ path, args }: Runtime, report: string): Promise<Record<string, number>> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, UNSHARD_REPORT: report }
    execFile(path, [...args, CLIENT], { env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as Record<string, number>)
      else reject(new Error(`${error.message}\n${stderr}`))
    })
  })
}
