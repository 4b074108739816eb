/** Short runs of `npm run grpc:chaos`: the same calls each time. */

import { fileURLToPath } from 'node:url'
import { NODES, type NodeVersion, runProgram } from '../nodes.js'

const [current] = NODES as readonly [NodeVersion]
const program = fileURLToPath(new URL('./chaos/main.mjs', import.meta.url))

it('1,000 calls with resets, GOAWAY and dropped connections each end as their events allow', async () => {
  const output = await runProgram(current, [program, '--calls', '1000', '--seed', '1'], {})
  expect(output).toContain('seed 1\n')
  expect(output).toMatch(/ 0 problems\n$/)
  // Each event has happened.
  expect(output).toMatch(/^events: none \d+(, (?=reset|cancel|deadline|status|goaway|drop)\w+ \d+){6}$/m)
}, 100_000)

it('2,000 calls leave no object behind, and a slow reader holds the server back within its window', async () => {
  const args = ['--expose-gc', program, '--memory', '--calls', '2000', '--megabytes', '20']
  expect(await runProgram(current, args, {})).toMatch(/^memory: 0 problems$/m)
}, 100_000)
