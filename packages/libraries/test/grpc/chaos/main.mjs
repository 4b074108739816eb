/**
 * `npm run grpc:chaos`: random calls to a server that resets streams, says goodbye and drops
 * connections. Exit code 1 if one of them has ended in a way that its events do not allow.
 */

import { subscribe } from 'node:diagnostics_channel'
import { parseArgs } from 'node:util'
import { createAuthority } from '@unshard/testkit'
import { makeCallers } from './callers.mjs'
import { wrongWith } from './check.mjs'
import { memory } from './memory.mjs'
import { planOf } from './plan.mjs'
import { startServer } from './server.mjs'

const USAGE = `npm run grpc:chaos -- [--calls N] [--seed N] [--memory [--megabytes N]]

N random calls (default 100,000) by channel() and grpcClient(), with cancels, deadlines, RST_STREAM,
GOAWAY and dropped connections; each must end as its events allow. With --memory: N plain calls must
leave nothing behind, and a slow reader of a stream (default 1,000 MB) must hold the server back`

const CONCURRENCY = 128
/** When each socket of the clients has closed, by its port: until then a call may be sent on it although the server has ended it. */
const closed = new Map()
subscribe('net.client.socket', ({ socket }) => {
  socket.once('connect', () => {
    const { localPort } = socket
    // Ports are used again.
    closed.delete(localPort)
    socket.once('close', () => closed.set(localPort, performance.now()))
  })
})
/** Maximum number of problems that are printed. */
const MAX_LINES = 20

function readArguments(argv) {
  const number = (value) => ({ type: 'string', default: String(value) })
  const options = {
    calls: number(100_000),
    seed: number(Date.now() % 1e9),
    memory: { type: 'boolean', default: false },
    megabytes: number(1_000),
  }
  const { values } = parseArgs({ args: argv.filter((argument) => argument !== '--'), options })
  const numbers = { calls: Number(values.calls), seed: Number(values.seed), megabytes: Number(values.megabytes) }
  if (!Object.values(numbers).every((value) => Number.isInteger(value) && value > 0))
    throw new Error('--calls, --seed and --megabytes are whole numbers above 0')
  return { ...numbers, memory: values.memory }
}

/** Makes the calls, and returns counts and problems. */
async function run({ calls, seed }) {
  const authority = await createAuthority()
  const server = await startServer(seed, await authority.issue({ names: ['*.test.example'] }))
  const callers = makeCallers(server.port, authority.ca)
  const counts = { statuses: new Map(), events: new Map(), attempts: 0 }
  const problems = []
  let next = 0
  const worker = async () => {
    while (next < calls) {
      const plan = planOf(seed, next++)
      const began = performance.now()
      const outcome = await callers.call(plan)
      const meanwhile = server.ends.filter(({ port, client }) => client === plan.client && !(closed.get(port) < began))
      const record = server.records.get(plan.number)
      if (record !== undefined) record.isSettled = true
      const wrong = wrongWith(plan, outcome, record, meanwhile)
      if (wrong !== undefined)
        problems.push(
          `call ${plan.number} (${plan.way} ${plan.kind}, ${plan.event} at ${plan.at}, ${record?.attempts ?? 0} attempts): ${wrong}`,
        )
      counts.attempts += record?.attempts ?? 0
      add(counts.statuses, outcome.code)
      add(counts.events, record?.fired[0] ?? (plan.event === 'cancel' || plan.event === 'deadline' ? plan.event : 'none'))
      // A canceled call may still arrive: its record is needed until then.
      if (outcome.code === 0) server.records.delete(plan.number)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  await callers.close()
  server.stop()
  return { counts, problems, connections: server.connections, drops: server.ends.filter(({ isDrop }) => isDrop).length }
}

const add = (counts, name) => counts.set(name, (counts.get(name) ?? 0) + 1)
const shown = (counts) =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

function reportMemory(problems) {
  for (const problem of problems) console.log(`FAIL ${problem}`)
  console.log(`memory: ${problems.length} problems`)
  return problems.length === 0 ? 0 : 1
}

async function main() {
  let args
  try {
    args = readArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`)
    return 2
  }
  if (args.memory) return reportMemory(await memory(args))
  console.log(`seed ${args.seed}`)
  const uncaught = []
  process.on('uncaughtException', (error) => uncaught.push(error))
  process.on('unhandledRejection', (error) => uncaught.push(error))
  const began = performance.now()
  const { counts, problems, connections, drops } = await run(args)
  for (const error of uncaught) problems.push(`uncaught error: ${error?.stack ?? String(error)}`)
  const seconds = (performance.now() - began) / 1_000
  console.log(`events: ${shown(counts.events)}`)
  console.log(`statuses: ${shown(counts.statuses)}`)
  for (const problem of problems.slice(0, MAX_LINES)) console.log(`FAIL ${problem}`)
  if (problems.length > MAX_LINES) console.log(`FAIL and ${problems.length - MAX_LINES} more`)
  const figures = `${counts.attempts} attempts, ${connections} connections, ${drops} of them dropped`
  console.log(`${args.calls} calls in ${seconds.toFixed(0)} s, ${figures}, ${problems.length} problems`)
  return problems.length === 0 ? 0 : 1
}

process.exitCode = await main()
