/**
 * Bodies that are not sent, or not to their end: the source is cancelled, and nothing waits
 * forever.
 */

import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { FetchInit } from '../../src/index.js'
import { failure, fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()

/**
 * A stream that has begun and does not end; `cancelled` resolves with the reason of its
 * cancellation.
 */
function begun(): { body: ReadableStream<Uint8Array>; cancelled: Promise<unknown> } {
  let body!: ReadableStream<Uint8Array>
  const cancelled = new Promise((resolve) => {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => controller.enqueue(Buffer.from('begun'))
    body = new ReadableStream({ start, cancel: resolve }) as ReadableStream<Uint8Array>
  })
  return { body, cancelled }
}

const post = (body: unknown, more: FetchInit = {}): FetchInit => ({
  method: 'POST',
  duplex: 'half',
  body: body as never,
  ...more,
})

describe.each(PROTOCOLS)('the body of a request over %s', (protocol) => {
  it('is cancelled or closed if there is no server to send it to', async () => {
    const { fetch, url, origin } = await fixture(protocol)
    await origin.close()
    const { body, cancelled } = begun()
    const failure = await fetch(url(), post(body)).catch((error: unknown) => error)
    expect(failure).toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    await expect(cancelled).resolves.toMatchObject({ code: 'ECONNREFUSED' })
    const file = createReadStream(fileURLToPath(import.meta.url))
    const closed = new Promise((resolve) => file.once('close', () => resolve(undefined)))
    await expect(fetch(url(), post(file))).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
    await closed
  })

  it.each([
    ['without a progress callback', {}],
    ['with a progress callback', { unshard: { onUploadProgress: () => undefined } }],
  ])('is cancelled by an abort while it waits for its own next part, %s', async (_what, more) => {
    const { fetch, url, origin } = await fixture(protocol)
    const { body, cancelled } = begun()
    const controller = new AbortController()
    const reason = new Error('the reason')
    const sending = fetch(url('/never'), post(body, { ...more, signal: controller.signal }))
    await origin.delivered(1)
    controller.abort(reason)
    await expect(sending).rejects.toBe(reason)
    await cancelled
  })

  it.each([{}, { unshard: { onUploadProgress: () => undefined } }])('is refused if it was already read: %o', async (more) => {
    const { fetch, url, origin } = await fixture(protocol)
    const read = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.from('a'))
        controller.enqueue(Buffer.from('b'))
      },
    })
    const reader = read.getReader()
    await reader.read()
    reader.releaseLock()
    const destroyed = Readable.from(['a'])
    destroyed.destroy()
    for (const body of [read, destroyed]) await expect(fetch(url(), post(body, more))).rejects.toBeInstanceOf(TypeError)
    expect(origin.requests).toHaveLength(0)
  })

  it.each([undefined, null, 0, '', false])('that fails with the reason %p fails its request', async (reason) => {
    const { fetch, url } = await fixture(protocol)
    const failing = new ReadableStream({ start: (controller) => controller.error(reason) })
    const failure = await fetch(url(), post(failing)).catch((error: TypeError) => error.cause as Error & { code: string })
    expect(failure).toMatchObject({ code: 'ERR_REQUEST_BODY' })
    expect((failure as Error).cause).toBe(reason)
    expect((await fetch(url())).status).toBe(200)
  })

  it('of a Request is sent if the body of init is null ("inputOrInitBody be initBody if it is non-null; otherwise inputBody")', async () => {
    const { fetch, url } = await fixture(protocol)
    const request = new Request(url('/echo'), { method: 'POST', body: 'kept' })
    expect(await (await fetch(request, { body: null })).text()).toBe('kept')
  })

  it.each([301, 302, 307, 308])(
    'that is a stream does not survive a %i (§4.4: "internalResponse’s status is not 303, request’s body is non-null, and request’s body’s source is null")',
    async (status) => {
      const { fetch, url, origin } = await fixture(protocol, {
        handler: (_request, response) => void response.writeHead(status, { location: '/there' }).end(),
      })
      const { body, cancelled } = begun()
      await expect(fetch(url(), post(body))).rejects.toMatchObject(failure('ERR_REDIRECT_BODY', `status ${status}`))
      await cancelled
      expect(origin.requests).toHaveLength(1)
    },
  )

  it('that is a stream is cancelled by a 303, and the next request is a GET without body', async () => {
    const { fetch, url, origin } = await fixture(protocol, {
      handler: (request, response) => {
        if (request.url === '/') response.writeHead(303, { location: '/there' }).end()
        else response.end('there')
      },
    })
    const { body, cancelled } = begun()
    const response = await fetch(url(), post(body, { headers: { 'content-type': 'a/b' } }))
    expect(await response.text()).toBe('there')
    await cancelled
    expect(origin.requests[1]).toMatchObject({ method: 'GET', path: '/there' })
    expect(origin.requests[1]!.headers).not.toHaveProperty('content-type')
  })
})
