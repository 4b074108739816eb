/**
 * Unread responses, each of which holds an HTTP/1.1 connection: a caller that reads them later must
 * not deadlock.
 */

import { createServer, type Server } from 'node:http'
import { Client, type ClientOptions } from '../../src/index.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** Content larger than the buffer of an unread response. */
const LARGE = Buffer.alloc(1_000_000, 'x')

interface Peer {
  readonly url: string
  connections: number
  open: number
  most: number
  /** Ends the responses to `/open`. */
  release(): void
}

async function serve(): Promise<Peer> {
  const held: (() => void)[] = []
  let released = false
  const server: Server = createServer((request, response) => {
    if (request.url === '/large') return void response.end(LARGE)
    if (request.url === '/small') return void response.end('small')
    response.write('begun')
    if (released) response.end()
    else held.push(() => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const peer: Peer = {
    ...{ url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, connections: 0, open: 0, most: 0 },
    release() {
      released = true
      for (const end of held.splice(0)) end()
    },
  }
  server.on('connection', (socket) => {
    peer.connections++
    peer.most = Math.max(peer.most, ++peer.open)
    socket.on('close', () => peer.open--)
  })
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  return peer
}

function createClient(options: ClientOptions = {}): Client {
  const client = new Client(options)
  closers.push(() => client.destroy())
  return client
}

it.each(['/large', '/open'])('twenty concurrent requests to %s complete before any response is read', async (path) => {
  const peer = await serve()
  const client = createClient()
  const responses = await Promise.all(Array.from({ length: 20 }, () => client.request({ url: peer.url + path })))
  peer.release()
  for (const response of responses) expect((await response.bytes()).length).toBe(path === '/large' ? LARGE.length : 5)
  expect(peer.connections).toBe(20)
})

it.each(['/large', '/open'])('fifty consecutive requests to %s complete though no content is read', async (path) => {
  const peer = await serve()
  const client = createClient()
  const unread = []
  for (let i = 0; i < 50; i++) {
    const response = await client.request({ url: peer.url + path })
    expect(response.status).toBe(200)
    unread.push(response)
  }
  expect(peer.connections).toBe(50)
})

it('requests whose responses are read use at most six connections', async () => {
  const peer = await serve()
  const client = createClient()
  const lengths = await Promise.all(
    Array.from({ length: 40 }, async (_, i) => {
      const response = await client.request({ url: peer.url + (i % 2 === 0 ? '/small' : '/large') })
      return (await response.bytes()).length
    }),
  )
  expect(new Set(lengths)).toEqual(new Set([5, LARGE.length]))
  expect(peer.most).toBe(6)
})

it('short unread responses hold no connection', async () => {
  const peer = await serve()
  const client = createClient()
  for (let i = 0; i < 50; i++) expect((await client.request({ url: `${peer.url}/small` })).status).toBe(200)
  expect(peer.connections).toBe(1)
})

it('a response that is partly read counts against maxConnectionsPerOrigin', async () => {
  const peer = await serve()
  const client = createClient({ maxConnectionsPerOrigin: 1, timeouts: { queue: 300 } })
  const response = await client.request({ url: `${peer.url}/large` })
  await response.body.next()
  await expect(client.request({ url: `${peer.url}/small` })).rejects.toMatchObject({ code: 'ERR_TIMEOUT_QUEUE' })
  expect(peer.connections).toBe(1)
})

it('connections beyond the limit are closed after their responses are read', async () => {
  const peer = await serve()
  const client = createClient({ maxConnectionsPerOrigin: 2 })
  const responses = await Promise.all(Array.from({ length: 8 }, () => client.request({ url: `${peer.url}/open` })))
  peer.release()
  await Promise.all(responses.map((response) => response.text()))
  while (peer.open > 2) await new Promise(setImmediate)
  expect(client.stats().connections.filter(({ state }) => state === 'open')).toHaveLength(2)
  expect(await (await client.request({ url: `${peer.url}/small` })).text()).toBe('small')
  expect(peer.connections).toBe(8)
})

it('a request fails with ERR_UNREAD_RESPONSES while unread responses hold 256 connections', async () => {
  const peer = await serve()
  const client = createClient()
  const unread = []
  for (let i = 0; i < 256; i++) unread.push(await client.request({ url: `${peer.url}/open` }))
  await expect(client.request({ url: `${peer.url}/small` })).rejects.toMatchObject({
    ...{ name: 'ConnectionError', code: 'ERR_UNREAD_RESPONSES', initiator: 'local', processed: 'no' },
    message: expect.stringContaining('256 connections are held by unread responses'),
  })
  unread[0]!.discard()
  expect(await (await client.request({ url: `${peer.url}/small` })).text()).toBe('small')
  expect(peer.connections).toBe(257)
})
