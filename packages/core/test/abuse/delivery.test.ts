/** Attacks that would deliver a request twice, or on a connection that the rules refuse for it. */

import { EventEmitter, once } from 'node:events'
import { Duplex, Readable } from 'node:stream'
import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { H2Connection } from '../../src/h2/connection.js'
import { WindowBudget } from '../../src/h2/protocol/window.js'
import type { ReusePolicy } from '../../src/index.js'
import { parseOrigin } from '../../src/message/origin.js'
import { KEPT_BYTES } from '../../src/message/recorded-source.js'
import { checkRequest } from '../../src/message/request.js'
import { clientFixture } from '../client/fixture.js'
import { originRecord, POOL } from '../fixtures.js'

const { client: createClient, server, peer } = clientFixture()

/** Answers every request and records it. */
async function answerAll(p: ScriptedConnection, requests: string[], status = 200): Promise<void> {
  for (;;) {
    const { streamId, method, path, authority } = await p.nextRequest()
    requests.push(`${method} ${authority.slice(0, 1)}${path}`)
    p.respond(streamId, status)
  }
}

/** A reduced form of the Origin Set rule of the coalescing package. */
function originSetPolicy(): ReusePolicy & { misdirectedHosts: string[] } {
  const misdirectedHosts: string[] = []
  return {
    misdirectedHosts,
    misdirected: (_connection, origin) => void misdirectedHosts.push(origin.host),
    verdict: (candidate, { origin }) => {
      if (!('route' in candidate)) return { wait: true, because: 'under-way' }
      const use = candidate.originSet?.has(origin.serialized) !== false && !misdirectedHosts.includes(origin.host)
      return { use, because: use ? 'shared' : 'not-shared' }
    },
  }
}

describe('a POST is delivered at most once', () => {
  it('if the peer ends its side and keeps reading: queued bytes are not written after that', async () => {
    // A socket that accepts one part, and the next one when the test allows it.
    const written: Buffer[] = []
    const callbacks: (() => void)[] = []
    const socket = new Duplex({
      writableHighWaterMark: 1,
      read: () => undefined,
      write: (chunk: Buffer, _encoding, callback) => {
        written.push(chunk)
        callbacks.push(callback)
      },
    })
    const settings = {
      initialWindowBytes: 65_535,
      connectionWindowBytes: 65_535,
      headerTableBytes: 4_096,
      maxFieldSectionBytes: 65_536,
    }
    const options = { settings, budget: new WindowBudget(0), clock: new FakeClock(), pool: POOL, record: originRecord() }
    const connection = new H2Connection(socket, { origin: parseOrigin('http://127.0.0.1'), addresses: [] } as never, options)
    const errors: unknown[] = []
    const observer = { onError: (error: unknown) => errors.push(error), onClosed: () => undefined } as never
    const post = (path: string): unknown =>
      connection.request(checkRequest({ url: `http://127.0.0.1${path}`, method: 'POST', body: path }), observer)
    post('/first')
    await new Promise(setImmediate)
    post('/second')
    await new Promise(setImmediate)
    socket.push(null)
    while (errors.length < 2) await new Promise(setImmediate)
    const firstPiece = written.length
    for (let callback = callbacks.shift(); callback !== undefined; callback = callbacks.shift()) {
      callback()
      await new Promise(setImmediate)
    }
    expect(errors).toMatchObject([{ processed: 'unknown' }, { processed: 'no' }])
    expect(firstPiece).toBe(1)
    expect(Buffer.concat(written).toString('latin1')).toContain('/first')
    expect(Buffer.concat(written).toString('latin1')).not.toContain('/second')
  })

  it('if the source of another request sends it while that source is opened', async () => {
    const requests: string[] = []
    const { port } = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return answerAll(p, requests)
      p.respond((await p.nextRequest()).streamId, 200)
      for (let i = 0; i < 2; i++) requests.push((await p.nextRequest()).path)
      p.destroy()
    })
    const client = createClient()
    const url = `https://a.test.example:${port}`
    await (await client.request({ url })).text()
    let inner!: Promise<unknown>
    let open!: () => void
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    async function* body(): AsyncGenerator<string> {
      inner = client.request({ url: `${url}/inner`, method: 'POST', body: 'x' })
      open()
      yield 'a'
      await inner
    }
    const outer = client.request({ url: `${url}/outer`, method: 'POST', body: body() })
    outer.catch(() => undefined)
    await opened
    await expect(inner).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    await expect(outer).rejects.toBeDefined()
    expect(requests).toEqual(['/outer', '/inner'])
  })

  it('if one stream is the body of two requests: the second is refused, and no bytes are mixed up', async () => {
    const origin = await server()
    const client = createClient()
    const stream = Readable.from([Buffer.from('1'), Buffer.from('2'), Buffer.from('3')], { objectMode: false })
    // Neither has started to read when the other one is sent: both wait for the connection.
    const requests = [1, 2].map(() =>
      client.request({ url: `${origin.url('a.test.example')}/echo`, method: 'POST', body: stream }),
    )
    await expect(requests[1]).rejects.toMatchObject({ code: 'ERR_BODY_USED' })
    await expect(requests[0]!.then((response) => response.text())).resolves.toBe('123')
  })
})

