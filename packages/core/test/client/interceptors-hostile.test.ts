/** Interceptors that wait, fail, answer or wrap in every wrong moment: nothing hangs, leaks, or reaches another server. */

import { Readable } from 'node:stream'
import { FakeClock } from '@unshard/testkit'
import { type HttpResponse, type Interceptor, HttpResponse as Made } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()
const URL_ = 'https://a.test.example/'
const turn = (): Promise<void> => new Promise(setImmediate)
const forever = (): Promise<never> => new Promise(() => undefined)

/** A source without an end, which says when it was closed. */
function source(): { readonly body: AsyncIterable<Uint8Array>; readonly closed: Promise<void> } {
  let close!: () => void
  const closed = new Promise<void>((resolve) => {
    close = resolve
  })
  async function* parts(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield Buffer.from('part')
        await turn()
      }
    } finally {
      close()
    }
  }
  return { body: parts(), closed }
}

describe('the end of the client', () => {
  it('close() with a grace period ends a request that waits inside an interceptor', async () => {
    const clock = new FakeClock()
    const client = createClient({ clock, interceptors: [forever] })
    const request = client.request({ url: URL_ })
    request.catch(() => undefined)
    const closed = client.close({ graceMs: 100 })
    await turn()
    clock.advance(100)
    await expect(request).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    await closed
  })

  it('destroy() ends the reading of a body that an interceptor made, and closes its source', async () => {
    const { body, closed } = source()
    const client = createClient({ interceptors: [() => Made.from({ body })] })
    const text = (await client.request({ url: URL_ })).text()
    const reason = new Error('over')
    client.destroy(reason)
    await expect(text).rejects.toBe(reason)
    await closed
  })

  it('close() waits for a body that an interceptor made', async () => {
    let end!: () => void
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    async function* parts(): AsyncGenerator<Uint8Array> {
      await ended
      yield Buffer.from('late')
    }
    const client = createClient({ interceptors: [() => Made.from({ body: parts() })] })
    const text = (await client.request({ url: URL_ })).text()
    let isClosed = false
    const closing = client.close().then(() => {
      isClosed = true
    })
    await turn()
    expect(isClosed).toBe(false)
    end()
    expect(await text).toBe('late')
    await closing
  })
})

describe('a body that an interceptor made', () => {
  it.each(['abort', 'timeouts.total'])('ends by %s, and its source is closed', async (how) => {
    const { body, closed } = source()
    const clock = new FakeClock()
    const controller = new AbortController()
    const client = createClient({ clock, timeouts: { total: 1_000 }, interceptors: [() => Made.from({ body })] })
    const text = (await client.request({ url: URL_, signal: controller.signal })).text()
    text.catch(() => undefined)
    if (how === 'abort') controller.abort(new Error('left'))
    else clock.advance(1_000)
    await expect(text).rejects.toThrow(how === 'abort' ? 'left' : 'total timeout')
    await closed
  })

  it.each<[string, () => ReadableStream | Readable]>([
    ['a Node stream', () => new Readable({ read() {} })],
    ['a web stream', () => new ReadableStream()],
  ])('that is %s is closed by discard(), although a read is pending', async (_kind, make) => {
    const body = make()
    const client = createClient({ interceptors: [() => Made.from({ body: body as never })] })
    const response = await client.request({ url: URL_ })
    response.discard()
    await turn()
    if (body instanceof Readable) expect(body.destroyed).toBe(true)
    else expect(Readable.isDisturbed(body as never) || body.locked).toBe(true)
  })

  it('that wraps the body of a response resets its stream when the reader leaves', async () => {
    let reset!: () => void
    const wasReset = new Promise<void>((resolve) => {
      reset = resolve
    })
    const origin = await server({
      handler: (_request, response) => {
        response.on('close', reset)
        response.write('first')
      },
    })
    const wrap: Interceptor = async (request, next) => {
      const response = await next(request)
      const parts = response.body
      return response.with({
        body: (async function* () {
          for await (const part of parts) yield part
        })(),
      })
    }
    const client = createClient({ interceptors: [wrap] })
    for await (const _part of (await client.request({ url: `${origin.url('a.test.example')}/` })).body) break
    await wasReset
  })

  it('may have parts of text', async () => {
    async function* parts(): AsyncGenerator<string> {
      yield 'hel'
      yield 'lö'
    }
    const client = createClient({ interceptors: [() => Made.from({ body: parts() as never })] })
    expect(await (await client.request({ url: URL_ })).text()).toBe('hellö')
  })

  it.each([new ArrayBuffer(3), { a: 1 }, 5, null])('fails for a part that is %p, and closes its source', async (part) => {
    let isClosed = false
    async function* parts(): AsyncGenerator<unknown> {
      try {
        for (;;) yield part
      } finally {
        isClosed = true
      }
    }
    const client = createClient({ interceptors: [() => Made.from({ body: parts() as never })] })
    await expect((await client.request({ url: URL_ })).bytes()).rejects.toMatchObject({ code: 'ERR_INVALID_BODY' })
    expect(isClosed).toBe(true)
  })

  it('without an end does not stop timers and sockets', async () => {
    async function* parts(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(0)
    }
    const client = createClient({ interceptors: [() => Made.from({ body: parts() })] })
    const response = await client.request({ url: URL_ })
    const text = response.text()
    text.catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 1))
    response.discard(new Error('enough'))
    await expect(text).rejects.toThrow('enough')
  })

  it.each<[string, object]>([
    ['a field name with a space', { headers: { 'a b': '1' } }],
    ['a field value with a line end', { headers: { a: '1\r\nb: 2' } }],
    ['headers that are text', { headers: 'a: b' }],
    ['a reason phrase with a line end', { statusText: 'ok\r\nx' }],
  ])('is refused with %s', (_what, made) => {
    expect(() => Made.from(made)).toThrow(expect.objectContaining({ name: 'UsageError' }))
  })
})

