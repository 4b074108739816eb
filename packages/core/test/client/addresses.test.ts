/** Addresses of further connections: `round-robin` over several machines, and new DNS lookups at the maximum connection age. */

import { FakeClock, type OriginServer } from '@unshard/testkit'
import type { ReusePolicy } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client, server } = clientFixture()
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3']

async function machines(): Promise<OriginServer[]> {
  const first = await server({ protocols: ['h2'], address: ADDRESSES[0]! })
  const others = ADDRESSES.slice(1).map((address) => server({ protocols: ['h2'], address, port: first.port }))
  return [first, ...(await Promise.all(others))]
}

describe('round-robin over three connections reaches three machines', () => {
  it.each<[string, (round: number) => string[]]>([
    ['always the same list', () => ADDRESSES],
    ['a list that rotates', (round) => ADDRESSES.map((_, i) => ADDRESSES[(i + round) % 3]!)],
    ['one address at a time', (round) => [ADDRESSES[round % 3]!]],
  ])('if the resolver returns %s', async (_what, answer) => {
    const all = await machines()
    let round = 0
    const one = client({
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
    const url = `${all[0]!.url('a.test.example')}/`
    await (await one.request({ url })).text()
    while (one.stats().connections.length < 3) await new Promise(setImmediate)
    for (let i = 0; i < 6; i++) await (await one.request({ url })).text()
    expect(
      one
        .stats()
        .connections.map(({ remoteAddress }) => remoteAddress)
        .toSorted(),
    ).toEqual(ADDRESSES)
    for (const { connections } of all) expect(connections).toBe(1)
  })
})

it('maxConnectionAgeMs resolves every origin that shared the connection again', async () => {
  const [old] = await machines()
  const clock = new FakeClock(1)
  const asked: string[] = []
  const sharing: ReusePolicy = { verdict: () => ({ use: true, because: 'test' }), misdirected: () => undefined }
  const one = client({
    clock,
    reuse: sharing,
    lookup: (host, _options, callback) => {
      asked.push(host)
      callback(null, [{ address: '127.0.0.1', family: 4 }])
    },
    lookupTtlMs: 1_000_000,
    maxConnectionAgeMs: 60_000,
    idleTimeoutMs: 0,
    verifyAfterIdleMs: 0,
  })
  const get = async (host: string): Promise<string> => (await one.request({ url: `${old!.url(host)}/` })).text()
  for (const host of ['a.test.example', 'b.test.example']) await get(host)
  expect([asked, one.stats().connections.length]).toEqual([['a.test.example', 'b.test.example'], 1])
  clock.advance(60_001)
  for (const host of ['b.test.example', 'a.test.example']) await get(host)
  expect(asked.slice(2).toSorted()).toEqual(['a.test.example', 'b.test.example'])
})
