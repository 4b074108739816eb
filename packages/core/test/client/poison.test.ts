/** A request that causes the loss of its connection: it must not end other requests repeatedly. */

import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { clientFixture } from './fixture.js'

const { client, tls, defer } = clientFixture()

interface Poisoned {
  readonly port: number
  /** How often each path was delivered. */
  readonly deliveries: Map<string, number>
  readonly connections: () => number
  readonly mostConnections: () => number
}

/** Ends the connection that requests `/poison`, if `innocents` other requests are on it, or if it is alone on a later one. */
async function poisoned(
  innocents: number,
  end: (session: http2.ServerHttp2Session, streamId: number) => void,
): Promise<Poisoned> {
  const deliveries = new Map<string, number>()
  let connections = 0
  let open = 0
  let most = 0
  const server = http2.createSecureServer({ ...(await tls()) })
  server.on('session', (session) => {
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
      if (poison !== undefined && (waiting.length >= innocents || connections > 2)) return end(session, poison)
      // Other requests are answered after a delay, in which the poison request may arrive.
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
  'without a culprit named: the innocent requests are answered, and each is delivered at most %d + 2 times',
  async (replay) => {
    const server = await poisoned(4, (session) => session.destroy())
    const one = client({ replay })
    const url = `https://a.test.example:${server.port}`
    const innocent = INNOCENT.map(async (path) => (await one.request({ url: `${url}${path}` })).text())
    const poison = one.request({ url: `${url}/poison` })
    await expect(poison).rejects.toMatchObject({ name: 'ConnectionError', processed: 'unknown' })
    expect(await Promise.all(innocent)).toEqual(INNOCENT)
    for (const path of INNOCENT) expect(server.deliveries.get(path)).toBeLessThanOrEqual(3)
    expect(server.deliveries.get('/poison')).toBeLessThanOrEqual(replay + 2)
    expect(server.mostConnections()).toBeLessThanOrEqual(6)
  },
)

it('a GOAWAY that names the culprit: it is sent apart, and the innocent requests together', async () => {
  const deliveries: string[][] = []
  const server = http2.createSecureServer({ ...(await tls()) })
  server.on('session', (session) => {
    const mine: string[] = []
    deliveries.push(mine)
    session.on('error', () => undefined)
    session.on('stream', (stream, headers) => {
      const path = headers[':path']!
      mine.push(path)
      stream.on('error', () => undefined)
      if (path === '/poison') {
        // Like nginx with a field section that is too large: ENHANCE_YOUR_CALM, and the last stream it has processed.
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
  const one = client()
  const innocent = ['/a', '/b'].map(async (path) => (await one.request({ url: `${url}${path}` })).text())
  const poison = one.request({ url: `${url}/poison` })
  await expect(poison).rejects.toMatchObject({ errorCode: http2.constants.NGHTTP2_ENHANCE_YOUR_CALM })
  expect(await Promise.all(innocent)).toEqual(['/a', '/b'])
  expect(deliveries.map((each) => each.toSorted().join(' ')).toSorted()).toEqual(['/a /b', '/a /b /poison', '/poison'])
})

it('other methods are not replayed, and replay: 0 sends nothing twice', async () => {
  const server = await poisoned(2, (session) => session.destroy())
  const one = client({ replay: 0 })
  const url = `https://a.test.example:${server.port}`
  const all = ['/a', '/b', '/poison'].map((path) => one.request({ url: `${url}${path}` }))
  const outcomes = await Promise.allSettled(all)
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect([...server.deliveries.values()]).toEqual([1, 1, 1])
})

it('a restart of the server with a hundred requests in flight causes one dial, not a hundred', async () => {
  let sessions = 0
  const server = http2.createSecureServer({ ...(await tls()) })
  server.on('session', (session) => {
    const first = ++sessions === 1
    let count = 0
    session.on('error', () => undefined)
    session.on('stream', (stream) => {
      stream.on('error', () => undefined)
      if (!first) return void stream.respond({ ':status': 204 }, { endStream: true })
      if (++count === 100) session.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => server.close())
  const url = `https://a.test.example:${(server.address() as AddressInfo).port}/`
  const one = client()
  const responses = await Promise.all(Array.from({ length: 100 }, () => one.request({ url })))
  expect(responses.every(({ status }) => status === 204)).toBe(true)
  expect(one.stats().totals).toMatchObject({ dials: 2, replayed: 100 })
})
