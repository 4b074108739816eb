// What the chaos proxy does to octets, and what it tells: every fault alone, over plain TCP.
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { type ChaosProxy, type ChaosProxyOptions, patternBytes, startChaosProxy } from '@unshard/testkit'

/** A server that echoes; a client through the proxy that keeps what comes. */
interface World {
  readonly proxy: ChaosProxy
  readonly client: Socket
  readonly chunks: Buffer[]
  /** Resolves when so many octets have come back. */
  back(octets: number): Promise<Buffer>
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function echoing(): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return { port: (server.address() as AddressInfo).port, sockets }
}

/** Whatever error comes before it. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()))

async function world(options: ChaosProxyOptions = {}): Promise<World & { sockets: Socket[] }> {
  const { port, sockets } = await echoing()
  const proxy = await startChaosProxy(port, options)
  closers.push(() => proxy.close())
  const client = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  const chunks: Buffer[] = []
  client.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => undefined)
  closers.push(() => client.destroy())
  await proxy.accepted(1)
  while (sockets.length === 0) await new Promise(setImmediate)
  const back = async (octets: number): Promise<Buffer> => {
    while (Buffer.concat(chunks).length < octets) await once(client, 'data')
    return Buffer.concat(chunks)
  }
  return { proxy, client, chunks, back, sockets }
}

test('without a toxic octets and FIN pass as they are, both ways', async () => {
  const { proxy, client, back } = await world()
  client.end(patternBytes(200_000))
  expect((await back(200_000)).equals(patternBytes(200_000))).toBe(true)
  const [link] = proxy.links
  expect(link!.toServer).toMatchObject({ received: 200_000, passed: 200_000 })
  client.resume()
  await link!.closed
  expect([proxy.connections, proxy.links.length]).toEqual([1, 0])
})

test('latency and jitter: later, and in order', async () => {
  const { proxy, client, back } = await world({ random: () => 0.5 })
  proxy.set('both', { latencyMs: 20, jitterMs: 10 })
  const start = performance.now()
  client.write(patternBytes(50_000))
  expect((await back(50_000)).equals(patternBytes(50_000))).toBe(true)
  expect(performance.now() - start).toBeGreaterThanOrEqual(49)
})

test('slices: writes of one octet', async () => {
  const { proxy, client, chunks, back } = await world()
  const { toClient } = proxy.links[0]!
  proxy.set('toClient', { sliceBytes: 1 })
  let writes = 0
  void toClient.when(() => ++writes < 0)
  client.write(patternBytes(300))
  expect((await back(300)).equals(patternBytes(300))).toBe(true)
  // Looked at when it was asked, for what was received, and after each write.
  expect(writes).toBeGreaterThanOrEqual(300)
  expect(chunks.length).toBeGreaterThan(1)
})

test('merge: what comes in parts leaves as one', async () => {
  const { proxy, client, sockets, chunks, back } = await world()
  proxy.set('toClient', { mergeMs: 60 })
  client.write('a')
  const { toClient } = proxy.links[0]!
  await toClient.when(({ received }) => received === 1)
  sockets[0]!.write('b')
  await toClient.when(({ received }) => received === 2)
  expect(toClient.passed).toBe(0)
  expect((await back(2)).toString()).toBe('ab')
  expect(chunks).toHaveLength(1)
})

test('corrupt: one octet, at its place, once', async () => {
  const { proxy, client, back } = await world()
  proxy.set('toServer', { corruptAfter: 5 })
  client.write(Buffer.alloc(10))
  expect([...(await back(10))]).toEqual([0, 0, 0, 0, 0, 0x55, 0, 0, 0, 0])
})

test('truncate: so many octets, then FIN, and what comes later is dropped', async () => {
  const { proxy, client, chunks } = await world()
  proxy.set('toClient', { truncateAfter: 7 })
  client.write(patternBytes(100))
  await once(client, 'end')
  expect(Buffer.concat(chunks)).toEqual(patternBytes(7))
  client.end()
  await proxy.links[0]?.closed
})

test('stall: a black hole, and later all of it', async () => {
  const { proxy, client, chunks, back } = await world()
  const [link] = proxy.links
  link!.set('toClient', { stalled: true })
  client.write('gone')
  await link!.toClient.when(({ received }) => received === 4)
  expect([link!.toClient.passed, chunks.length]).toEqual([0, 0])
  link!.set('toClient', { stalled: false })
  expect((await back(4)).toString()).toBe('gone')
})

test('a stall keeps FIN too, and takes no more than a network would', async () => {
  const { proxy, client } = await world()
  proxy.set('toServer', { stalled: true })
  client.end(Buffer.alloc(8_000_000))
  const { toServer } = proxy.links[0]!
  await toServer.when(({ received }) => received > 1_048_576)
  for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate)
  expect(toServer.received).toBeLessThan(2_000_000)
})

test('hold and letGo: so many octets and no more, on links to come as well', async () => {
  const { proxy, client, back } = await world()
  proxy.hold('toServer', 3)
  client.write('held back')
  const { toServer } = proxy.links[0]!
  await toServer.when(({ passed, received }) => passed === 3 && received === 9)
  expect((await back(3)).toString()).toBe('hel')
  const second = net.connect({ port: proxy.port, host: '127.0.0.1' }).on('error', () => undefined)
  closers.push(() => second.destroy())
  const link = await proxy.accepted(2)
  second.write('also')
  await link.toServer.when(({ received }) => received === 4)
  expect(link.toServer.passed).toBe(3)
  proxy.letGo()
  expect((await back(9)).toString()).toBe('held back')
})

test('bandwidth: no faster than that', async () => {
  const { proxy, client, back } = await world()
  proxy.set('toServer', { bytesPerSecond: 100_000 })
  const start = performance.now()
  client.write(patternBytes(10_000))
  expect((await back(10_000)).equals(patternBytes(10_000))).toBe(true)
  expect(performance.now() - start).toBeGreaterThan(75)
})

test('reset: RST to both', async () => {
  const { proxy, client, sockets } = await world()
  client.write('x')
  await once(client, 'data')
  const gone = Promise.all([closed(client), closed(sockets[0]!)])
  const errors: unknown[] = []
  client.on('error', (error) => errors.push(error))
  proxy.reset()
  await gone
  expect(errors).toMatchObject([{ code: 'ECONNRESET' }])
})

test('half-close: FIN from the server, and what the client sends still arrives', async () => {
  const { proxy, client, sockets } = await world()
  proxy.halfClose()
  await once(client, 'end')
  client.write('still')
  const [bytes] = (await once(sockets[0]!, 'data')) as [Buffer]
  expect(bytes.toString()).toBe('still')
})

test('refuse and listen: nobody is there, and then again, on the same port', async () => {
  const { proxy, client } = await world()
  const { port } = proxy
  proxy.refuse()
  const refused = net.connect({ port, host: '127.0.0.1' })
  expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }])
  expect(client.destroyed).toBe(false)
  await proxy.listen()
  const again = net.connect({ port, host: '127.0.0.1' })
  closers.push(() => again.destroy())
  await proxy.accepted(2)
  expect([proxy.port, proxy.connections]).toEqual([port, 2])
})

test('toxics for links to come leave those that are open alone', async () => {
  const { proxy, client, back } = await world()
  proxy.setNew('toClient', { truncateAfter: 0 })
  const second = net.connect({ port: proxy.port, host: '127.0.0.1' })
  await once(second.resume(), 'end')
  client.write('fine')
  expect((await back(4)).toString()).toBe('fine')
})

test('a server that is not there is a reset of the client', async () => {
  const { proxy } = await world()
  const { port, close } = await startChaosProxy(1).then((p) => ({ port: p.port, close: () => p.close() }))
  proxy.targetPort = port
  await close()
  const client = net.connect({ port: proxy.port, host: '127.0.0.1' }).on('error', () => undefined)
  await closed(client)
})
