/** The channels `unshard:*`. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { FakeClock, frames } from '@unshard/testkit'
import { CHANNELS, OPERATIONS } from '../../src/diagnostics/channels.js'
import { clientFixture } from '../client/fixture.js'
import { whileTimePasses } from '../hostile/fixture.js'
import { channelsOf, operation, record } from './fixture.js'

const { client: createClient, server, peer, defer } = clientFixture()

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it('a request publishes its operations from the wait to the end of the content, with the name of the client', async () => {
    const origin = await server({ protocols: [protocol], handler: (_request, response) => void response.end('content') })
    const recorded = record(
      defer,
      ['request', 'queue', 'resolve', 'connect', 'tls', 'send', 'receive', 'body'].flatMap(operation),
    )
    const client = createClient({ name: 'catalog' })
    await (await client.get(`${origin.url('a.test.example')}/echo`)).text()
    await client.close()
    const began = recorded.filter(({ channel }) => channel.endsWith(':start')).map(({ channel }) => channel.split(':')[1])
    const ended = recorded.filter(({ channel }) => channel.endsWith(':asyncEnd')).map(({ channel }) => channel.split(':')[1])
    expect(began).toEqual(['request', 'resolve', 'queue', 'connect', 'tls', 'send', 'receive', 'body'].toSorted(inOrderOf(began)))
    expect(ended.toSorted()).toEqual(began.toSorted())
    expect(ended.at(-1)).toBe('request')
    expect(recorded.filter(({ channel }) => channel.endsWith(':error'))).toEqual([])
    for (const { message } of recorded) expect(message).toMatchObject({ client: 'catalog', origin: origin.url('a.test.example') })
    const last = (name: string) => recorded.findLast(({ channel }) => channel === `unshard:${name}:asyncEnd`)!.message
    expect(last('request')).toMatchObject({ method: 'GET', path: '/echo', attempts: 1, status: 200 })
    expect(last('resolve')).toMatchObject({ host: 'a.test.example', addresses: ['127.0.0.1'] })
    expect(last('connect')).toMatchObject({ addresses: ['127.0.0.1'], address: '127.0.0.1', proxy: undefined })
    expect(last('tls')).toMatchObject({ protocol, version: 'TLSv1.3', resumed: false })
    expect(last('receive')).toMatchObject({ attempt: 1, status: 200 })
    expect(last('queue').connection).toBe(last('send').connection)
    expect([last('body').receivedBytes, last('request').receivedBytes]).toEqual([7, 7])
  })

  it('a connection publishes negotiate, reused after it was idle, drain and closed with the reason', async () => {
    const origin = await server({ protocols: [protocol] })
    const recorded = record(
      defer,
      ['negotiate', 'reused', 'drain', 'closed'].map((name) => `unshard:${name}`),
    )
    const clock = new FakeClock()
    const client = createClient({ clock, idleTimeoutMs: 60_000 })
    const get = async (): Promise<void> => void (await (await client.get(`${origin.url('a.test.example')}/echo`)).text())
    await get()
    clock.advance(1_000)
    await whileTimePasses(clock, get())
    await client.pools.close(origin.url('a.test.example'))
    await client.close()
    expect(channelsOf(recorded)).toEqual(['unshard:negotiate', 'unshard:reused', 'unshard:drain', 'unshard:closed'])
    const [negotiate, reused, drain, closed] = recorded.map(({ message }) => message)
    expect(negotiate).toMatchObject({ protocol, remoteAddress: '127.0.0.1', remotePort: origin.port })
    expect(reused.connection).toBe(negotiate.connection)
    expect(reused.idleMs).toBeGreaterThanOrEqual(1_000)
    expect(drain).toMatchObject({ connection: negotiate.connection, active: 0, reason: 'local' })
    expect(closed).toMatchObject({ connection: negotiate.connection, reason: 'local', requests: 2 })
  })

  it('a connection that is idle for too long is closed for that', async () => {
    const origin = await server({ protocols: [protocol] })
    const recorded = record(defer, ['unshard:closed'])
    const clock = new FakeClock()
    const client = createClient({ clock, idleTimeoutMs: 2_000 })
    await (await client.get(`${origin.url('a.test.example')}/echo`)).text()
    clock.advance(5_000)
    await client.close()
    expect(recorded.map(({ message }) => message.reason)).toEqual(['idle'])
    expect(client.stats().totals).toMatchObject({ closed: { idle: 1 }, finished: 1, failed: {} })
  })

  it('a connection that the server closes is closed by the peer', async () => {
    const origin = await server({ protocols: [protocol] })
    const recorded = record(defer, ['unshard:closed'])
    const client = createClient()
    await (await client.get(`${origin.url('a.test.example')}/echo`)).text()
    const gone = new Promise<void>((resolve) => {
      const look = (): unknown => (client.stats().connections.length === 0 ? resolve() : setImmediate(look))
      look()
    })
    await origin.close()
    await gone
    expect(['peer', 'goaway']).toContain(recorded[0]!.message.reason)
  })
})

/** Operations that begin in the same turn may do so in any order. */
function inOrderOf(order: readonly (string | undefined)[]) {
  return (a: string, b: string): number => order.indexOf(a) - order.indexOf(b)
}