describe('responses of next() that are not returned', () => {
  const cases: [string, Interceptor, boolean][] = [
    [
      'by an interceptor that throws',
      async (request, next) => {
        await next(request)
        throw new Error('own')
      },
      false,
    ],
    [
      'by one that returns nothing',
      (async (request: never, next: (request: never) => unknown) => void (await next(request))) as never,
      false,
    ],
    ['by one that replaces the body', async (request, next) => (await next(request)).with({ body: 'x' }), true],
    [
      'by one that answers while next() is pending',
      (request, next) => {
        next(request).catch(() => undefined)
        return Made.from({ body: 'x' })
      },
      true,
    ],
  ]
  it.each(cases)('are discarded: %s', async (_what, interceptor, isAnswered) => {
    const origin = await server({ handler: (_request, response) => void response.write('endless') })
    const client = createClient({ interceptors: [interceptor] })
    const request = client.request({ url: `${origin.url('a.test.example')}/` })
    if (isAnswered) expect(await (await request).text()).toBe('x')
    else await expect(request).rejects.toThrow()
    while (client.stats().connections.length === 0 || client.stats().connections.some(({ active }) => active > 0)) await turn()
  })

  it('stay readable if the error hands them to the caller', async () => {
    const origin = await server({ handler: (_request, response) => void response.end('why') })
    const throwing: Interceptor = async (request, next) => {
      throw Object.assign(new Error('status'), { response: await next(request) })
    }
    const client = createClient({ interceptors: [throwing] })
    const error = await client
      .request({ url: `${origin.url('a.test.example')}/` })
      .catch((reason: Error & { response: HttpResponse }) => reason)
    expect(await (error as { response: HttpResponse }).response.text()).toBe('why')
  })
})

describe('the body of the request', () => {
  it.each<[string, Interceptor, boolean]>([
    ['closed if an interceptor answers', () => Made.from({}), true],
    ['left to the caller if an interceptor throws', () => Promise.reject(new Error('own')), false],
  ])('is %s', async (_what, interceptor, isDestroyed) => {
    const body = new Readable({ read() {} })
    const client = createClient({ interceptors: [interceptor] })
    await client.request({ url: URL_, method: 'POST', body }).catch(() => undefined)
    await turn()
    expect(body.destroyed).toBe(isDestroyed)
    body.destroy()
  })

  it('is closed by an abort while an interceptor waits', async () => {
    const body = new Readable({ read() {} })
    const controller = new AbortController()
    const client = createClient({ interceptors: [forever] })
    const request = client.request({ url: URL_, method: 'POST', body, signal: controller.signal })
    controller.abort(new Error('left'))
    await expect(request).rejects.toThrow('left')
    expect(body.destroyed).toBe(true)
  })
})

it('a handle sends nothing to its server that an interceptor meant for another origin', async () => {
  const origin = await server()
  const rewrite: Interceptor = (request, next) =>
    next(request.with({ url: 'https://tokens.example/', headers: { authorization: 'secret' } }))
  const client = createClient()
  const handle = await client.with({ interceptors: [rewrite] }).connect(origin.url('a.test.example'))
  await expect(handle.request({ url: '/' })).rejects.toMatchObject({ code: 'ERR_OTHER_ORIGIN' })
  expect(origin.requests).toHaveLength(0)
  handle.destroy()
})

