/** Calls to many hosts of one server share one connection, whichever way they are made. */

import * as grpc from '@grpc/grpc-js'
import { channel, channelFactory, grpcClient } from 'unshard/grpc'
import { grpcFixture, SERVICE, type ServiceClient, unary } from './fixture.js'
import { handlers } from './handlers.js'

const fixture = grpcFixture()
const HOSTS = Array.from({ length: 12 }, (_, i) => `host${i}.test.example`)

type Constructor = new (address: string, credentials: unknown, options: object) => ServiceClient
const Service = grpc.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor

/** Calls a unary method of a host, and returns the text of its answer. */
type Say = (host: string, text: string) => Promise<string>

const ways: [string, (client: ReturnType<typeof fixture.client>, port: number) => Say][] = [
  [
    'channel()',
    (client, port) => (host, text) => {
      const address = `${host}:${port}`
      const credentials = grpc.credentials.createSsl()
      const channelOverride = channel(client, address, credentials as never, {}, { tls: 'client' })
      return said(new Service(address, credentials, { channelOverride }), text)
    },
  ],
  [
    'channelFactory()',
    (client, port) => {
      const channelFactoryOverride = channelFactory(client, { tls: 'client' })
      return (host, text) => said(new Service(`${host}:${port}`, grpc.credentials.createSsl(), { channelFactoryOverride }), text)
    },
  ],
  [
    'grpcClient()',
    (client, port) => async (host, text) => {
      const calls = grpcClient(client, { baseUrl: `https://${host}:${port}` })
      return String((await calls.unary(SERVICE.unary, Buffer.from(text))).response)
    },
  ],
]

async function said(service: ServiceClient, text: string): Promise<string> {
  try {
    return String((await unary(service, Buffer.from(text))).response)
  } finally {
    service.close()
  }
}

it.each(ways)('calls to 12 hosts by %s share one connection', async (_name, make) => {
  const server = await fixture.grpcServer(handlers().handlers as never)
  const say = make(fixture.client(), server.port)
  const texts: string[] = []
  for (const host of HOSTS) texts.push(await say(host, host))
  expect(texts).toEqual(HOSTS)
  expect(await Promise.all(HOSTS.map((host) => say(host, host)))).toEqual(HOSTS)
  expect(server.connections).toBe(1)
})
