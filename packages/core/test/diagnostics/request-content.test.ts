/** The messages of `unshard:request`, `unshard:receive` and `unshard:content`: what was sent and received, by which client. */

import { channel, tracingChannel } from 'node:diagnostics_channel'
import { CHANNELS } from '../../src/diagnostics/channels.js'
import type { ContentEvent, ReceiveEvent, RequestEvent } from '../../src/diagnostics/events.js'
import { ConnectionError } from '../../src/errors/errors.js'
import { mockClient } from '../../src/testing/index.js'

const unsubscribe: (() => void)[] = []
afterEach(() => {
  for (const each of unsubscribe.splice(0)) each()
})

/** Subscribes to one event of an operation, or to a channel. */
function collect<Message>(name: string, event: string): Message[] {
  const messages: Message[] = []
  const listener = (message: unknown): void => void messages.push(message as Message)
  const source = event === '' ? channel(name) : tracingChannel(name)[event as 'start']
  source.subscribe(listener)
  unsubscribe.push(() => source.unsubscribe(listener))
  return messages
}

it('a request event has the fields and the content that are sent, and tells two clients of one name apart', async () => {
  const events = collect<RequestEvent>('unshard:request', 'start')
  const [one, two] = [mockClient(() => ({}), { name: 'api' }), mockClient(() => ({}), { name: 'api' })]
  const body = Buffer.from('content')
  await one.client.with({ headers: { 'x-view': '1' } }).request({ url: 'https://a.example/p?q=1', method: 'POST', body })
  await two.client.request({ url: 'http://b.example/', headers: { host: 'c.example' } })
  expect(events).toMatchObject([
    {
      ...{ client: 'api', clientId: one.client.stats().id, method: 'POST', scheme: 'https', authority: 'a.example' },
      ...{ path: '/p?q=1', headers: ['x-view', '1', 'content-length', '7'], body: { bytes: body, length: 7 } },
    },
    { client: 'api', clientId: two.client.stats().id, scheme: 'http', authority: 'c.example', body: undefined },
  ])
  expect(events[0]!.clientId).not.toBe(events[1]!.clientId)
})

it('each attempt reports its connection, its times and its response, or its error', async () => {
  const events = collect<ReceiveEvent>('unshard:receive', 'asyncEnd')
  const lost = new ConnectionError('ERR_CONNECTION_LOST', 'lost', { initiator: 'peer', processed: 'unknown' })
  const { client } = mockClient((request) => {
    if (request.connectionId > 0 && events.length === 0) throw lost
    return { status: 201, headers: { 'x-a': '1' } }
  })
  const response = await client.request({ url: 'https://a.example/' })
  await response.text()
  expect(events).toMatchObject([
    { attempt: 1, error: lost, carrier: { protocol: 'h2', coalesced: false }, timings: { sentMs: expect.any(Number) } },
    { attempt: 2, status: 201, statusText: '', headers: ['x-a', '1'], carrier: response.connection },
  ])
  expect(events[0]).not.toHaveProperty('status')
})

it('the content of a response is published as it arrives, while the channel has a subscriber', async () => {
  const { client } = mockClient(() => ({ body: 'hello' }))
  const parts: string[] = []
  const listener = (message: unknown): void => void parts.push(String((message as ContentEvent).bytes))
  CHANNELS.content.subscribe(listener)
  expect(await (await client.request({ url: 'https://a.example/' })).text()).toBe('hello')
  CHANNELS.content.unsubscribe(listener)
  expect(await (await client.request({ url: 'https://a.example/' })).text()).toBe('hello')
  expect(parts).toEqual(['hello'])
})
