/** The published mock: the client and pool of the package, with a function instead of a server. */

import { FakeClock } from '@unshard/testkit'
import { ConnectionError, type RequestOptions } from '../../src/index.js'
import { type MockClientOptions, type MockHandler, type MockRequest, mockClient } from '../../src/testing/index.js'

const url = 'https://api.invalid/path?q=1'

function mock(handler: MockHandler, options?: MockClientOptions) {
  const mocked = mockClient(handler, options)
  return { ...mocked, send: (overrides: Partial<RequestOptions> = {}) => mocked.client.request({ url, ...overrides }) }
}

it('a handler receives the request, and its result is the response', async () => {
  let received: MockRequest | undefined
  const { send, connections } = mock(async (request) => {
    received = request
    return { status: 201, headers: { 'x-seen': await request.text() }, json: { ok: true }, trailers: { 'x-after': 'all' } }
  })
  const response = await send({
    method: 'POST',
    body: 'content',
    headers: { 'X-Given': '1' },
    trailers: () => ({ 'x-end': 'e' }),
  })
  expect([response.status, response.headers.get('x-seen'), response.headers.get('content-type'), await response.json()]).toEqual([
    201,
    'content',
    'application/json',
    { ok: true },
  ])
  expect(response.trailers?.get('x-after')).toBe('all')
  expect(received).toMatchObject({ method: 'POST', url, connectionId: connections[0]!.id })
  expect([...received!.headers]).toEqual([
    ['x-given', '1'],
    ['content-type', 'text/plain;charset=UTF-8'],
    ['content-length', '7'],
  ])
  expect([...received!.trailers()]).toEqual([['x-end', 'e']])
  expect(response.connection).toMatchObject({ id: connections[0]!.id, protocol: 'h2', coalesced: false })
})

it('a handler that returns undefined answers 200 without content', async () => {
  const response = await mock(() => undefined).send()
  expect([response.status, response.headers.size, await response.text()]).toEqual([200, 0, ''])
})

it('a response to HEAD has the fields of the content and no content', async () => {
  const response = await mock(() => ({ body: 'five!' })).send({ method: 'HEAD' })
  expect([response.headers.get('content-length'), await response.text()]).toEqual(['5', ''])
})

it('many requests use one HTTP/2 connection, or as many HTTP/1.1 connections as they need', async () => {
  let open!: () => void
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const connectionsFor = async (options: MockClientOptions): Promise<number> => {
    let delivered = 0
    const { send, connections } = mock(async () => {
      if (++delivered === 6) open()
      await gate
      return {}
    }, options)
    await Promise.all(Array.from({ length: 6 }, () => send()))
    return connections.length
  }
  expect(await connectionsFor({})).toBe(1)
  expect(await connectionsFor({ protocol: 'http/1.1' })).toBe(6)
})

it('content is streamed both ways, each with backpressure', async () => {
  let yielded = 0
  const { send } = mock((request) => ({ body: request.body() }))
  const response = await send({
    method: 'POST',
    body: (async function* () {
      while (yielded < 100) yield Buffer.alloc(10_000, yielded++)
    })(),
  })
  const { body } = response
  expect((await body.next()).value).toHaveLength(10_000)
  await new Promise(setImmediate)
  expect(yielded).toBeLessThan(20)
  let length = 10_000
  for await (const part of body) length += part.length
  expect([yielded, length]).toEqual([100, 1_000_000])
})

it('onInformational is called for interim responses', async () => {
  const { send } = mock((request) => {
    request.inform(103, { link: '</style.css>; rel=preload' })
    return {}
  })
  const interim: unknown[] = []
  await send({ onInformational: (status, fields) => interim.push([status, ...fields]) })
  expect(interim).toEqual([[103, 'link', '</style.css>; rel=preload']])
})

it('a request fails with the error that its handler throws', async () => {
  const refused = new ConnectionError('ERR_CONNECTION_LOST', 'gone', { initiator: 'peer', processed: 'unknown' })
  await expect(mock(() => Promise.reject(refused)).send({ method: 'POST' })).rejects.toMatchObject({
    code: 'ERR_CONNECTION_LOST',
  })
  const broken = mock(() => {
    throw new Error('a bug')
  })
  await expect(broken.send()).rejects.toMatchObject({
    name: 'StreamError',
    code: 'ERR_MOCK_HANDLER',
    message: 'the handler failed: a bug (https://api.invalid)',
    cause: expect.objectContaining({ message: 'a bug' }),
  })
})

it('a response body that fails after the fields rejects its reader', async () => {
  const response = await mock(() => ({
    body: (async function* () {
      yield 'begun'
      throw new Error('cut')
    })(),
  })).send()
  await expect(response.text()).rejects.toMatchObject({ code: 'ERR_MOCK_HANDLER', processed: 'yes' })
})

it('an abort reaches the handler and releases the slot', async () => {
  const reason = new Error('enough')
  const abort = new AbortController()
  let signalReason: unknown
  const { send, connections, client } = mock(
    (request) =>
      new Promise(() => {
        request.signal.addEventListener('abort', () => {
          signalReason = request.signal.reason
        })
        abort.abort(reason)
      }),
  )
  await expect(send({ signal: abort.signal })).rejects.toBe(reason)
  expect([signalReason, connections[0]!.active, connections[0]!.state]).toEqual([reason, 0, 'open'])
  await client.close()
  expect(connections[0]!.state).toBe('closed')
})

