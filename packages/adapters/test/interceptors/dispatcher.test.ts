/** Interceptors under the dispatcher of undici, whose signals are no event targets: waits end, and requests are aborted. */

import type { Client, Interceptor } from '@unshard/core'
import { FakeClock } from '@unshard/testkit'
import { dedupe, hedge, rateLimit, retry } from '../../src/interceptors/index.js'
import { Dispatcher } from '../../src/undici/index.js'
import { counted, turns } from './fixture.js'

const ORIGIN = 'https://a.test.example'

/** Dispatches a GET, which the test aborts, and resolves with the calls of its handler. */
function dispatched(client: Client, path = '/') {
  const dispatcher = new Dispatcher({ client })
  const calls: string[] = []
  let abort!: (reason: Error) => void
  const done = new Promise<string[]>((resolve) => {
    dispatcher.dispatch({ origin: ORIGIN, path, method: 'GET' }, {
      onRequestStart(controller: { abort(reason: Error): void }) {
        abort = (reason) => controller.abort(reason)
      },
      onResponseStart: (_controller: unknown, status: number) => void calls.push(String(status)),
      onResponseData: (_controller: unknown, part: Buffer) => void calls.push(part.toString()),
      onResponseEnd: () => resolve([...calls, 'end']),
      onResponseError: (_controller: unknown, error: Error) => resolve([...calls, error.message]),
    } as never)
  })
  return { done, abort: (reason: Error) => abort(reason) }
}

it.each<[string, (clock: FakeClock) => Interceptor, number]>([
  ['retry()', (clock) => retry({ clock }), 1],
  ['rateLimit()', (clock) => rateLimit({ requests: 1, perMs: 1_000, clock }), 2],
])('an abort ends a wait of %s, and leaves no timer', async (_name, interceptor, requests) => {
  const clock = new FakeClock()
  const mocked = counted([interceptor(clock)], () => ({ status: 503, headers: { 'retry-after': '9' } }))
  const last = Array.from({ length: requests }, () => dispatched(mocked.client)).at(-1)!
  await turns()
  expect(clock.pending).toBe(1)
  last.abort(new Error('left'))
  expect(await last.done).toEqual(['left'])
  await turns()
  expect([clock.pending, mocked.calls]).toEqual([0, 1])
})

it.each<[string, Interceptor]>([
  ['hedge()', hedge({ afterMs: 10_000 })],
  ['dedupe()', dedupe()],
])('an abort after the response of %s ends its content', async (_name, interceptor) => {
  const mocked = counted([interceptor], () => ({
    body: new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('part')) }),
  }))
  const { done, abort } = dispatched(mocked.client)
  await turns()
  abort(new Error('left'))
  expect(await done).toEqual(['200', 'part', 'left'])
  expect(mocked.connections[0]!.active).toBe(0)
})
