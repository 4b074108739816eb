/** Interceptors: their order, what they may change, and that the request settles once whatever they do. */

import { Readable } from 'node:stream'
import { FakeClock } from '@unshard/testkit'
import { HttpResponse, type Interceptor, type MadeBody, UsageError } from '../../src/index.js'
import { watchEnd } from '../../src/internal/index.js'
import { mockClient } from '../../src/testing/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()
const URL_ = 'https://a.test.example/'

function named(name: string, log: string[]): Interceptor {
  return async (request, next) => {
    log.push(`> ${name}`)
    const response = await next(request)
    log.push(`< ${name}`)
    return response
  }
}

describe('order', () => {
  it('is that of the list, those of the client outside those of a view, those of the request innermost', async () => {
    const log: string[] = []
    const { client } = mockClient(() => ({ status: 200 }), { interceptors: [named('a', log), named('b', log)] })
    const view = client.with({ interceptors: [named('c', log)] })
    await view.request({ url: URL_, interceptors: [named('d', log)] })
    expect(log).toEqual(['> a', '> b', '> c', '> d', '< d', '< c', '< b', '< a'])
    log.length = 0
    await client.request({ url: URL_ })
    expect(log).toEqual(['> a', '> b', '< b', '< a'])
    await client.close()
  })
})

describe('an interceptor', () => {
  it('sees the request with its defaults, frozen', async () => {
    let seen: unknown
    const { client } = mockClient(() => ({ status: 200 }), {
      interceptors: [
        (request, next) => {
          seen = {
            method: request.method,
            url: request.url,
            accept: request.headers.get('accept'),
            frozen: Object.isFrozen(request),
          }
          return next(request)
        },
      ],
    })
    await client.request({ url: new URL(URL_), headers: { Accept: 'text/plain' } })
    expect(seen).toEqual({ method: 'GET', url: URL_, accept: 'text/plain', frozen: true })
    await client.close()
  })

  it('changes the request with with()', async () => {
    const origin = await server()
    const client = createClient({
      interceptors: [
        (request, next) =>
          next(request.with({ method: 'POST', body: 'changed', headers: { ...request.headers.toObject(), 'x-added': '1' } })),
      ],
    })
    const response = await client.request({ url: `${origin.url('a.test.example')}/inspect`, headers: { 'x-own': '2' } })
    expect(await response.json()).toMatchObject({
      method: 'POST',
      headers: { 'x-added': '1', 'x-own': '2' },
      body: { length: 7 },
    })
  })

  it('gets fields that were given as an iterator, and so does each attempt', async () => {
    const origin = await server()
    const client = createClient({
      interceptors: [
        async (request, next) => {
          const changed = request.with({ sensitive: ['x-own'].values() })
          ;(await next(changed)).discard()
          return next(changed)
        },
      ],
    })
    const headers = new Map([['x-own', '1']]).entries()
    const response = await client.request({
      url: `${origin.url('a.test.example')}/inspect`,
      headers,
      sensitive: ['x-own'].values(),
    })
    expect(await response.json()).toMatchObject({ headers: { 'x-own': '1' } })
  })

  it('answers without a server', async () => {
    const client = createClient({
      interceptors: [
        () =>
          HttpResponse.from({ status: 201, statusText: 'made', headers: { 'x-made': '1' }, body: 'hello', trailers: { t: '2' } }),
      ],
    })
    const response = await client.request({ url: URL_ })
    expect([response.status, response.statusText, response.headers.get('x-made'), await response.text()]).toEqual([
      201,
      'made',
      '1',
      'hello',
    ])
    expect(response.trailers?.get('t')).toBe('2')
    expect(response.connection).toMatchObject({ id: 0, because: 'intercepted' })
    expect(client.stats().totals).toMatchObject({ dials: 0, requests: 0 })
  })

  it('calls next again', async () => {
    let calls = 0
    const { client } = mockClient(() => ({ status: ++calls < 3 ? 503 : 200 }), {
      interceptors: [
        async (request, next) => {
          for (;;) {
            const response = await next(request)
            if (response.status !== 503) return response
            response.discard()
          }
        },
      ],
    })
    expect((await client.request({ url: URL_, method: 'POST', body: 'again' })).status).toBe(200)
    expect(calls).toBe(3)
    await client.close()
  })

  it('cannot send a body twice that can be read once', async () => {
    const { client } = mockClient(() => ({ status: 503 }), {
      interceptors: [async (request, next) => next(request).then(() => next(request))],
    })
    async function* once(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('part')
    }
    await expect(client.request({ url: URL_, method: 'POST', body: once() })).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_BODY_USED',
    })
    await client.close()
  })

  it('wraps the body, and the facts of the connection stay', async () => {
    const origin = await server()
    const client = createClient({
      interceptors: [
        async (request, next) => {
          const response = await next(request)
          const parts = response.body
          return response.with({
            headers: { ...response.headers.toObject(), 'x-wrapped': '1' },
            body: (async function* () {
              for await (const part of parts) yield Buffer.from(Buffer.from(part).toString().toUpperCase())
            })(),
          })
        },
      ],
    })
    const response = await client.request({ url: `${origin.url('a.test.example')}/` })
    expect(response.headers.get('x-wrapped')).toBe('1')
    expect(response.connection).toMatchObject({ id: expect.any(Number), remoteAddress: '127.0.0.1' })
    expect(response.connection.id).toBeGreaterThan(0)
    expect(response.timings.headersMs).toBeGreaterThan(0)
    const text = await response.text()
    expect(text).toBe(text.toUpperCase())
  })

  it('changes status and headers, and the body moves along', async () => {
    const origin = await server()
    const client = createClient({ interceptors: [async (request, next) => (await next(request)).with({ status: 299 })] })
    const response = await client.request({ url: `${origin.url('a.test.example')}/` })
    expect([response.status, (await response.text()).length > 0]).toEqual([299, true])
  })
})

