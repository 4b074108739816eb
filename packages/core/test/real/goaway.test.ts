/** Third-party servers that reload or stop under load: every request gets the correct response. */

import net, { type AddressInfo } from 'node:net'
import { SMALL_TEXT } from '@unshard/testkit'
import type { Client } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'
import { createBackend } from './backend.js'
import { type Peer, peerList, peers } from './peers.js'

const { client: createClient, tls, defer } = clientFixture()

const AT_ONCE = 32
const graceful = peerList.filter(([, { goaway }]) => goaway === undefined)

/** Sends requests until a response arrives over another connection than `first`. */
async function requestUntilMoved(client: Client, url: string, first: number): Promise<void> {
  while ((await connectionIdOf(client, url)) === first);
}

async function connectionIdOf(client: Client, url: string): Promise<number> {
  const response = await client.request({ url })
  expect([response.status, await response.text()]).toEqual([200, SMALL_TEXT])
  return response.connection.id
}

const manyTimes = <T>(make: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: AT_ONCE }, make))

it.each(graceful)(
  '%s reloads: pending requests are answered, and the next ones use a new connection',
  async (name, { start }) => {
    const backend = createBackend()
    const server = await start({ tls: await tls(), behind: backend.listener })
    if (server === undefined) return console.warn(`${name} is not installed: the test is skipped`)
    defer(() => server.stop())
    const origin = `https://a.test.example:${server.port}`
    const url = `${origin}/small.txt`
    const [idleClient, busyClient] = [createClient(), createClient()]
    const [idleFirst, busyFirst] = [await connectionIdOf(idleClient, url), await connectionIdOf(busyClient, url)]
    const answers = manyTimes(async () => (await idleClient.request({ url: `${origin}/behind/held` })).text())
    await backend.arrived()
    const moved = manyTimes(() => requestUntilMoved(busyClient, url, busyFirst))
    await server.reload!()
    await moved
    backend.release()
    expect(await answers).toEqual(Array(AT_ONCE).fill('held'))
    // Refused requests were sent again, and accepted ones were not.
    expect(backend.heldCount).toBe(AT_ONCE)
    await requestUntilMoved(idleClient, url, idleFirst)
  },
)

it(`${peers.nghttpd.goaway.because}; pending GETs are sent again`, async () => {
  const start: Peer['start'] = peers.nghttpd.start
  const credentials = await tls()
  const [oldServer, newServer] = [await start({ tls: credentials }), await start({ tls: credentials })]
  if (oldServer === undefined || newServer === undefined) return console.warn('nghttpd is not installed: the test is skipped')
  for (const server of [oldServer, newServer]) defer(() => server.stop())
  const relay = await startRelay(oldServer.port)
  defer(() => relay.close())
  const url = `https://a.test.example:${relay.port}/small.txt`
  const client = createClient()
  const first = await connectionIdOf(client, url)
  const moved = manyTimes(() => requestUntilMoved(client, url, first))
  expect(client.stats().connections).toMatchObject([{ active: AT_ONCE }])
  relay.target = newServer.port
  await oldServer.stop()
  await moved
  expect(client.stats().totals).toMatchObject({ dials: 2, replayed: AT_ONCE })
})

/** One port that can forward its next connections to another server, like a load balancer. */
async function startRelay(target: number): Promise<{ target: number; readonly port: number; close(): void }> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((from) => {
    const to = net.connect(relay.target, '127.0.0.1')
    for (const [socket, opposite] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(socket)
      socket.pipe(opposite)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        opposite.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const relay = {
    target,
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
  return relay
}
