/** A request that causes the loss of its connection must not end other requests repeatedly. */

import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { clientFixture } from './fixture.js'

const { client: createClient, tls, defer } = clientFixture()

interface Poisoned {
  readonly port: number
  /** The number of deliveries by path. */
  readonly deliveries: Map<string, number>
  readonly connections: () => number
  readonly mostConnections: () => number
}

/**
 * Returns the socket of the last session. Node's `session.destroy()` resets streams with NO_ERROR first, if the socket takes it: a test
 * would depend on time.
 */
function latestSocket(server: http2.Http2SecureServer): () => Duplex {
  let latest!: Duplex
  server.prependListener('secureConnection', (socket: Duplex) => {
    latest = socket
  })
  return () => latest
}

/**
 * A server that ends the connection of `/poison` if `innocents` other requests are on it,
 * or if it is the third or a later connection.
 */
async function poisonedServer(
  innocents: number,
  end: (session: http2.ServerHttp2Session, streamId: number, socket: Duplex) => void,
): Promise<Poisoned> {
  const deliveries = new Map<string, number>()
  let connections = 0
  let open = 0
  let most = 0
  const server = http2.createSecureServer({ ...(await tls()) })
  const latest = latestSocket(server)
  server.on('session', (session) => {
    const socket = latest()
    connections++
    most = Math.max(most, ++open)
    const waiting: http2.ServerHttp2Stream[] = []
    let poison: number | undefined
    session.on('error', () => undefined)
    session.on('close', () => open--)
    session.on('stream', (stream, headers) => {
      const path = headers[':path']!
      deliveries.set(path, (deliveries.get(path) ?? 0) + 1)
      stream.on('error', () => undefined)
      if (path === '/poison') poison = stream.id!
      else waiting.push(stream)
      if (poison !== undefined && (waiting.length >= innocents || connections > 2)) return end(session, poison, socket)
      // Other requests are answered after a delay, so that the poison request can arrive before.
      setImmediate(() =>
        setImmediate(() => {
          if (poison === undefined && connections > 2 && !stream.destroyed) {
            stream.respond({ ':status': 200 })
            stream.end(path)
          }
        }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => server.close())
  const { port } = server.address() as AddressInfo
  return { port, deliveries, connections: () => connections, mostConnections: () => most }
}

const INNOCENT = ['/a', '/b', '/c', '/d']

it.each([1, 2, 5])(
  'if the server does not name the cause, other requests are answered and the cause is sent at most %d + 2 times',
  async (replay) => {
    const server = await poisonedServer(4, (_session, _streamId, socket) => socket.destroy())
    const client = createClient({ replay })
    const url = `https://a.test.example:${server.port}`
    const answers = INNOCENT.map(async (path) => (await client.request({ url: `${url}${path}` })).text())
    const poison = client.request({ url: `${url}/poison` })
    await expect(poison).rejects.toMatchObject({ name: 'ConnectionError', processed: 'unknown' })
    expect(await Promise.all(answers)).toEqual(INNOCENT)
    for (const path of INNOCENT) expect(server.deliveries.get(path)).toBeLessThanOrEqual(3)
    expect(server.deliveries.get('/poison')).toBeLessThanOrEqual(replay + 2)
    expect(server.mostConnections()).toBeLessThanOrEqual(6)
  },
)

it('if GOAWAY names the cause, it is replayed apart and the innocent requests are replayed together', async () => {
  const deliveries: string[][] = []
  const server = http2.createSecureServer({ ...(await tls()) })
  server.on('session', (session) => {
    const paths: string[] = []
    deliveries.push(paths)
    session.on('error', () => undefined)
    session.on('stream', (stream, headers) => {
      const path = headers[':path']!
      paths.push(path)
      stream.on('error', () => undefined)
      if (path === '/poison') {
        // Like nginx for too large fields: ENHANCE_YOUR_CALM and the last processed stream.
        session.goaway(http2.constants.NGHTTP2_ENHANCE_YOUR_CALM, stream.id!)
        setImmediate(() => session.destroy())
      } else if (deliveries.length > 1) {
        stream.respond({ ':status': 200 })
        stream.end(path)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => server.close())
  const url = `https://a.test.example:${(server.address() as AddressInfo).port}`
  const client = createClient()
  const answers = ['/a', '/b'].map(async (path) => (await client.request({ url: `${url}${path}` })).text())
  const poison = client.request({ url: `${url}/poison` })
  await expect(poison).rejects.toMatchObject({ errorCode: http2.constants.NGHTTP2_ENHANCE_YOUR_CALM })
  expect(await Promise.all(answers)).toEqual(['/a', '/b'])
  expect(deliveries.map((each) => each.toSorted().join(' ')).toSorted()).toEqual(['/a /b', '/a /b /poison', '/poison'])
})

it('other methods are not replayed, and with replay: 0 no request is sent twice', async () => {
  const server = await poisonedServer(2, (_session, _streamId, socket) => socket.destroy())
  const client = createClient({ replay: 0 })
  const url = `https://a.test.example:${server.port}`
  const all = ['/a', '/b', '/poison'].map((path) => client.request({ url: `${url}${path}` }))
  const outcomes = await Promise.allSettled(all)
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect([...server.deliveries.values()]).toEqual([1, 1, 1])
})

it('a restart of the server with a hundred requests in flight causes one dial', async () => {
  let sessions = 0
  const server = http2.createSecureServer({ ...(await tls()) })
  const latest = latestSocket(server)
  server.on('session', (session) => {
    const socket = latest()
    const first = ++sessions === 1
    let count = 0
    session.on('error', () => undefined)
    session.on('stream', (stream) => {
      stream.on('error', () => undefined)
      if (!first) return void stream.respond({ ':status': 204 }, { endStream: true })
      if (++count === 100) socket.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => server.close())
  const url = `https://a.test.example:${(server.address() as AddressInfo).port}/`
  const client = createClient()
  const responses = await Promise.all(Array.from({ length: 100 }, () => client.request({ url })))
  expect(responses.every(({ status }) => status === 204)).toBe(true)
  expect(client.stats().totals).toMatchObject({ dials: 2, replayed: 100 })
})
