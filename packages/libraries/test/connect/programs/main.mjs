/** Runs all cases, and prints a list of their names and outcomes. With `CONNECT=1`, the oldest version of Connect-ES is used. */

import { register } from 'node:module'

if (process.env.CONNECT === '1') register('./connect-1.mjs', import.meta.url)
const { runCases } = await import('./run.mjs')
const results = await runCases()
process.stdout.write(`\n${JSON.stringify(results)}\n`, () => {
  // A case that has failed may have left its server open; otherwise nothing keeps the process running.
  if (results.some(({ passed }) => !passed)) process.exit()
})
