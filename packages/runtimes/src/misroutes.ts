/** The suite `misroutes`: its client runs on the runtime, its servers on Node.js. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { PACKAGES } from './bundle.js'
import type { SuiteCounts } from './results.js'
import type { Runtime } from './runtimes.js'

const PROGRAM = join(PACKAGES, 'faults/dist/misroutes/main.js')
const TIMEOUT_MS = 600_000

/** The same requests on each runtime. */
const SEED = 20_261_130

/** Sends that many requests. A misroute, or anything else that is wrong, counts as failed. */
export async function misroutes({ path, args }: Runtime, requests: number): Promise<{ counts: SuiteCounts; output: string }> {
  const env = { ...process.env, UNSHARD_SERVER_NODE: process.execPath }
  const given = [...args, PROGRAM, '--requests', String(requests), '--seed', String(SEED)]
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(path, given, { env, timeout: TIMEOUT_MS, cwd: join(PACKAGES, '..') }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), output: `${stdout}\n${stderr}`.trim() })
    })
  })
  const sent = Number(/(\d+) requests, \d+ coalesced/.exec(output)?.[1] ?? 0)
  const wrong = Number(/(\d+) misroutes$/m.exec(output)?.[1] ?? 1)
  const failed = code === 0 ? wrong : Math.max(wrong, 1)
  return { counts: { passed: sent - wrong, failed, skipped: 0 }, output }
}
