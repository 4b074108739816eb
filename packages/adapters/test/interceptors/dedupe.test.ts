/** `dedupe()`: which requests share a response, what each caller gets, and what happens when callers leave. */

import type { MockRequest, MockResponse } from '@unshard/core/testing'
import { FakeClock } from '@unshard/testkit'
import { dedupe } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, turns, URL_ } from './fixture.js'

const environment = testEnvironment()

interface Received {
  readonly request: MockRequest
  answer(response: MockResponse): void
  fail(error: Error): void
}

/** A client whose requests are answered by the test. */
function deduped(options: object = {}, clientOptions: object = {}) {
  const received: Received[] = []
  const { client, connections } = counted(
    [dedupe(options)],
    (request) => new Promise<MockResponse>((answer, fail) => received.push({ request, answer, fail })),
    clientOptions,
  )
  return { received, client, connections }
}

it('identical requests are sent once, and each caller gets the whole response', async () => {
  const { received, client } = deduped()
  const responses = [1, 2, 3].map(() => client.request({ url: URL_, headers: { accept: 'text/plain' } }))
  await turns()
  expect(received).toHaveLength(1)
  received[0]!.answer({ status: 203, headers: { 'x-a': '1' }, body: 'content', trailers: { t: '2' } })
  for (const response of await Promise.all(responses)) {
    expect([response.status, response.headers.get('x-a'), await response.text()]).toEqual([203, '1', 'content'])
    expect([response.trailers?.get('t'), response.connection.because]).toEqual(['2', 'first-connection'])
  }
})

it('the copies are independent of each other', async () => {
  const { received, client } = deduped()
  const responses = [1, 2].map(async () => (await client.request({ url: URL_ })).bytes())
  await turns()
  received[0]!.answer({ body: Buffer.alloc(5_000, 'a') })
  const [first, second] = await Promise.all(responses)
  first!.fill(0)
  expect(Buffer.from(second!).toString()).toBe('a'.repeat(5_000))
})

it.each<[string, object]>([
  ['another URL', { url: `${URL_}?1` }],
  ['another method', { method: 'HEAD' }],
  ['another field', { headers: { authorization: 'Basic b' } }],
  ['another isolation', { isolation: 'tenant' }],
  ['another address policy', { addressPolicy: 'public' }],
  ['a body', { body: 'x' }],
  ['an unsafe method', { method: 'DELETE' }],
  ['interim responses', { onInformational: () => undefined }],
])('a request with %s is sent', async (_what, other) => {
  const { received, client } = deduped()
  const responses = [client.request({ url: URL_ }), client.request({ url: URL_, ...other })]
  await turns()
  expect(received).toHaveLength(2)
  for (const { answer } of received) answer({})
  await Promise.all(responses)
})

it('a key decides which requests are identical', async () => {
  const key = ({ url, headers }: { url: string; headers: { has(name: string): boolean } }) =>
    headers.has('x-own') ? undefined : new URL(url).pathname
  const { received, client } = deduped({ key })
  const own = { headers: { 'x-own': '1' } }
  const responses = [{ url: URL_ }, { url: `${URL_}?other` }, { url: URL_, ...own }, { url: URL_, ...own }].map((request) =>
    client.request(request),
  )
  await turns()
  expect(received).toHaveLength(3)
  for (const { answer } of received) answer({})
  await Promise.all(responses)
})

it('a request after the response is sent', async () => {
  const { received, client } = deduped()
  for (let i = 1; i <= 2; i++) {
    const responses = [1, 2].map(async () => (await client.request({ url: URL_ })).text())
    await turns()
    received[i - 1]!.answer({ body: String(i) })
    expect(await Promise.all(responses)).toEqual([String(i), String(i)])
  }
})

it('a request without company gets its response as it arrives', async () => {
  const origin = await environment.server({ handler: (_request, response) => void response.write('part') })
  const client = environment.client({ interceptors: [dedupe()] })
  const controller = new AbortController()
  const url = `https://a.test.example:${origin.port}/`
  const response = await client.request({ url, signal: controller.signal })
  const parts = response.body
  expect(Buffer.from((await parts.next()).value!).toString()).toBe('part')
  const next = parts.next()
  controller.abort(new Error('left'))
  await expect(next).rejects.toThrow('left')
})