it('a GET on a lost connection is sent again, a POST is not', async () => {
  let deliveries = 0
  const { send, connections } = mock(() => {
    deliveries++
    connections.at(-1)!.lose()
    return {}
  })
  await expect(send({ method: 'POST' })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
  expect(deliveries).toBe(1)
  await expect(send()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  expect(deliveries).toBe(3)
})

it('after GOAWAY pending requests complete, and new ones use another connection', async () => {
  const { send, connections } = mock((request) => {
    if (connections.length === 1) connections[0]!.goaway()
    return { body: String(request.connectionId) }
  })
  const first = await send()
  const second = await send()
  expect([await first.text(), await second.text()]).toEqual(connections.map(({ id }) => String(id)))
  expect(connections.map(({ state }) => state)).toEqual(['closed', 'open'])
})

it('deadlines and retries are those of the client', async () => {
  const clock = new FakeClock()
  let deliveries = 0
  const { send } = mock(
    () => (++deliveries === 1 ? { status: 503, headers: { 'retry-after': '5' } } : new Promise(() => undefined)),
    {
      clock,
      retry: true,
      timeouts: { headers: 1_000 },
    },
  )
  const waiting = send()
  const failing = expect(waiting).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers' })
  for (let i = 0; i < 40 && deliveries < 2; i++) {
    clock.advance(500)
    await new Promise(setImmediate)
  }
  expect(deliveries).toBe(2)
  clock.advance(1_100)
  await failing
})

it('a function that makes no connection fails the requests that wait for it', async () => {
  const { Client } = await import('../../src/index.js')
  const client = new Client({
    connections() {
      throw new ConnectionError('ERR_PROTOCOL', 'none today', { initiator: 'local', processed: 'no' })
    },
  })
  await expect(client.request({ url })).rejects.toMatchObject({ code: 'ERR_PROTOCOL' })
})

describe.each(['h2', 'http/1.1'] as const)('content over a mock connection of %s is handled as over a real one', (protocol) => {
  /** A stream that yields one part and does not end. `cancelled` resolves when it is cancelled. */
  function begun(): { body: ReadableStream<Uint8Array>; cancelled: Promise<void> } {
    let body!: ReadableStream<Uint8Array>
    const cancelled = new Promise<void>((resolve) => {
      const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => controller.enqueue(Buffer.from('begun'))
      body = new ReadableStream({ start, cancel: () => resolve() }) as ReadableStream<Uint8Array>
    })
    return { body, cancelled }
  }

  it('an abort ends a source that is awaited, and the handler that waits for it', async () => {
    const reason = new Error('the reason')
    const controller = new AbortController()
    const { body, cancelled } = begun()
    let onError!: (error: unknown) => void
    const handlerError = new Promise((resolve) => {
      onError = resolve
    })
    const handler: MockHandler = async (request) => {
      setImmediate(() => controller.abort(reason))
      await request.bytes().catch(onError)
      return undefined
    }
    const pending = mock(handler, { protocol }).send({ method: 'POST', body, signal: controller.signal })
    await expect(pending).rejects.toBe(reason)
    expect(await handlerError).toBe(reason)
    await cancelled
  })

  it('a complete response ends a source that the handler has not read', async () => {
    const { body, cancelled } = begun()
    const response = await mock(() => ({ body: 'early' }), { protocol }).send({ method: 'POST', body })
    expect(await response.text()).toBe('early')
    await cancelled
  })

  it('an abort ends the source of a response that is awaited', async () => {
    const { body, cancelled } = begun()
    const controller = new AbortController()
    const response = await mock(() => ({ body }), { protocol }).send({ signal: controller.signal })
    const reading = response.text()
    controller.abort(new Error('the reason'))
    await expect(reading).rejects.toThrow('the reason')
    await cancelled
  })

  it('content that cannot be sent fails with the codes of an engine', async () => {
    const { send } = mock(async (request) => ({ body: await request.text() }), { protocol })
    const yields = (part: unknown) =>
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(part)
          controller.close()
        },
      })
    const post = (body: ReadableStream, length?: number) =>
      send({ method: 'POST', body, ...(length === undefined ? {} : { headers: { 'content-length': String(length) } }) })
    await expect(post(yields(5))).rejects.toMatchObject({ code: 'ERR_INVALID_BODY' })
    await expect(post(yields('abc'), 5)).rejects.toMatchObject({ code: 'ERR_CONTENT_LENGTH' })
    await expect(post(yields('abc'), 2)).rejects.toMatchObject({ code: 'ERR_CONTENT_LENGTH' })
    expect(await (await post(yields('abc'), 3)).text()).toBe('abc')
    const failing = new ReadableStream({ start: (c) => c.error(new Error('out of paper')) })
    await expect(post(failing)).rejects.toMatchObject({ code: 'ERR_REQUEST_BODY', cause: { message: 'out of paper' } })
  })
})
