/** Calls that end in an unusual way, over a connection that two hosts share. */

import * as grpc from '@grpc/grpc-js'
import type { Client } from 'unshard'
import { type AnyMethod, channel, GrpcError, grpcClient } from 'unshard/grpc'
import { grpcFixture, SERVICE, type ServiceClient, unary } from './fixture.js'
import { handlers } from './handlers.js'

const fixture = grpcFixture()
const text = (value: string): Buffer => Buffer.from(value)
const HOSTS = ['a.test.example', 'b.test.example'] as const

type Constructor = new (address: string, credentials: unknown, options: object) => ServiceClient
const Service = grpc.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor

/** Calls of one host. Each resolves with its status. */
interface Host {
  unary(message: string): Promise<number>
  /** Sends the messages and leaves the request open. */
  clientStream(...messages: string[]): Promise<number>
  bidi(...messages: string[]): Promise<number>
  serverStream(message: string): Promise<number>
}

function overChannel(client: Client, host: string, port: number): Host {
  const address = `${host}:${port}`
  const credentials = grpc.credentials.createSsl()
  const service = new Service(address, credentials, {
    channelOverride: channel(client, address, credentials as never, {}, { tls: 'client' }),
  })
  fixture.defer(() => service.close())
  const ended = (call: NodeJS.EventEmitter): Promise<number> =>
    new Promise((resolve) => {
      call.on('error', () => undefined)
      call.on('status', ({ code }: grpc.StatusObject) => resolve(code))
      call.on('data', () => undefined)
    })
  const metadata = new grpc.Metadata()
  return {
    unary: (message) =>
      unary(service, text(message)).then(
        ({ status }) => status.code,
        ({ code }) => code as number,
      ),
    clientStream(...messages) {
      const call = service.clientStream(metadata, {}, () => undefined)
      for (const message of messages) call.write(text(message))
      return ended(call)
    },
    bidi(...messages) {
      const call = service.bidi(metadata)
      for (const message of messages) call.write(text(message))
      return ended(call)
    },
    serverStream: (message) => ended(service.serverStream(text(message), metadata)),
  }
}

function overGrpcClient(client: Client, host: string, port: number): Host {
  const calls = grpcClient(client, { baseUrl: `https://${host}:${port}` })
  async function* open(messages: readonly string[]): AsyncGenerator<Buffer> {
    for (const message of messages) yield text(message)
    await new Promise(() => undefined)
  }
  const codeOf = async (call: Promise<unknown>): Promise<number> => {
    try {
      await call
      return 0
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error
      return error.status
    }
  }
  const read = async (stream: AsyncIterable<Buffer>): Promise<void> => {
    for await (const _ of stream);
  }
  const { unary: one, clientStream, bidi, serverStream } = SERVICE as Record<string, AnyMethod<Buffer, Buffer>>
  return {
    unary: (message) => codeOf(calls.unary(one!, text(message))),
    clientStream: (...messages) => codeOf(calls.clientStream(clientStream!, open(messages))),
    bidi: (...messages) => codeOf(read(calls.bidi(bidi!, open(messages)))),
    serverStream: (message) => codeOf(read(calls.serverStream(serverStream!, text(message)))),
  }
}

describe.each([
  ['channel()', overChannel],
  ['grpcClient()', overGrpcClient],
])('%s', (_name, hostOf) => {
  async function start(own: object = {}): Promise<{
    client: Client
    hosts: [Host, Host]
    server: Awaited<ReturnType<typeof fixture.grpcServer>>
    seen: ReturnType<typeof handlers>['seen']
  }> {
    const made = handlers()
    const server = await fixture.grpcServer({ ...made.handlers, ...own } as never)
    const client = fixture.client()
    const hosts = HOSTS.map((host) => hostOf(client, host, server.port)) as [Host, Host]
    for (const host of hosts) expect(await host.unary('x')).toBe(0)
    return { client, hosts, server, seen: made.seen }
  }

  it('an answer before the end of the request ends the call, and the other host goes on', async () => {
    const answersBidi = (call: grpc.ServerDuplexStream<Buffer, Buffer>): void => {
      call.once('data', () => call.end())
    }
    const { hosts, server } = await start({ bidi: answersBidi })
    const other = hosts[1].serverStream('count 2000')
    expect(await hosts[0].clientStream('refuse')).toBe(9)
    // The status is OK, although the request goes on.
    expect(await hosts[0].bidi('one')).toBe(0)
    expect(await other).toBe(0)
    expect(await hosts[0].unary('x')).toBe(0)
    expect(server.connections).toBe(1)
  })

  it('an answer before the end of a large request does not wait for the rest of it', async () => {
    const { hosts, server } = await start()
    const rest = Array.from({ length: 200 }, () => 'x'.repeat(60_000))
    expect(await hosts[0].clientStream('refuse', ...rest)).toBe(9)
    expect(await hosts[1].unary('x')).toBe(0)
    expect(server.connections).toBe(1)
  })

  it('destroy() of the client ends each call in flight as CANCELLED', async () => {
    const { client, hosts, seen } = await start()
    const calls = hosts.flatMap((host) => [
      host.unary('waits'),
      host.clientStream('one'),
      host.bidi('one'),
      host.serverStream('waits'),
    ])
    while (seen.deadlines.length < 4) await new Promise(setImmediate)
    client.destroy()
    expect(await Promise.all(calls)).toEqual(calls.map(() => grpc.status.CANCELLED))
    expect(await hosts[0].unary('x')).toBe(grpc.status.CANCELLED)
    while (seen.cancelled.filter((each) => each === 'waits').length < 4) await new Promise(setImmediate)
  })

  it('close() of the client lets calls in flight finish, and refuses new ones as CANCELLED', async () => {
    const { client, hosts, seen } = await start()
    const calls = hosts.map((host) => host.serverStream('wide 100'))
    // Both have begun: the server stops until they are read.
    while (seen.written < 4) await new Promise(setImmediate)
    const closed = client.close()
    expect(await hosts[0].unary('x')).toBe(grpc.status.CANCELLED)
    expect(await Promise.all(calls)).toEqual([0, 0])
    await closed
  })

  it('a server that speaks only HTTP/1.1 is an error that says so', async () => {
    // It would never answer.
    const server = await fixture.server({ protocols: ['http/1.1'], handler: () => undefined })
    const client = fixture.client()
    for (const name of HOSTS) {
      const host = hostOf(client, name, server.port)
      const calls = [host.unary('x'), host.clientStream('x'), host.bidi('x'), host.serverStream('x')]
      expect(await Promise.all(calls)).toEqual(calls.map(() => grpc.status.UNAVAILABLE))
      expect(server.requests).toHaveLength(0)
    }
  })
})
