/**
 * Content without a pending read: its stream errors at once, and a response that is garbage
 * collected releases its HTTP stream.
 */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import type { Client } from '@unshard/core'
import type { OriginHandler } from '@unshard/testkit'
import { createFetch, type Fetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()
const { server, client } = testEnvironment()
const reason = new Error('the reason')

const begun: OriginHandler = (request, response) => {
  const content = request.url === '/gzip' ? gzipSync('x'.repeat(10_000)).subarray(0, 20) : 'begun'
  response.writeHead(200, request.url === '/gzip' ? { 'content-encoding': 'gzip' } : {})
  response.write(content)
}

describe.each(PROTOCOLS)('a stream over %s without a pending read', (protocol) => {
  it.each(['/', '/gzip'])(
    'is errored by an abort ("abort: ... error the stream"), before and after its first read: %s',
    async (path) => {
      const { fetch, url } = await fixture(protocol, { handler: begun })
      for (const reads of [0, 1]) {
        const controller = new AbortController()
        const response = await fetch(url(path), { signal: controller.signal })
        const reader = response.body!.getReader()
        if (reads > 0 && path === '/') await reader.read()
        const { closed } = reader
        controller.abort(reason)
        await expect(closed).rejects.toBe(reason)
        await expect(reader.read()).rejects.toBe(reason)
      }
    },
  )

  it('is errored when the connection is lost, after the content that has arrived was read', async () => {
    const { fetch, url, origin } = await fixture(protocol, { handler: begun })
    const reader = (await fetch(url())).body!.getReader()
    const other = (await fetch(url())).body!.getReader()
    await reader.read()
    const { closed } = reader
    await origin.close()
    await expect(closed).rejects.toMatchObject({ name: 'TypeError', cause: { processed: 'yes' } })
    expect(Buffer.from((await other.read()).value!).toString()).toBe('begun')
    await expect(other.read()).rejects.toMatchObject({ name: 'TypeError' })
  })
})

describe.each(PROTOCOLS)('a response over %s with incomplete content', (protocol) => {
  setFlagsFromString('--expose-gc')
  const collect = globalThis.gc ?? (runInNewContext('gc') as () => void)

  /** Collects garbage until `done`, for at most two hundred turns. */
  async function collecting(done: () => boolean): Promise<void> {
    for (let turn = 0; turn < 200 && !done(); turn++) {
      // An object whose weak reference was read stays alive until the turn ends.
      await new Promise(setImmediate)
      collect()
      await new Promise(setImmediate)
    }
  }

  /** In a separate function, so that nothing is left on the stack when it returns. */
  async function forget(fetch: Fetch, url: string, touch: (response: Response) => unknown): Promise<void> {
    touch(await fetch(url))
  }

  const touches: [string, (response: Response) => unknown][] = [
    ['untouched', () => undefined],
    ['with its headers read', ({ headers }) => headers.get('date')],
    ['with its stream created', ({ body }) => body],
    ['cloned', (response) => response.clone()],
  ]
  it.each(touches)('releases its stream when it is garbage collected, %s', async (_what, touch) => {
    const origin = await server({ protocols: [protocol], handler: begun })
    const own: Client = client()
    const active = (): number => own.stats().connections.reduce((sum, connection) => sum + connection.active, 0)
    await forget(createFetch(own), origin.url('a.test.example'), touch)
    expect(active()).toBe(1)
    await collecting(() => active() === 0)
    expect(active()).toBe(0)
  })

  it('is not referred to once it is cancelled: a thousand of them leave no memory behind', async () => {
    const origin = await server({
      protocols: [protocol],
      handler: (_request, response) => void response.writeHead(200).flushHeaders(),
    })
    const fetch = createFetch(client())
    const left: WeakRef<object>[] = []
    const cancelling = async (): Promise<void> => {
      const response = await fetch(origin.url('a.test.example'))
      const { body } = response
      left.push(new WeakRef(response), new WeakRef(body!))
      await body!.cancel()
    }
    // Over HTTP/1.1 each canceled response ends its connection, so that fewer of them are enough.
    const count = protocol === 'h2' ? 1_000 : 200
    for (let i = 0; i < count; i += 20) await Promise.all(Array.from({ length: 20 }, cancelling))
    const alive = (): number => left.filter((reference) => reference.deref() !== undefined).length
    await collecting(() => alive() === 0)
    expect(left).toHaveLength(2 * count)
    expect(alive()).toBe(0)
  })

  it('is kept alive as long as it can be read', async () => {
    const origin = await server({ protocols: [protocol], handler: begun })
    const own: Client = client()
    const fetch = createFetch(own)
    const { body } = await fetch(origin.url('a.test.example'))
    const [left] = (await fetch(origin.url('a.test.example'))).body!.tee()
    const copy = (await fetch(origin.url('a.test.example'))).clone()
    const reading = (await fetch(origin.url('a.test.example'))).text()
    for (let turn = 0; turn < 5; turn++) {
      collect()
      await new Promise(setImmediate)
    }
    for (const stream of [body, left, copy.body]) {
      expect(Buffer.from((await stream!.getReader().read()).value!).toString()).toBe('begun')
    }
    own.destroy(reason)
    await expect(reading).rejects.toBe(reason)
  })
})
