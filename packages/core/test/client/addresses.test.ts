/**
 * Addresses of further connections: `round-robin` over servers, new DNS lookups at the maximum age.
 */

import { FakeClock, type OriginServer } from '@unshard/testkit'
import type { ReusePolicy } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3']

async function startServers(): Promise<OriginServer[]> {
  const first = await server({ protocols: ['h2'], address: ADDRESSES[0]! })
  const others = ADDRESSES.slice(1).map((address) => server({ protocols: ['h2'], address, port: first.port }))
  return [first, ...(await Promise.all(others))]
}

describe('round-robin over three connections reaches three servers', () => {
  it.each<[string, (round: number) => string[]]>([
    ['the same list each time', () => ADDRESSES],
    ['a list that rotates', (round) => ADDRESSES.map((_, i) => ADDRESSES[(i + round) % 3]!)],
    ['one address per lookup', (round) => [ADDRESSES[round % 3]!]],
  ])('when the resolver returns %s', async (_what, answer) => {
    const servers = await startServers()
    let round = 0
    const client = createClient({
      lookup: (_host, _options, callback) => {
        callback(
          null,
          answer(round++).map((address) => ({ address, family: 4 })),
        )
      },
      strategy: 'round-robin',
      minConnectionsPerOrigin: 3,
      maxConnectionsPerOrigin: 3,
    })
    const url = `${servers[0]!.url('a.test.example')}/`
    await (await client.request({ url })).text()
    while (client.stats().connections.length < 3) await new Promise(setImmediate)
    for (let i = 0; i < 6; i++) await (await client.request({ url })).text()
    expect(
      client
        .stats()
        .connections.map(({ remoteAddress }) => remoteAddress)
        .toSorted(),
    ).toEqual(ADDRESSES)
    for (const { connections } of servers) expect(connections).toBe(1)
  })
})

it('at maxConnectionAgeMs every origin that shared the connection is resolved again', async () => {
  const [oldServer] = await startServers()
  const clock = new FakeClock(1)
  const lookups: string[] = []
  const sharing: ReusePolicy = { verdict: () => ({ use: true, because: 'test' }), misdirected: () => undefined }
  const client = createClient({
    clock,
    reuse: sharing,
    lookup: (host, _options, callback) => {
      lookups.push(host)
      callback(null, [{ address: '127.0.0.1', family: 4 }])
    },
    lookupTtlMs: 1_000_000,
    maxConnectionAgeMs: 60_000,
    idleTimeoutMs: 0,
    verifyAfterIdleMs: 0,
  })
  const get = async (host: string): Promise<string> => (await client.request({ url: `${oldServer!.url(host)}/` })).text()
  for (const host of ['a.test.example', 'b.test.example']) await get(host)
  expect([lookups, client.stats().connections.length]).toEqual([['a.test.example', 'b.test.example'], 1])
  clock.advance(60_001)
  for (const host of ['b.test.example', 'a.test.example']) await get(host)
  expect(lookups.slice(2).toSorted()).toEqual(['a.test.example', 'b.test.example'])
})