it('next() on a handle that is destroyed opens no connection', async () => {
  const origin = await server()
  let go!: () => void
  const waiting = new Promise<void>((resolve) => {
    go = resolve
  })
  const results: unknown[] = []
  const late: Interceptor = async (request, next) => {
    await waiting
    return next(request).catch((error: Error) => {
      results.push(error)
      throw error
    })
  }
  const handle = await createClient({ interceptors: [late] }).connect(origin.url('a.test.example'))
  const request = handle.request({ url: '/' })
  handle.destroy()
  await expect(request).rejects.toMatchObject({ code: 'ERR_HANDLE_CLOSED' })
  go()
  await turn()
  expect(results).toMatchObject([{ name: 'UsageError' }])
  expect(origin.connections).toBe(1)
})

it('a second attempt has all headers of an iterable that can be read once', async () => {
  const origin = await server()
  const twice: Interceptor = async (request, next) => {
    ;(await next(request)).discard()
    return next(request)
  }
  const client = createClient({ interceptors: [twice] })
  const headers = new Map([['x-once', '1']]).entries()
  const response = await client.request({ url: `${origin.url('a.test.example')}/inspect`, headers })
  expect(await response.json()).toMatchObject({ headers: { 'x-once': '1' } })
})

it('a view checks and copies its defaults', async () => {
  const client = createClient()
  for (const wrong of [
    { addressPolicy: 'private' },
    { timeouts: { total: -1 } },
    { isolation: 5 },
    { headers: 'x' },
    { replay: -1 },
  ])
    expect(() => client.with(wrong as never)).toThrow(expect.objectContaining({ name: 'UsageError' }))
  const origin = await server()
  const headers: Record<string, string> = { 'x-a': '1' }
  const view = client.with({ headers, priority: { urgency: 1 } })
  headers['x-a'] = '2'
  const url = `${origin.url('a.test.example')}/inspect`
  expect(await (await view.request({ url })).json()).toMatchObject({ headers: { 'x-a': '1', priority: 'u=1' } })
  expect(await (await view.request({ url, headers: { priority: 'u=5' } })).json()).toMatchObject({ headers: { priority: 'u=5' } })
})

it.each(['method', 'headers', 'isolation', 'addressPolicy', 'interceptors'])(
  'a polluted Object.prototype.%s changes no request with interceptors or of a view',
  async (name) => {
    const origin = await server()
    const value = {
      method: 'DELETE',
      headers: { 'x-put': '1' },
      isolation: 'put',
      addressPolicy: 'public',
      interceptors: [forever],
    }[name]
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    try {
      const client = createClient({ interceptors: [(request, next) => next(request)] })
      for (const each of [client, client.with({ timeouts: { total: 60_000 } })]) {
        const seen = (await (await each.request({ url: `${origin.url('a.test.example')}/inspect` })).json()) as {
          method: string
          headers: object
        }
        expect([seen.method, 'x-put' in seen.headers]).toEqual(['GET', false])
      }
      expect(client.stats().connections.map(({ isolation }) => isolation)).toEqual([undefined])
    } finally {
      delete (Object.prototype as Record<string, unknown>)[name]
    }
  },
)

it('a URL object that is changed during the request has no effect', async () => {
  const clock = new FakeClock()
  const client = createClient({ clock, timeouts: { total: 1_000 }, interceptors: [forever] })
  const url = new URL(URL_)
  const request = client.request({ url })
  request.catch(() => undefined)
  url.username = 'x'
  clock.advance(1_000)
  await expect(request).rejects.toMatchObject({ phase: 'total', processed: 'no' })
})

it('1,000 requests with one signal leave no listener', async () => {
  const controller = new AbortController()
  let listeners = 0
  const { addEventListener, removeEventListener } = controller.signal
  controller.signal.addEventListener = function (this: AbortSignal, ...given: unknown[]): void {
    listeners++
    Reflect.apply(addEventListener, this, given)
  } as never
  controller.signal.removeEventListener = function (this: AbortSignal, ...given: unknown[]): void {
    listeners--
    Reflect.apply(removeEventListener, this, given)
  } as never
  const client = createClient({ interceptors: [() => Made.from({ body: 'x' })] })
  await Promise.all(
    Array.from({ length: 1_000 }, async () => (await client.request({ url: URL_, signal: controller.signal })).text()),
  )
  expect(listeners).toBe(0)
})
