/** The examples of docs/guides/http.md print what they state. */

import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type OriginHandler, testWorld } from '@unshard/testkit'
import { WebSocketServer } from 'ws'
import { examplesOf, runExample, statedIn } from '../examples.js'
import { NODES } from '../nodes.js'

const world = testWorld()
const handler: OriginHandler = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('["Ada","Grace","Joan"]')
}
const examples = examplesOf('http')

async function jsonServer(): Promise<number> {
  return (await world.server({ handler, tls: await world.tls('*.example.com') })).port
}

async function echoServer(): Promise<number> {
  const server = createServer(await world.tls('*.example.com'))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  world.defer(() => void server.close())
  return (server.address() as AddressInfo).port
}

// got 16 needs Node.js 22.
const node = NODES.find(({ major }) => major === 24)

if (node === undefined) it.todo('not run: Node.js 24 is not installed')
else {
  it.each(examples.map((example, i) => [i + 1, example] as const))('example %i', async (_number, example) => {
    const port = await (example.includes('WebSocket') ? echoServer() : jsonServer())
    // A connection is shared if its address has the port of the URL.
    const program = example.replaceAll('.example.com', `.example.com:${port}`)
    expect(await runExample(node, program, { port, ca: world.authority.ca })).toEqual(statedIn(example))
  })
}

it('there are five examples', () => {
  expect(examples).toHaveLength(5)
})
