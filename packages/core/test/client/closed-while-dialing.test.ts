/** Clients that end during a dial that no request waits for. */

import net from 'node:net'
import { clientFixture } from './fixture.js'

const { client, defer } = clientFixture()

/** Accepts TCP, and sends nothing. */
async function silent(): Promise<{ origin: string; gone: Promise<void> }> {
  let left!: () => void
  const gone = new Promise<void>((resolve) => {
    left = resolve
  })
  const listener = net.createServer((socket) => {
    socket.on('error', () => undefined).resume()
    socket.on('close', () => left())
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  defer(() => listener.close())
  return { origin: `https://a.test.example:${(listener.address() as net.AddressInfo).port}`, gone }
}

it.each(['close', 'destroy'] as const)(
  '%s: warm and connect reject with a typed error, and the socket is closed',
  async (how) => {
    const { origin, gone } = await silent()
    const one = client()
    const warmed = one.warm([origin])
    const connected = one.connect(origin).catch((error: unknown) => error)
    while (one.stats().totals.dials < 2) await new Promise(setImmediate)
    await one[how]()
    const error = { name: 'UsageError', code: how === 'close' ? 'ERR_CLIENT_CLOSED' : 'ERR_CLIENT_DESTROYED' }
    expect(await connected).toMatchObject(error)
    expect(await warmed).toMatchObject([{ origin, error }])
    await gone
    expect(one.stats().pools).toEqual([])
  },
)
