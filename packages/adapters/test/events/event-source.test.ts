/** The `EventSource` class over our fetch. */

import type { ProtocolName } from '@unshard/core'
import { createEventSource } from '../../src/events/index.js'
import { createFetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const { server, client } = testEnvironment()

describe.each<ProtocolName>(['h2', 'http/1.1'])('over %s', (protocol) => {
  it('opens, receives events, reconnects with the last ID, and closes', async () => {
    const ids: unknown[] = []
    const { port } = await server({
      protocols: [protocol],
      handler(request, response) {
        ids.push(request.headers['last-event-id'])
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        if (ids.length === 1) response.end('retry: 1\nid: 5\nevent: greeting\ndata: hello\n\n')
        else response.write('data: again\n\n')
      },
    })
    const EventSource = createEventSource(createFetch(client()))
    const source = new EventSource(`https://a.test.example:${port}/`)
    const states: number[] = []
    source.onopen = () => states.push(source.readyState)
    const greeting = await new Promise<MessageEvent>((resolve) => source.addEventListener('greeting', resolve))
    expect(greeting).toMatchObject({ data: 'hello', lastEventId: '5', origin: `https://a.test.example:${port}` })
    const again = await new Promise<MessageEvent>((resolve) => {
      source.onmessage = resolve
    })
    expect(again.data).toBe('again')
    source.close()
    expect([states, source.readyState, ids]).toEqual([[1, 1], 2, [undefined, '5']])
  })
})

it('twenty event sources share one HTTP/2 connection', async () => {
  const one = client()
  const { port } = await server({
    protocols: ['h2'],
    handler(_request, response) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: x\n\n')
    },
  })
  const EventSource = createEventSource(createFetch(one))
  const sources = Array.from({ length: 20 }, () => new EventSource(`https://a.test.example:${port}/`))
  await Promise.all(sources.map((source) => new Promise((resolve) => source.addEventListener('message', resolve))))
  expect(one.stats().totals.dials).toBe(1)
  for (const source of sources) source.close()
})
