/**
 * Responses that are requested at once and read after all have arrived. HTTP/1.1:
 * h1/unread.test.ts.
 */

import type { OriginHandler } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const { client: createClient, server, defer } = clientFixture()
const MEGABYTE = 1_000_000

it('120 unread responses of 1 MB do not stall with 100 streams and 10 MB of server memory per connection', async () => {
  const handler: OriginHandler = (_request, response) => void response.end(Buffer.alloc(MEGABYTE))
  const origin = await server({ protocols: ['h2'], handler, settings: { maxConcurrentStreams: 100 } })
  const client = createClient()
  const url = `${origin.url('a.test.example')}/`
  // A stall would end by the timeout of the test, whose error contains no state of the connections.
  let step = 'headers'
  const report = setTimeout(() => console.error(`stalled at ${step}: ${JSON.stringify(client.stats())}`), 15_000)
  defer(() => clearTimeout(report))
  const responses = await Promise.all(Array.from({ length: 120 }, () => client.request({ url })))
  // Node resets streams beyond its memory: they are replayed on other connections, fewer at once.
  expect(client.stats().connections.length).toBeLessThanOrEqual(14)
  for (const [i, response] of responses.entries()) {
    step = `body ${i} of connection ${response.connection.id}`
    expect(await response.bytes()).toHaveLength(MEGABYTE)
  }
  // Connections beyond the limit of the origin are closed when they are idle.
  step = 'one more request'
  await (await client.request({ url })).bytes()
  step = 'closing'
  while (client.stats().connections.length > 1) await new Promise(setImmediate)
})

it('responses that are read do not cause another dial: requests wait for a stream', async () => {
  const handler: OriginHandler = (_request, response) => void response.end('ok')
  const origin = await server({ protocols: ['h2'], handler, settings: { maxConcurrentStreams: 2 } })
  const client = createClient()
  const get = async (): Promise<string> => (await client.request({ url: `${origin.url('a.test.example')}/` })).text()
  expect(await Promise.all(Array.from({ length: 50 }, get))).toEqual(Array.from({ length: 50 }, () => 'ok'))
  expect(origin.connections).toBe(1)
})

it.each(['h2', 'http/1.1'] as const)(
  'a dedicated connection is not replaced while its response is unread: %s',
  async (protocol) => {
    const handler: OriginHandler = (_request, response) => void response.end(Buffer.alloc(MEGABYTE))
    const origin = await server({ protocols: [protocol], handler, settings: { maxConcurrentStreams: 1 } })
    const client = createClient()
    const handle = await client.connect(origin.url('a.test.example'))
    const first = await handle.request({ url: '/' })
    const second = handle.request({ url: '/' })
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect(origin.connections).toBe(1)
    await first.bytes()
    await (await second).bytes()
    expect(origin.connections).toBe(1)
  },
)