describe('a response that is not shared goes to the first caller as it arrives, and the others send their own', () => {
  it.each<[string, MockResponse]>([
    ['too large by its length', { headers: { 'content-length': '11' }, body: '12345678901' }],
    ['too large as it arrives', { body: new Blob(['12345', '678901']).stream() as ReadableStream<Uint8Array> }],
    ['a stream of events', { headers: { 'content-type': 'text/event-stream' }, body: 'data: 1' }],
  ])('%s', async (_what, answer) => {
    const { received, client, connections } = deduped({ maxBytes: 10 })
    const texts = [1, 2].map(async () => (await client.request({ url: URL_ })).text())
    await turns()
    received[0]!.answer(answer)
    await turns()
    expect(received).toHaveLength(2)
    received[1]!.answer({ body: 'own' })
    expect(await Promise.all(texts)).toEqual([expect.stringMatching(/^(12345678901|data: 1)$/), 'own'])
    expect(connections[0]!.active).toBe(0)
  })

  it('and leaving it ends the request', async () => {
    const { received, client, connections } = deduped({ maxBytes: 3 })
    const first = client.request({ url: URL_ })
    const second = client.request({ url: URL_ })
    await turns()
    received[0]!.answer({
      body: new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('12345')) }),
    })
    const response = await first
    received[1]!.answer({})
    await second
    for await (const part of response.body) {
      expect(Buffer.from(part).toString()).toBe('12345')
      break
    }
    await turns()
    expect(connections[0]!.active).toBe(0)
  })
})

describe('an abort', () => {
  it.each([0, 1])('of caller %i leaves the other', async (which) => {
    const { received, client } = deduped()
    const controllers = [new AbortController(), new AbortController()]
    const texts = controllers.map(async ({ signal }) => (await client.request({ url: URL_, signal })).text())
    await turns()
    controllers[which]!.abort(new Error('left'))
    await expect(texts[which]).rejects.toThrow('left')
    received[0]!.answer({ body: 'content' })
    expect(await texts[1 - which]).toBe('content')
    expect(received).toHaveLength(1)
  })

  it('of all ends the request, and the next one is sent', async () => {
    const { received, client, connections } = deduped()
    const controllers = [new AbortController(), new AbortController()]
    const responses = controllers.map(({ signal }) => client.request({ url: URL_, signal }))
    await turns()
    for (const controller of controllers) controller.abort(new Error('left'))
    for (const response of responses) await expect(response).rejects.toThrow('left')
    await turns()
    expect([received[0]!.request.signal.aborted, connections[0]!.active]).toEqual([true, 0])
    const third = client.request({ url: URL_ })
    await turns()
    received[1]!.answer({ body: 'third' })
    expect(await (await third).text()).toBe('third')
  })
})

describe('a failure', () => {
  it('before the response is that of all callers', async () => {
    const { received, client } = deduped()
    const responses = [1, 2].map(() => client.request({ url: URL_ }))
    for (const response of responses) response.catch(() => undefined)
    await turns()
    received[0]!.fail(new Error('own'))
    for (const response of responses) await expect(response).rejects.toThrow('own')
  })

  it('of the content is that of all callers', async () => {
    const { received, client } = deduped()
    const responses = [1, 2].map(() => client.request({ url: URL_ }))
    for (const response of responses) response.catch(() => undefined)
    await turns()
    received[0]!.answer({ body: new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('broken')) }) })
    for (const response of responses) await expect(response).rejects.toThrow()
  })

  it('by the deadline of the first caller leaves the others, which send their own', async () => {
    const clock = new FakeClock()
    const { received, client } = deduped({}, { clock, timeouts: { total: 1_000 } })
    const first = client.request({ url: URL_ })
    first.catch(() => undefined)
    await turns()
    clock.advance(600)
    const second = client.request({ url: URL_ })
    await turns()
    clock.advance(400)
    await expect(first).rejects.toMatchObject({ code: 'ERR_TIMEOUT_TOTAL' })
    await turns()
    received.at(-1)!.answer({ body: 'content' })
    expect(await (await second).text()).toBe('content')
  })
})

it.each<[unknown, string]>([
  [{ key: 'url' }, 'ERR_INVALID_OPTION'],
  [{ maxBytes: -1 }, 'ERR_INVALID_OPTION'],
  [{ max: 1 }, 'ERR_UNKNOWN_OPTION'],
])('refuses %j with %s', (options, code) => {
  expect(() => dedupe(options as never)).toThrow(expect.objectContaining({ code }))
})
