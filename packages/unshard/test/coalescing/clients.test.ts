// What http2-wrapper, fetch-h2 and undici test of their pools, as it applies here; each title starts with the row of the matrix.
import { Client as UndiciClient, Pool as UndiciPool } from 'undici'
import { coalescing, createClient } from '../../src/index.js'
import { sharingRig } from './rig.js'

const NAMES = ['a.example', 'b.example', 'c.example']
const { ca, client, defer, get, lookup, serving, until } = sharingRig({
  'a.example': '127.0.0.1',
  'b.example': '127.0.0.1',
  'c.example': '127.0.0.1',
})

/** Answers when it is told to. */
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

it('K55, K56 (opposed: the stricter is the fuller one): of two connections with room the busier one is joined', async () => {
  const { started, at, release } = await holding()
  const one = client({ reuse: coalescing({ deny: [] }) })
  // Tags keep the first two apart; c may join neither of them, and d both, by its own tag: so the choice is made within one tag.
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

it('K59 prevents session overloading: never above the server’s limit, over three origins and 60 requests', async () => {
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

it('K61 no infinity loop on endpoint mismatch: a set without the origin means a connection of its own, once', async () => {
  const started = await serving(NAMES, { origins: (port) => [`https://nobody.example:${port}`] })
  const one = client()
  for (const host of ['a', 'b', 'a', 'b']) await get(one, `https://${host}.example:${started.port}`)
  expect([started.connections, one.stats().totals.dials]).toEqual([2, 2])
})

it('K62 sessions are grouped into options and authorities: settings of one origin’s own keep it apart', async () => {
  const started = await serving(NAMES)
  const one = client({ pools: { [`https://b.example:${started.port}`]: { protocols: ['h2'] } } })
  await get(one, `https://a.example:${started.port}`)
  expect(await get(one, `https://b.example:${started.port}`)).toMatchObject({ coalesced: false, because: 'options-differ' })
})

it('K63 respects maxSessions, and the order of the queue: one connection, first come, first served', async () => {
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

it('K66 origin cache, cleanup: no entry is left of a connection that is gone', async () => {
  const started = await serving(NAMES)
  const one = client()
  for (const host of ['a', 'b', 'c']) await get(one, `https://${host}.example:${started.port}`)
  expect(one.stats().pools).toHaveLength(3)
  for (const session of started.sessions) session.close()
  await until(() => one.stats().connections.length === 0)
  expect(one.stats().pools).toEqual([])
  expect((await one.explain(`https://a.example:${started.port}`)).candidates).toEqual([])
})

it('K67 the anchor: undici opens a connection for each of three origins, where one does', async () => {
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
