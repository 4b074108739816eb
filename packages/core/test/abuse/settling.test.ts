/** User-supplied functions, sources and resolvers affect only their own request, which settles. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { FakeClock, startTcpProxy, staticLookup } from '@unshard/testkit'
import type { ReusePolicy } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'

const { client: createClient, server, defer } = clientFixture()

/** Waits until no request is in flight. */
async function untilIdle(client: ReturnType<typeof createClient>): Promise<void> {
  while (client.stats().connections.some(({ active }) => active > 0)) await new Promise(setImmediate)
}

function source(next: () => unknown, end: () => unknown): AsyncIterable<string> {
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) as unknown as AsyncIterator<string> }
}

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it('a source whose return() throws rejects its request with the abort reason only', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient()
    const { signal, abort } = aborting()
    let parts = 0
    const body = source(
      () => (parts++ === 0 ? Promise.resolve({ done: false, value: 'x' }) : new Promise(() => undefined)),
      () => {
        throw new Error('return')
      },
    )
    const request = client.request({ url: `${origin.url('a.test.example')}/never`, method: 'POST', body, signal })
    await origin.delivered(1)
    abort()
    await expect(request).rejects.toBe('mine')
    await untilIdle(client)
  })

  it('a source whose next() fails and whose return() throws rejects its request with the error of next()', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient()
    const body = source(
      () => Promise.reject(new Error('next')),
      () => {
        throw new Error('return')
      },
    )
    const request = client.request({ url: `${origin.url('a.test.example')}/never`, method: 'POST', body })
    await expect(request).rejects.toMatchObject({ code: 'ERR_REQUEST_BODY', cause: { message: 'next' } })
    await untilIdle(client)
  })

  it('a stream that never yields again is cancelled at an abort at once', async () => {
    const origin = await server({ protocols: [protocol] })
    let cancelled = 0
    const { signal, abort } = aborting()
    const client = createClient()
    const node = new Readable({ read: () => undefined })
    node.push('x')
    const web = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(Buffer.from('x')), cancel: () => void cancelled++ })
    const url = `${origin.url('a.test.example')}/never`
    const requests = [node, web].map((body) => client.request({ url, method: 'POST', body, signal }))
    await origin.delivered(2)
    abort()
    for (const request of requests) await expect(request).rejects.toBe('mine')
    await untilIdle(client)
    expect(node.destroyed).toBe(true)
    expect(cancelled).toBe(1)
  })

  it('a request is aborted by its own source while the source is opened', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient()
    await (await client.request({ url: origin.url('a.test.example') })).text()
    const { signal, abort } = aborting()
    const body = source(
      () => {
        abort()
        return new Promise(() => undefined)
      },
      () => Promise.resolve({ done: true }),
    )
    const url = `${origin.url('a.test.example')}/never`
    await expect(client.request({ url, method: 'POST', body, signal })).rejects.toBe('mine')
    await untilIdle(client)
  })

  it('an onInformational that throws ends only its own request on the connection', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient()
    const url = origin.url('a.test.example')
    const otherResponse = await client.request({ url: `${url}/slow` })
    const onInformational = (): void => {
      throw new Error('mine')
    }
    await expect(client.request({ url: `${url}/early-hints`, onInformational })).rejects.toThrow('mine')
    // Sent once: an exception of the caller is not a lost connection.
    expect(origin.requests).toHaveLength(2)
    origin.release()
    await expect(otherResponse.text()).resolves.toBe('released')
  })

  it('parts of the body that are requested ahead all settle in order', async () => {
    const origin = await server({ protocols: [protocol] })
    const response = await createClient().request({ url: `${origin.url('a.test.example')}/slow` })
    const parts = response.body
    const pending = [parts.next(), parts.next(), parts.next()]
    origin.release()
    const results = await Promise.all(pending)
    expect(results.map(({ done }) => done)).toEqual([false, true, true])
  })
})

it('a request refused on a dedicated connection leaves no connection behind', async () => {
  const origin = await server({ protocols: ['http/1.1'] })
  const url = origin.url('a.test.example')
  const request = { url, method: 'POST', headers: { connection: 'close' }, body: 'x', trailers: () => ({ a: 'b' }) }
  const closed = new Promise<void>((resolve) => {
    const check = (): unknown => (origin.connections > 0 && origin.openSockets === 0 ? resolve() : setImmediate(check))
    check()
  })
  await expect(createClient().request(request)).rejects.toMatchObject({ code: 'ERR_TRAILERS_UNSUPPORTED' })
  await closed
})

it('a resolver that never answers costs one deadline: the next request starts another lookup', async () => {
  const origin = await server()
  const clock = new FakeClock()
  let calls = 0
  const client = createClient({
    clock,
    timeouts: { connect: 1_000 },
    lookup: (_host, _options, callback) => void (++calls > 1 && callback(null, [{ address: '127.0.0.1', family: 4 }])),
  })
  const url = origin.url('a.test.example')
  const lost = client.request({ url })
  clock.advance(1_100)
  await expect(lost).rejects.toMatchObject({ code: 'ERR_TIMEOUT_CONNECT', origin: url })
  await new Promise(setImmediate)
  await expect(client.request({ url }).then((response) => response.status)).resolves.toBe(200)
})

