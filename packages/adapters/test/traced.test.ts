/** No request is reported twice or never, whatever sends it and however it ends. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type Client, TransportError, UnshardError } from '@unshard/core'
import { createFetch, Dispatcher } from '../src/index.js'
import { fetchFixtures, PROTOCOLS } from './fetch/fixtures.js'

const REQUESTS = 5_000
const IN_FLIGHT = 100
const CHANNELS = ['create', 'trailers', 'error'] as const

const fixture = fetchFixtures()

/** Counts the messages of each request. */
function recorded(): { ends: Map<object, string[]>; stop(): void } {
  const ends = new Map<object, string[]>()
  const listeners = CHANNELS.map((name) => {
    const listener = (message: unknown): void => {
      const { request } = message as { request: object }
      if (name === 'create') ends.set(request, [])
      else ends.get(request)!.push(name)
    }
    subscribe(`undici:request:${name}`, listener)
    return (): void => void unsubscribe(`undici:request:${name}`, listener)
  })
  const stop = (): void => {
    for (const each of listeners) each()
  }
  return { ends, stop }
}

/** A lost connection takes the responses of other requests with it. Anything else fails the test. */
function expectLoss(error: Error): void {
  const lost = error instanceof UnshardError ? error : error.cause
  if (!(lost instanceof TransportError)) throw error
}

/** Sends one of six kinds of requests. */
async function one(i: number, client: Client, url: (path: string) => string): Promise<void> {
  const fetch = createFetch(client)
  const controller = new AbortController()
  const { signal } = controller
  switch (i % 6) {
    case 0:
      return void (await (await client.get(url('/text'))).text())
    case 1:
      return void (await (await fetch(url('/redirect'), { redirect: 'follow' })).text())
    case 2: {
      const request = client.request({ url: url('/slow'), signal })
      setImmediate(() => controller.abort())
      return void (await request.then((response) => response.text()).catch(() => undefined))
    }
    case 3:
      return void (await client.get(url('/text'))).discard()
    case 4:
      return void (await (await fetch(url('/echo'), { method: 'POST', body: `content ${i}` })).text())
    default:
      // The server closes the connection of every hundredth.
      return void (await client.get(url(i % 600 === 5 ? '/lost' : '/text')).then(
        (response) => response.text(),
        () => undefined,
      ))
  }
}

it.each(PROTOCOLS)(
  'of 5,000 requests over %s, with aborts, redirects and losses, each is created and ended once',
  async (protocol) => {
    const { fetch, url } = await fixture(protocol, {
      handler: (request, response) => {
        if (request.url === '/redirect') return void response.writeHead(302, { location: '/text', 'content-length': 0 }).end()
        if (request.url === '/lost') return void request.socket.destroy()
        if (request.url === '/slow') return void setImmediate(() => response.end('late'))
        request.resume()
        request.on('end', () => response.end('content'))
      },
    })
    const { client } = fetch
    const { ends, stop } = recorded()
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < REQUESTS) await one(next++, client, url).catch(expectLoss)
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
    await client.close()
    stop()
    expect([...ends.values()].filter((each) => each.length !== 1)).toEqual([])
    expect(ends.size).toBe(client.stats().totals.requests)
    expect(ends.size).toBeGreaterThan(REQUESTS)
    const { finished, failed } = client.stats().totals
    expect(finished + Object.values(failed).reduce((sum, each) => sum + each, 0)).toBe(ends.size)
  },
  60_000,
)

it('a request through the Dispatcher is reported once, although undici publishes to the same channels', async () => {
  const { fetch, url } = await fixture('h2')
  const { ends, stop } = recorded()
  const dispatcher = new Dispatcher({ client: fetch.client })
  const response = await globalThis.fetch(url('/status/200'), { dispatcher } as never)
  await response.text()
  await fetch.client.close()
  stop()
  expect([...ends.values()]).toEqual([['trailers']])
})