describe('a connection that the rules refuse is not used', () => {
  it('after its Origin Set excludes an origin that had joined: the next request uses another connection', async () => {
    const requests: [string[], string[]] = [[], []]
    let port = 0
    const scripted = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return answerAll(p, requests[1])
      for (let i = 0; i < 2; i++) {
        const { streamId, authority } = await p.nextRequest()
        requests[0].push(authority.slice(0, 1))
        if (i === 1) p.send(frames.origin([`https://a.test.example:${port}`]))
        p.respond(streamId, 200)
      }
      await answerAll(p, requests[0])
    })
    port = scripted.port
    const client = createClient({ reuse: originSetPolicy() })
    await (await client.request({ url: `https://a.test.example:${port}` })).text()
    const joined = await client.request({ url: `https://b.test.example:${port}` })
    expect(joined.connection.coalesced).toBe(true)
    const after = await client.request({ url: `https://b.test.example:${port}/after` })
    expect(after.connection.coalesced).toBe(false)
    expect(requests).toEqual([['a', 'b'], ['GET b/after']])
  })

  it('after a 421 for content that cannot be replayed: the next request uses another connection', async () => {
    const { port } = await peer(async (p, index) => {
      await p.handshake()
      for (;;) {
        const { streamId, authority } = await p.nextRequest()
        await p.next('DATA')
        p.respond(streamId, index === 0 && authority.startsWith('b') ? 421 : 200)
      }
    })
    const reuse = originSetPolicy()
    const client = createClient({ reuse })
    const send = async (host: string): Promise<number> => {
      async function* body(): AsyncGenerator<string> {
        yield 'x'.repeat(KEPT_BYTES + 1)
      }
      return (await client.request({ url: `https://${host}.test.example:${port}`, method: 'POST', body: body() })).status
    }
    expect([await send('a'), await send('b'), await send('b')]).toEqual([200, 421, 200])
    expect(reuse.misdirectedHosts).toEqual(['b.test.example'])
  })

  it('for an empty isolation by requests without one', async () => {
    const origin = await server()
    const client = createClient()
    const url = origin.url('a.test.example')
    await (await client.request({ url })).text()
    await (await client.request({ url, isolation: '' })).text()
    expect(origin.connections).toBe(2)
  })
})

describe('a deadline names the phase that has timed out', () => {
  it('which is the queue for a request without a stream on the new connection', async () => {
    const clock = new FakeClock()
    const { port } = await peer(async (p) => {
      await p.handshake({ maxConcurrentStreams: 1 })
      await p.nextRequest()
    })
    const client = createClient({ clock, timeouts: { connect: 1_000, queue: 5_000 } })
    const requests = Array.from({ length: 101 }, () => client.request({ url: `https://a.test.example:${port}` }))
    for (const request of requests) request.catch(() => undefined)
    while (client.stats().connections[0]?.active !== 100) await new Promise(setImmediate)
    clock.advance(1_100)
    clock.advance(5_100)
    await expect(requests[100]).rejects.toMatchObject({ code: 'ERR_TIMEOUT_QUEUE', processed: 'no' })
  })

  it('and the headers deadline does not end an upload in progress', async () => {
    const clock = new FakeClock()
    const progress = new EventEmitter()
    const { port } = await peer(async (p) => {
      await p.handshake()
      const { streamId } = await p.nextRequest()
      for (let i = 0; i < 5; i++) {
        await p.next('DATA')
        progress.emit('part')
      }
      p.respond(streamId, 200)
    })
    async function* body(): AsyncGenerator<string> {
      for (let i = 0; i < 4; i++) {
        const part = once(progress, 'part')
        yield 'part'
        await part
        clock.advance(600)
      }
    }
    const client = createClient({ clock, timeouts: { headers: 1_000 } })
    const response = await client.request({ url: `https://a.test.example:${port}`, method: 'POST', body: body() })
    expect(response.status).toBe(200)
  })
})
