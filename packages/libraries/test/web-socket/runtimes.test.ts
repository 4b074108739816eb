/** WebSockets of the built package on each version of Node.js, on Bun and on Deno; and those of Node.js itself by the dispatcher. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { echoScript, testWorld, type WebSocketOffer, webSocketServer } from '@unshard/testkit'
import { WebSocketServer } from 'ws'
import { NODES } from '../nodes.js'
import { RUNTIMES } from '../runtimes.js'

const world = testWorld()
const program = fileURLToPath(new URL('./program.mjs', import.meta.url))
const compressed = fileURLToPath(new URL('./compressed.mjs', import.meta.url))

const runtimes = [
  ...NODES.map(({ major, path }) => ({ name: `Node.js ${major}`, path, args: [] as readonly string[] })),
  ...RUNTIMES,
]
/** Node.js 22 is the first with a WebSocket. */
const withWebSocket = NODES.filter(({ major }) => major >= 22).map(({ major, path }) => ({
  name: `Node.js ${major}`,
  path,
  args: [],
}))
const cases = [...runtimes.map((each) => ({ ...each, of: 'unshard' })), ...withWebSocket.map((each) => ({ ...each, of: 'node' }))]

const ways: readonly (readonly [string, WebSocketOffer, dials: number])[] = [
  ['HTTP/2', { h2: true, connectProtocol: true }, 1],
  ['HTTP/1.1', { h2: false, connectProtocol: false }, 13],
]

describe.each(cases)('WebSockets of $of on $name', ({ path, args, of }) => {
  it.each(ways)('talk to 12 hosts over %s', async (_way, offer, dials) => {
    const server = await webSocketServer(world, offer, echoScript())
    const env = { PATH: process.env['PATH'], PORT: String(server.port), CA: world.authority.ca, OF: of }
    const { stdout } = await promisify(execFile)(path, [...args, program], { env, timeout: 60_000 })
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!)).toEqual({ good: 12, streamed: 'streamed 3001', dials })
    expect(server.connections).toBe(dials)
  })
})

it.each(runtimes)('messages are compressed on $name', async ({ path, args }) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
  world.defer(() => void server.close())
  server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  await once(server, 'listening')
  const env = { PATH: process.env['PATH'], URL: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/` }
  const { stdout } = await promisify(execFile)(path, [...args, compressed], { env, timeout: 60_000 })
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1)!)).toEqual({ extensions: 'permessage-deflate', length: 11_000 })
})
