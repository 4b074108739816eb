// Cases from the pool tests of http2-wrapper, fetch-h2 and undici, as far as they apply here. Each
// title ends with the row of the coalescing matrix.
import { Client as UndiciClient, Pool as UndiciPool } from 'undici'
import { coalescing, createClient } from '../../src/index.js'
import { sharingFixture } from './fixture.js'

const NAMES = ['a.example', 'b.example', 'c.example']
const { ca, client, defer, get, lookup, serving, until } = sharingFixture({
  'a.example': '127.0.0.1',
  'b.example': '127.0.0.1',
  'c.example': '127.0.0.1',
})

/** Responds on demand. */
async function holding(settings: { maxConcurrentStreams?: number } = {}) {
  const held: { end(): void }[] = []
  let most = 0
  const started = await serving(NAMES, {
    settings,
    handler: (_request, response) => {
      held.push(response)
      most = Math.max(most, held.length)
    },
  })
  const release = (): void => {
    for (const response of held.splice(0)) response.end()
  }
  return { started, held, release, at: (host: string) => `https://${host}.example:${started.port}/`, most: () => most }
}

it('of two connections with capacity the busier one is joined (the opposite of K55 and K56)', async () => {
  const { started, at, release } = await holding()
  const one = client({ reuse: coalescing({ deny: [] }) })
  // Isolation keeps the first two apart; c may join neither of them, and d both, by its own
  // isolation: so the choice is made within one isolation.
  const tagged = { isolation: 'tag' }
  const [a, b] = [get(one, at('a'), tagged), get(one, at('a'), tagged)]
  await started.delivered(2)
  const c = get(one, at('c'), tagged)
  await started.delivered(3)
  release()
  const ids = (await Promise.all([a, b, c])).map(({ id }) => id)
  expect(new Set(ids).size).toBe(1)
  expect(started.connections).toBe(1)
})

it('the server’s stream limit is never exceeded, over three origins and 60 requests ("prevents session overloading", K59)', async () => {
  const { started, at, held, release, most } = await holding({ maxConcurrentStreams: 7 })
  const one = client()
  const first = get(one, at('a'))
  await started.delivered(1)
  release()
  await first
  const all = ['a', 'b', 'c'].flatMap((host) => Array.from({ length: 20 }, () => get(one, at(host))))
  await until(() => {
    if (held.length === 7) release()
    return started.requests.length === 61
  })
  await until(() => {
    release()
    return one.stats().connections[0]?.active === 0
  })
  expect((await Promise.all(all)).map(({ status }) => status)).toEqual(Array(60).fill(200))
  expect([most(), started.connections]).toEqual([7, 1])
})

it('a set without the origin leads to one dedicated connection ("no infinity loop on endpoint mismatch", K61)', async () => {
  const started = await serving(NAMES, { origins: (port) => [`https://nobody.example:${port}`] })
  const one = client()
  for (const host of ['a', 'b', 'a', 'b']) await get(one, `https://${host}.example:${started.port}`)
  expect([started.connections, one.stats().totals.dials]).toEqual([2, 2])
})

it('an origin’s own settings keep it apart ("sessions are grouped into options and authorities", K62)', async () => {
  const started = await serving(NAMES)
  const one = client({ pools: { [`https://b.example:${started.port}`]: { protocols: ['h2'] } } })
  await get(one, `https://a.example:${started.port}`)
  expect(await get(one, `https://b.example:${started.port}`)).toMatchObject({ coalesced: false, because: 'options-differ' })
})

it('with one connection requests are served in order ("respects maxSessions, and the order of the queue", K63)', async () => {
  const { started, at, release } = await holding({ maxConcurrentStreams: 1 })
  const one = client()
  const order: number[] = []
  const all = Array.from({ length: 6 }, async (_, i) => {
    await get(one, at('a'))
    order.push(i)
  })
  await until(() => {
    release()
    return order.length === 6
  })
  await Promise.all(all)
  expect(order).toEqual([0, 1, 2, 3, 4, 5])
  expect(started.connections).toBe(1)
})

it('no entry is left of a closed connection ("origin cache, cleanup", K66)', async () => {
  const started = await serving(NAMES)
  const one = client()
  for (const host of ['a', 'b', 'c']) await get(one, `https://${host}.example:${started.port}`)
  expect(one.stats().pools).toHaveLength(3)
  for (const session of started.sessions) session.close()
  await until(() => one.stats().connections.length === 0)
  expect(one.stats().pools).toEqual([])
  expect((await one.explain(`https://a.example:${started.port}`)).candidates).toEqual([])
})

it('undici opens a connection for each of three origins, where one is enough (K67)', async () => {
  const started = await serving(NAMES)
  const connect = { ca: ca(), lookup }
  for (const host of ['a', 'b', 'c']) {
    const pool = new UndiciPool(`https://${host}.example:${started.port}`, { allowH2: true, connections: 1, connect })
    defer(() => pool.close())
    expect(pool).not.toBeInstanceOf(UndiciClient)
    await (await pool.request({ path: '/', method: 'GET' })).body.text()
  }
  expect(started.connections).toBe(3)
  const one = createClient({ tls: { ca: ca() }, lookup })
  defer(() => one.destroy())
  for (const host of ['a', 'b', 'c']) await get(one, `https://${host}.example:${started.port}`)
  expect(started.connections).toBe(4)
})
