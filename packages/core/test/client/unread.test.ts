/** Responses that are asked for all at once, and read only when all are there. Over HTTP/1.1 see h1/unread.test.ts. */

import type { OriginHandler } from '@unshard/testkit'
import { rig } from './rig.js'

const { client, server } = rig()
const MEGABYTE = 1_000_000

it('120 responses of 1 MB on a server that allows 100 streams do not stand still, though it holds 10 MB for a connection', async () => {
  const handler: OriginHandler = (_request, response) => void response.end(Buffer.alloc(MEGABYTE))
  const origin = await server({ protocols: ['h2'], handler, settings: { maxConcurrentStreams: 100 } })
  const one = client()
  const url = `${origin.url('a.test.example')}/`
  const responses = await Promise.all(Array.from({ length: 120 }, () => one.request({ url })))
  // Node resets what is beyond its memory: asked again, elsewhere, and no more of them at once.
  expect(one.stats().connections.length).toBeLessThanOrEqual(14)
  for (const response of responses) expect(await response.bytes()).toHaveLength(MEGABYTE)
  // Those beyond what the origin may have are closed when they have nothing to do.
  await (await one.request({ url })).bytes()
  while (one.stats().connections.length > 1) await new Promise(setImmediate)
})

it('responses that are read count as ever: requests wait for a stream, and no other connection is dialed', async () => {
  const handler: OriginHandler = (_request, response) => void response.end('ok')
  const origin = await server({ protocols: ['h2'], handler, settings: { maxConcurrentStreams: 2 } })
  const one = client()
  const get = async (): Promise<string> => (await one.request({ url: `${origin.url('a.test.example')}/` })).text()
  expect(await Promise.all(Array.from({ length: 50 }, get))).toEqual(Array.from({ length: 50 }, () => 'ok'))
  expect(origin.connections).toBe(1)
})

it.each(['h2', 'http/1.1'] as const)(
  'a connection of the caller’s own stays one, though its response is not read: %s',
  async (protocol) => {
    const handler: OriginHandler = (_request, response) => void response.end(Buffer.alloc(MEGABYTE))
    const origin = await server({ protocols: [protocol], handler, settings: { maxConcurrentStreams: 1 } })
    const one = client()
    const handle = await one.connect(origin.url('a.test.example'))
    const first = await handle.request({ url: '/' })
    const second = handle.request({ url: '/' })
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
    expect(origin.connections).toBe(1)
    await first.bytes()
    await (await second).bytes()
    expect(origin.connections).toBe(1)
  },
)
