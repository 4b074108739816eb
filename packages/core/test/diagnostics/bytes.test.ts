/** The channel `unshard:bytes`. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { clientFixture } from '../client/fixture.js'
import { record } from './fixture.js'

const { client: createClient, server, defer } = clientFixture()

describe.each(['https', 'http'] as const)('over %s', (scheme) => {
  it.each(['h2', 'http/1.1'] as const)(
    'publishes the bytes of a new connection as its engine sends and receives them: %s',
    async (protocol) => {
      const handler = (_request: unknown, response: { end(content: string): unknown }): unknown => response.end('the content')
      const tls = scheme === 'https' ? {} : { tls: undefined }
      const origin = await server({ protocols: [protocol], handler, ...tls })
      const client = createClient({ cleartextProtocol: protocol })
      const chunks = { sent: [] as Buffer[], received: [] as Buffer[] }
      const connections = new Set<number>()
      const listener = (message: unknown): void => {
        const { direction, bytes, connection } = message as { direction: 'sent' | 'received'; bytes: Buffer; connection: number }
        chunks[direction].push(Buffer.from(bytes))
        connections.add(connection)
      }
      subscribe('unshard:bytes', listener)
      defer(() => unsubscribe('unshard:bytes', listener))
      const response = await client.post(`${origin.url('a.test.example')}/path`, { body: 'the request' })
      expect(await response.text()).toBe('the content')
      const sent = Buffer.concat(chunks.sent).toString('latin1')
      const received = Buffer.concat(chunks.received).toString('latin1')
      expect(sent).toMatch(protocol === 'h2' ? /^PRI \* HTTP\/2\.0/ : /^POST \/path HTTP\/1\.1\r\n/)
      expect(sent).toContain('the request')
      expect(received).toContain('the content')
      expect([...connections]).toEqual([response.connection.id])
    },
  )
})

it('publishes nothing of connections that were dialed without a subscriber', async () => {
  const origin = await server({})
  const client = createClient()
  const url = `${origin.url('a.test.example')}/`
  await (await client.get(url)).text()
  const recorded = record(defer, ['unshard:bytes'])
  await (await client.get(url)).text()
  expect(recorded).toEqual([])
})
