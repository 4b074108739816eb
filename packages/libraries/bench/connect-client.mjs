/**
 * `pnpm bench connect`: unary calls, 100 in flight. Arguments: protocol, port, seconds of warm-up, seconds. Prints the
 * CPU time of a call in microseconds, the calls in a second, and the version of Node.js, as JSON. With `PEER`, the calls
 * go over connect-node.
 */

import { callsOver, transportTo } from '../test/connect/programs/world.mjs'

const [, , protocol, port, warmupSeconds, seconds] = process.argv
const IN_FLIGHT = 100
const service = callsOver(transportTo(protocol, `https://a.test.example:${port}`))
// The methods of the server are the first that it has registered.
const options = { headers: { 'x-case': '0' } }

async function call() {
  const { text } = await service.unary({ text: 'hello' }, options)
  if (text !== 'hello') throw new Error(`answered ${JSON.stringify(text)}`)
}

async function callFor(duration) {
  const end = performance.now() + duration * 1_000
  let count = 0
  const inTurn = async () => {
    for (; performance.now() < end; count++) await call()
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, inTurn))
  return count
}

// One first: a pool must know its server.
await call()
await callFor(Number(warmupSeconds))
const [startedAt, before] = [performance.now(), process.cpuUsage()]
const count = await callFor(Number(seconds))
const { user, system } = process.cpuUsage(before)
const perSecond = (count * 1_000) / (performance.now() - startedAt)
console.log(JSON.stringify({ cpuMicros: (user + system) / count, perSecond, node: process.version }))
process.exit()
