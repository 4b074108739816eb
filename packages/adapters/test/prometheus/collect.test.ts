/** Metrics for Prometheus, with the real prom-client and real servers. */

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { coalescing } from '@unshard/coalescing'
import { staticLookup } from '@unshard/testkit'
import { register as globalRegister, Registry } from 'prom-client'
import { collect } from '../../src/prometheus/index.js'
import { testEnvironment } from '../environment.js'

const { server, client } = testEnvironment()

/** The lines of a metric, as Prometheus reads them. */
async function linesOf(register: Registry, name: string): Promise<string[]> {
  const text = await register.metrics()
  return text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
}

/** All values of a registry that are not 0, without the histogram. */
async function valuesOf(register: Registry): Promise<Record<string, number>> {
  const lines = (await register.metrics()).split('\n').filter((line) => line !== '' && !/^#|_seconds/.test(line))
  const entries = lines.map(
    (line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))] as const,
  )
  return Object.fromEntries(entries.filter(([, count]) => count !== 0))
}

it('the counters are those of client.stats(), and the gauges what is open at the moment', async () => {
  const { port, release } = await server({ protocols: ['h2'] })
  const own = client({ reuse: coalescing() })
  const register = new Registry()
  collect(own, { register })
  const [a, b] = ['a', 'b'].map((name) => `https://${name}.test.example:${port}`)
  const slow = await own.request({ url: `${a}/slow` })
  await (await own.request({ method: 'POST', url: `${b}/echo`, body: 'twelve bytes' })).text()
  await expect(own.request({ url: `${a}/`, signal: AbortSignal.abort() })).rejects.toThrow()
  expect(await valuesOf(register)).toEqual({
    [`unshard_open_connections{origin="${a}",protocol="h2",state="active"}`]: 1,
    unshard_requests_total: 2,
    unshard_requests_finished_total: 1,
    unshard_requests_coalesced_total: 1,
    unshard_dials_total: 1,
    unshard_tls_handshakes_total: 1,
    unshard_received_bytes_total: 12,
    unshard_sent_bytes_total: 12,
  })
  release()
  await slow.text()
  expect(await linesOf(register, 'unshard_open_connections')).toEqual([
    `unshard_open_connections{origin="${a}",protocol="h2",state="idle"} 1`,
  ])
  await own.close()
  expect(await linesOf(register, 'unshard_open_connections')).toEqual([])
  expect(await linesOf(register, 'unshard_connections_closed_total')).toEqual([
    expect.stringMatching(/^unshard_connections_closed_total\{reason="[a-z-]+"\} 1$/),
  ])
})

it('failures and failed dials are counted by their code', async () => {
  const { port, delivered } = await server({ handler: () => undefined })
  const own = client({ lookup: staticLookup({ 'a.test.example': '127.0.0.1' }) })
  const register = new Registry()
  collect(own, { register })
  const controller = new AbortController()
  const waits = own.request({ url: `https://a.test.example:${port}/`, signal: controller.signal })
  await delivered(1)
  controller.abort()
  await expect(waits).rejects.toThrow()
  await expect(own.request({ url: 'https://b.test.example/' })).rejects.toMatchObject({ code: 'ENOTFOUND' })
  const closed = createServer().listen(0)
  await once(closed, 'listening')
  const { port: unused } = closed.address() as AddressInfo
  await new Promise((resolve) => closed.close(resolve))
  await expect(own.request({ url: `https://a.test.example:${unused}/` })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  expect(await linesOf(register, 'unshard_requests_failed_total')).toEqual([
    'unshard_requests_failed_total{code="aborted"} 1',
    'unshard_requests_failed_total{code="ENOTFOUND"} 1',
    'unshard_requests_failed_total{code="ECONNREFUSED"} 1',
  ])
  expect(await linesOf(register, 'unshard_dials_failed_total')).toEqual(['unshard_dials_failed_total{code="ECONNREFUSED"} 1'])
})

it('the durations of requests are a histogram by method and status', async () => {
  const { port } = await server()
  const own = client()
  const register = new Registry()
  collect(own, { register, prefix: 'app_' })
  const origin = `https://a.test.example:${port}`
  await (await own.request({ url: `${origin}/` })).text()
  await (await own.request({ method: 'PURGE', url: `${origin}/status/503` })).text()
  const controller = new AbortController()
  const slow = await own.request({ url: `${origin}/slow`, signal: controller.signal })
  controller.abort()
  await expect(slow.text()).rejects.toThrow()
  expect(await linesOf(register, 'app_request_duration_seconds_count')).toEqual([
    'app_request_duration_seconds_count{method="GET",status="200"} 1',
    'app_request_duration_seconds_count{method="other",status="503"} 1',
    'app_request_duration_seconds_count{method="GET",status="error"} 1',
  ])
  expect(await linesOf(register, 'app_request_duration_seconds_bucket')).toContain(
    'app_request_duration_seconds_bucket{le="10",method="GET",status="200"} 1',
  )
})

it('clients of one registry differ in their labels, and those with the same labels are added up', async () => {
  const { port } = await server()
  const register = new Registry()
  const clients = [client(), client(), client()]
  const labels = ['first', 'second', 'second']
  const stops = clients.map((own, i) => collect(own, { register, labels: { client: labels[i]! } }))
  for (const own of clients) await (await own.request({ url: `https://a.test.example:${port}/` })).text()
  const lines = () => linesOf(register, 'unshard_requests_total')
  expect(await lines()).toEqual(['unshard_requests_total{client="first"} 1', 'unshard_requests_total{client="second"} 2'])
  stops[1]!()
  expect(await lines()).toEqual(['unshard_requests_total{client="first"} 1', 'unshard_requests_total{client="second"} 1'])
  expect(() => collect(client(), { register })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  for (const stop of [...stops, ...stops]) stop()
  expect(await register.metrics()).toBe('\n')
  collect(client(), { register })
  expect(await lines()).toEqual(['unshard_requests_total 0'])
})

it('without a registry the global one has the metrics', async () => {
  const stop = collect(client())
  expect(await linesOf(globalRegister, 'unshard_requests_total')).toEqual(['unshard_requests_total 0'])
  stop()
  expect(globalRegister.getSingleMetric('unshard_requests_total')).toBeUndefined()
})

it('a failed registration leaves no metric behind', () => {
  const register = new Registry()
  const own = client()
  collect(own, { register })
  const names = register.getMetricsAsArray().length
  const clash = new Registry()
  clash.registerMetric(register.getSingleMetric('unshard_goaways_total')!)
  expect(() => collect(own, { register: clash })).toThrow(/unshard_goaways_total/)
  expect(clash.getMetricsAsArray()).toHaveLength(1)
  expect(register.getMetricsAsArray()).toHaveLength(names)
})

it('unknown options and values that are not of their type are refused', () => {
  const own = client()
  expect(() => collect(own, { registry: new Registry() } as never)).toThrow('did you mean "register"?')
  const invalid = [
    { register: {} },
    { prefix: '9' },
    { labels: 'x' },
    { labels: { origin: 'x' } },
    { labels: { 'a-b': 'x' } },
    { labels: { a: {} } },
  ]
  for (const options of invalid)
    expect(() => collect(own, options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  expect(() => collect(undefined as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
})
