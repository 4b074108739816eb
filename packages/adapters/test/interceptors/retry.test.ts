/** `retry()`: which responses are retried, after how long, and what ends a wait. */

import { FakeClock } from '@unshard/testkit'
import { retry } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, once, turns, URL_ } from './fixture.js'

const environment = testEnvironment()

/** Answers with these statuses, then with 200. */
function failing(statuses: readonly number[], headers: Record<string, string> = {}, options: object = {}) {
  const clock = new FakeClock()
  let next = 0
  const mocked = counted([retry({ clock, ...options })], () => {
    const status = statuses[next++]
    return status === undefined ? { body: 'done' } : { status, headers, body: 'later' }
  })
  return { clock, mocked }
}

it.each([429, 503])('after %i the request is sent again, when the time of retry-after has passed', async (status) => {
  const { clock, mocked } = failing([status, status], { 'retry-after': '2' })
  const response = mocked.client.request({ url: URL_, method: 'PUT', body: 'again' })
  for (const expected of [1, 2]) {
    await turns()
    clock.advance(1_999)
    await turns()
    expect([mocked.calls, clock.pending]).toEqual([expected, 1])
    clock.advance(1)
  }
  expect(await (await response).text()).toBe('done')
  expect([mocked.calls, clock.pending, mocked.connections[0]!.active]).toEqual([3, 0, 0])
})

it('a date of retry-after is that of the clock', async () => {
  const { clock, mocked } = failing([503], { 'retry-after': new Date(5_000).toUTCString() })
  const response = mocked.client.request({ url: URL_ })
  await turns()
  clock.advance(5_000)
  expect((await response).status).toBe(200)
})

it('without retry-after a random part of a delay that doubles', async () => {
  const { clock, mocked } = failing([503, 503], {}, { baseDelayMs: 100 })
  const response = mocked.client.request({ url: URL_ })
  for (const delay of [100, 200]) {
    await turns()
    clock.advance(delay)
  }
  expect((await response).status).toBe(200)
})

it.each<[string, object, Record<string, string>, number, object]>([
  ['another status', {}, { 'retry-after': '0' }, 500, {}],
  ['a POST', { method: 'POST', body: 'x' }, { 'retry-after': '0' }, 503, {}],
  ['a retry-after over the limit', {}, { 'retry-after': '31' }, 503, {}],
  ['one attempt', {}, { 'retry-after': '0' }, 503, { attempts: 1 }],
])('%s is not retried', async (_what, request, headers, status, options) => {
  const { mocked } = failing([status], headers, options)
  const response = await mocked.client.request({ url: URL_, ...request })
  expect([response.status, await response.text(), mocked.calls]).toEqual([status, 'later', 1])
})

it.each([
  ['is sent again if its first bytes, which are kept, are all that was sent', 16_384, 200, 2],
  ['is not sent again after more bytes than are kept', 16_385, 503, 1],
])('a body that can be read once %s', async (_what, length, status, attempts) => {
  const clock = new FakeClock()
  const received: number[] = []
  const mocked = counted([retry({ clock })], async (request) => {
    received.push((await request.bytes()).length)
    return received.length === 1 ? { status: 503, headers: { 'retry-after': '0' } } : { body: 'done' }
  })
  const response = mocked.client.request({ url: URL_, method: 'PUT', body: once(Buffer.alloc(length)) })
  await turns()
  clock.advance(0)
  expect((await response).status).toBe(status)
  expect(received).toEqual(Array.from({ length: attempts }, () => length))
})

it('a POST with an idempotency-key is retried, up to the number of attempts', async () => {
  const { clock, mocked } = failing([503, 503, 503, 503], { 'retry-after': '0' })
  const response = mocked.client.request({ url: URL_, method: 'POST', body: 'x', headers: { 'Idempotency-Key': '1' } })
  for (let i = 0; i < 3; i++) {
    await turns()
    clock.advance(0)
  }
  expect([(await response).status, mocked.calls]).toEqual([503, 3])
})

it.each<[string, (parts: { destroy(): void; abort(): void }) => void]>([
  ['an abort', ({ abort }) => abort()],
  ['the end of the client', ({ destroy }) => destroy()],
])('%s ends the wait: no timer is left, and the response is discarded', async (_what, end) => {
  const { clock, mocked } = failing([503], { 'retry-after': '9' })
  const controller = new AbortController()
  const response = mocked.client.request({ url: URL_, signal: controller.signal })
  response.catch(() => undefined)
  await turns()
  expect(clock.pending).toBe(1)
  end({ abort: () => controller.abort(new Error('left')), destroy: () => mocked.client.destroy(new Error('left')) })
  await expect(response).rejects.toThrow('left')
  await turns()
  expect([clock.pending, mocked.calls, mocked.connections[0]!.active]).toEqual([0, 1, 0])
})

it('a response that is discarded over HTTP/2 frees its stream', async () => {
  const clock = new FakeClock()
  const mocked = counted([retry({ clock })], () =>
    mocked.calls === 1 ? { status: 503, headers: { 'retry-after': '1' }, body: new ReadableStream<Uint8Array>() } : {},
  )
  const response = mocked.client.request({ url: URL_ })
  await turns()
  clock.advance(1_000)
  await response
  expect(mocked.connections[0]!.active).toBe(0)
})

it('an error is not retried', async () => {
  const mocked = counted([retry()], () => Promise.reject(new Error('own')))
  await expect(mocked.client.request({ url: URL_ })).rejects.toThrow('own')
  expect(mocked.calls).toBe(1)
})

it('over HTTP/1.1 the connection is reused', async () => {
  let requests = 0
  const origin = await environment.server({
    protocols: ['http/1.1'],
    handler: (_request, response) => {
      response.writeHead(++requests === 1 ? 503 : 200, { 'retry-after': '0' })
      response.end('content')
    },
  })
  const client = environment.client({ interceptors: [retry()] })
  const response = await client.request({ url: `https://a.test.example:${origin.port}/` })
  expect([response.status, await response.text(), origin.connections, requests]).toEqual([200, 'content', 1, 2])
})

it.each<[unknown, string]>([
  [{ attempts: 0 }, 'retry.attempts'],
  [{ statuses: [20] }, 'retry.statuses'],
  [{ delay: 5 }, 'delay'],
  [{ clock: 5 }, 'clock'],
  [5, 'retry()'],
])('refuses %j, and the error names %s', (options, name) => {
  expect(() => retry(options as never)).toThrow(name)
})
