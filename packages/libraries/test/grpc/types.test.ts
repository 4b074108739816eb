/** Our types fit those of `@grpc/grpc-js`, without casts: `tsc` is the test. The calls show that the values do as well. */

import * as newest from '@grpc/grpc-js'
import * as oldest from '@grpc/grpc-js-1.8'
import { channel, channelFactory, grpcClient } from 'unshard/grpc'
import { grpcFixture, SERVICE } from './fixture.js'
import { handlers } from './handlers.js'

const fixture = grpcFixture()
const bytes = (value: Buffer): Buffer => value
const text = Buffer.from('typed')

async function start(): Promise<{ address: string; ca: Buffer }> {
  const { port } = await fixture.grpcServer(handlers().handlers as never)
  return { address: `a.test.example:${port}`, ca: Buffer.from(fixture.authority.ca) }
}

it('grpc-js 1.14 takes channels and factories', async () => {
  const { address, ca } = await start()
  const client = fixture.client()
  const credentials = newest.credentials.createSsl(ca)
  const options: newest.ClientOptions[] = [
    { channelOverride: channel(client, address, credentials, { 'grpc.max_send_message_length': 1_000 }) },
    { channelFactoryOverride: channelFactory(client) },
  ]
  for (const each of options) {
    const service = new newest.Client(address, credentials, each)
    const response = await new Promise<Buffer | undefined>((resolve, reject) =>
      service.makeUnaryRequest(SERVICE.unary.path, bytes, bytes, text, (error, value) =>
        error === null ? resolve(value) : reject(error),
      ),
    )
    expect(response).toEqual(text)
    service.close()
  }
})

it('grpc-js 1.8 takes channels and factories', async () => {
  const { address, ca } = await start()
  const client = fixture.client()
  const credentials = oldest.credentials.createSsl(ca)
  const options: oldest.ClientOptions[] = [
    { channelOverride: channel(client, address, credentials, { 'grpc.max_send_message_length': 1_000 }) },
    { channelFactoryOverride: channelFactory(client) },
  ]
  for (const each of options) {
    const service = new oldest.Client(address, credentials, each)
    const response = await new Promise<Buffer | undefined>((resolve, reject) =>
      service.makeUnaryRequest(SERVICE.unary.path, bytes, bytes, text, (error, value) =>
        error === null ? resolve(value) : reject(error),
      ),
    )
    expect(response).toEqual(text)
    service.close()
  }
})

it('grpcClient() takes the methods of both versions, with the types of their messages', async () => {
  const { address } = await start()
  const calls = grpcClient(fixture.client(), { baseUrl: `https://${address}` })
  const definition: oldest.MethodDefinition<Buffer, Buffer> = SERVICE.unary
  const first: Buffer = (await calls.unary(SERVICE.unary, text)).response
  const second: Buffer = (await calls.unary(definition, text)).response
  expect([first, second]).toEqual([text, text])
})
