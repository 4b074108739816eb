/** The published mock: real client, real pool, and a function at the other end. */

import { FakeClock } from '@unshard/testkit'
import { ConnectionError, type RequestOptions } from '../../src/index.js'
import { type MockClientOptions, type MockHandler, type MockRequest, mockClient } from '../../src/testing/index.js'

const url = 'https://api.invalid/path?q=1'

function mock(handler: MockHandler, options?: MockClientOptions) {
  const mocked = mockClient(handler, options)
  return { ...mocked, ask: (more: Partial<RequestOptions> = {}) => mocked.client.request({ url, ...more }) }
}

it('a handler sees the request, and its answer is a response', async () => {
  let seen: MockRequest | undefined
  const { ask, connections } = mock(async (request) => {
    seen = request
    return { status: 201, headers: { 'x-seen': await request.text() }, json: { ok: true }, trailers: { 'x-after': 'all' } }
  })
  const response = await ask({ method: 'POST', body: 'content', headers: { 'X-Given': '1' }, trailers: () => ({ 'x-end': 'e' }) })
  expect([response.status, response.headers.get('x-seen'), response.headers.get('content-type'), await response.json()]).toEqual([
    201,
    'content',
    'application/json',
    { ok: true },
  ])
  expect(response.trailers?.get('x-after')).toBe('all')
  expect(seen).toMatchObject({ method: 'POST', url, connectionId: connections[0]!.id })
  expect([...seen!.headers]).toEqual([
    ['x-given', '1'],
    ['content-type', 'text/plain;charset=UTF-8'],
    ['content-length', '7'],
  ])
  expect([...seen!.trailers()]).toEqual([['x-end', 'e']])
  expect(response.connection).toMatchObject({ id: connections[0]!.id, protocol: 'h2', coalesced: false })
})

it('nothing is an answer: 200 without content', async () => {
  const response = await mock(() => undefined).ask()
  expect([response.status, response.headers.size, await response.text()]).toEqual([200, 0, ''])
})

it('HEAD has the fields of the content, and none of it', async () => {
  const response = await mock(() => ({ body: 'five!' })).ask({ method: 'HEAD' })
  expect([response.headers.get('content-length'), await response.text()]).toEqual(['5', ''])
})

it('one HTTP/2 connection for many requests, and as many of HTTP/1.1 as it takes', async () => {
  let open!: () => void
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const used = async (options: MockClientOptions): Promise<number> => {
    let arrived = 0
    const { ask, connections } = mock(async () => {
      if (++arrived === 6) open()
      await gate
      return {}
    }, options)
    await Promise.all(Array.from({ length: 6 }, () => ask()))
    return connections.length
  }
  expect(await used({})).toBe(1)
  expect(await used({ protocol: 'http/1.1' })).toBe(6)
})

it('streams both ways, each at the pace of the other', async () => {
  let given = 0
  const { ask } = mock((request) => ({ body: request.body() }))
  const response = await ask({
    method: 'POST',
    body: (async function* () {
      while (given < 100) yield Buffer.alloc(10_000, given++)
    })(),
  })
  const { body } = response
  expect((await body.next()).value).toHaveLength(10_000)
  await new Promise(setImmediate)
  expect(given).toBeLessThan(20)
  let length = 10_000
  for await (const part of body) length += part.length
  expect([given, length]).toEqual([100, 1_000_000])
})

it('tells of interim responses', async () => {
  const { ask } = mock((request) => {
    request.inform(103, { link: '</style.css>; rel=preload' })
    return {}
  })
  const seen: unknown[] = []
  await ask({ onInformational: (status, fields) => seen.push([status, ...fields]) })
  expect(seen).toEqual([[103, 'link', '</style.css>; rel=preload']])
})

