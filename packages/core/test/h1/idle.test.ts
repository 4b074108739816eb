/**
 * How long an idle HTTP/1.1 connection stays open, and how `keep-alive` of a response changes it.
 */

import { FakeClock } from '@unshard/testkit'
import { Client } from '../../src/index.js'
import { type RawServer, startRawServer } from './raw-server.js'

const closers: (() => unknown)[] = []
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
})

async function serve(fields: string): Promise<{ server: RawServer; client: Client; clock: FakeClock }> {
  const server = await startRawServer({
    onRequest: ({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${fields}content-length: 2\r\n\r\nok`),
  })
  const clock = new FakeClock()
  const client = new Client({ clock, maxConnectionsPerOrigin: 1 })
  closers.push(
    () => server.close(),
    () => client.destroy(),
  )
  return { server, client, clock }
}

it.each([
  ['4 s without keep-alive', '', 4_000],
  ['8 s with keep-alive: timeout=10', 'keep-alive: timeout=10\r\n', 8_000],
  ['8 s with keep-alive: max=100, Timeout=10', 'keep-alive: max=100, Timeout=10\r\n', 8_000],
  ['4 s with keep-alive: timeout=soon', 'keep-alive: timeout=soon\r\n', 4_000],
])('an idle connection is closed after %s', async (_title, fields, limitMs) => {
  const { server, client, clock } = await serve(fields)
  const exchange = async (): Promise<string> => (await client.request({ url: server.url })).text()
  expect(await exchange()).toBe('ok')
  clock.advance(limitMs - 1)
  expect(client.stats().connections).toHaveLength(1)
  // The time counts from the last request.
  expect(await exchange()).toBe('ok')
  clock.advance(limitMs - 1)
  expect(client.stats().connections).toHaveLength(1)
  clock.advance(1)
  expect(client.stats().connections).toHaveLength(0)
  expect(await exchange()).toBe('ok')
  expect(server.lines).toHaveLength(2)
})

it.each(['timeout=2', 'timeout=1', 'timeout=0'])('a connection is closed after a response with keep-alive: %s', async (value) => {
  const { server, client } = await serve(`keep-alive: ${value}\r\n`)
  for (let i = 0; i < 2; i++) expect(await (await client.request({ url: server.url })).text()).toBe('ok')
  expect(server.lines).toHaveLength(2)
})

it('20 requests share the timers of their connection', async () => {
  const { server, client, clock } = await serve('')
  for (let i = 0; i < 20; i++) await (await client.request({ url: server.url })).text()
  // One timer each of the connection, the pool and the deadlines.
  expect(clock.pending).toBeLessThanOrEqual(3)
  expect(server.lines).toHaveLength(1)
})

it('an idle connection is not used again after the machine was suspended', async () => {
  const { server, client, clock } = await serve('')
  const exchange = async (): Promise<string> => (await client.request({ url: server.url })).text()
  expect(await exchange()).toBe('ok')
  // The monotonic clock does not advance during the suspension.
  clock.moveWall(3_600_000)
  expect(await exchange()).toBe('ok')
  expect(server.lines).toHaveLength(2)
  // A wall clock that is set back has no effect.
  clock.moveWall(-7_200_000)
  expect(await exchange()).toBe('ok')
  expect(server.lines).toHaveLength(2)
})

it('a request that an idle connection has lost is not sent on the other idle ones, which may be closing as well', async () => {
  const idle = 3
  const server = await startRawServer({
    onRequest({ number, socket }, { path }) {
      if (path === '/race' && number < idle) socket.destroy()
      else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    },
  })
  const client = new Client({ maxConnectionsPerOrigin: idle, replay: 1 })
  closers.push(
    () => server.close(),
    () => client.destroy(),
  )
  const get = async (path: string): Promise<string> => (await client.request({ url: `${server.url}${path}` })).text()
  await Promise.all(Array.from({ length: idle }, (_, i) => get(`/${i}`)))
  expect(server.lines).toHaveLength(idle)
  expect(await get('/race')).toBe('ok')
  expect(server.requests.filter(({ path }) => path === '/race')).toHaveLength(2)
})