it('a failed request ends its operations with the error', async () => {
  const recorded = record(defer, ['request', 'connect', 'queue'].flatMap(operation))
  const { port, close } = await server()
  await close()
  await expect(createClient().get(`https://a.test.example:${port}/`)).rejects.toThrow('ECONNREFUSED')
  for (const name of ['connect', 'queue', 'request']) {
    const events = recorded
      .filter(({ channel }) => channel.startsWith(`unshard:${name}:`))
      .map(({ channel }) => channel.split(':')[2])
    expect(events).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    const failed = recorded.find(({ channel }) => channel === `unshard:${name}:error`)
    expect(failed!.message.error).toMatchObject({ code: 'ECONNREFUSED' })
  }
})

it('stores that are bound to the start of a request reach the dial that it starts', async () => {
  const origin = await server()
  const store = new AsyncLocalStorage<string>()
  const { request } = OPERATIONS
  request.start.bindStore(store, (message) => (message as { path: string }).path)
  defer(() => request.start.unbindStore(store))
  const seen: unknown[] = []
  const connect = tracingChannel('unshard:connect')
  const listener = { start: () => void seen.push(store.getStore()) }
  connect.subscribe(listener as never)
  defer(() => connect.unsubscribe(listener as never))
  await (await createClient().get(`${origin.url('a.test.example')}/echo`)).text()
  expect(seen).toEqual(['/echo'])
})

it('a lost request publishes replay with the error, GOAWAY its debug data as printable text', async () => {
  const started = await peer(async (p, index) => {
    await p.handshake()
    const { streamId } = await p.nextRequest()
    if (index === 0) p.send(frames.goaway(0, 0, Buffer.from('be\u0007gone')))
    else p.respond(streamId, 200, [], 'second')
  })
  const recorded = record(defer, ['unshard:replay', 'unshard:goaway'])
  await (await createClient().get(`https://a.test.example:${started.port}/`)).text()
  expect(channelsOf(recorded).toSorted()).toEqual(['unshard:goaway', 'unshard:replay'])
  const about = (name: string) => recorded.find(({ channel }) => channel === `unshard:${name}`)!.message
  expect(about('goaway')).toMatchObject({ errorCode: 'NO_ERROR', lastStreamId: 0, debugData: '"be\\u0007gone"' })
  expect(about('replay')).toMatchObject({ attempt: 2, delayMs: 0, error: { code: 'ERR_STREAM_REFUSED', processed: 'no' } })
})

it('a retry after a status publishes the status, the attempt and the delay', async () => {
  let answers = 0
  const origin = await server({
    handler: (_request, response) => {
      response.writeHead(answers++ === 0 ? 503 : 200, { 'retry-after': '0' })
      response.end()
    },
  })
  const recorded = record(defer, ['unshard:retry'])
  const client = createClient()
  const response = await client.get(`${origin.url('a.test.example')}/`, { retry: true })
  expect(response.status).toBe(200)
  expect(recorded.map(({ message }) => message)).toMatchObject([{ status: 503, attempt: 2, delayMs: 0 }])
})

it('a PING publishes its round-trip time, which stats() shows as well', async () => {
  const origin = await server()
  const recorded = record(defer, ['unshard:ping'])
  const client = createClient()
  await (await client.get(`${origin.url('a.test.example')}/echo`)).text()
  const roundTripMs = await client.ping(origin.url('a.test.example'))
  expect(recorded.map(({ message }) => message.roundTripMs)).toEqual([roundTripMs])
  expect(client.stats().connections).toMatchObject([{ roundTripMs, requests: 1 }])
})

it('every channel and operation is in one table, by the name that it has', () => {
  const names = Object.entries(CHANNELS).map(([name, { name: given }]) => [String(given), `unshard:${name}`])
  const starts = Object.entries(OPERATIONS).map(([name, { start }]) => [String(start.name), `tracing:unshard:${name}:start`])
  for (const [given, wanted] of [...names, ...starts]) expect(given).toBe(wanted)
})
