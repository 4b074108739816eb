/**
 * `pnpm sim:models [name …]`: compares models with the real programs that are installed. Exit code 1
 * with a difference. Models of programs that cannot run here have their sources in
 * docs/contributing/simulation.md. `--long` also waits for idle times of minutes.
 */

import { parseArgs } from 'node:util'
import { createAuthority } from '@unshard/testkit'
import { MODELS } from '../server/models/all.js'
import { PROGRAMS } from './programs.js'
import { HOST, OTHER } from './real-server.js'
import { type Row, rowsOf } from './rows.js'

/** Idle times up to this are waited for. */
const LONGEST_IDLE_MS = 11_000
const LONGEST_IDLE_MS_LONG = 310_000
const LONGEST_LINGER_MS = 8_000

const { values, positionals } = parseArgs({ options: { long: { type: 'boolean' } }, allowPositionals: true })
const longestIdleMs = values.long === true ? LONGEST_IDLE_MS_LONG : LONGEST_IDLE_MS
const authority = await createAuthority()
const tls = await authority.issue({ names: [HOST, OTHER] })
const names = Object.keys(MODELS).filter((name) => positionals.length === 0 || positionals.includes(name))
// All at the same time: most of it is waiting.
const measured = await Promise.all(
  names.map(async (name): Promise<readonly [name: string, rows: Row[] | undefined]> => {
    const program = PROGRAMS[name]
    return [name, program && (await rowsOf(MODELS[name]!, program, tls, { longestIdleMs, longestLingerMs: LONGEST_LINGER_MS }))]
  }),
)
let passed = 0
let failed = 0
console.log(['server', 'property', 'model', 'real', 'same'].join('\t'))
for (const [name, rows] of measured) {
  if (rows === undefined) console.log(`${name}\tcannot run here: see docs/contributing/simulation.md`)
  else if (rows.length === 0) console.log(`${name}\tis not installed`)
  for (const { server, property, model, real } of rows ?? []) {
    if (model === real) passed++
    else failed++
    console.log([server, property, model, real, model === real ? 'yes' : 'NO'].join('\t'))
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
