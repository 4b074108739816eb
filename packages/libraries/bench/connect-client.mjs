/**
 * `pnpm bench connect`: unary calls, 100 in flight. Prints the CPU time of one in microseconds. Arguments: protocol, port,
 * number of calls; with `PEER`, over connect-node.
 */

import { callsOver, transportTo } from '../test/connect/programs/world.mjs'

const [, , protocol, port, calls] = process.argv
const IN_FLIGHT = 100
const service = callsOver(transportTo(protocol, `https://a.test.example:${port}`))
// The methods of the server are the first that it has registered.
const options = { headers: { 'x-case': '0' } }

async function send(count) {
  let left = count
  const inTurn = async () => {
    while (left-- > 0) {
      const { text } = await service.unary({ text: 'hello' }, options)
      if (text !== 'hello') throw new Error(`answered ${text}`)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, inTurn))
}

await send(Number(calls) / 2)
const before = process.cpuUsage()
await send(Number(calls))
const { user, system } = process.cpuUsage(before)
console.log((user + system) / Number(calls))
process.exit()