it('what the handler throws is what the request fails with', async () => {
  const refused = new ConnectionError('ERR_CONNECTION_LOST', 'gone', { initiator: 'peer', processed: 'unknown' })
  await expect(mock(() => Promise.reject(refused)).ask({ method: 'POST' })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  const broken = mock(() => {
    throw new Error('a bug')
  })
  await expect(broken.ask()).rejects.toMatchObject({
    name: 'StreamError',
    code: 'ERR_MOCK_HANDLER',
    message: 'the handler failed: a bug (https://api.invalid)',
    cause: expect.objectContaining({ message: 'a bug' }),
  })
})

it('a body that fails after the fields fails there', async () => {
  const response = await mock(() => ({
    body: (async function* () {
      yield 'begun'
      throw new Error('cut')
    })(),
  })).ask()
  await expect(response.text()).rejects.toMatchObject({ code: 'ERR_MOCK_HANDLER', processed: 'yes' })
})

it('an abort reaches the handler, and the place is free again', async () => {
  const reason = new Error('enough')
  const abort = new AbortController()
  let told: unknown
  const { ask, connections, client } = mock(
    (request) =>
      new Promise(() => {
        request.signal.addEventListener('abort', () => {
          told = request.signal.reason
        })
        abort.abort(reason)
      }),
  )
  await expect(ask({ signal: abort.signal })).rejects.toBe(reason)
  expect([told, connections[0]!.active, connections[0]!.state]).toEqual([reason, 0, 'open'])
  await client.close()
  expect(connections[0]!.state).toBe('closed')
})

it('a connection that is lost: GET is sent once more, POST is not', async () => {
  let asked = 0
  const { ask, connections } = mock(() => {
    asked++
    connections.at(-1)!.lose()
    return {}
  })
  await expect(ask({ method: 'POST' })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
  expect(asked).toBe(1)
  await expect(ask()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  expect(asked).toBe(3)
})

it('a goodbye: what is under way comes through, what is new goes elsewhere', async () => {
  const { ask, connections } = mock((request) => {
    if (connections.length === 1) connections[0]!.goaway()
    return { body: String(request.connectionId) }
  })
  const first = await ask()
  const second = await ask()
  expect([await first.text(), await second.text()]).toEqual(connections.map(({ id }) => String(id)))
  expect(connections.map(({ state }) => state)).toEqual(['closed', 'open'])
})

it('deadlines and retries are the real ones', async () => {
  const clock = new FakeClock()
  let asked = 0
  const { ask } = mock(() => (++asked === 1 ? { status: 503, headers: { 'retry-after': '5' } } : new Promise(() => undefined)), {
    clock,
    retry: true,
    timeouts: { headers: 1_000 },
  })
  const waiting = ask()
  const failing = expect(waiting).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers' })
  for (let i = 0; i < 40 && asked < 2; i++) {
    clock.advance(500)
    await new Promise(setImmediate)
  }
  expect(asked).toBe(2)
  clock.advance(1_100)
  await failing
})

it('a function that makes no connection fails those who wait for it', async () => {
  const { Client } = await import('../../src/index.js')
  const client = new Client({
    connections() {
      throw new ConnectionError('ERR_PROTOCOL', 'none today', { initiator: 'local', processed: 'no' })
    },
  })
  await expect(client.request({ url })).rejects.toMatchObject({ code: 'ERR_PROTOCOL' })
})

describe.each(['h2', 'http/1.1'] as const)('content over a mock connection of %s is what it is over a real one', (protocol) => {
  /** A stream that has begun and does not end; `cancelled` resolves when it is told that nobody wants it. */
  function begun(): { body: ReadableStream<Uint8Array>; cancelled: Promise<void> } {
    let body!: ReadableStream<Uint8Array>
    const cancelled = new Promise<void>((resolve) => {
      const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => controller.enqueue(Buffer.from('begun'))
      body = new ReadableStream({ start, cancel: () => resolve() }) as ReadableStream<Uint8Array>
    })
    return { body, cancelled }
  }

  it('an abort ends a source that is waited for, and the handler that waits for it', async () => {
    const reason = new Error('the reason')
    const controller = new AbortController()
    const { body, cancelled } = begun()
    let heard!: (error: unknown) => void
    const hearing = new Promise((resolve) => {
      heard = resolve
    })
    const handler: MockHandler = async (request) => {
      setImmediate(() => controller.abort(reason))
      await request.bytes().catch(heard)
      return undefined
    }
    const asking = mock(handler, { protocol }).ask({ method: 'POST', body, signal: controller.signal })
    await expect(asking).rejects.toBe(reason)
    expect(await hearing).toBe(reason)
    await cancelled
  })

  it('an answer that is complete ends a source that nobody has read', async () => {
    const { body, cancelled } = begun()
    const response = await mock(() => ({ body: 'early' }), { protocol }).ask({ method: 'POST', body })
    expect(await response.text()).toBe('early')
    await cancelled
  })

  it('an abort ends the source of an answer that is waited for', async () => {
    const { body, cancelled } = begun()
    const controller = new AbortController()
    const response = await mock(() => ({ body }), { protocol }).ask({ signal: controller.signal })
    const reading = response.text()
    controller.abort(new Error('the reason'))
    await expect(reading).rejects.toThrow('the reason')
    await cancelled
  })

  it('what cannot be sent fails with the codes of an engine', async () => {
    const { ask } = mock(async (request) => ({ body: await request.text() }), { protocol })
    const yields = (part: unknown) =>
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(part)
          controller.close()
        },
      })
    const post = (body: ReadableStream, length?: number) =>
      ask({ method: 'POST', body, ...(length === undefined ? {} : { headers: { 'content-length': String(length) } }) })
    await expect(post(yields(5))).rejects.toMatchObject({ code: 'ERR_INVALID_BODY' })
    await expect(post(yields('abc'), 5)).rejects.toMatchObject({ code: 'ERR_CONTENT_LENGTH' })
    await expect(post(yields('abc'), 2)).rejects.toMatchObject({ code: 'ERR_CONTENT_LENGTH' })
    expect(await (await post(yields('abc'), 3)).text()).toBe('abc')
    const failing = new ReadableStream({ start: (c) => c.error(new Error('out of paper')) })
    await expect(post(failing)).rejects.toMatchObject({ code: 'ERR_REQUEST_BODY', cause: { message: 'out of paper' } })
  })
})
