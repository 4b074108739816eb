/** Which client, request and dial a message of the diagnostics channels is about. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientEvent, ConnectEvent, NegotiateEvent, RequestEvent, TlsEvent } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'

const fixture = clientFixture()

/** The messages of a channel until the end of the test. */
function messagesOf<Message>(name: string): Message[] {
  const messages: Message[] = []
  const listener = (message: unknown): void => void messages.push(message as Message)
  subscribe(name, listener)
  fixture.defer(() => unsubscribe(name, listener))
  return messages
}

it('clients without a name have different ids, and their views have the same', () => {
  const [first, second] = [fixture.client(), fixture.client()]
  expect(first.stats().id).not.toBe(second.stats().id)
  expect(first.with({ headers: { a: 'b' } }).stats().id).toBe(first.stats().id)
})

it('every message names its client by id, that of undici included', async () => {
  const { port } = await fixture.server()
  const names = ['request:start', 'connect:start', 'tls:start', 'resolve:start', 'send:start', 'body:start']
  const traced = names.map((name) => messagesOf<ClientEvent>(`tracing:unshard:${name}`))
  const plain = ['negotiate', 'closed'].map((name) => messagesOf<ClientEvent>(`unshard:${name}`))
  const created = messagesOf<{ request: { unshard: { clientId: number; request: number } } }>('undici:request:create')
  const client = fixture.client()
  await (await client.request({ url: `https://a.test.example:${port}/` })).text()
  await client.close()
  const { id } = client.stats()
  for (const messages of [...traced, ...plain]) expect(messages.map(({ clientId }) => clientId)).toEqual([id])
  const [{ request }] = traced[0] as [RequestEvent]
  expect(created.map(({ request: { unshard } }) => unshard)).toEqual([{ clientId: id, request }])
})

it('connect, TLS and the connection that they made have the number of one dial', async () => {
  const { port } = await fixture.server()
  const connects = messagesOf<ConnectEvent>('tracing:unshard:connect:start')
  const handshakes = messagesOf<TlsEvent>('tracing:unshard:tls:start')
  const connections = messagesOf<NegotiateEvent>('unshard:negotiate')
  const client = fixture.client()
  const urls = ['a', 'b'].map((name) => `https://${name}.test.example:${port}/`)
  await Promise.all(urls.map(async (url) => (await client.request({ url })).text()))
  const dials = connects.map(({ dial }) => dial)
  expect(new Set(dials).size).toBe(2)
  expect(handshakes.map(({ dial }) => dial).sort()).toEqual(dials)
  expect(connections.map(({ dial }) => dial).sort()).toEqual(dials)
})

it('each dial begins in the context of the request that it is for, and not in that of an earlier dial', async () => {
  const { port } = await fixture.server({ protocols: ['http/1.1'] })
  messagesOf<RequestEvent>('tracing:unshard:request:start')
  const current = new AsyncLocalStorage<number>()
  const causes: (number | undefined)[] = []
  const listener = (): void => void causes.push(current.getStore())
  subscribe('tracing:unshard:connect:start', listener)
  fixture.defer(() => unsubscribe('tracing:unshard:connect:start', listener))
  const client = fixture.client({ maxConnectionsPerOrigin: 3 })
  const url = `https://a.test.example:${port}/`
  const get = async (): Promise<unknown> => (await client.request({ url })).text()
  await Promise.all([1, 2, 3, 4, 5].map((id) => current.run(id, get)))
  expect(causes[0]).toBe(1)
  expect(new Set(causes).size).toBe(causes.length)
  expect(causes.length).toBeGreaterThan(1)
})

it.each(['h2', 'http/1.1'] as const)(
  'a request over %s reports the bytes of content that it sent and received',
  async (protocol) => {
    const { port } = await fixture.server({ protocols: [protocol] })
    const ends = messagesOf<RequestEvent>('tracing:unshard:request:asyncEnd')
    const client = fixture.client()
    const url = `https://a.test.example:${port}/echo`
    await (await client.request({ method: 'POST', url, body: 'twelve bytes' })).text()
    async function* parts(): AsyncGenerator<string> {
      yield 'twelve '
      yield 'bytes'
    }
    await (await client.request({ method: 'POST', url, body: parts() })).text()
    await (await client.request({ url })).text()
    expect(ends.map(({ sentBytes, receivedBytes }) => [sentBytes, receivedBytes])).toEqual([
      [12, 12],
      [12, 12],
      [0, 0],
    ])
  },
)

it('a response that is discarded ends its request without an error', async () => {
  const { port } = await fixture.server({ handler: (_request, response) => void response.write('part') })
  const ends = messagesOf<RequestEvent>('tracing:unshard:request:asyncEnd')
  const client = fixture.client()
  const response = await client.request({ url: `https://a.test.example:${port}/` })
  response.discard()
  await client.close()
  expect(ends).toMatchObject([{ status: 200 }])
  expect(ends[0]!.error).toBeUndefined()
  expect(client.stats().totals).toMatchObject({ finished: 1, failed: {} })
})

it('a request that a subscriber spoils with an invalid field is over for the subscribers as well', async () => {
  const spoil = (message: unknown): void => {
    const { request } = message as { request: { headers: string[] } }
    request.headers.push('x', 'a\nb')
  }
  subscribe('undici:request:create', spoil)
  fixture.defer(() => unsubscribe('undici:request:create', spoil))
  const errors = messagesOf<{ request: { aborted: boolean }; error: Error }>('undici:request:error')
  const refusal = expect(fixture.client().request({ url: 'https://a.test.example/' })).rejects
  await refusal.toMatchObject({ name: 'UsageError' })
  expect(errors).toMatchObject([{ request: { aborted: true }, error: { name: 'UsageError' } }])
})
