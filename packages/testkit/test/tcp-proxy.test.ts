// The relay counts, delays, holds and resets.
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import {
  createAuthority,
  type OriginServer,
  patternBytes,
  startOriginServer,
  startTcpProxy,
  type TcpProxy,
} from '@unshard/testkit'
import { openSession, requestH2 } from './client.js'

let origin: OriginServer
let proxy: TcpProxy
beforeAll(async () => {
  origin = await startOriginServer({ protocols: ['h2'] })
})
afterAll(() => origin.close())
afterEach(() => proxy.close())

test('bytes arrive in order, delayed by both directions', async () => {
  proxy = await startTcpProxy(origin.port, { delayMs: 20 })
  const session = await openSession(`http://127.0.0.1:${proxy.port}`)
  const start = performance.now()
  const { body } = await requestH2(session, { ':path': '/bytes/300000' })
  expect(performance.now() - start).toBeGreaterThanOrEqual(40)
  expect(body.equals(patternBytes(300_000))).toBe(true)
  expect(proxy).toMatchObject({ connections: 1, openSockets: 1 })
  session.destroy()
})

test('a TLS handshake is counted when the server answers it; a connection without one is not counted', async () => {
  const authority = await createAuthority()
  const secure = await startOriginServer({ tls: await authority.issue({ names: ['a.test.example'] }) })
  proxy = await startTcpProxy(secure.port)
  const plain = net.connect(proxy.port, '127.0.0.1')
  await once(plain, 'connect')
  const socket = tls.connect({ port: proxy.port, host: '127.0.0.1', servername: 'a.test.example', ca: authority.ca })
  await once(socket, 'secureConnect')
  expect(proxy).toMatchObject({ connections: 2, handshakes: 1 })
  plain.destroy()
  socket.destroy()
  await secure.close()
})

test('a half-close passes, and later bytes still come back', async () => {
  const echo = net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = await startTcpProxy((echo.address() as net.AddressInfo).port, { delayMs: 5 })
  const client = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
  client.end('all of it')
  let text = ''
  client.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(client, 'end')
  expect(text).toBe('all of it')
  echo.close()
})

test('paused it is a black hole; resumed it delivers the held bytes', async () => {
  proxy = await startTcpProxy(origin.port)
  const session = await openSession(`http://127.0.0.1:${proxy.port}`)
  await requestH2(session, { ':path': '/' })
  proxy.pause()
  const before = origin.requests.length
  const answer = requestH2(session, { ':path': '/' })
  // In the meantime a second connection directly to the origin completes a round trip.
  const direct = await openSession(origin.url())
  await requestH2(direct, { ':path': '/json' })
  expect(origin.requests.slice(before).map(({ path }) => path)).toEqual(['/json'])
  proxy.resume()
  expect((await answer).status).toBe(200)
  session.destroy()
  direct.destroy()
})

test('reset() ends connections with ECONNRESET', async () => {
  proxy = await startTcpProxy(origin.port)
  const socket = net.connect(proxy.port, '127.0.0.1')
  await once(socket.resume(), 'connect')
  while (proxy.openSockets === 0) await new Promise(setImmediate)
  proxy.reset()
  const [error] = await once(socket, 'error').catch((reason) => [reason])
  expect(error).toMatchObject({ code: 'ECONNRESET' })
})
