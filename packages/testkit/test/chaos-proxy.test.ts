// Effects and reports of the chaos proxy: every fault alone, over plain TCP.
import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import { type ChaosProxy, type ChaosProxyOptions, patternBytes, startChaosProxy } from '@unshard/testkit'

/** An echo server, and a client through the proxy that records what it receives. */
interface Fixture {
  readonly proxy: ChaosProxy
  readonly client: Socket
  readonly chunks: Buffer[]
  /** Resolves when this many bytes have come back. */
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

/** Ignores errors before the close. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()))

async function createFixture(options: ChaosProxyOptions = {}): Promise<Fixture & { sockets: Socket[] }> {
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

test('without toxics, bytes and FIN pass unchanged in both directions', async () => {
  const { proxy, client, back } = await createFixture()
  client.end(patternBytes(200_000))
  expect((await back(200_000)).equals(patternBytes(200_000))).toBe(true)
  const [link] = proxy.links
  expect(link!.toServer).toMatchObject({ received: 200_000, passed: 200_000 })
  client.resume()
  await link!.closed
  expect([proxy.connections, proxy.links.length]).toEqual([1, 0])
})

test('latency and jitter delay bytes and keep their order', async () => {
  const { proxy, client, back } = await createFixture({ random: () => 0.5 })
  proxy.set('both', { latencyMs: 20, jitterMs: 10 })
  const start = performance.now()
  client.write(patternBytes(50_000))
  expect((await back(50_000)).equals(patternBytes(50_000))).toBe(true)
  expect(performance.now() - start).toBeGreaterThanOrEqual(49)
})

test('slices: writes of one byte', async () => {
  const { proxy, client, chunks, back } = await createFixture()
  const { toClient } = proxy.links[0]!
  proxy.set('toClient', { sliceBytes: 1 })
  let writes = 0
  void toClient.when(() => ++writes < 0)
  client.write(patternBytes(300))
  expect((await back(300)).equals(patternBytes(300))).toBe(true)
  // Checked at the call, after receiving, and after each write.
  expect(writes).toBeGreaterThanOrEqual(300)
  expect(chunks.length).toBeGreaterThan(1)
})

test('merge: bytes that arrive in parts are sent together', async () => {
  const { proxy, client, sockets, chunks, back } = await createFixture()
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

test('corrupt: changes one byte at its position once', async () => {
  const { proxy, client, back } = await createFixture()
  proxy.set('toServer', { corruptAfter: 5 })
  client.write(Buffer.alloc(10))
  expect([...(await back(10))]).toEqual([0, 0, 0, 0, 0, 0x55, 0, 0, 0, 0])
})

test('truncate: sends FIN after this many bytes and drops later ones', async () => {
  const { proxy, client, chunks } = await createFixture()
  proxy.set('toClient', { truncateAfter: 7 })
  client.write(patternBytes(100))
  await once(client, 'end')
  expect(Buffer.concat(chunks)).toEqual(patternBytes(7))
  client.end()
  await proxy.links[0]?.closed
})

test('stall: a black hole that delivers everything later', async () => {
  const { proxy, client, chunks, back } = await createFixture()
  const [link] = proxy.links
  link!.set('toClient', { stalled: true })
  client.write('gone')
  await link!.toClient.when(({ received }) => received === 4)
  expect([link!.toClient.passed, chunks.length]).toEqual([0, 0])
  link!.set('toClient', { stalled: false })
  expect((await back(4)).toString()).toBe('gone')
})

test('a stall also holds FIN, and buffers no more than a network would', async () => {
  const { proxy, client } = await createFixture()
  proxy.set('toServer', { stalled: true })
  client.end(Buffer.alloc(8_000_000))
  const { toServer } = proxy.links[0]!
  await toServer.when(({ received }) => received > 1_048_576)
  for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate)
  expect(toServer.received).toBeLessThan(2_000_000)
})

test('hold and letGo: pass this many bytes and no more, on future links as well', async () => {
  const { proxy, client, back } = await createFixture()
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

test('bandwidth: limits the rate', async () => {
  const { proxy, client, back } = await createFixture()
  proxy.set('toServer', { bytesPerSecond: 100_000 })
  const start = performance.now()
  client.write(patternBytes(10_000))
  expect((await back(10_000)).equals(patternBytes(10_000))).toBe(true)
  expect(performance.now() - start).toBeGreaterThan(75)
})

test('reset: sends RST to both sides', async () => {
  const { proxy, client, sockets } = await createFixture()
  client.write('x')
  await once(client, 'data')
  const gone = Promise.all([closed(client), closed(sockets[0]!)])
  const errors: unknown[] = []
  client.on('error', (error) => errors.push(error))
  proxy.reset()
  await gone
  expect(errors).toMatchObject([{ code: 'ECONNRESET' }])
})

test('half-close: sends FIN from the server, and bytes from the client still arrive', async () => {
  const { proxy, client, sockets } = await createFixture()
  proxy.halfClose()
  await once(client, 'end')
  client.write('still')
  const [bytes] = (await once(sockets[0]!, 'data')) as [Buffer]
  expect(bytes.toString()).toBe('still')
})

test('refuse and listen: refuses connections, and accepts them again on the same port', async () => {
  const { proxy, client } = await createFixture()
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

test('toxics for future links do not affect open ones', async () => {
  const { proxy, client, back } = await createFixture()
  proxy.setNew('toClient', { truncateAfter: 0 })
  const second = net.connect({ port: proxy.port, host: '127.0.0.1' })
  await once(second.resume(), 'end')
  client.write('fine')
  expect((await back(4)).toString()).toBe('fine')
})

test("an unreachable server resets the client's connection", async () => {
  const { proxy } = await createFixture()
  const { port, close } = await startChaosProxy(1).then((p) => ({ port: p.port, close: () => p.close() }))
  proxy.targetPort = port
  await close()
  const client = net.connect({ port: proxy.port, host: '127.0.0.1' }).on('error', () => undefined)
  await closed(client)
})