describe('a response with another body', () => {
  const openEnded = (bodyOf: (response: HttpResponse) => MadeBody) =>
    mockClient(
      () => ({ body: new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.from('part')) }) }),
      {
        interceptors: [
          async (request, next) => {
            const response = await next(request)
            return response.with({ body: bodyOf(response) })
          },
        ],
      },
    )

  it('ends the stream when it is discarded, also while a generator waits for the next part', async () => {
    const { client, connections } = openEnded(async function* ({ body }) {
      for await (const part of body) yield part
    })
    const response = await client.request({ url: URL_ })
    const { body } = response
    expect(Buffer.from((await body.next()).value!).toString()).toBe('part')
    response.discard()
    await new Promise(setImmediate)
    expect(connections[0]!.active).toBe(0)
    await client.close()
  })

  it('ends the stream when the iterable fails that replaces it', async () => {
    const failing = { next: () => Promise.reject(new Error('own')) }
    const { client, connections } = openEnded(() => ({ [Symbol.asyncIterator]: () => failing }))
    await expect((await client.request({ url: URL_ })).text()).rejects.toThrow('own')
    expect(connections[0]!.active).toBe(0)
    await client.close()
  })

  it.each<[string, () => MadeBody]>([
    ['text', () => 'other'],
    ['an iterable', () => Readable.from([Buffer.from('other')])],
  ])('ends the stream when %s that replaces it has been read', async (_what, bodyOf) => {
    const { client, connections } = openEnded(bodyOf)
    expect(await (await client.request({ url: URL_ })).text()).toBe('other')
    await new Promise(setImmediate)
    expect(connections[0]!.active).toBe(0)
    await client.close()
  })
})

