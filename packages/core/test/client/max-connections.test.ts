/** The option `maxConnections`: of the client over all origins, and of a pool over its origins. */

import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { FakeClock, type OriginHandler, startTcpProxy } from '@unshard/testkit'
import type { Client, ClientOptions, HttpResponse } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, defer, server } = clientFixture()

const HOSTS = [...'abcdefgh'].map((letter) => `${letter}.test.example`)

/** Counts the sockets that this process opens, from the moment a dial begins until the socket is destroyed, which closes its descriptor. */
class Counter {
  /** The most that were open at a time. */
  most = 0
  readonly #sockets = new Set<Socket>()

  note(socket: Socket): void {
    for (const each of this.#sockets) if (each.destroyed) this.#sockets.delete(each)
    this.#sockets.add(socket)
    this.most = Math.max(this.most, this.#sockets.size)
  }
}

const { connect } = Socket.prototype
let counter: Counter
beforeEach(() => {
  counter = new Counter()
  Socket.prototype.connect = function (this: Socket, ...options: unknown[]) {
    counter.note(this)
    return Reflect.apply(connect, this, options) as Socket
  } as typeof connect
})
afterEach(() => {
  Socket.prototype.connect = connect
})

/** One server for each host. */
async function servers(count: number, protocols: ('h2' | 'http/1.1')[]) {
  const handler: OriginHandler = (_request, response) => void setImmediate(() => response.end('ok'))
  const all = await Promise.all(Array.from({ length: count }, () => server({ protocols, handler })))
  return { urls: all.map((each, i) => `${each.url(HOSTS[i]!)}/`), all }
}

const read = async (response: Promise<HttpResponse>): Promise<string> => (await response).text()
const openOf = (client: Client): number => client.stats().connections.filter(({ state }) => state !== 'closed').length

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it('requests to six hosts at once have at most two connections, and all are answered', async () => {
    const { urls, all } = await servers(6, [protocol])
    const client = createClient({ maxConnections: 2 })
    const bodies = await Promise.all(urls.flatMap((url) => [read(client.request({ url })), read(client.request({ url }))]))
    expect(bodies).toEqual(Array.from({ length: 12 }, () => 'ok'))
    expect(counter.most).toBe(2)
    expect(all.every(({ requests }) => requests.length === 2)).toBe(true)
  })

  it('an idle connection is closed for a request to another host, the longest idle first', async () => {
    const { urls, all } = await servers(3, [protocol])
    const client = createClient({ maxConnections: 2 })
    for (const url of urls) await read(client.request({ url }))
    expect(
      client
        .stats()
        .connections.map(({ origin }) => `${origin}/`)
        .sort(),
    ).toEqual([urls[1], urls[2]].sort())
    expect(all.map(({ connections }) => connections)).toEqual([1, 1, 1])
    await read(client.request({ url: urls[2]! }))
    expect(all[2]!.connections).toBe(1)
  })
})

/** A host whose response is held open, and another host. */
async function heldAndOther(options: ClientOptions) {
  const handler: OriginHandler = (_request, response) => {
    response.writeHead(200)
    response.write('first')
  }
  const held = await server({ handler })
  const other = await server()
  const client = createClient(options)
  const response = await client.request({ url: `${held.url('a.test.example')}/` })
  return { client, response, other: `${other.url('b.test.example')}/`, server: other }
}

it('a request that waits for the limit ends by timeouts.queue, and not by timeouts.connect', async () => {
  const clock = new FakeClock()
  const timeouts = { queue: 5_000, connect: 1_000 }
  const { client, other } = await heldAndOther({ maxConnections: 1, clock, timeouts })
  for (const headers of [{}, { connection: 'close' }]) {
    const answer = client.request({ url: other, headers }).catch((error: unknown) => error)
    await new Promise(setImmediate)
    for (let i = 0; i < 60; i++) {
      clock.advance(100)
      await new Promise(setImmediate)
    }
    expect(await answer).toMatchObject({ name: 'TimeoutError', phase: 'queue', ms: 5_000, processed: 'no' })
  }
})

