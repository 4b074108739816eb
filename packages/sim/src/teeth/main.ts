/**
 * `pnpm sim:teeth`: puts faults back into a copy of the client, one at a time, and looks for them with
 * ordinary worlds. Exit code 1 unless each is found, and only in the copy.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { copyWith } from './copy.js'
import { PUT_BACK, type PutBackFault } from './faults.js'

/** Worlds in which a fault must be found. */
const SEEDS = 2_000

const SIM = fileURLToPath(new URL('../main.js', import.meta.url))

interface Found {
  readonly seed: number
  readonly rule: string
  readonly text: string
}

/** Runs worlds until one has a finding. */
async function findIn(main: string, seed: number, seeds: number): Promise<Found | undefined> {
  const child = spawn(process.execPath, [main, '--seed', `${seed}`, '--seeds', `${seeds}`, '--until-finding', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (part: Buffer) => {
    output += part
  })
  await once(child, 'close')
  const { findings } = JSON.parse(output.trimEnd().split('\n').at(-1)!) as { findings: Found[] }
  return findings[0]
}

/** Returns whether the fault is found, and prints how. */
async function bites(fault: PutBackFault): Promise<boolean> {
  const startedAt = performance.now()
  const { main, remove } = await copyWith(fault)
  try {
    const found = await findIn(main, 1, SEEDS)
    const tookS = ((performance.now() - startedAt) / 1_000).toFixed(0)
    if (found === undefined) {
      console.log(`NOT FOUND ${fault.name} in ${SEEDS} seeds (${tookS} s)`)
      return false
    }
    const healthy = await findIn(SIM, found.seed, 1)
    const where = `seed ${found.seed}, ${found.rule}: ${found.text} (${tookS} s)`
    console.log(
      healthy === undefined ? `found ${fault.name}: ${where}` : `NOT THE FAULT ${fault.name}: ${where}, also without it`,
    )
    return healthy === undefined
  } finally {
    await remove()
  }
}

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const chosen = PUT_BACK.filter(({ name }) => values.only === undefined || name === values.only)
let missed = 0
for (const fault of chosen) if (!(await bites(fault))) missed++
console.log(`${chosen.length - missed} passed, ${missed} failed`)
process.exitCode = missed === 0 && chosen.length > 0 ? 0 : 1
