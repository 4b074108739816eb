/** Clients of `@grpc/grpc-js` over our client, against its real server: the cases of the interop tests of gRPC, and hostile ones. */

import { once } from 'node:events'
import { createSecureContext } from 'node:tls'
import type * as grpc from '@grpc/grpc-js'
import { coalescing, createClient } from 'unshard'
import { channel, channelFactory } from 'unshard/grpc'
import { grpcFixture, LIBRARIES, SERVICE, type ServiceClient, unary } from './fixture.js'
import { handlers, SPECIAL } from './handlers.js'

const fixture = grpcFixture()

type Constructor = new (address: string, credentials: unknown, options: object) => ServiceClient

interface Started {
  readonly client: ServiceClient
  readonly seen: ReturnType<typeof handlers>['seen']
  readonly server: Awaited<ReturnType<typeof fixture.grpcServer>>
}

async function start(library: typeof grpc, options: object = {}, cleartext = false): Promise<Started> {
  const made = handlers()
  const server = await fixture.grpcServer(made.handlers as never, { cleartext, 'grpc.max_receive_message_length': -1 } as never)
  const { credentials } = library
  const own = cleartext ? credentials.createInsecure() : credentials.createSsl(Buffer.from(fixture.authority.ca))
  const address = `a.test.example:${server.port}`
  const Service = library.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor
  const client = new Service(address, own, { channelOverride: channel(fixture.client(), address, own as never, options) })
  fixture.defer(() => client.close())
  return { client, seen: made.seen, server }
}

const text = (value: string): Buffer => Buffer.from(value)
const caught = (promise: Promise<unknown>): Promise<grpc.ServiceError> =>
  promise.then(
    () => undefined as never,
    (error) => error,
  )

async function all(stream: AsyncIterable<Buffer>): Promise<string[]> {
  const received: string[] = []
  for await (const message of stream) received.push(String(message))
  return received
}