it('a request that waits for the limit is sent when a response has been read', async () => {
  const { client, response, other, server: asked } = await heldAndOther({ maxConnections: 1 })
  const answer = client.request({ url: other })
  await new Promise(setImmediate)
  expect(asked.connections).toBe(0)
  response.discard()
  expect((await answer).status).toBe(200)
  expect(openOf(client)).toBe(1)
})

it('a request that is aborted while it waits leaves its place to the next', async () => {
  const { client, response, other } = await heldAndOther({ maxConnections: 1 })
  const abort = new AbortController()
  const aborted = client.request({ url: other, signal: abort.signal })
  const answer = client.request({ url: other, isolation: 'another' })
  await new Promise(setImmediate)
  abort.abort('enough')
  await expect(aborted).rejects.toBe('enough')
  response.discard()
  expect((await answer).status).toBe(200)
})

it('a failed dial gives its place back', async () => {
  const closed = await server()
  const port = closed.port
  await closed.close()
  const { urls } = await servers(1, ['h2'])
  const client = createClient({ maxConnections: 1 })
  for (let i = 0; i < 3; i++) {
    await expect(client.request({ url: `https://b.test.example:${port}/` })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  }
  expect(await read(client.request({ url: urls[0]! }))).toBe('ok')
})

it('connections for one request count until they are closed', async () => {
  const { urls } = await servers(4, ['h2'])
  const client = createClient({ maxConnections: 1 })
  const headers = { connection: 'close' }
  await Promise.all(urls.map((url) => read(client.request({ url, headers }))))
  expect(counter.most).toBe(1)
})

it('a handle counts until it is closed', async () => {
  const { urls } = await servers(2, ['h2'])
  const client = createClient({ maxConnections: 1 })
  const handle = await client.connect(new URL(urls[0]!).origin)
  expect(await read(handle.request({ url: '/' }))).toBe('ok')
  const answer = read(client.request({ url: urls[1]! }))
  handle.destroy()
  expect(await answer).toBe('ok')
})

it('the idle connection of a handle is never closed for another request', async () => {
  const { urls, all } = await servers(2, ['h2'])
  const client = createClient({ maxConnections: 1 })
  const handle = await client.connect(new URL(urls[0]!).origin)
  await read(handle.request({ url: '/' }))
  const answer = read(client.request({ url: urls[1]! }))
  await new Promise(setImmediate)
  expect(await read(handle.request({ url: '/' }))).toBe('ok')
  expect(all.map(({ connections }) => connections)).toEqual([1, 0])
  await handle.close()
  expect(await answer).toBe('ok')
})

it('a server that accepts and never answers gets at most two connections, and other hosts are served', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { urls } = await servers(1, ['h2'])
  const clock = new FakeClock()
  const client = createClient({ maxConnections: 4, clock, timeouts: { connect: 1_000 } })
  const url = `https://h.test.example:${(silent.address() as AddressInfo).port}/`
  const stalled: Promise<unknown>[] = []
  for (let i = 0; i < 30; i++) {
    stalled.push(client.request({ url }).catch((error: unknown) => error))
    await new Promise(setImmediate)
    clock.advance(300)
    await new Promise(setImmediate)
  }
  expect(counter.most).toBeLessThanOrEqual(2)
  expect(await read(client.request({ url: urls[0]! }))).toBe('ok')
  client.destroy()
  await Promise.all(stalled)
  silent.close()
})

it('a dial that has exceeded the connect timeout ends for another host that waits', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { urls } = await servers(1, ['h2'])
  const clock = new FakeClock()
  const client = createClient({ maxConnections: 1, clock, timeouts: { connect: 1_000 } })
  const url = `https://h.test.example:${(silent.address() as AddressInfo).port}/`
  const patient = client.request({ url, timeouts: { connect: 60_000 } }).catch((error: unknown) => error)
  const answer = read(client.request({ url: urls[0]! }))
  for (let i = 0; i < 12; i++) {
    await new Promise(setImmediate)
    clock.advance(100)
  }
  expect(await answer).toBe('ok')
  client.destroy()
  expect(await patient).toMatchObject({ code: 'ERR_CLIENT_DESTROYED' })
  silent.close()
})

