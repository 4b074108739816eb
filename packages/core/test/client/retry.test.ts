/** The option `retry` is an interceptor inside all others: its place, its content, and how it ends. */

import { FakeClock } from '@unshard/testkit'
import type { Interceptor, RetryPolicy } from '../../src/index.js'
import { KEPT_BYTES } from '../../src/message/recorded-source.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()

/** A server that answers 503 to every request, to be asked again at once or after `seconds`. */
async function busyServer(seconds = 0): Promise<{ url: string; bodies: string[] }> {
  const bodies: string[] = []
  const origin = await server({
    handler: (request, response) => {
      let text = ''
      request.on('error', () => undefined)
      request.on('data', (bytes: Buffer) => {
        text += bytes.toString()
      })
      request.on('end', () => {
        bodies.push(text)
        response.writeHead(503, { 'retry-after': String(seconds) })
        response.end('later')
      })
    },
  })
  return { url: `${origin.url('a.test.example')}/`, bodies }
}

async function* parts(...texts: string[]): AsyncGenerator<string> {
  yield* texts
}

it('interceptors see a request and its last response once, however often it is retried', async () => {
  const { url, bodies } = await busyServer()
  const seen: number[] = []
  const outer: Interceptor = async (request, next) => {
    const response = await next(request)
    seen.push(response.status)
    return response
  }
  const client = createClient({ interceptors: [outer], retry: { attempts: 3, baseDelayMs: 0 } })
  await (await client.request({ url })).text()
  expect([seen, bodies.length, client.stats().totals.replayed]).toEqual([[503], 3, 2])
})

it('an interceptor can turn retries on and off', async () => {
  const { url, bodies } = await busyServer()
  const change =
    (retry: RetryPolicy | boolean): Interceptor =>
    (request, next) =>
      next(request.with({ retry }))
  await createClient({ interceptors: [change({ attempts: 2 })] }).request({ url })
  expect(bodies).toHaveLength(2)
  await createClient({ retry: true, interceptors: [change(false)] }).request({ url })
  expect(bodies).toHaveLength(3)
})

it('a request with retry: false is sent once by a client that retries', async () => {
  const { url, bodies } = await busyServer()
  expect((await createClient({ retry: true }).request({ url, retry: false })).status).toBe(503)
  expect(bodies).toHaveLength(1)
})

it.each([
  ['a short iterable is sent again', 'PUT', () => parts('a', 'b'), ['ab', 'ab']],
  ['a QUERY is sent again', 'QUERY', () => 'q', ['q', 'q']],
  ['a POST is not', 'POST', () => 'p', ['p']],
])('%s', async (_title, method, body, expected) => {
  const { url, bodies } = await busyServer()
  await (await createClient().request({ url, method, body: body(), retry: { attempts: 2 } })).text()
  expect(bodies).toEqual(expected)
})

it('an iterable longer than what is kept is sent once, and its response is returned', async () => {
  const { url, bodies } = await busyServer()
  const body = parts('x'.repeat(KEPT_BYTES), 'y')
  expect((await createClient().request({ url, method: 'PUT', body, retry: true })).status).toBe(503)
  expect(bodies.map((text) => text.length)).toEqual([KEPT_BYTES + 1])
})

it('a client closed during the delay of a retry says that the server may have processed the request', async () => {
  const { url } = await busyServer(20)
  const clock = new FakeClock()
  const client = createClient({ clock, retry: true })
  const answer = client.request({ url }).catch((error: unknown) => error)
  while (client.stats().totals.replayed < 1) await new Promise(setImmediate)
  const closed = client.close({ graceMs: 100 })
  clock.advance(150)
  expect(await answer).toMatchObject({
    name: 'ConnectionError',
    code: 'ERR_CLIENT_CLOSED',
    processed: 'unknown',
    initiator: 'local',
  })
  await closed
  expect(clock.referenced).toBe(0)
})

it('a client destroyed while an interceptor waits before it sends says that nothing was processed', async () => {
  const { url } = await busyServer()
  let reached!: () => void
  const waiting = new Promise<void>((resolve) => {
    reached = resolve
  })
  const client = createClient({
    interceptors: [
      () => {
        reached()
        return new Promise(() => undefined)
      },
    ],
  })
  const answer = client.request({ url }).catch((error: unknown) => error)
  await waiting
  client.destroy()
  expect(await answer).toMatchObject({ name: 'ConnectionError', code: 'ERR_CLIENT_DESTROYED', processed: 'no' })
})
