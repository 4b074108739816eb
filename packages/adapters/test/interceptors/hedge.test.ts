/** `hedge()`: when a further attempt is sent, which response wins, and what happens to the others. */

import type { MockRequest, MockResponse } from '@unshard/core/testing'
import { FakeClock } from '@unshard/testkit'
import { hedge } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, once, turns, URL_ } from './fixture.js'

const environment = testEnvironment()

interface Attempt {
  readonly request: MockRequest
  answer(response: MockResponse): void
  fail(error: Error): void
}

/** A client whose attempts are answered by the test. */
function hedged(options: object = {}) {
  const clock = new FakeClock()
  const attempts: Attempt[] = []
  const interceptor = hedge({ afterMs: 100, budgetPercent: 100, clock, ...options })
  const { client, connections } = counted([interceptor], (request) => {
    return new Promise<MockResponse>((answer, fail) => attempts.push({ request, answer, fail }))
  })
  return { clock, attempts, client, connections }
}

it('a response in time needs no further attempt', async () => {
  const { clock, attempts, client } = hedged()
  const response = client.request({ url: URL_ })
  await turns()
  clock.advance(99)
  attempts[0]!.answer({ body: 'first' })
  expect(await (await response).text()).toBe('first')
  expect([attempts.length, clock.pending]).toEqual([1, 0])
})

it.each([0, 1])('the first response wins, here that of attempt %i, and the other attempt is aborted', async (winner) => {
  const { clock, attempts, client, connections } = hedged()
  const response = client.request({ url: URL_, method: 'PUT', body: 'again' })
  await turns()
  clock.advance(100)
  await turns()
  expect([attempts.length, clock.pending]).toEqual([2, 0])
  attempts[winner]!.answer({ body: `attempt ${winner}` })
  expect(await (await response).text()).toBe(`attempt ${winner}`)
  await turns()
  expect(attempts.map(({ request }) => request.signal.aborted)).toEqual([winner === 1, winner === 0])
  expect(connections[0]!.active).toBe(0)
})

it('two responses in one turn: one is returned, the other discarded', async () => {
  const { clock, attempts, client, connections } = hedged()
  const response = client.request({ url: URL_ })
  await turns()
  clock.advance(100)
  await turns()
  for (const { answer } of attempts) answer({ body: new ReadableStream<Uint8Array>() })
  ;(await response).discard()
  await turns()
  expect(connections[0]!.active).toBe(0)
})

it('sends up to maxHedges further attempts', async () => {
  const { clock, attempts, client } = hedged({ maxHedges: 2 })
  // The budget pays one further attempt for each request.
  for (let i = 0; i < 2; i++) {
    const paying = client.request({ url: URL_ })
    await turns()
    attempts.pop()!.answer({})
    await paying
  }
  const response = client.request({ url: URL_ })
  for (let i = 0; i < 5; i++) {
    await turns()
    clock.advance(100)
  }
  expect([attempts.length, clock.pending]).toEqual([3, 0])
  attempts[2]!.answer({})
  await response
})

it('the budget limits further attempts to a part of the requests', async () => {
  const { clock, attempts, client } = hedged({ budgetPercent: 10 })
  let further = 0
  for (let i = 0; i < 40; i++) {
    const response = client.request({ url: URL_ })
    await turns()
    clock.advance(100)
    await turns()
    further += attempts.length - 1
    for (const { answer } of attempts.splice(0)) answer({})
    await response
  }
  expect(further).toBe(4)
})

describe('errors', () => {
  it('of an attempt before the time reject the request', async () => {
    const { clock, attempts, client } = hedged()
    const response = client.request({ url: URL_ })
    response.catch(() => undefined)
    await turns()
    attempts[0]!.fail(new Error('own'))
    await expect(response).rejects.toThrow('own')
    expect(clock.pending).toBe(0)
  })

  it('of one attempt leave the other, and the last one rejects', async () => {
    const { clock, attempts, client } = hedged()
    const response = client.request({ url: URL_ })
    response.catch(() => undefined)
    await turns()
    clock.advance(100)
    await turns()
    attempts[0]!.fail(new Error('first'))
    await turns()
    attempts[1]!.fail(new Error('second'))
    await expect(response).rejects.toThrow('second')
  })
})

it.each<[string, object]>([
  ['a POST', { method: 'POST', body: 'x' }],
  ['a body that can be read once', { method: 'PUT', body: once() }],
])('%s is sent once', async (_what, request) => {
  const { clock, attempts, client } = hedged()
  const response = client.request({ url: URL_, ...request })
  await turns()
  clock.advance(1_000)
  await turns()
  expect([attempts.length, clock.pending]).toEqual([1, 0])
  attempts[0]!.answer({})
  await response
})

describe('an abort', () => {
  it('ends all attempts, and leaves no timer', async () => {
    const { clock, attempts, client, connections } = hedged({ maxHedges: 2 })
    const controller = new AbortController()
    const response = client.request({ url: URL_, signal: controller.signal })
    response.catch(() => undefined)
    await turns()
    clock.advance(100)
    await turns()
    controller.abort(new Error('left'))
    await expect(response).rejects.toThrow('left')
    await turns()
    expect(attempts.map(({ request }) => request.signal.aborted)).toEqual([true, true])
    expect([clock.pending, connections[0]!.active]).toEqual([0, 0])
  })

  it('after the response aborts its body, and the signal keeps no listener after its end', async () => {
    const origin = await environment.server({
      handler: (request, response) => (request.url === '/end' ? void response.end('all') : void response.write('part')),
    })
    const controller = new AbortController()
    const { signal } = controller
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = ((...parts: Parameters<typeof addEventListener>) => {
      listeners++
      addEventListener.apply(signal, parts)
    }) as typeof addEventListener
    signal.removeEventListener = ((...parts: Parameters<typeof removeEventListener>) => {
      listeners--
      removeEventListener.apply(signal, parts)
    }) as typeof removeEventListener
    const client = environment.client({ interceptors: [hedge({ afterMs: 10_000 })] })
    const url = `https://a.test.example:${origin.port}`
    expect(await (await client.request({ url: `${url}/end`, signal })).text()).toBe('all')
    expect(listeners).toBe(0)
    const text = (await client.request({ url: `${url}/part`, signal })).text()
    expect(listeners).toBe(1)
    controller.abort(new Error('left'))
    await expect(text).rejects.toThrow('left')
    expect(listeners).toBe(0)
  })
})

it.each<[unknown, string]>([
  [{}, 'ERR_INVALID_OPTION'],
  [{ afterMs: 0 }, 'ERR_INVALID_OPTION'],
  [{ afterMs: 1, maxHedges: 11 }, 'ERR_INVALID_OPTION'],
  [{ afterMs: 1, budgetPercent: 101 }, 'ERR_INVALID_OPTION'],
  [{ afterMs: 1, clock: {} }, 'ERR_INVALID_OPTION'],
  [{ after: 1 }, 'ERR_UNKNOWN_OPTION'],
])('refuses %j with %s', (options, code) => {
  expect(() => hedge(options as never)).toThrow(expect.objectContaining({ code }))
})
