/** `rateLimit()`: the rate, the order, the pauses of servers, and what ends a wait. */

import { FakeClock } from '@unshard/testkit'
import { rateLimit, retry } from '../../src/interceptors/index.js'
import { counted, once, turns, URL_ } from './fixture.js'

/** A client with 2 requests a second, and the paths that its server received. */
function limited(options: object = {}, answer: () => object = () => ({})) {
  const clock = new FakeClock(1_000)
  const paths: string[] = []
  const { client, connections } = counted([rateLimit({ requests: 2, perMs: 1_000, clock, ...options })], (request) => {
    paths.push(new URL(request.url).pathname.slice(1))
    return answer()
  })
  const ask = (path: string | number, more: object = {}) => client.request({ url: `https://a.test.example/${path}`, ...more })
  return { clock, paths, client, ask, connections }
}

it('sends the burst at once, then one request for each token, in order', async () => {
  const { clock, paths, ask } = limited()
  const responses = Promise.all([1, 2, 3, 4, 5].map((path) => ask(path)))
  await turns()
  expect(paths).toEqual(['1', '2'])
  clock.advance(499)
  await turns()
  expect(paths).toHaveLength(2)
  clock.advance(1)
  await turns()
  expect(paths).toEqual(['1', '2', '3'])
  clock.advance(1_000)
  await responses
  expect(paths).toEqual(['1', '2', '3', '4', '5'])
  expect(clock.pending).toBe(0)
})

it('never sends more than the burst after a pause', async () => {
  const { clock, paths, ask } = limited({ burst: 3 })
  clock.advance(60_000)
  const responses = Promise.all([1, 2, 3, 4].map((path) => ask(path)))
  await turns()
  expect(paths).toHaveLength(3)
  clock.advance(500)
  await responses
})

it('each origin has its own limit', async () => {
  const { ask, client, paths } = limited()
  await Promise.all([ask(1), ask(2), client.request({ url: 'https://b.test.example/3' })])
  expect(paths).toHaveLength(3)
})

it('an abort of one that waits lets the next take its place, and the last leaves no timer', async () => {
  const { clock, paths, ask } = limited({ requests: 1, burst: 1 })
  const controller = new AbortController()
  const first = ask(1)
  const left = ask(2, { signal: controller.signal })
  left.catch(() => undefined)
  const third = ask(3)
  await turns()
  controller.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  clock.advance(1_000)
  await Promise.all([first, third])
  expect([paths, clock.pending]).toEqual([['1', '3'], 0])
  const late = new AbortController()
  const fourth = ask(4, { signal: late.signal })
  fourth.catch(() => undefined)
  await turns()
  expect(clock.pending).toBe(1)
  late.abort(new Error('late'))
  await expect(fourth).rejects.toThrow('late')
  expect(clock.pending).toBe(0)
})

it('a body that can be read once is sent once it is its turn', async () => {
  const { clock, paths, ask } = limited({ requests: 1 })
  const responses = Promise.all([ask(1), ask(2, { method: 'POST', body: once() })])
  await turns()
  clock.advance(1_000)
  expect((await responses).map(({ status }) => status)).toEqual([200, 200])
  expect(paths).toEqual(['1', '2'])
})

describe('a server', () => {
  it.each<[string, object, number]>([
    ['retry-after of 429', { status: 429, headers: { 'retry-after': '7' } }, 7_000],
    ['retry-after of 503, as a date', { status: 503, headers: { 'retry-after': new Date(5_000).toUTCString() } }, 4_000],
    ['ratelimit without a quota left', { headers: { ratelimit: '"default";r=0;t=30' } }, 30_000],
    ['ratelimit of several quotas', { headers: { ratelimit: '"a;r=0;t=9";r=5;t=9, "b"; r=0; t=3,"c";t=2;r=0' } }, 3_000],
  ])('pauses its origin by %s', async (_what, answer, ms) => {
    const { clock, paths, client, ask } = limited({}, () => answer)
    await ask(1)
    const second = ask(2)
    await client.request({ url: 'https://b.test.example/other' })
    clock.advance(ms - 1)
    await turns()
    expect(paths).toEqual(['1', 'other'])
    clock.advance(1)
    await second
    expect(clock.pending).toBe(0)
  })

  it.each<[object]>([
    [{ status: 200, headers: { 'retry-after': '7' } }],
    [{ status: 429, headers: { 'retry-after': 'soon' } }],
    [{ headers: { ratelimit: '"a";r=1;t=30' } }],
    [{ headers: { ratelimit: '"a";r=0' } }],
    [{ headers: { ratelimit: '"a";r=0;t=-1, ;;=, "' } }],
    [{ headers: { ratelimit: 'limit=10, remaining=0, reset=5' } }],
  ])('does not pause its origin by %j', async (answer) => {
    const { paths, ask } = limited({}, () => answer)
    await ask(1)
    await ask(2)
    expect(paths).toEqual(['1', '2'])
  })

  it('does not if the option says so', async () => {
    const { ask } = limited({ obeyServer: false }, () => ({ status: 429, headers: { 'retry-after': '7' } }))
    await ask(1)
    expect((await ask(2)).status).toBe(429)
  })

  it('may ask for more time than a timer has', async () => {
    const { clock, ask } = limited({}, () => ({ status: 429, headers: { 'retry-after': '9'.repeat(12) } }))
    await ask(1)
    const second = ask(2)
    second.catch(() => undefined)
    await turns()
    clock.advance(0x7fff_ffff)
    expect(clock.pending).toBe(1)
  })
})

it('each retry in front of it takes a token', async () => {
  const clock = new FakeClock()
  const interceptors = [retry({ clock }), rateLimit({ requests: 1, perMs: 1_000, clock, obeyServer: false })]
  const mocked = counted(interceptors, () => ({ status: mocked.calls === 1 ? 503 : 200, headers: { 'retry-after': '0' } }))
  const response = mocked.client.request({ url: URL_ })
  await turns()
  clock.advance(0)
  await turns()
  expect([mocked.calls, clock.pending]).toEqual([1, 1])
  clock.advance(1_000)
  expect((await response).status).toBe(200)
})

it.each<[unknown, string]>([
  [undefined, 'ERR_INVALID_OPTION'],
  [{ requests: 1 }, 'ERR_INVALID_OPTION'],
  [{ requests: 0, perMs: 1 }, 'ERR_INVALID_OPTION'],
  [{ requests: 1, perMs: 1.5 }, 'ERR_INVALID_OPTION'],
  [{ requests: 1, perMs: 1, burst: -1 }, 'ERR_INVALID_OPTION'],
  [{ requests: 1, perMs: 1, obeyServer: 'yes' }, 'ERR_INVALID_OPTION'],
  [{ request: 1, perMs: 1 }, 'ERR_UNKNOWN_OPTION'],
])('refuses %j with %s', (options, code) => {
  expect(() => rateLimit(options as never)).toThrow(expect.objectContaining({ code }))
})
