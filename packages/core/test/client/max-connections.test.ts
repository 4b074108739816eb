/** The option `maxConnections`: of the client over all origins, and of a pool over its origins. */

import { Socket } from 'node:net'
import { FakeClock, type OriginHandler } from '@unshard/testkit'
import type { Client, ClientOptions, HttpResponse } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()

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
