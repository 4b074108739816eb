/** How long an HTTP/1.1 connection waits for its next request, and what a response says about that. */

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
  ['nothing: 4 s', '', 4_000],
  ['timeout=10: 2 s less', 'keep-alive: timeout=10\r\n', 8_000],
  ['timeout=10 and more', 'keep-alive: max=100, Timeout=10\r\n', 8_000],
  ['timeout without a number: 4 s', 'keep-alive: timeout=soon\r\n', 4_000],
])('a server that says %s', async (_title, fields, limitMs) => {
  const { server, client, clock } = await serve(fields)
  const ask = async (): Promise<string> => (await client.request({ url: server.url })).text()
  expect(await ask()).toBe('ok')
  clock.advance(limitMs - 1)
  expect(client.stats().connections).toHaveLength(1)
  // Its time counts from the last request.
  expect(await ask()).toBe('ok')
  clock.advance(limitMs - 1)
  expect(client.stats().connections).toHaveLength(1)
  clock.advance(1)
  expect(client.stats().connections).toHaveLength(0)
  expect(await ask()).toBe('ok')
  expect(server.lines).toHaveLength(2)
})

it.each(['timeout=2', 'timeout=1', 'timeout=0'])('a server that says %s leaves no time for another request', async (value) => {
  const { server, client } = await serve(`keep-alive: ${value}\r\n`)
  for (let i = 0; i < 2; i++) expect(await (await client.request({ url: server.url })).text()).toBe('ok')
  expect(server.lines).toHaveLength(2)
})

it('a timer is not touched by requests that come and go', async () => {
  const { server, client, clock } = await serve('')
  for (let i = 0; i < 20; i++) await (await client.request({ url: server.url })).text()
  // The connection's own, that of the pool, and that of the deadlines.
  expect(clock.pending).toBeLessThanOrEqual(3)
  expect(server.lines).toHaveLength(1)
})