it.each([
  ['HTTP/1.1, bursts of three under a limit of two', ['http/1.1'], { maxConnections: 2 }, 3, 2],
  ['a minimum above the limit', ['h2'], { maxConnections: 1, minConnectionsPerOrigin: 2, maxConnectionsPerOrigin: 2 }, 2, 1],
] as const)('connections that requests need are kept: %s', async (_what, protocols, options, requests, connections) => {
  const { urls, all } = await servers(1, [...protocols])
  const client = createClient(options)
  for (let burst = 0; burst < 5; burst++)
    await Promise.all(Array.from({ length: requests }, () => read(client.request({ url: urls[0]! }))))
  expect(all[0]!.connections).toBe(connections)
})

it('more connections than the limit cannot be opened in advance, and those that are open stay', async () => {
  const { urls, all } = await servers(1, ['h2'])
  const client = createClient({ maxConnections: 1, minConnectionsPerOrigin: 2, maxConnectionsPerOrigin: 2 })
  await client.warm(urls)
  client.pools.resize(urls[0]!, 3, { least: 3 })
  await new Promise(setImmediate)
  expect([openOf(client), all[0]!.connections]).toEqual([1, 1])
})

it('a request to a host whose dial is slow ends by timeouts.connect, although others wait for the limit', async () => {
  const origin = await server({ protocols: ['http/1.1'] })
  const relay = await startTcpProxy(origin.port)
  defer(() => relay.close())
  const url = `https://a.test.example:${relay.port}/`
  const client = createClient({ maxConnections: 2, timeouts: { connect: 300, queue: 60_000 } })
  await read(client.request({ url }))
  await client.pools.close(new URL(url).origin)
  relay.pause()
  const errors = await Promise.allSettled(Array.from({ length: 6 }, () => client.request({ url })))
  expect(errors.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 'rejected'))
  for (const each of errors) expect((each as PromiseRejectedResult).reason).toMatchObject({ phase: 'connect' })
})

it('warm() and connect() that wait for the limit end by timeouts.queue, and a view has timeouts of its own', async () => {
  const { client, other } = await heldAndOther({ maxConnections: 1, timeouts: { connect: 60, queue: 200 } })
  const failure = { name: 'TimeoutError', phase: 'queue', ms: 200, processed: 'no' }
  await expect(client.connect(new URL(other).origin)).rejects.toMatchObject(failure)
  expect(await client.warm([other])).toMatchObject([{ error: failure }])
  const view = client.with({ timeouts: { queue: 100 } })
  await expect(view.connect(new URL(other).origin)).rejects.toMatchObject({ ...failure, ms: 100 })
})

describe('a limit that is set while the client runs', () => {
  /** Connections to the first hosts in the pool x, each idle or held. */
  async function opened(count: number, kind: 'idle' | 'held', options: ClientOptions = {}) {
    const handler: OriginHandler = (_request, response) => {
      response.writeHead(200).write('part')
      if (kind === 'idle') response.end()
    }
    const all = await Promise.all(HOSTS.slice(0, 6).map(() => server({ handler })))
    const urls = all.map((each, i) => `${each.url(HOSTS[i]!)}/`)
    const client = createClient(options)
    for (const url of urls.slice(0, count)) {
      const response = await client.request({ url, isolation: 'x' })
      if (kind === 'idle') await response.text()
    }
    return { client, urls }
  }

  it('counts the connections that exist', async () => {
    const { client, urls } = await opened(3, 'held')
    client.pools.open('x', { maxConnections: 2 })
    expect(client.pools.find(urls[0]!, 'x')!.limits.together).toEqual([{ most: 2, used: 3 }])
    const more = client.request({ url: urls[3]!, isolation: 'x', timeouts: { queue: 100 } })
    await expect(more).rejects.toMatchObject({ phase: 'queue' })
    expect(openOf(client)).toBe(3)
  })

  it('closes idle connections beyond it', async () => {
    const { client } = await opened(6, 'idle', { pools: { x: { maxConnections: 6 } } })
    client.pools.open('x', { maxConnections: 2 })
    while (openOf(client) > 2) await new Promise(setImmediate)
    expect(client.stats().pools.map(({ limits }) => limits.together[0]!.most)).toEqual([2, 2])
  })

  it('is higher, or is gone: handles, connections for one request and all others are served', async () => {
    const { client, urls } = await opened(1, 'held', { pools: { x: { maxConnections: 1 } } })
    const waiting = [
      client.connect(urls[1]!, { isolation: 'x' }),
      client.request({ url: urls[2]!, isolation: 'x', headers: { connection: 'close' } }),
      client.request({ url: urls[3]!, isolation: 'x' }),
    ]
    await new Promise(setImmediate)
    client.pools.open('x', {})
    await Promise.all(waiting)
    expect(client.pools.find(urls[3]!, 'x')!.limits.together).toEqual([])
  })

  it('does not count for other pools, whatever was asked for first', async () => {
    const { client, urls } = await opened(1, 'held')
    client.pools.open('x', { maxConnections: 1 })
    await Promise.all(urls.slice(1).map((url) => client.request({ url })))
    expect(openOf(client)).toBe(6)
  })
})

