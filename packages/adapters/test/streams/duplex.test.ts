import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import type { OriginHandler } from '@unshard/testkit'
import { openDuplex, openWebDuplex } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { endless, leaving, PROTOCOLS, speaking, watching } from './kinds.js'

const { server, client } = testEnvironment()

/** Responds at once and returns each part as it arrives. */
const echo: OriginHandler = (request, response) => void request.pipe(response.writeHead(200) as never)

/** Sends a complete response before it reads. */
const hasty: OriginHandler = (_request, response) => void response.writeHead(413).end('too much')

const url = (port: number): string => `https://a.test.example:${port}/`

async function textOf(parts: AsyncIterable<unknown>): Promise<string> {
  const all: Buffer[] = []
  for await (const part of parts) all.push(part as Buffer)
  return Buffer.concat(all).toString()
}

describe.each(PROTOCOLS)('openDuplex over %s', (protocol) => {
  it('a response to the first part is read before the second part is written', async () => {
    const { port } = await server({ handler: echo })
    const { duplex, response } = openDuplex(client(speaking(protocol)), { url: url(port) })
    for (const word of ['one', 'two', 'three']) {
      duplex.write(word)
      const [part] = await once(duplex, 'data')
      expect(String(part)).toBe(word)
    }
    duplex.end()
    await once(duplex, 'end')
    expect((await response).status).toBe(200)
    expect((await response).connection.protocol).toBe(protocol)
  })

  it('half-close: the end of the content arrives before its response', async () => {
    const handler: OriginHandler = (request, response) => {
      let length = 0
      request.on('data', (chunk: Buffer) => {
        length += chunk.length
      })
      request.on('end', () => response.end(`got ${length}`))
    }
    const { port } = await server({ handler })
    const { duplex } = openDuplex(client(speaking(protocol)), { url: url(port) })
    duplex.write('ab')
    duplex.end('cde')
    expect(await textOf(duplex)).toBe('got 5')
  })

  it('a pipeline through the duplex returns all content', async () => {
    const { port } = await server({ handler: echo })
    const { duplex } = openDuplex(client(speaking(protocol)), { url: url(port) })
    const source = async function* (): AsyncGenerator<Buffer> {
      for (let i = 0; i < 100; i++) yield Buffer.alloc(20_000, i)
    }
    let length = 0
    await pipeline(source, duplex, async (parts) => {
      for await (const part of parts) length += (part as Buffer).length
    })
    expect(length).toBe(2_000_000)
  })

  it('an early response is read completely while content is still being written; that content is dropped', async () => {
    const { port } = await server({ handler: hasty })
    const { duplex, response } = openDuplex(client(speaking(protocol)), { url: url(port) })
    duplex.write('x')
    expect((await response).status).toBe(413)
    // RFC 9113 §8.1: "clients MUST NOT discard responses as a result of receiving such a RST_STREAM"
    expect(await textOf(duplex.iterator({ destroyOnReturn: false }))).toBe('too much')
    const ended = Promise.all([once(duplex, 'finish'), once(duplex, 'close')])
    duplex.end(Buffer.alloc(1_000_000))
    await ended
    expect(duplex.errored).toBe(null)
  })

  it('a peer that does not read holds the writer back', async () => {
    const { port } = await server({ handler: (_request, response) => void response.writeHead(200).flushHeaders() })
    const { duplex, response } = openDuplex(client(speaking(protocol)), { url: url(port) })
    const chunk = Buffer.alloc(262_144)
    let written = 0
    const fill = (): void => {
      do written += chunk.length
      while (duplex.write(chunk))
    }
    duplex.on('drain', fill)
    fill()
    await response
    // Until nothing moves any more: two checks with event-loop turns in between give the same
    // result.
    for (let before = -1; before !== written; ) {
      before = written
      for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    // The peer's window and the kernel's buffers, and no more.
    expect(written).toBeLessThan(16_000_000)
    duplex.destroy()
  })

  it('destroying the duplex resets the stream at once, and the next request is served', async () => {
    const { handler, left } = watching(endless)
    const { port, requests } = await server({
      handler: (request, response) => (request.method === 'POST' ? handler(request, response) : void response.end('still here')),
    })
    const one = client(speaking(protocol))
    const { duplex, response } = openDuplex(one, { url: url(port) })
    duplex.write('x')
    const first = (await response).connection.id
    await once(duplex, 'readable')
    duplex.destroy()
    expect(await left).toEqual(leaving(protocol))
    const again = await one.request({ url: url(port) })
    expect(await again.text()).toBe('still here')
    expect(again.connection.id === first).toBe(protocol === 'h2')
    expect(requests.length).toBe(2)
  })

  it('an abort rejects with the reason itself, and destroys the stream with it', async () => {
    const { port, delivered } = await server({ handler: (request) => void request.resume() })
    const abort = new AbortController()
    const { duplex, response } = openDuplex(client(speaking(protocol)), { url: url(port), signal: abort.signal })
    const error = once(duplex, 'error')
    duplex.write('x')
    await delivered(1)
    const reason = new Error('changed my mind')
    abort.abort(reason)
    await expect(response).rejects.toBe(reason)
    expect((await error)[0]).toBe(reason)
  })

  it('as web streams', async () => {
    const { port } = await server({ handler: echo })
    const { readable, writable, response } = openWebDuplex(client(speaking(protocol)), { url: url(port) })
    const writer = writable.getWriter()
    await writer.write(Buffer.from('hel'))
    await writer.write('lo')
    await writer.close()
    expect(await new Response(readable).text()).toBe('hello')
    expect((await response).status).toBe(200)
  })

  it('cancelling the readable ends the request, and so does aborting the writable', async () => {
    for (const end of ['cancel', 'abort'] as const) {
      const { handler, left } = watching(endless)
      const { port } = await server({ handler })
      const { readable, writable, response } = openWebDuplex(client(speaking(protocol)), { url: url(port) })
      const writer = writable.getWriter()
      // Over HTTP/1.1 a request is sent with the first part of its content.
      await writer.write('x')
      await response
      const reader = readable.getReader()
      expect((await reader.read()).done).toBe(false)
      if (end === 'cancel') await reader.cancel()
      else await writer.abort()
      expect(await left).toEqual(leaving(protocol))
    }
  })
})

it('a failing request destroys the stream', async () => {
  const { duplex, response } = openDuplex(client(), { url: 'https://nowhere.example/' })
  const error = once(duplex, 'error')
  await expect(response).rejects.toMatchObject({ code: 'ENOTFOUND' })
  expect((await error)[0]).toMatchObject({ code: 'ENOTFOUND' })
})

it.each(PROTOCOLS)('over %s a truncated response errors both web streams', async (protocol) => {
  const { port } = await server()
  const { readable, writable } = openWebDuplex(client(speaking(protocol)), { url: `${url(port)}reset` })
  const writer = writable.getWriter()
  const closed = expect(writer.closed).rejects.toMatchObject({ processed: 'yes' })
  await writer.write('x')
  await expect(new Response(readable).arrayBuffer()).rejects.toMatchObject({
    processed: 'yes',
  })
  await closed
})

it('a failing request errors both web streams', async () => {
  const { readable, writable, response } = openWebDuplex(client(), { url: 'https://nowhere.example/' })
  await expect(response).rejects.toMatchObject({ code: 'ENOTFOUND' })
  await expect(readable.getReader().read()).rejects.toMatchObject({ code: 'ENOTFOUND' })
  await expect(writable.getWriter().closed).rejects.toMatchObject({ code: 'ENOTFOUND' })
})
