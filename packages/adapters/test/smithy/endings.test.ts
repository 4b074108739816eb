/** Requests that end early: with the names and codes by which the SDK retries, once, and without a trace on the connection. */

import { getEventListeners, once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { ConnectionError, StreamError, TimeoutError } from '@unshard/core'
import { FakeClock, frames } from '@unshard/testkit'
import { RequestHandlerError, requestHandler } from '../../src/smithy/index.js'
import { flood } from '../environment.js'
import { CONNECTIONS, requestTo, smithyFixture, textOf } from './fixture.js'

const { setup, client, peer } = smithyFixture()

/** A signal as `@smithy/abort-controller` makes it. */
class OwnController {
  readonly signal = { aborted: false, onabort: null as (() => void) | null }
  abort(): void {
    this.signal.aborted = true
    this.signal.onabort?.()
  }
}

describe.each(CONNECTIONS)('over %s', (kind) => {
  describe.each([
    ['an AbortSignal', () => new AbortController()],
    ['a signal of @smithy/abort-controller', () => new OwnController()],
  ])('%s', (_what, create) => {
    it('that is aborted before sends nothing', async () => {
      const { handler, request, server } = await setup(kind)
      const controller = create()
      controller.abort()
      const sent = handler.handle(request(), { abortSignal: controller.signal })
      await expect(sent).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', processed: 'no' })
      expect(server.requests).toEqual([])
    })

    it('ends a request without an answer', async () => {
      const { handler, request, server, client: own } = await setup(kind)
      const controller = create()
      const sent = handler.handle(request({ path: '/never' }), { abortSignal: controller.signal })
      await server.delivered(1)
      controller.abort()
      await expect(sent).rejects.toMatchObject({ name: 'AbortError', message: 'Request aborted' })
      expect(own.stats().totals.requests).toBe(1)
    })

    it('ends the content of a response, and is heard no more after its end', async () => {
      const { handler, request } = await setup(kind, flood().handler)
      const controller = create()
      const { response } = await handler.handle(request(), { abortSignal: controller.signal })
      await once(response.body, 'readable')
      controller.abort()
      await expect(textOf(response.body)).rejects.toMatchObject({ name: 'AbortError' })
    })
  })

  it('any number of requests add one listener to a signal, and remove it', async () => {
    const { handler, request } = await setup(kind)
    const { signal } = new AbortController()
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => handler.handle(request({ path: '/bytes/1000' }), { abortSignal: signal })),
    )
    const failed = handler.handle(request({ hostname: 'none.test.example' }), { abortSignal: signal })
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    await expect(failed).rejects.toMatchObject({ code: 'ENOTFOUND' })
    for (const { response } of responses) await textOf(response.body)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('an abort by a timeout is an AbortError, which the SDK does not retry', async () => {
    const { handler, request } = await setup(kind)
    const sent = handler.handle(request({ path: '/never' }), { abortSignal: AbortSignal.timeout(20) })
    await expect(sent).rejects.toMatchObject({ name: 'AbortError', cause: expect.objectContaining({ name: 'TimeoutError' }) })
  })

  it('requestTimeout is the time from the call to the fields; that of a command wins', async () => {
    const clock = new FakeClock()
    const { handler, request, server } = await setup(kind, undefined, { requestTimeout: 5_000, clock })
    const slow = handler.handle(request({ path: '/never' }))
    const own = handler.handle(request({ path: '/never' }), { requestTimeout: 300 })
    await server.delivered(2)
    clock.advance(300)
    await expect(own).rejects.toMatchObject({ name: 'TimeoutError', code: 'ETIMEDOUT', cause: expect.any(TimeoutError) })
    clock.advance(4_700)
    await expect(slow).rejects.toMatchObject({ name: 'TimeoutError', cause: { phase: 'headers', ms: 5_000 } })
    const { response } = await handler.handle(request())
    expect(clock.pending).toBe(0)
    expect(await textOf(response.body)).toContain('hello')
    for (const nothing of [undefined, null])
      expect((await handler.handle(request(), { requestTimeout: nothing as undefined })).response.statusCode).toBe(200)
    await expect(handler.handle(request(), { requestTimeout: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  })

  it('requestTimeout includes an upload that the server does not read', async () => {
    const clock = new FakeClock()
    const { handler, request, server } = await setup(kind, () => undefined, { requestTimeout: 1_000, clock })
    const body = new PassThrough()
    const sent = handler.handle(request({ method: 'PUT', body }))
    body.write('never ends')
    await server.delivered(1)
    clock.advance(1_000)
    await expect(sent).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(body.destroyed).toBe(true)
  })

  it('requestTimeout only warns if it is not to throw', async () => {
    const clock = new FakeClock()
    const warnings: string[] = []
    const warn = (text: string): unknown => warnings.push(text)
    const options = { requestTimeout: 1_000, throwOnRequestTimeout: false, clock }
    const { handler, request, server } = await setup(kind, undefined, options)
    handler.updateHttpClientConfig(Symbol.for('logger'), { warn })
    const sent = handler.handle(request({ path: '/slow' }), {})
    clock.advance(1_000)
    await server.delivered(1)
    expect((await sent).response.statusCode).toBe(200)
    expect(warnings).toEqual(['a request has exceeded the requestTimeout of 1000 ms: GET https://a.test.example'])
  })

  it('socketTimeout is the time without a byte', async () => {
    const { handler, request } = await setup(kind, undefined, { socketTimeout: 30 })
    await expect(handler.handle(request({ path: '/never' }))).rejects.toMatchObject({
      name: 'TimeoutError',
      cause: { phase: 'headers', ms: 30 },
    })
    const { response } = await handler.handle(request({ path: '/slow' }))
    await expect(textOf(response.body)).rejects.toMatchObject({ name: 'TimeoutError', cause: { phase: 'body' } })
  })

  it('a response that breaks off is ECONNRESET, also without a reader', async () => {
    const { handler, request } = await setup(kind)
    const { response } = await handler.handle(request({ path: '/reset' }))
    await expect(textOf(response.body)).rejects.toMatchObject({ name: 'TimeoutError', code: 'ECONNRESET', processed: 'yes' })
    const { response: unread } = await handler.handle(request({ path: '/reset' }))
    unread.body.read(0)
    await new Promise((resolve) => unread.body.once('close', resolve))
    expect(unread.body.errored).toBeInstanceOf(RequestHandlerError)
  })

  it('a lost connection is ECONNRESET, and the request is not sent again', async () => {
    const { handler, request, server } = await setup(kind, ({ socket, stream }) => {
      if (stream === undefined) socket.destroy()
      else stream.session!.destroy()
    })
    await expect(handler.handle(request())).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'ECONNRESET',
      cause: expect.any(ConnectionError),
    })
    expect(server.requests).toHaveLength(1)
  })

  it('a connection lost during an upload ends the content', async () => {
    const { handler, request, server } = await setup(kind, (incoming) => {
      incoming.once('data', () => (incoming.stream?.session ?? incoming.socket).destroy())
    })
    const body = new PassThrough()
    const sent = handler.handle(request({ method: 'PUT', body }))
    body.write('begun')
    await expect(sent).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect([body.destroyed, server.requests.length]).toEqual([true, 1])
  })

  it('an early answer to an upload is the response, and ends the content', async () => {
    const { handler, request } = await setup(kind, (_incoming, response) => void response.writeHead(403).end('<Error/>'))
    let made = 0
    const body = new Readable({
      read() {
        made++
        this.push(Buffer.alloc(65_536))
      },
    })
    const { response } = await handler.handle(request({ method: 'PUT', body }))
    expect([response.statusCode, await textOf(response.body)]).toEqual([403, '<Error/>'])
    if (!body.destroyed) await once(body, 'close')
    expect(made).toBeLessThan(200)
  })

  it('the error of a source is the error of the request', async () => {
    const { handler, request } = await setup(kind)
    const failure = new Error('of the source')
    const body = Readable.from(
      (async function* () {
        yield 'begun'
        throw failure
      })(),
    )
    await expect(handler.handle(request({ method: 'PUT', path: '/never', body }))).rejects.toBe(failure)
  })

  it('content that is not as long as announced is a usage error', async () => {
    const { handler, request } = await setup(kind)
    const headers = { 'content-length': '3' }
    const bytes = handler.handle(request({ method: 'PUT', body: 'four', headers }))
    await expect(bytes).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_CONTENT_LENGTH', processed: 'no' })
    const stream = handler.handle(request({ method: 'PUT', body: Readable.from(['four']), headers }))
    await expect(stream).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_CONTENT_LENGTH' })
  })

  it('destroy() ends the requests and responses of this handler alone, and later requests are sent', async () => {
    const { handler, request, server, client: own } = await setup(kind)
    const other = requestHandler(own)
    const kept = await other.handle(request({ path: '/slow' }))
    const slow = await handler.handle(request({ path: '/slow' }))
    const waiting = handler.handle(request({ path: '/never' }))
    await server.delivered(3)
    handler.destroy()
    const expected = { name: 'ConnectionError', code: 'ERR_CLIENT_DESTROYED', cause: expect.any(ConnectionError) }
    await expect(waiting).rejects.toMatchObject(expected)
    await expect(textOf(slow.response.body)).rejects.toMatchObject(expected)
    server.release()
    expect(await textOf(kept.response.body)).toBe('released')
    expect((await handler.handle(request())).response.statusCode).toBe(200)
    handler.destroy()
  })

  it('a closed client refuses requests, and finishes those in flight', async () => {
    const { handler, request, server, client: own } = await setup(kind)
    const { response } = await handler.handle(request({ path: '/slow' }))
    const closed = own.close()
    await expect(handler.handle(request())).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_CLIENT_CLOSED' })
    server.release()
    expect(await textOf(response.body)).toBe('released')
    await closed
  })

  it('a reader that stops holds the server back, and one that leaves ends the response', async () => {
    const { handler: answer, sent } = flood()
    const { handler, request, client: own } = await setup(kind, answer)
    const { response } = await handler.handle(request())
    const parts = response.body[Symbol.asyncIterator]()
    for (let i = 0; i < 5; i++) await parts.next()
    let before = -1
    while (before !== sent()) {
      before = sent()
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sent()).toBeLessThan(16 * 1024 * 1024)
    await parts.return!()
    expect(response.body.destroyed).toBe(true)
    while (own.stats().connections.some(({ active }) => active > 0)) await new Promise((resolve) => setImmediate(resolve))
  })
})

it('frames without content, between others, do not stop the content', async () => {
  const scripted = await peer(async (p) => {
    await p.handshake()
    const { streamId } = await p.nextRequest()
    p.send(frames.headers(streamId, [[':status', '200']]))
    for (const text of ['', 'con', '', '', 'tent', '']) p.send(frames.data(streamId, text))
    p.send(frames.data(streamId, '', { endStream: true }))
  })
  const { response } = await requestHandler(client()).handle(requestTo(scripted.port))
  expect(await textOf(response.body)).toBe('content')
})

it('nothing listens: the error has the system code that the SDK retries', async () => {
  const { handler, request, server } = await setup('HTTP/2')
  await server.close()
  await expect(handler.handle(request())).rejects.toMatchObject({
    name: 'ConnectError',
    code: 'ECONNREFUSED',
    syscall: 'connect',
    errno: expect.any(Number),
  })
})

it('a name that does not exist has the system code', async () => {
  const sent = requestHandler(client()).handle(requestTo(9, { hostname: 'none.test.example' }))
  await expect(sent).rejects.toMatchObject({ code: 'ENOTFOUND' })
})

it('connectionTimeout is the time to establish a connection', async () => {
  const silent = await peer(() => undefined, { alpn: [] })
  const handler = requestHandler(client({ lookup: () => undefined }), { connectionTimeout: 20 })
  await expect(handler.handle(requestTo(silent.port))).rejects.toMatchObject({
    name: 'TimeoutError',
    cause: { phase: 'connect', ms: 20 },
  })
})

it('a stream that the server resets is ECONNRESET; one that it has not processed is sent again', async () => {
  const scripted = await peer(async (p) => {
    await p.handshake()
    const ids: number[] = []
    for (;;) {
      const { streamId } = await p.nextRequest()
      ids.push(streamId)
      // RFC 9113 §7: INTERNAL_ERROR for the first request, REFUSED_STREAM for the second one.
      if (ids.length < 3) p.send(frames.rstStream(streamId, ids.length === 1 ? 2 : 7))
      else p.respond(streamId, 200, [], 'at last')
    }
  })
  const handler = requestHandler(client())
  await expect(handler.handle(requestTo(scripted.port))).rejects.toMatchObject({
    name: 'TimeoutError',
    code: 'ECONNRESET',
    processed: 'unknown',
    cause: expect.any(StreamError),
  })
  const { response } = await handler.handle(requestTo(scripted.port, { method: 'POST', body: 'content' }))
  expect(await textOf(response.body)).toBe('at last')
})
