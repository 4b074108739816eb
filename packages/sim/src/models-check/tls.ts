/**
 * The first part of `pnpm sim:models`: runs worlds with real TLS again with the modelled one, and
 * compares the outcome of each request. A process of its own, because the client must be loaded first.
 */

import { parseArgs } from 'node:util'
import { drawWorld } from '../draw/worlds.js'
import type { RequestRecord } from '../ledger/ledger.js'
import { simulate } from '../run/simulate.js'
import { warmUp } from '../run/warm-up.js'

const { values } = parseArgs({ options: { worlds: { type: 'string', default: '40' } } })

/** Status or code, `undefined` for a request whose outcome depends on milliseconds. */
function outcomeOf({ script, outcome }: RequestRecord): string | undefined {
  if (script.abortAfterMs !== undefined || script.totalMs !== undefined || script.headersMs !== undefined) return undefined
  return outcome?.error?.code ?? String(outcome?.status)
}

await warmUp()
let [compared, different] = [0, 0]
for (let seed = 1; seed <= Number(values.worlds); seed++) {
  const { tls, ...script } = drawWorld(seed, 'real-tls')
  const real = await simulate({ ...script, ...(tls && { tls }) })
  const modelled = await simulate(script)
  for (const [id, record] of real.records) {
    const expected = outcomeOf(record)
    if (expected === undefined) continue
    compared++
    const found = outcomeOf(modelled.records.get(id)!)
    if (found === expected) continue
    different++
    console.log(`seed ${seed}: request ${id} ended with ${expected}, and with modelled TLS with ${found}`)
  }
}
console.log(`TLS: ${compared} outcomes in ${values.worlds} worlds, ${different} different with the model`)
process.exitCode = different === 0 ? 0 : 1
