/** Clients that are closed or destroyed during a dial that no request waits for. */

import net from 'node:net'
import { clientFixture } from './fixture.js'

const { client: createClient, defer } = clientFixture()

/** A server that accepts TCP and sends nothing. */
async function silentServer(): Promise<{ origin: string; closed: Promise<void> }> {
  let onClosed!: () => void
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve
  })
  const listener = net.createServer((socket) => {
    socket.on('error', () => undefined).resume()
    socket.on('close', () => onClosed())
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  defer(() => listener.close())
  return { origin: `https://a.test.example:${(listener.address() as net.AddressInfo).port}`, closed }
}

it.each(['close', 'destroy'] as const)(
  '%s rejects pending calls of warm and connect with a typed error, and closes the socket',
  async (method) => {
    const { origin, closed } = await silentServer()
    const client = createClient()
    const warmed = client.warm([origin])
    const connected = client.connect(origin).catch((error: unknown) => error)
    while (client.stats().totals.dials < 2) await new Promise(setImmediate)
    await client[method]()
    const error = { name: 'UsageError', code: method === 'close' ? 'ERR_CLIENT_CLOSED' : 'ERR_CLIENT_DESTROYED' }
    expect(await connected).toMatchObject(error)
    expect(await warmed).toMatchObject([{ origin, error }])
    await closed
    expect(client.stats().pools).toEqual([])
  },
)
