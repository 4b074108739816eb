/** The address policy and coalescing: no request with a policy joins a connection to an address that it forbids. */

import { FakeClock, type OriginServer, staticLookup, testWorld } from '@unshard/testkit'
import { type Client, type ClientOptions, createClient } from 'unshard'

const world = testWorld()
const NAMES = { 'a.test.example': '127.0.0.1', 'b.test.example': ['127.0.0.1', '127.0.0.2'], 'c.test.example': '127.0.0.1' }
const ONLY_SECOND = { allow: ['127.0.0.2'] }

function clientOf(options: ClientOptions = {}): Client {
  const client = createClient({ tls: { ca: world.authority.ca }, lookup: staticLookup(NAMES), ...options })
  world.defer(() => client.destroy())
  return client
}

async function machines(): Promise<[OriginServer, OriginServer]> {
  const first = await world.server({ protocols: ['h2'], address: '127.0.0.1' })
  return [first, await world.server({ protocols: ['h2'], address: '127.0.0.2', port: first.port })]
}

it('a request under a policy opens a connection of its own beside a shared one to a forbidden address', async () => {
  const [first, second] = await machines()
  const client = clientOf()
  await (await client.request({ url: `${first.url('a.test.example')}/` })).text()
  const shared = await client.request({ url: `${first.url('b.test.example')}/` })
  expect(shared.connection).toMatchObject({ coalesced: true, remoteAddress: '127.0.0.1' })
  const own = await client.request({ url: `${first.url('b.test.example')}/`, addressPolicy: ONLY_SECOND })
  expect(own.connection).toMatchObject({ coalesced: false, remoteAddress: '127.0.0.2' })
  expect([first.connections, second.connections]).toEqual([1, 1])
})

it('a request under a policy shares a connection to an allowed address, whichever policy opened it', async () => {
  const [first] = await machines()
  const client = clientOf()
  const policies = [undefined, { deny: ['10.0.0.0/8'] }, { allow: ['127.0.0.0/8'] }, undefined]
  for (const addressPolicy of policies) {
    const url = `${first.url('a.test.example')}/`
    await (await client.request(addressPolicy === undefined ? { url } : { url, addressPolicy })).text()
  }
  expect(first.connections).toBe(1)
})

it('100 requests at once, half of them under a policy that forbids the address: half fail, and none is misrouted', async () => {
  const [first] = await machines()
  // No time passes: a host waits for the handshake of the other one, however busy the machine is.
  const client = clientOf({ clock: new FakeClock() })
  const results = await client.requestAll(
    Array.from({ length: 100 }, (_, i) => ({
      url: `${first.url(i % 4 < 2 ? 'a.test.example' : 'c.test.example')}/`,
      ...(i % 2 === 0 ? {} : { addressPolicy: 'public' as const }),
    })),
  )
  const outcomes = results.map((result) => (result.status === 'fulfilled' ? result.value.status : result.reason.code))
  expect(outcomes).toEqual(Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 200 : 'ERR_ADDRESS_FORBIDDEN')))
  expect(first.connections).toBe(1)
})
