/**
 * `pnpm bench:micro`: HPACK and frames alone, in this process. Options: --rounds N (default 5),
 * --seconds N per round (0.3), --json.
 */

import { parseArgs } from 'node:util'
import { alignedTable } from '../table.js'
import { frameCases } from './frames.js'
import { hpackCases } from './hpack.js'
import { measure, type Timing } from './measure.js'

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, seconds: { type: 'string' }, json: { type: 'boolean' } },
})
const rounds = Number(values.rounds ?? 5)
const seconds = Number(values.seconds ?? 0.3)
if (!(Number.isInteger(rounds) && rounds > 0 && seconds > 0)) throw new RangeError('--rounds and --seconds take numbers above 0')

const results: { name: string; timings: Timing[] }[] = []
for (const [name, contestants] of [...hpackCases, ...frameCases]) {
  results.push({ name, timings: measure(contestants(), rounds, seconds) })
}

if (values.json === true) console.log(JSON.stringify({ node: process.version, results }))
else {
  const rows = results.flatMap(({ name, timings }) =>
    timings.map(({ name: who, unitsPerSecond }) => {
      const slowest = timings.at(-1)!
      return [
        name,
        who,
        millions(unitsPerSecond),
        nanoseconds(unitsPerSecond),
        (unitsPerSecond / slowest.unitsPerSecond).toFixed(2),
      ]
    }),
  )
  console.log(alignedTable(['case', 'by', 'million/s', 'ns each', '× the last of the case'], rows).join('\n'))
}

function millions(rate: number): string {
  return (rate / 1e6).toFixed(2)
}

function nanoseconds(rate: number): string {
  return (1e9 / rate).toFixed(1)
}
