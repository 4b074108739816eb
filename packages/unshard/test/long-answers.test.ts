/**
 * Twenty minutes without a byte of the response: over both protocols, directly and through proxies, as an answer and as an event stream.
 * The clock is moved; servers, TLS and proxies are real, and answer the PINGs of the client.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { FakeClock, type OriginServer, startTestProxy, staticLookup, type TestProxyOptions, testWorld } from '@unshard/testkit'
import { type Client, createClient, createFetch } from 'unshard'
import { readEvents } from 'unshard/events'

const world = testWorld()
const MINUTES_20 = 1_200_000

interface Pending {
  readonly origin: OriginServer
  /** Resolves with the response that the server has not sent yet. */
  readonly request: Promise<ServerResponse>
}

async function pendingServer(protocol: 'h2' | 'http/1.1'): Promise<Pending> {
  let take!: (response: ServerResponse) => void
  const request = new Promise<ServerResponse>((resolve) => {
    take = resolve
  })
  const handler = (_request: IncomingMessage, response: ServerResponse): void => take(response)
  return { origin: await world.server({ protocols: [protocol], handler: handler as never }), request }
}

async function clientBehind(kind: string, clock: FakeClock): Promise<Client> {
  const { ca } = world.authority
  const options = {
    tls: { ca },
    lookup: staticLookup({ 'a.test.example': '127.0.0.1', 'proxy.test.example': '127.0.0.1' }),
    clock,
  }
  if (kind === 'no proxy') return createClient(options)
  const start: Record<string, TestProxyOptions> = {
    'an HTTP proxy': {},
    'an HTTPS proxy over HTTP/2': { tls: await world.tls(), protocols: ['h2'] },
    'a SOCKS proxy': { kind: 'socks' },
  }
  const proxy = await startTestProxy(start[kind]!)
  world.defer(() => proxy.close())
  return createClient({ ...options, proxy: { url: proxy.url(), tls: { ca } } })
}

/** Moves the clock in steps of five seconds; after each the sockets get their turn to carry PINGs and their acknowledgments. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    clock.advance(5_000)
    for (let turns = 0; turns < 12; turns++) await new Promise(setImmediate)
  }
}

const CASES = (['h2', 'http/1.1'] as const).flatMap((protocol) =>
  ['no proxy', 'an HTTP proxy', 'an HTTPS proxy over HTTP/2', 'a SOCKS proxy'].map((kind) => [protocol, kind] as const),
)

it.each(CASES)('over %s through %s, an answer that takes 20 minutes arrives', async (protocol, kind) => {
  const { origin, request } = await pendingServer(protocol)
  const clock = new FakeClock()
  const client = await clientBehind(kind, clock)
  world.defer(() => client.destroy())
  const fetch = createFetch(client)
  const answer = fetch(`${origin.url('a.test.example')}/`).then((response) => response.text())
  answer.catch(() => undefined)
  const response = await request
  await pass(clock, MINUTES_20)
  response.end('thought about it')
  expect(await answer).toBe('thought about it')
  expect(client.stats().totals).toMatchObject({ dials: 1, replayed: 0 })
})

it.each(CASES)('over %s through %s, an event stream that is idle for 20 minutes goes on', async (protocol, kind) => {
  const { origin, request } = await pendingServer(protocol)
  const clock = new FakeClock()
  const client = await clientBehind(kind, clock)
  world.defer(() => client.destroy())
  const opening = createFetch(client)(`${origin.url('a.test.example')}/`)
  const response = await request
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('data: first\n\n')
  const events = readEvents(await opening)
  expect((await events.next()).value).toMatchObject({ data: 'first' })
  const second = events.next()
  second.catch(() => undefined)
  await pass(clock, MINUTES_20)
  response.write('data: second\n\n')
  expect((await second).value).toMatchObject({ data: 'second' })
  response.end()
  await events.return(undefined)
  expect(client.stats().totals.dials).toBe(1)
})