describe.each(LIBRARIES)('%s', (name, library) => {
  const metadata = (): never => new library.Metadata() as never

  it.each([false, true])('sends and receives an empty and a large message (without TLS: %s)', async (cleartext) => {
    const { client, server } = await start(library, {}, cleartext)
    expect((await unary(client, Buffer.alloc(0), metadata())).response).toEqual(Buffer.alloc(0))
    const request = Buffer.alloc(271_828, 1)
    expect((await unary(client, request, metadata())).response.equals(request)).toBe(true)
    expect((await unary(client, text('large 314159'), metadata())).response.equals(Buffer.alloc(314_159, 7))).toBe(true)
    expect(server.connections).toBe(1)
  })

  it('streams in each direction, and both at the same time', async () => {
    const { client } = await start(library)
    const numbers = Array.from({ length: 1_000 }, (_, i) => String(i))
    expect(await all(client.serverStream(text('count 1000'), metadata()))).toEqual(numbers)
    const total = await new Promise((resolve, reject) => {
      const call = client.clientStream(metadata(), {}, (error, value) =>
        error === null ? resolve(String(value)) : reject(error),
      )
      for (let i = 0; i < 100; i++) call.write(Buffer.alloc(1_000))
      call.end()
    })
    expect(total).toBe('100000')
    const pingPong = client.bidi(metadata())
    const echoes: string[] = []
    pingPong.write(text('0'))
    for await (const echo of pingPong as AsyncIterable<Buffer>) {
      echoes.push(String(echo))
      if (echoes.length < 10) pingPong.write(text(String(echoes.length)))
      else pingPong.end()
    }
    expect(echoes).toEqual(numbers.slice(0, 10))
    expect(await all(emptied(client.bidi(metadata())))).toEqual([])
  })

  it('returns metadata of each kind, initial and trailing', async () => {
    const { client } = await start(library)
    const sent = new library.Metadata()
    sent.add('x-initial', 'one')
    sent.add('x-initial', 'two')
    sent.add('x-initial-bin', Buffer.from([0, 255, 1]))
    sent.add('x-trailing-bin', Buffer.from([0xab, 0xab]))
    const { metadata: initial, status } = await unary(client, text('metadata'), sent as never)
    expect(initial.get('x-initial').join(', ')).toBe('one, two')
    expect(initial.get('x-initial-bin')).toEqual([Buffer.from([0, 255, 1])])
    expect(status.metadata.get('x-trailing-bin')).toEqual([Buffer.from([0xab, 0xab])])
  })

  it('a status has its code, message with special characters, and metadata', async () => {
    const { client } = await start(library)
    expect(await caught(unary(client, text('special'), metadata()))).toMatchObject({ code: 2, details: SPECIAL })
    const error = await caught(unary(client, text('details'), metadata()))
    expect(error).toMatchObject({ code: 5, details: 'no such thing' })
    expect(error.metadata.get('grpc-status-details-bin')).toEqual([Buffer.from([1, 2, 3])])
    expect(await caught(all(client.serverStream(text('fails 3'), metadata())))).toMatchObject({ code: 15, details: 'lost' })
  })

  it('a method or a service that the server does not have is UNIMPLEMENTED', async () => {
    const { client } = await start(library)
    for (const path of ['/test.Service/Nothing', '/test.Nothing/Unary']) {
      const call = new Promise((resolve, reject) => {
        const id = (value: Buffer): Buffer => value
        client.makeUnaryRequest(path, id, id, text(''), (error, value) => (error === null ? resolve(value) : reject(error)))
      })
      expect(await caught(call)).toMatchObject({ code: 12 })
    }
  })

  it('the deadline is sent, and ends a call that the server does not answer', async () => {
    const { client, seen } = await start(library)
    const began = Date.now()
    const error = await caught(unary(client, text('waits'), metadata(), { deadline: began + 300 }))
    expect(error).toMatchObject({ code: 4 })
    expect(Math.abs(Number(seen.deadlines[0]) - began - 300)).toBeLessThan(250)
    expect(await caught(unary(client, text('x'), metadata(), { deadline: began - 1 }))).toMatchObject({ code: 4 })
  })

  it('a canceled call is CANCELLED on both sides: before its end, and after the first message', async () => {
    const { client, seen } = await start(library)
    const call = client.clientStream(metadata(), {}, () => undefined)
    call.write(text('one'))
    const status = once(call, 'status')
    call.cancel()
    expect((await status)[0]).toMatchObject({ code: 1 })
    const stream = client.serverStream(text('waits'), metadata())
    const failed = once(stream, 'error')
    await once(stream, 'data')
    stream.cancel()
    expect((await failed)[0]).toMatchObject({ code: 1 })
    while (!seen.cancelled.includes('waits')) await new Promise(setImmediate)
  })

  it('a server that answers before the end of the request ends the call', async () => {
    const { client } = await start(library)
    const error = await new Promise((resolve) => {
      const call = client.clientStream(metadata(), {}, resolve)
      call.on('error', () => undefined)
      call.write(text('refuse'))
    })
    expect(error).toMatchObject({ code: 9, details: 'enough' })
  })

  it('messages over a limit are refused, sent and received', async () => {
    const { client } = await start(library, { 'grpc.max_receive_message_length': 1_000, 'grpc.max_send_message_length': 2_000 })
    expect(await caught(unary(client, text('large 1001'), metadata()))).toMatchObject({ code: 8 })
    expect(await caught(unary(client, Buffer.alloc(2_001), metadata()))).toMatchObject({ code: 8 })
    expect((await unary(client, text('large 1000'), metadata())).response).toHaveLength(1_000)
  })

  it('messages are compressed with gzip in both directions', async () => {
    const { client } = await start(library, { 'grpc.default_compression_algorithm': 2 })
    const request = Buffer.alloc(100_000, 3)
    expect((await unary(client, request, metadata())).response.equals(request)).toBe(true)
    expect(await all(client.serverStream(text('count 10'), metadata()))).toHaveLength(10)
  })

  it('a reader that is slow holds the server back', async () => {
    const { client, seen } = await start(library)
    const stream = client.serverStream(text('wide 2000'), metadata())
    await once(stream, 'readable')
    // The server writes until it is held back: twenty looks without another message.
    for (let same = 0, before = -1; same < 20; same = seen.written === before ? same + 1 : 0) {
      before = seen.written
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    }
    expect(seen.written).toBeLessThan(500)
    let count = 0
    for await (const message of stream as AsyncIterable<Buffer>) expect(Number(String(message).trim())).toBe(count++)
    expect(count).toBe(2_000)
  })

  it('waitForReady waits for a server, and waitForReady of the client reports one', async () => {
    const made = handlers()
    const reserved = await fixture.grpcServer(made.handlers as never)
    const { port } = reserved
    reserved.server.forceShutdown()
    const credentials = library.credentials.createSsl(Buffer.from(fixture.authority.ca))
    const address = `a.test.example:${port}`
    const Service = library.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor
    const client = new Service(address, credentials, {
      channelOverride: channel(fixture.client(), address, credentials as never),
    })
    expect(await caught(unary(client, text('x'), metadata()))).toMatchObject({ code: 14 })
    const patient = new library.Metadata({ waitForReady: true })
    const waiting = unary(client, text('patient'), patient as never)
    await fixture.grpcServer(made.handlers as never, { port })
    expect(String((await waiting).response)).toBe('patient')
    await new Promise<void>((resolve, reject) =>
      client.waitForReady(Date.now() + 5_000, (error) => (error ? reject(error) : resolve())),
    )
    client.close()
    expect(() => client.unary(text('x'), metadata(), {}, () => undefined)).toThrow('shut down')
  })

  it('waitForReady ends when the channel or the client is closed, and not with an uncaught error', async () => {
    const reserved = await fixture.grpcServer(handlers().handlers as never)
    reserved.server.forceShutdown()
    const credentials = library.credentials.createSsl(Buffer.from(fixture.authority.ca))
    const address = `a.test.example:${reserved.port}`
    const Service = library.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor
    const patient = (): never => new library.Metadata({ waitForReady: true }) as never
    for (const [closed, code] of [
      ['channel', 14],
      ['client', 1],
    ] as const) {
      const own = fixture.client()
      const client = new Service(address, credentials, { channelOverride: channel(own, address, credentials as never) })
      const waiting = caught(unary(client, text('x'), patient()))
      const states = client.getChannel()
      // The first attempt has failed: the call waits for the next one.
      while (states.getConnectivityState(false) !== 3) await new Promise(setImmediate)
      if (closed === 'channel') client.close()
      else own.destroy()
      expect(await waiting).toMatchObject({ code })
    }
  })

  it('credentials of one TLS context that verify differently share no connection', async () => {
    const { server } = await start(library)
    const context = createSecureContext({ ca: fixture.authority.ca })
    const own = fixture.client()
    const Service = library.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor
    const refused = new Error('refused by the check')
    const checks = [{ rejectUnauthorized: false }, {}, { checkServerIdentity: () => refused }]
    const outcomes: unknown[] = []
    for (const options of checks) {
      const credentials = library.credentials.createFromSecureContext(context, options as never)
      const address = `a.test.example:${server.port}`
      const client = new Service(address, credentials, { channelOverride: channel(own, address, credentials as never) })
      outcomes.push(
        await unary(client, text('ok'), metadata()).then(
          ({ response }) => String(response),
          ({ code }) => code,
        ),
      )
      client.close()
    }
    expect(outcomes).toEqual(['ok', 'ok', 14])
    // Version 1.8 has no `rejectUnauthorized`.
    expect(own.stats().connections).toHaveLength(name === 'grpc-js 1.8' ? 1 : 2)
  })

  it('a call of a server that makes calls keeps no listener of them', async () => {
    const inner = await start(library)
    const counts: number[] = []
    const outer = await fixture.grpcServer({
      async unary(call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) {
        const before = call.listenerCount('cancelled')
        for (let i = 0; i < 20; i++) await unary(inner.client, text('x'), metadata(), { parent: call as never })
        counts.push(call.listenerCount('cancelled') - before)
        done(null, Buffer.alloc(0))
      },
    })
    const credentials = library.credentials.createSsl(Buffer.from(fixture.authority.ca))
    const address = `a.test.example:${outer.port}`
    const Service = library.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor
    const client = new Service(address, credentials, {
      channelOverride: channel(fixture.client(), address, credentials as never),
    })
    await unary(client, text('x'), metadata())
    expect(counts).toEqual([0])
    client.close()
  })

  it('interceptors, credentials of calls and of the channel are applied', async () => {
    const made = handlers()
    const server = await fixture.grpcServer(made.handlers as never)
    const { credentials } = library
    const own = credentials.combineChannelCredentials(
      credentials.createSsl(Buffer.from(fixture.authority.ca)),
      credentials.createFromMetadataGenerator((options, done) => {
        const generated = new library.Metadata()
        generated.set('x-initial', `channel ${options.service_url}`)
        done(null, generated)
      }),
    )
    const address = `a.test.example:${server.port}`
    const Service = library.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor
    const client = new Service(address, own, {
      channelFactoryOverride: channelFactory(fixture.client()),
      channelOverride: channelFactory(fixture.client())(address, own as never, {}),
      interceptors: [(options: never, next: (options: never) => never) => new library.InterceptingCall(next(options))],
    })
    const { metadata: initial } = await unary(client, text('metadata'), metadata())
    expect(initial.get('x-initial')).toEqual(['channel https://a.test.example/test.Service'])
    const failing = credentials.createFromMetadataGenerator((_options, done) => done(new Error('no token')))
    expect(await caught(unary(client, text('x'), metadata(), { credentials: failing as never }))).toMatchObject({ code: 16 })
    client.close()
  })

  it('clients of 12 hosts share one connection', async () => {
    const made = handlers()
    const server = await fixture.grpcServer(made.handlers as never)
    const client = createClient({
      tls: { ca: fixture.authority.ca },
      lookup: (_host, _options, done) => done(null, '127.0.0.1', 4),
      reuse: coalescing(),
    })
    fixture.defer(() => client.destroy())
    const Service = library.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as Constructor
    for (const tls of ['client', 'credentials'] as const) {
      const before = server.connections
      const shared = library.credentials.createSsl(Buffer.from(fixture.authority.ca))
      for (let i = 0; i < 12; i++) {
        const address = `host${i}.test.example:${server.port}`
        // With the client's TLS each of them may have credentials of its own.
        const own = tls === 'client' ? library.credentials.createSsl() : shared
        const service = new Service(address, own, { channelOverride: channel(client, address, own as never, {}, { tls }) })
        expect(String((await unary(service, text(`to ${i}`), metadata())).response)).toBe(`to ${i}`)
        service.close()
      }
      expect(server.connections - before).toBe(1)
    }
  })
})

function emptied(stream: grpc.ClientDuplexStream<Buffer, Buffer>): AsyncIterable<Buffer> {
  stream.end()
  return stream as AsyncIterable<Buffer>
}
