import { execFileSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { FetchResponse } from '../../src/index.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()
const reason = new Error('the reason')
/** Content of which only the beginning arrives. */
const begun = (): ReadableStream => new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('begun')) })

describe.each(PROTOCOLS)('an abort over %s rejects with the reason itself, at every stage', (protocol) => {
  it('before the call: at once, without connecting', async () => {
    const { fetch, url, origin } = await fixture(protocol)
    const order: string[] = []
    const failing = fetch(url(), { signal: AbortSignal.abort(reason) }).catch((error: unknown) => {
      order.push('fetch')
      return error
    })
    void Promise.resolve().then(() => order.push('microtask'))
    expect(await failing).toBe(reason)
    expect(order).toEqual(['fetch', 'microtask'])
    expect(origin.connections).toBe(0)
  })

  it('while connecting, queued, waiting for the response, or sending the body', async () => {
    const { fetch, url, origin } = await fixture(protocol, { client: { maxConnectionsPerOrigin: 1 } as never })
    for (const init of [{}, { method: 'POST', body: begun() as never, duplex: 'half' as const }]) {
      const controller = new AbortController()
      const connecting = fetch(url('/never'), { ...init, signal: controller.signal })
      controller.abort(reason)
      await expect(connecting).rejects.toBe(reason)
      const before = origin.requests.length
      const second = new AbortController()
      const body = init.method === undefined ? {} : { ...init, body: begun() as never }
      const waiting = fetch(url('/never'), { ...body, signal: second.signal })
      await origin.delivered(before + 1)
      second.abort(reason)
      await expect(waiting).rejects.toBe(reason)
    }
    expect(await (await fetch(url())).text()).toMatch(/^hello/)
  })

  it('between two hops of a redirect', async () => {
    const controller = new AbortController()
    const { fetch, url } = await fixture(protocol, {
      handler: (request, response) => {
        if (request.url === '/') response.writeHead(302, { location: '/never' }).end()
        else controller.abort(reason)
      },
    })
    await expect(fetch(url(), { signal: controller.signal })).rejects.toBe(reason)
  })

  it.each(['text', 'json', 'bytes', 'arrayBuffer', 'blob', 'formData'] as const)(
    'while %s() waits for content, and after all content has arrived',
    async (read) => {
      const { fetch, url } = await fixture(protocol)
      const controller = new AbortController()
      const slow = await fetch(url('/slow'), { signal: controller.signal })
      const clone = slow.clone()
      const whole = await fetch(url('/bytes/10'), { signal: controller.signal })
      const [reading, cloned] = [slow[read](), (clone as FetchResponse)[read]()]
      controller.abort(reason)
      await expect(reading).rejects.toBe(reason)
      await expect(cloned).rejects.toBe(reason)
      await expect((whole as FetchResponse)[read]()).rejects.toBe(reason)
    },
  )

  it('while a stream is read, decoded or not', async () => {
    const { fetch, url } = await fixture(protocol, {
      handler: (request, response) => {
        response.writeHead(200, request.url === '/gzip' ? { 'content-encoding': 'gzip' } : {})
        response.write(gzipSync('x'.repeat(10_000)).subarray(0, 20))
      },
    })
    for (const path of ['/', '/gzip']) {
      const controller = new AbortController()
      const response = await fetch(url(path), { signal: controller.signal })
      const reader = response.body!.getReader()
      if (path === '/') await reader.read()
      const reading = reader.read()
      controller.abort(reason)
      await expect(reading).rejects.toBe(reason)
      await expect(reader.closed).rejects.toBe(reason)
    }
  })

  it('one signal for 1,000 requests and the reading of their bodies has one listener and causes no warning', async () => {
    const { fetch, url } = await fixture(protocol, { client: { timeouts: { queue: 0 } } })
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    const fetching = Array.from({ length: 1_000 }, () => fetch(url(), { signal }))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    const reading = fetching.map(async (response) => (await response).text())
    await Promise.race(reading)
    expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1)
    await Promise.all(reading)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    await new Promise(setImmediate)
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })

  it('a connection error is a TypeError with a typed cause, not an abort', async () => {
    const { fetch, url } = await fixture(protocol)
    const response: FetchResponse = await fetch(url('/reset'))
    await expect(response.text()).rejects.toMatchObject({
      name: 'TypeError',
      cause: { code: expect.any(String), processed: 'yes' },
    })
  })
})

describe.each(PROTOCOLS)('signals, over %s', (protocol) => {
  it.each(['text', 'json', 'bytes', 'arrayBuffer', 'blob'] as const)(
    'abort() in the same turn as %s() rejects, even if all content has arrived',
    async (read) => {
      for (const coding of ['identity', 'gzip']) {
        const { fetch, url } = await fixture(protocol, {
          handler: (_request, response) => {
            response.writeHead(200, { 'content-encoding': coding })
            response.end(coding === 'gzip' ? gzipSync('[1]') : '[1]')
          },
        })
        const controller = new AbortController()
        const response = await fetch(url(), { signal: controller.signal })
        await response.clone().text()
        const direct = await fetch(url(), { signal: controller.signal })
        // Sent after the previous response, so all of the latter has arrived.
        await (await fetch(url())).text()
        const reading = [response[read](), direct[read]()]
        controller.abort(reason)
        for (const each of reading) await expect(each).rejects.toBe(reason)
      }
    },
  )

  it("a signal of a polyfill without a reason ends in an AbortError like the platform's", async () => {
    /** Like those of the package abort-controller. */
    class OldSignal extends EventTarget {
      aborted = false
      abort(): void {
        this.aborted = true
        this.dispatchEvent(new Event('abort'))
      }
    }
    const aborted = { name: 'AbortError', code: 20, message: 'This operation was aborted' }
    const { fetch, url, origin } = await fixture(protocol)
    const before = new OldSignal()
    before.abort()
    await expect(fetch(url(), { signal: before as never })).rejects.toMatchObject(aborted)
    const during = new OldSignal()
    const waiting = fetch(url('/never'), { signal: during as never })
    await origin.delivered(1)
    during.abort()
    await expect(waiting).rejects.toMatchObject(aborted)
    await expect(waiting).rejects.toBeInstanceOf(DOMException)
    const after = new OldSignal()
    const response = await fetch(url('/slow'), { signal: after as never })
    const text = response.text()
    after.abort()
    await expect(text).rejects.toMatchObject(aborted)
    const known = new AbortController()
    known.abort(null)
    await expect(fetch(url(), { signal: known.signal })).rejects.toBe(null)
  })
})

it('a signal inside a Request works although nothing else refers to the Request, both before the response and during the content', () => {
  const program = `
    import { createServer } from 'node:http'
    import { fetch } from ${JSON.stringify(fileURLToPath(new URL('../../dist/index.js', import.meta.url)))}
    const server = createServer((request, response) => {
      if (request.url === '/begun') response.writeHead(200).write('begun')
    }).listen(0)
    await new Promise((resolve) => server.once('listening', resolve))
    const base = 'http://127.0.0.1:' + server.address().port
    const collecting = setInterval(gc, 10)
    const failing = fetch(new Request(base + '/never', { signal: AbortSignal.timeout(300) })).then(String, (error) => error.name)
    const content = fetch(new Request(base + '/begun', { signal: AbortSignal.timeout(400) })).then((response) => response.text()).then(String, (error) => error.name)
    const timer = setTimeout(() => { console.log('stuck'); process.exit() }, 8000)
    console.log(await failing, await content)
    process.exit()`
  const args = ['--expose-gc', '--input-type=module', '-e', program]
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 })
  expect(output.trim()).toBe('TimeoutError TimeoutError')
})