describe('errors', () => {
  it('of an interceptor reject the request as they are', async () => {
    const error = new Error('own')
    const client = createClient({ interceptors: [() => Promise.reject(error)] })
    await expect(client.request({ url: URL_ })).rejects.toBe(error)
    const throwing = createClient({
      interceptors: [
        () => {
          throw error
        },
      ],
    })
    await expect(throwing.request({ url: URL_ })).rejects.toBe(error)
  })

  it('of the connection reach the interceptors, which may replace them', async () => {
    const client = createClient({
      lookup: (_host, _options, callback) => callback(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), []),
      interceptors: [
        (request, next) => next(request).catch(({ code }) => HttpResponse.from({ status: 504, body: String(code) })),
      ],
    })
    const response = await client.request({ url: URL_ })
    expect([response.status, await response.text()]).toEqual([504, 'ENOTFOUND'])
  })

  it.each<[string, Interceptor]>([
    ['returns nothing', (() => undefined) as never],
    ['returns a plain object', (() => ({ status: 200 })) as never],
    ['passes a plain object to next', (_request, next) => next({ url: URL_ } as never)],
    ['passes nothing to next', (_request, next) => next(undefined as never)],
  ])('an interceptor that %s fails the request', async (_what, interceptor) => {
    const client = createClient({ interceptors: [interceptor] })
    await expect(client.request({ url: URL_ })).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INTERCEPTOR' })
  })

  it('an invalid request is refused before the first interceptor', async () => {
    let calls = 0
    const client = createClient({
      interceptors: [
        (request, next) => {
          calls++
          return next(request)
        },
      ],
    })
    await expect(client.request({ url: 'nonsense' })).rejects.toMatchObject({ code: 'ERR_INVALID_URL' })
    await expect(client.request({ url: URL_, method: 'G T' })).rejects.toMatchObject({ code: 'ERR_INVALID_METHOD' })
    expect(calls).toBe(0)
  })

  it('an invalid request that an interceptor passes on is refused', async () => {
    const client = createClient({ interceptors: [(request, next) => next(request.with({ method: 'G T' }))] })
    await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_INVALID_METHOD' })
  })

  it.each([[5], ['retry'], [[5]], [{}]])('the option refuses %j', (given) => {
    expect(() => createClient({ interceptors: given as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    const client = createClient()
    expect(() => client.with({ interceptors: given as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })

  it.each([{ status: 99 }, { status: 1000 }, { status: 200.5 }, { body: 5 as never }])('HttpResponse.from refuses %j', (made) => {
    expect(() => HttpResponse.from(made)).toThrow(UsageError)
  })
})

describe('an abort', () => {
  it('rejects at once with its reason, even if an interceptor waits', async () => {
    const controller = new AbortController()
    const client = createClient({ interceptors: [() => new Promise(() => undefined)] })
    const request = client.request({ url: URL_, signal: controller.signal })
    const reason = new Error('left')
    controller.abort(reason)
    await expect(request).rejects.toBe(reason)
  })

  it('before the request calls no interceptor', async () => {
    let calls = 0
    const client = createClient({
      interceptors: [
        (request, next) => {
          calls++
          return next(request)
        },
      ],
    })
    await expect(client.request({ url: URL_, signal: AbortSignal.abort('early') })).rejects.toBe('early')
    expect(calls).toBe(0)
  })

  it('discards a response that an interceptor returns later', async () => {
    const controller = new AbortController()
    let answer!: (response: HttpResponse) => void
    const client = createClient({
      interceptors: [
        () =>
          new Promise((resolve) => {
            answer = resolve
          }),
      ],
    })
    const request = client.request({ url: URL_, signal: controller.signal })
    controller.abort(new Error('left'))
    await expect(request).rejects.toThrow('left')
    const late = HttpResponse.from({ body: new ReadableStream<Uint8Array>() })
    answer(late)
    await new Promise(setImmediate)
    await expect(late.bytes()).rejects.toMatchObject({ code: 'ERR_BODY_CANCELLED' })
  })

  it('after the response aborts the body, as without interceptors', async () => {
    const origin = await server({ handler: (_request, response) => void response.write('part') })
    const controller = new AbortController()
    const client = createClient({ interceptors: [(request, next) => next(request)] })
    const response = await client.request({ url: `${origin.url('a.test.example')}/`, signal: controller.signal })
    const text = response.text()
    controller.abort(new Error('left'))
    await expect(text).rejects.toThrow('left')
  })
})

describe('timeouts.total', () => {
  it('limits all attempts together', async () => {
    const clock = new FakeClock()
    const client = createClient({ clock, timeouts: { total: 1_000 }, interceptors: [() => new Promise(() => undefined)] })
    const request = client.request({ url: URL_ })
    request.catch(() => undefined)
    clock.advance(999)
    await new Promise(setImmediate)
    clock.advance(1)
    await expect(request).rejects.toMatchObject({ name: 'TimeoutError', phase: 'total', ms: 1_000 })
  })
})

describe('watchEnd()', () => {
  it.each<[string, (client: { destroy(reason: Error): void }, abort: AbortController, clock: FakeClock) => void, string]>([
    ['an abort', (_client, abort) => abort.abort(new Error('left')), 'left'],
    ['the deadline of the whole request', (_client, _abort, clock) => clock.advance(1_000), 'total timeout after 1000 ms'],
    ['the end of the client', (client) => client.destroy(new Error('over')), 'over'],
  ])('reports %s to an interceptor that waits, and one that asks later', async (_what, end, message) => {
    const clock = new FakeClock()
    const abort = new AbortController()
    const reasons: unknown[] = []
    const waiter = { abort: (reason: unknown) => void reasons.push((reason as Error).message) }
    const left = { abort: (reason: unknown) => void reasons.push(reason) }
    let later!: () => void
    const { client } = mockClient(() => ({ status: 200 }), {
      clock,
      interceptors: [
        (request) => {
          watchEnd(request, waiter)
          watchEnd(request.with({ method: 'PUT' }), left)()
          later = () => void watchEnd(request, waiter)
          return new Promise(() => undefined)
        },
      ],
    })
    const request = client.request({ url: URL_, signal: abort.signal, timeouts: { total: 1_000 } })
    request.catch(() => undefined)
    end(client, abort, clock)
    await expect(request).rejects.toThrow(message)
    later()
    expect(reasons.map((reason) => String(reason).slice(0, message.length))).toEqual([message, message])
    client.destroy()
  })
})

describe('the end of the client', () => {
  it('close() waits for a request between two attempts', async () => {
    let again!: () => void
    const waiting = new Promise<void>((resolve) => {
      again = resolve
    })
    const { client } = mockClient(() => ({ status: 200 }), {
      interceptors: [
        async (request, next) => {
          ;(await next(request)).discard()
          await waiting
          return next(request)
        },
      ],
    })
    const request = client.request({ url: URL_ })
    await new Promise(setImmediate)
    const closed = client.close()
    again()
    expect((await request).status).toBe(200)
    ;(await request).discard()
    await closed
    await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  })

  it('destroy() rejects a request that waits inside an interceptor', async () => {
    const client = createClient({ interceptors: [() => new Promise(() => undefined)] })
    const request = client.request({ url: URL_ })
    const reason = new Error('over')
    client.destroy(reason)
    await expect(request).rejects.toBe(reason)
  })
})

describe('with()', () => {
  it('adds defaults, over which a request wins', async () => {
    const origin = await server()
    const client = createClient()
    const view = client.with({ headers: { 'x-a': '1', 'x-b': '1' } }).with({ headers: { 'x-b': '2', 'x-c': '2' } })
    const response = await view.request({ url: `${origin.url('a.test.example')}/inspect`, headers: { 'X-C': '3' } })
    expect(await response.json()).toMatchObject({ headers: { 'x-a': '1', 'x-b': '2', 'x-c': '3' } })
  })

  it('shares connections and statistics, and the original stays as it was', async () => {
    const origin = await server()
    const client = createClient()
    const view = client.with({ headers: { 'x-a': '1' } })
    const url = `${origin.url('a.test.example')}/inspect`
    await (await view.request({ url })).text()
    expect(await (await client.request({ url })).json()).not.toHaveProperty('headers.x-a')
    expect(origin.connections).toBe(1)
    expect(view.stats().totals.requests).toBe(2)
    expect(view.pools).toBe(client.pools)
  })

  it('refuses an unknown default', () => {
    const client = createClient()
    expect(() => client.with({ header: {} } as never)).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_OPTION' }))
  })

  it('closing either closes both', async () => {
    const client = createClient()
    const view = client.with({})
    await view.close()
    await expect(client.request({ url: URL_ })).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
  })
})

it('a handle passes through the interceptors of its client', async () => {
  const origin = await server()
  const log: string[] = []
  const client = createClient({ interceptors: [named('a', log)] })
  const handle = await client.connect(origin.url('a.test.example'))
  await (await handle.request({ url: '/' })).text()
  expect(log).toEqual(['> a', '< a'])
  await handle.close()
})
