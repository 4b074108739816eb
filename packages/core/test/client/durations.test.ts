/** `client.stats().durations`: what is recorded, and how it is summarized. */

import { FakeClock, type OriginHandler, startTestProxy } from '@unshard/testkit'
import fc from 'fast-check'
import { Durations } from '../../src/runtime/durations.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server, defer } = clientFixture()

it('a distribution has count, minimum, mean, percentiles and maximum in milliseconds, exact to 1 %', () => {
  const durations = new Durations()
  for (let ms = 1; ms <= 1_000; ms++) durations.record('ping', ms)
  const { ping, tls } = durations.snapshot()
  expect(ping.count).toBe(1_000)
  for (const [member, ms] of Object.entries({ minMs: 1, meanMs: 500.5, p50Ms: 500, p90Ms: 900, p99Ms: 990, maxMs: 1_000 })) {
    const relative = ping[member as keyof typeof ping] / ms
    expect(Math.abs(relative - 1)).toBeLessThanOrEqual(0.01)
  }
  expect(tls).toEqual({ count: 0, minMs: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 })
})

it('every percentile is that of the sorted durations, to 1 %', () => {
  const values = fc.array(
    fc.integer({ min: 1, max: 3_600_000_000 }).map((micros) => Math.ceil(micros ** Math.random())),
    { minLength: 1, maxLength: 400 },
  )
  fc.assert(
    fc.property(values, (micros) => {
      const durations = new Durations()
      for (const each of micros) durations.record('ping', each / 1_000)
      const sorted = micros.toSorted((one, other) => one - other)
      const { count, minMs, meanMs, p50Ms, p90Ms, p99Ms, maxMs } = durations.snapshot().ping
      expect([count, minMs, maxMs]).toEqual([micros.length, Math.min(...micros) / 1_000, Math.max(...micros) / 1_000])
      expect(meanMs).toBeCloseTo(micros.reduce((sum, each) => sum + each, 0) / micros.length / 1_000, 3)
      const ours = [p50Ms, p90Ms, p99Ms]
      for (const [i, percent] of [50, 90, 99].entries())
        expect(Math.abs((ours[i]! * 1_000) / sorted[Math.ceil((percent / 100) * sorted.length) - 1]! - 1)).toBeLessThan(0.01)
    }),
  )
})

it('durations below a microsecond and above an hour count as these', () => {
  const durations = new Durations()
  durations.record('dns', 0)
  durations.record('dns', 100 * 3_600_000)
  const { count, minMs, maxMs } = durations.snapshot().dns
  expect([count, minMs]).toEqual([2, 0.001])
  expect(Math.abs(maxMs / 3_600_000 - 1)).toBeLessThanOrEqual(0.01)
})

it.each([
  ['h2', 1, 1],
  ['http/1.1', 1, 0],
] as const)('over %s dials, waits for a connection, finished requests and pings are recorded', async (protocol, dials, pings) => {
  const handler: OriginHandler = ({ url }, response) => void (url === '/begun' ? response.write('part') : response.end())
  const origin = await server({ protocols: [protocol], handler })
  const client = createClient()
  const url = `${origin.url('a.test.example')}/`
  for (let i = 0; i < 3; i++) await (await client.request({ url })).text()
  // Neither of them has finished.
  const discarded = await client.request({ url: `${url}begun` })
  discarded.discard()
  await expect(client.request({ url, signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  if (protocol === 'h2') await client.ping(origin.url('a.test.example'))
  const { durations } = client.stats()
  const counts = Object.fromEntries(Object.entries(durations).map(([name, { count }]) => [name, count]))
  expect(counts).toMatchObject({ request: 3, headers: 3, connect: dials, tls: dials, ping: pings })
  expect(durations.headers.maxMs).toBeLessThanOrEqual(durations.request.maxMs)
  expect(durations.queue.count).toBeGreaterThanOrEqual(1)
})

it('the wait for a connection lasts until it has capacity for the request', async () => {
  const clock = new FakeClock(1)
  let finish: (() => void) | undefined
  const origin = await server({
    protocols: ['http/1.1'],
    handler: ({ url }, response) => {
      if (url === '/first') finish = () => void response.end()
      else response.end()
    },
  })
  const client = createClient({ clock, maxConnectionsPerOrigin: 1 })
  const first = client.request({ url: `${origin.url('a.test.example')}/first` })
  await origin.delivered(1)
  const second = client.request({ url: `${origin.url('a.test.example')}/second` })
  clock.advance(400)
  finish!()
  await Promise.all([(await first).text(), (await second).text()])
  const { queue } = client.stats().durations
  expect(queue.count).toBe(2)
  expect(queue.maxMs).toBeGreaterThanOrEqual(396)
})

it('behind a proxy the tunnel counts as the connection, and TLS is measured apart', async () => {
  const proxy = await startTestProxy()
  defer(() => proxy.close())
  const origin = await server()
  const client = createClient({ proxy: proxy.url() })
  const response = await client.request({ url: `${origin.url('a.test.example')}/` })
  await response.text()
  const { connectMs, tlsMs } = response.timings
  expect(connectMs).toBeGreaterThan(0)
  expect(tlsMs).toBeGreaterThan(0)
  const { connect, tls } = client.stats().durations
  expect([connect.count, tls.count]).toEqual([1, 1])
})
