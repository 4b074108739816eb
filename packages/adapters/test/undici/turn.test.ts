/**
 * The event-loop turn in which a handler gets content that arrived with its headers: undici's fetch
 * and its interceptors rely on it.
 */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Dispatcher } from '../../src/undici/index.js'
import { testEnvironment } from '../environment.js'
import { versions } from './versions.js'

const { client } = testEnvironment()
const opened: { close(): void }[] = []
afterEach(() => {
  for (const server of opened.splice(0)) server.close()
})

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => listener(request, response))
  }).listen(0, '127.0.0.1')
  opened.push({ close: () => server.close().closeAllConnections() })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/**
 * Dispatches a GET and lists the handler calls, with a mark where a microtask of the headers has
 * run.
 */
function told(one: Dispatcher, origin: string, more: { onFields?: (controller: Pausable) => void } = {}): Promise<string[]> {
  const events: string[] = []
  return new Promise((resolve) => {
    one.dispatch(
      { origin, path: '/', method: 'GET' },
      {
        onRequestStart: () => undefined,
        onResponseStart: (controller: Pausable) => {
          events.push('fields')
          queueMicrotask(() => events.push('microtask'))
          more.onFields?.(controller)
        },
        onResponseData: (_controller: unknown, chunk: Buffer) => void events.push(chunk.toString()),
        onResponseEnd: () => {
          events.push('end')
          setImmediate(() => resolve(events))
        },
        onResponseError: (_controller: unknown, error: Error) => resolve([...events, error.message]),
      },
    )
  })
}

interface Pausable {
  pause(): void
  resume(): void
}

it.each([
  ['content', 'mis', ['fields', 'mis', 'end', 'microtask']],
  ['no content', '', ['fields', 'end', 'microtask']],
])(
  'a response with %s that has arrived is delivered completely, including its end, in one turn',
  async (_what, content, expected) => {
    const origin = await serving((_request, response) => void response.end(content))
    const one = new Dispatcher({ client: client() })
    expect(await told(one, origin)).toEqual(expected)
    await one.close()
  },
)

it('content that a handler pauses and resumes within a callback is delivered once, after that callback', async () => {
  const origin = await serving((_request, response) => void response.end('mis'))
  const one = new Dispatcher({ client: client() })
  const order: string[] = []
  const onFields = (controller: Pausable): void => {
    controller.pause()
    controller.resume()
    order.push('returned')
  }
  expect(await told(one, origin, { onFields })).toEqual(['fields', 'mis', 'end', 'microtask'])
  const paused = told(one, origin, {
    onFields: (controller) => {
      controller.pause()
      setImmediate(() => controller.resume())
    },
  })
  expect([await paused, order]).toEqual([['fields', 'microtask', 'mis', 'end'], ['returned']])
  await one.close()
})

describe.each(versions())('$name', ({ undici, controllers }) => {
  it('fetch retries after a 421, with the content', async () => {
    const seen: string[] = []
    const origin = await serving((request, response) => {
      seen.push(String(request.headers['content-length']))
      if (seen.length === 1) response.statusCode = 421
      response.end('mis')
    })
    const one = new Dispatcher({ client: client() })
    const response = await undici.fetch(origin, { method: 'POST', body: 'abc', dispatcher: one as never })
    expect(await response.text()).toBe('mis')
    // undici 6 and 7 return a 421 to the caller; 8 follows the Fetch standard.
    expect([[421], [421, 200]].some((all) => all.length === seen.length && all.at(-1) === response.status)).toBe(true)
    await one.close()
  })

  const { interceptors } = undici
  const redirects = interceptors?.redirect !== undefined && controllers
  it(`its redirect interceptor does not send a consumed stream again as empty content`, async () => {
    if (!redirects) return void process.stderr.write('without the redirect interceptor: this undici has none\n')
    const bodies: string[] = []
    const origin = await serving((request, response) => {
      bodies.push(request.url ?? '')
      if (request.url === '/307') response.writeHead(307, { location: '/x' })
      response.end()
    })
    const one = new Dispatcher({ client: client() })
    const dispatcher = one.compose([interceptors.redirect({ maxRedirections: 2 }) as never]) as never
    const body = new Blob(['abc']).stream()
    const sent = undici.request(`${origin}/307`, { method: 'POST', body: body as never, dispatcher })
    await expect(sent).rejects.toMatchObject({ message: expect.stringMatching(/locked|read/) })
    expect(bodies).toEqual(['/307'])
    await one.close()
  })
})
