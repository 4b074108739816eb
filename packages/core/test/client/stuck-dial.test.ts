/** A dial that never finishes while requests keep arriving: they must not all wait for it. */

import net, { type Socket } from 'node:net'
import { FakeClock } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const { client, server, defer } = clientFixture()

/** Accepts connections: those selected by `isStuck` are never answered, the others are forwarded to `port`. */
async function gate(port: number, isStuck: (index: number) => boolean): Promise<{ port: number; count: number }> {
  const sockets = new Set<Socket>()
  const seen = { port: 0, count: 0 }
  const listener = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    if (isStuck(seen.count++)) return
    const to = net.connect(port, '127.0.0.1')
    sockets.add(to)
    to.on('error', () => socket.destroy())
    socket.pipe(to).pipe(socket)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  seen.port = (listener.address() as { port: number }).port
  defer(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return seen
}

it.each([1, 2])('TLS that is never answered, minConnections %d: requests after the first timeout are answered', async (least) => {
  const clock = new FakeClock()
  const origin = await server({ protocols: ['h2'] })
  const seen = await gate(origin.port, (index) => index < least)
  const one = client({ clock, timeouts: { connect: 10_000 }, minConnectionsPerOrigin: least })
  const asked: Promise<number | string>[] = []
  for (let seconds = 0; seconds < 40; seconds += 4) {
    const answer = one.request({ url: `https://a.test.example:${seen.port}/` })
    asked.push(
      answer.then(
        ({ status }) => status,
        ({ name }: Error) => name,
      ),
    )
    while (seen.count < 1) await new Promise(setImmediate)
    await clock.pass(4_000)
    if (seen.count > least) break
  }
  const outcomes = await Promise.all(asked)
  expect([...new Set(outcomes)]).toEqual(['TimeoutError', 200])
  expect(outcomes.filter((outcome) => outcome === 200).length).toBeGreaterThanOrEqual(2)
})

it('a request with a longer timeout keeps its dial, although other requests have left it', async () => {
  const clock = new FakeClock()
  const { port } = await gate(1, () => true)
  const one = client({ clock, timeouts: { connect: 1_000 } })
  const url = `https://a.test.example:${port}/`
  let settled = false
  const patient = one.request({ url, timeouts: { connect: 30_000 } })
  patient.catch(() => {
    settled = true
  })
  const short = one.request({ url })
  await clock.pass(2_000)
  await expect(short).rejects.toMatchObject({ name: 'TimeoutError', ms: 1_000 })
  expect([settled, one.stats().totals.dials]).toEqual([false, 1])
  await clock.pass(29_000)
  await expect(patient).rejects.toMatchObject({ name: 'TimeoutError', ms: 30_000 })
})
