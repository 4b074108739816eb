/** A dial that never ends while requests keep arriving: not all of them may wait for it. */

import net, { type Socket } from 'node:net'
import { FakeClock } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const { client: createClient, server, defer } = clientFixture()

/** Forwards connections to `port`, except those selected by `isStuck`, which are not answered. */
async function startForwarder(port: number, isStuck: (index: number) => boolean): Promise<{ port: number; count: number }> {
  const sockets = new Set<Socket>()
  const forwarder = { port: 0, count: 0 }
  const listener = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    if (isStuck(forwarder.count++)) return
    const to = net.connect(port, '127.0.0.1')
    sockets.add(to)
    to.on('error', () => socket.destroy())
    socket.pipe(to).pipe(socket)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  forwarder.port = (listener.address() as { port: number }).port
  defer(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return forwarder
}

it.each([1, 2])(
  'without a TLS handshake and with minConnections %d, requests after the first timeout are answered',
  async (minConnections) => {
    const clock = new FakeClock()
    const origin = await server({ protocols: ['h2'] })
    const forwarder = await startForwarder(origin.port, (index) => index < minConnections)
    const client = createClient({ clock, timeouts: { connect: 10_000 }, minConnectionsPerOrigin: minConnections })
    const pending: Promise<number | string>[] = []
    for (let seconds = 0; seconds < 40; seconds += 4) {
      const answer = client.request({ url: `https://a.test.example:${forwarder.port}/` })
      pending.push(
        answer.then(
          ({ status }) => status,
          ({ name }: Error) => name,
        ),
      )
      while (forwarder.count < 1) await new Promise(setImmediate)
      await clock.pass(4_000)
      if (forwarder.count > minConnections) break
    }
    const outcomes = await Promise.all(pending)
    expect([...new Set(outcomes)]).toEqual(['TimeoutError', 200])
    expect(outcomes.filter((outcome) => outcome === 200).length).toBeGreaterThanOrEqual(2)
  },
)

it('a request with a longer timeout keeps its dial, although other requests have left it', async () => {
  const clock = new FakeClock()
  const { port } = await startForwarder(1, () => true)
  const client = createClient({ clock, timeouts: { connect: 1_000 } })
  const url = `https://a.test.example:${port}/`
  let settled = false
  const longRequest = client.request({ url, timeouts: { connect: 30_000 } })
  longRequest.catch(() => {
    settled = true
  })
  const short = client.request({ url })
  await clock.pass(2_000)
  await expect(short).rejects.toMatchObject({ name: 'TimeoutError', ms: 1_000 })
  expect([settled, client.stats().totals.dials]).toEqual([false, 1])
  await clock.pass(29_000)
  await expect(longRequest).rejects.toMatchObject({ name: 'TimeoutError', ms: 30_000 })
})
