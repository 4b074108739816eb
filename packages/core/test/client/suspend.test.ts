/** A machine that was suspended with a request in flight: the next request does not wait on a dead connection. */

import { FakeClock, type OriginHandler, startTcpProxy, staticLookup } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const { client: createClient, defer, server } = clientFixture()

const handler: OriginHandler = (request, response) =>
  void (request.url === '/held' ? response.writeHead(200).write('part') : response.end('ok'))

it('a request after a suspend uses a new connection when the old one does not answer, whatever is in flight there', async () => {
  const origin = await server({ protocols: ['h2'], handler })
  const relay = await startTcpProxy(origin.port)
  defer(() => relay.close())
  const clock = new FakeClock()
  const client = createClient({ clock })
  const url = `https://a.test.example:${relay.port}`
  const held = await client.request({ url: `${url}/held` })
  clock.advance(100)
  relay.pause()
  clock.moveWall(600_000)
  clock.advance(100)
  const answer = client.request({ url: `${url}/` })
  await new Promise(setImmediate)
  expect(client.stats().connections.map(({ capacity }) => capacity)).toEqual([0])
  relay.resume()
  // The PING was held up too: it is answered now.
  expect((await answer).connection.id).toBe(held.connection.id)
})

it('an HTTP/1.1 server that is silent after the handshake is tried last, when a deadline has ended its request', async () => {
  const silent = await server({ protocols: ['http/1.1'], handler: () => undefined, address: '127.0.0.1' })
  const works = await server({ protocols: ['http/1.1'], handler, address: '127.0.0.2', port: silent.port })
  const clock = new FakeClock()
  const lookup = staticLookup({ 'a.test.example': ['127.0.0.1', '127.0.0.2'] })
  const client = createClient({ clock, lookup })
  const url = `https://a.test.example:${silent.port}/`
  const first = client.request({ url, timeouts: { headers: 1_000 } }).catch((error: unknown) => error)
  await silent.delivered(1)
  for (let i = 0; i < 30; i++) {
    clock.advance(50)
    await new Promise(setImmediate)
  }
  expect(await first).toMatchObject({ phase: 'headers' })
  expect((await client.request({ url })).connection.remoteAddress).toBe('127.0.0.2')
  expect(works.connections).toBe(1)
})