it('the full limit of one pool does not close idle connections of others', async () => {
  const { urls, all } = await servers(4, ['h2'])
  const handler: OriginHandler = (_request, response) => void response.writeHead(200).write('held')
  const held = await server({ handler })
  const client = createClient({ maxConnections: 3, pools: { p: { maxConnections: 1 } } })
  await client.request({ url: `${held.url('h.test.example')}/`, isolation: 'p' })
  const waiting = client.request({ url: urls[3]!, isolation: 'p' }).catch((error: unknown) => error)
  for (let i = 0; i < 10; i++) await read(client.request({ url: urls[i % 2]! }))
  expect(all.map(({ connections }) => connections)).toEqual([1, 1, 0, 0])
  client.destroy()
  await waiting
})

it('the limit of a pool holds for its origins alone, and that of the client for all', async () => {
  const { urls } = await servers(6, ['h2'])
  const client = createClient({ maxConnections: 4, pools: { crawler: { maxConnections: 2 } } })
  const crawled = urls.map((url) => read(client.request({ url, isolation: 'crawler' })))
  const others = urls.map((url) => read(client.request({ url })))
  await Promise.all([...crawled, ...others])
  expect(counter.most).toBe(4)
  const crawling = client.stats().connections.filter(({ isolation }) => isolation === 'crawler')
  expect(crawling.length).toBeLessThanOrEqual(2)
})

it('a limit that is raised serves the requests that wait', async () => {
  const { urls } = await servers(1, ['h2'])
  const handler: OriginHandler = (_request, response) => void response.writeHead(200).write('held')
  const held = await server({ handler })
  const client = createClient({ pools: { few: { maxConnections: 1 } } })
  await client.request({ url: `${held.url('h.test.example')}/`, isolation: 'few' })
  const answer = read(client.request({ url: urls[0]!, isolation: 'few' }))
  await new Promise(setImmediate)
  client.pools.open('few', { maxConnections: 2 })
  expect(await answer).toBe('ok')
})

it('the pool default has no limit of its own', () => {
  expect(() => createClient({ pools: { default: { maxConnections: 1 } } })).toThrow('set maxConnections on the client')
})

it('thousands of requests to many hosts, some aborted, leave every place free', async () => {
  const { urls } = await servers(8, ['h2', 'http/1.1'])
  const client = createClient({ maxConnections: 3 })
  const ended = await Promise.allSettled(
    Array.from({ length: 2_000 }, (_, i) => {
      const abort = new AbortController()
      const isolation = i % 5 === 0 ? 'five' : undefined
      const answer = client.request({
        url: urls[i % 8]!,
        signal: abort.signal,
        ...(isolation === undefined ? {} : { isolation }),
      })
      if (i % 7 === 0) setImmediate(() => abort.abort('enough'))
      return read(answer)
    }),
  )
  const reasons = ended.filter(({ status }) => status === 'rejected').map((each) => (each as PromiseRejectedResult).reason)
  expect(new Set(reasons)).toEqual(new Set(['enough']))
  expect(counter.most).toBe(3)
  for (const url of urls) expect(await read(client.request({ url }))).toBe('ok')
})
