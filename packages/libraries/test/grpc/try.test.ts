import * as grpc from '@grpc/grpc-js'
import { channel, channelFactory } from 'unshard/grpc'
import { grpcFixture, LIBRARIES, SERVICE, type ServiceClient, unary } from './fixture.js'

const fixture = grpcFixture()

it.each(LIBRARIES)('%s works', async (_name, library) => {
  const server = await fixture.grpcServer({
    unary(call: any, done: any) {
      const m = new grpc.Metadata(); m.set('initial', 'one'); m.set('raw-bin', Buffer.from([1, 2, 255])); call.sendMetadata(m)
      const t = new grpc.Metadata(); t.set('trailing', 'two')
      done(null, Buffer.concat([Buffer.from('echo '), call.request]), t)
    },
    serverStream(call: any) { for (let i = 0; i < 100; i++) call.write(Buffer.from(`m${i}`)); call.end() },
    clientStream(call: any, done: any) { let n = 0; call.on('data', (d: Buffer) => (n += d.length)); call.on('end', () => done(null, Buffer.from(String(n)))) },
    bidi(call: any) { call.on('data', (d: Buffer) => call.write(d)); call.on('end', () => call.end()) },
  })
  const own = fixture.client()
  const Service = library.makeGenericClientConstructor(SERVICE as never, 'Service') as unknown as new (a: string, c: unknown, o: object) => ServiceClient
  const creds = library.credentials.createSsl(Buffer.from(fixture.authority.ca))
  const address = `a.test.example:${server.port}`
  const client = new Service(address, creds, { channelOverride: channel(own, address, creds as never) })
  const metadata = new library.Metadata(); metadata.set('custom', 'x')
  const answer = await unary(client, Buffer.from('hello'), metadata as never)
  expect(answer.response.toString()).toBe('echo hello')
  expect(answer.metadata.getMap()).toMatchObject({ initial: 'one', 'raw-bin': Buffer.from([1, 2, 255]) })
  expect(answer.status).toMatchObject({ code: 0 })
  expect(answer.status.metadata.getMap()).toMatchObject({ trailing: 'two' })
  expect(answer.call.getPeer()).toBe(`127.0.0.1:${server.port}`)
  const got: string[] = []
  for await (const m of client.serverStream(Buffer.from('x'), new library.Metadata() as never)) got.push(String(m))
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => `m${i}`))
  const total = await new Promise((resolve, reject) => { const c = client.clientStream(new library.Metadata() as never, {}, (e, v) => e ? reject(e) : resolve(String(v))); for (let i = 0; i < 100; i++) c.write(Buffer.alloc(1000)); c.end() })
  expect(total).toBe('100000')
  const duplex = client.bidi(new library.Metadata() as never)
  const echoed: string[] = []
  duplex.write(Buffer.from('1'))
  for await (const m of duplex) { echoed.push(String(m)); if (echoed.length < 5) duplex.write(Buffer.from(String(echoed.length + 1))); else duplex.end() }
  expect(echoed).toEqual(['1', '2', '3', '4', '5'])
  await expect(new Promise((_r, reject) => client.makeUnaryRequest('/test.Service/Nope', (x: Buffer) => x, (x: Buffer) => x, Buffer.from(''), (e) => reject(e)))).rejects.toMatchObject({ code: 12 })
  void channelFactory
  expect(server.connections).toBe(1)
  client.close()
})
