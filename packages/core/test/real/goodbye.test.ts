/** Servers that other people wrote reload, or go, under load: nobody who asked is left without the right answer. */

import net, { type AddressInfo } from 'node:net'
import { SMALL_TEXT } from '@unshard/testkit'
import type { Client } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'
import { createBehind } from './behind.js'
import { type Peer, peerList, peers } from './peers.js'

const { client, tls, defer } = clientFixture()

const AT_ONCE = 32
const polite = peerList.filter(([, { goodbye }]) => goodbye === undefined)

/** Asks until the answer comes over another connection than the first one did. Every answer has to be right. */
async function askUntilMoved(one: Client, url: string, first: number): Promise<void> {
  while ((await ask(one, url)) === first);
}

async function ask(one: Client, url: string): Promise<number> {
  const response = await one.request({ url })
  expect([response.status, await response.text()]).toEqual([200, SMALL_TEXT])
  return response.connection.id
}

const times = <T>(make: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: AT_ONCE }, make))

it.each(polite)(
  '%s reloads: requests under way are answered, the next ones go over a new connection',
  async (name, { start }) => {
    const behind = createBehind()
    const server = await start({ tls: await tls(), behind: behind.listener })
    if (server === undefined) return console.warn(`${name} is not installed: this test shows nothing here`)
    defer(() => server.stop())
    const origin = `https://a.test.example:${server.port}`
    const url = `${origin}/small.txt`
    const [waiting, busy] = [client(), client()]
    const [waitingFirst, busyFirst] = [await ask(waiting, url), await ask(busy, url)]
    const answers = times(async () => (await waiting.request({ url: `${origin}/behind/held` })).text())
    await behind.arrived()
    const moved = times(() => askUntilMoved(busy, url, busyFirst))
    await server.reload!()
    await moved
    behind.release()
    expect(await answers).toEqual(Array(AT_ONCE).fill('held'))
    // What the server refused when it said goodbye was sent again, and what it had taken was not.
    expect(behind.taken).toBe(AT_ONCE)
    await askUntilMoved(waiting, url, waitingFirst)
  },
)

it(`nghttpd: ${peers.nghttpd.goodbye.because}; GETs under way are asked again`, async () => {
  const start: Peer['start'] = peers.nghttpd.start
  const credentials = await tls()
  const [old, young] = [await start({ tls: credentials }), await start({ tls: credentials })]
  if (old === undefined || young === undefined) return console.warn('nghttpd is not installed: this test shows nothing here')
  for (const server of [old, young]) defer(() => server.stop())
  const relay = await startRelay(old.port)
  defer(() => relay.close())
  const url = `https://a.test.example:${relay.port}/small.txt`
  const one = client()
  const first = await ask(one, url)
  const moved = times(() => askUntilMoved(one, url, first))
  expect(one.stats().connections).toMatchObject([{ active: AT_ONCE }])
  relay.target = young.port
  await old.stop()
  await moved
  expect(one.stats().totals).toMatchObject({ dials: 2, replayed: AT_ONCE })
})

/** One port whose next connections can be sent to another server, as a load balancer does. */
async function startRelay(target: number): Promise<{ target: number; readonly port: number; close(): void }> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((from) => {
    const to = net.connect(relay.target, '127.0.0.1')
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroy()
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