it('a server that accepts one HTTP/1.1 connection and refuses others is dialed a limited number of times', async () => {
  const origin = await server({ protocols: ['http/1.1'] })
  const proxy = await startTcpProxy(origin.port)
  defer(() => proxy.close())
  const lookup = staticLookup({ 'a.test.example': '127.0.0.1' })
  const client = createClient({ lookup, lookupTtlMs: 0 })
  const url = `https://a.test.example:${proxy.port}`
  const slow = await client.request({ url: `${url}/slow` })
  lookup.table['a.test.example'] = '127.0.0.9'
  const waiting = [1, 2, 3].map(() => client.request({ url }))
  while (client.stats().totals.dials < 4) await new Promise(setImmediate)
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
  expect(client.stats().totals.dials).toBeLessThanOrEqual(4)
  origin.release()
  await slow.text()
  for (const request of waiting) expect((await request).status).toBe(200)
})

it.each([
  ['options', undefined, 'ERR_INVALID_OPTION'],
  ['url', { url: null }, 'ERR_INVALID_URL'],
  ['url', {}, 'ERR_INVALID_URL'],
  ['headers', { url: 'https://a.test.example', headers: null }, 'ERR_INVALID_OPTION'],
  ['headers', { url: 'https://a.test.example', headers: 'x: y' }, 'ERR_INVALID_OPTION'],
  ['signal', { url: 'https://a.test.example', signal: {} }, 'ERR_INVALID_OPTION'],
  ['timeouts', { url: 'https://a.test.example', timeouts: null }, 'ERR_INVALID_OPTION'],
  ['isolation', { url: 'https://a.test.example', isolation: {} }, 'ERR_INVALID_OPTION'],
  ['sensitive', { url: 'https://a.test.example', sensitive: 5 }, 'ERR_INVALID_OPTION'],
  ['onInformational', { url: 'https://a.test.example', onInformational: 5 }, 'ERR_INVALID_OPTION'],
])('a request with invalid %s is refused, and close() does not wait for it: %j', async (_name, options, code) => {
  const client = createClient()
  await expect(client.request(options as never)).rejects.toMatchObject({ name: 'UsageError', code })
  await client.close()
})

it('a host name with a trailing dot is sent as server name without it', async () => {
  const origin = await server()
  const client = createClient({ lookup: staticLookup({ 'a.test.example.': '127.0.0.1' }) })
  await (await client.request({ url: origin.url('a.test.example.') })).text()
  expect(origin.requests[0]).toMatchObject({ servername: 'a.test.example', authority: `a.test.example.:${origin.port}` })
})

function aborting(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort('mine') }
}

it("hosts at one address whose certificates cover no other host do not wait for each other's handshakes", async () => {
  const arrived: Socket[] = []
  const listener = createServer((socket) => {
    socket.on('error', () => undefined)
    arrived.push(socket)
  })
  await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve))
  defer(() => listener.close())
  const { port } = listener.address() as AddressInfo
  const reuse: ReusePolicy = {
    verdict: (candidate) => ('route' in candidate ? { use: false, because: 'no' } : { wait: true, because: 'under-way' }),
    misdirected: () => undefined,
  }
  // The clock is stopped: no time limit passes.
  const client = createClient({ reuse, clock: new FakeClock() })
  const requests = [...'abcdefgh'].map((host) => client.request({ url: `https://${host}.test.example:${port}` }))
  for (const request of requests) request.catch(() => undefined)
  for (const expected of [1, 1, 1, 5]) {
    while (arrived.length < expected) await new Promise(setImmediate)
    for (const socket of arrived.splice(0)) socket.destroy()
  }
  for (const request of requests) await expect(request).rejects.toMatchObject({ phase: 'tls' })
})

it('a dedicated dial ends with its request', async () => {
  const sockets: Socket[] = []
  const listening = createServer((socket) => void sockets.push(socket))
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  defer(() => listening.close())
  const connected = once(listening, 'connection')
  const abort = new AbortController()
  const { port } = listening.address() as AddressInfo
  const url = `https://a.test.example:${port}/`
  const failing = createClient({ timeouts: { connect: 0 } }).request({
    url,
    headers: { connection: 'close' },
    signal: abort.signal,
  })
  failing.catch(() => undefined)
  await connected
  const closed = once(sockets[0]!.resume(), 'close')
  abort.abort('enough')
  await expect(failing).rejects.toBe('enough')
  await closed
})

it('a source that yields only empty parts does not block its own deadline', async () => {
  const origin = await server({ protocols: ['h2'] })
  const body = (async function* () {
    for (;;) yield ''
  })()
  const client = createClient({ timeouts: { body: 100 } })
  const failing = client.request({ url: `${origin.url('a.test.example')}/never`, method: 'POST', body })
  await expect(failing).rejects.toMatchObject({ name: 'TimeoutError', phase: 'body' })
  await untilIdle(client)
})
