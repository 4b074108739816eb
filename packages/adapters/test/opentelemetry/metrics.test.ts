/** Metrics of requests and connections, with the real SDK of OpenTelemetry and real servers. */

import type { Histogram } from '@opentelemetry/sdk-metrics'
import type { ProtocolName } from '@unshard/core'
import { instrument } from '../../src/opentelemetry/index.js'
import { testEnvironment } from '../environment.js'
import { telemetry } from './fixture.js'

const { server, client } = testEnvironment()
const recorded = telemetry()

const host = { 'server.address': 'a.test.example', 'url.scheme': 'https' }

describe.each<[ProtocolName, string]>([
  ['h2', '2'],
  ['http/1.1', '1.1'],
])('over %s', (protocol, version) => {
  it('each outcome of a request has a duration with its method, status, error and protocol', async () => {
    const { port, delivered } = await server({
      protocols: [protocol],
      handler: ({ url }, response) => {
        if (url === '/waits') return
        response.writeHead(url === '/503' ? 503 : 200)
        response.end('twelve bytes')
      },
    })
    const instrumented = client()
    instrument(instrumented, recorded.providers)
    const origin = `https://a.test.example:${port}`
    await (await instrumented.request({ method: 'POST', url: `${origin}/`, body: 'abc' })).text()
    await (await instrumented.request({ url: `${origin}/503` })).text()
    const reason = new Error('changed my mind')
    const controller = new AbortController()
    const waits = instrumented.request({ method: 'DELETE', url: `${origin}/waits`, signal: controller.signal })
    await delivered(3)
    controller.abort(reason)
    await expect(waits).rejects.toBe(reason)
    const common = { ...host, 'server.port': port, 'network.protocol.version': version }
    const points = await recorded.points('http.client.request.duration')
    expect(points.map(({ attributes }) => attributes)).toEqual([
      { ...common, 'http.request.method': 'POST', 'http.response.status_code': 200 },
      { ...common, 'http.request.method': 'GET', 'http.response.status_code': 503, 'error.type': '503' },
      { ...common, 'http.request.method': 'DELETE', 'error.type': 'Error' },
    ])
    for (const { value } of points) {
      const { buckets, count, sum } = value as Histogram
      expect(buckets.boundaries).toEqual([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
      expect([count, sum! > 0 && sum! < 10]).toEqual([1, true])
    }
    const sizes = async (name: string) => (await recorded.points(name)).map(({ value }) => (value as Histogram).sum)
    expect(await sizes('http.client.request.body.size')).toEqual([3])
    expect(await sizes('http.client.response.body.size')).toEqual([12, 12])
  })

  it('active requests and open connections are counted while they are, and the duration of a connection at its end', async () => {
    const { port, release } = await server({ protocols: [protocol] })
    const instrumented = client()
    instrument(instrumented, recorded.providers)
    const origin = `https://a.test.example:${port}`
    const response = await instrumented.request({ url: `${origin}/slow` })
    const request = { ...host, 'server.port': port, 'http.request.method': 'GET' }
    const peer = { ...host, 'server.port': port, 'network.peer.address': '127.0.0.1', 'network.protocol.version': version }
    expect(await recorded.points('http.client.active_requests')).toMatchObject([{ value: 1, attributes: request }])
    expect(await recorded.points('http.client.open_connections')).toMatchObject([
      { value: 1, attributes: { ...peer, 'http.connection.state': 'active' } },
    ])
    release()
    await response.text()
    expect(await recorded.points('http.client.active_requests')).toMatchObject([{ value: 0, attributes: request }])
    expect(await recorded.points('http.client.open_connections')).toMatchObject([
      { value: 0, attributes: { ...peer, 'http.connection.state': 'active' } },
      { value: 1, attributes: { ...peer, 'http.connection.state': 'idle' } },
    ])
    await instrumented.close()
    expect((await recorded.points('http.client.open_connections')).map(({ value }) => value)).toEqual([0, 0])
    const [closed] = await recorded.points('http.client.connection.duration')
    expect(closed?.attributes).toEqual(peer)
    expect(closed?.value).toMatchObject({ count: 1 })
  })
})

it('a connection that was open before has its protocol and address too', async () => {
  const { port } = await server({ protocols: ['h2'] })
  const instrumented = client()
  await instrumented.warm([`https://a.test.example:${port}`])
  instrument(instrumented, recorded.providers)
  await (await instrumented.request({ url: `https://a.test.example:${port}/` })).text()
  await instrumented.close()
  for (const name of ['http.client.request.duration', 'http.client.connection.duration']) {
    const [point] = await recorded.points(name)
    expect([name, point?.attributes['network.protocol.version']]).toEqual([name, '2'])
  }
})

it('without metrics and after the stop nothing is recorded', async () => {
  const { port } = await server()
  const [unmeasured, stopped] = [client(), client()]
  instrument(unmeasured, { ...recorded.providers, metrics: false })
  instrument(stopped, recorded.providers)()
  for (const each of [unmeasured, stopped]) await (await each.request({ url: `https://a.test.example:${port}/` })).text()
  expect(await recorded.points('http.client.request.duration')).toEqual([])
  expect(await recorded.points('http.client.open_connections')).toEqual([])
})
