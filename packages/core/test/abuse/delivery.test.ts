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

const { client, server, peer } = clientFixture()

/** Answers every request, and counts them. */
async function answerAll(p: ScriptedConnection, seen: string[], status = 200): Promise<void> {
  for (;;) {
    const { streamId, method, path, authority } = await p.nextRequest()
    seen.push(`${method} ${authority.slice(0, 1)}${path}`)
    p.respond(streamId, status)
  }
}

/** The Origin Set rule of the coalescing package, reduced. */
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

describe('a POST is delivered once', () => {
  it('when the peer ends its own side and keeps reading: bytes queued for the socket are not written after that', async () => {
    // A socket that accepts one part, and the next when the test allows it.
    const written: Buffer[] = []
    const taken: (() => void)[] = []
    const socket = new Duplex({
      writableHighWaterMark: 1,
      read: () => undefined,
      write: (chunk: Buffer, _encoding, callback) => {
        written.push(chunk)
        taken.push(callback)
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
    for (let callback = taken.shift(); callback !== undefined; callback = taken.shift()) {
      callback()
      await new Promise(setImmediate)
    }
    expect(errors).toMatchObject([{ processed: 'unknown' }, { processed: 'no' }])
    expect(firstPiece).toBe(1)
    expect(Buffer.concat(written).toString('latin1')).toContain('/first')
    expect(Buffer.concat(written).toString('latin1')).not.toContain('/second')
  })

  it('when it is sent by the source of another request, while that is opened', async () => {
    const seen: string[] = []
    const { port } = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return answerAll(p, seen)
      p.respond((await p.nextRequest()).streamId, 200)
      for (let i = 0; i < 2; i++) seen.push((await p.nextRequest()).path)
      p.destroy()
    })
    const one = client()
    const url = `https://a.test.example:${port}`
    await (await one.request({ url })).text()
    let inner!: Promise<unknown>
    let open!: () => void
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    async function* body(): AsyncGenerator<string> {
      inner = one.request({ url: `${url}/inner`, method: 'POST', body: 'x' })
      open()
      yield 'a'
      await inner
    }
    const outer = one.request({ url: `${url}/outer`, method: 'POST', body: body() })
    outer.catch(() => undefined)
    await opened
    await expect(inner).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    await expect(outer).rejects.toBeDefined()
    expect(seen).toEqual(['/outer', '/inner'])
  })

  it('one stream as the body of two requests: the second is refused, and no bytes are mixed up', async () => {
    const origin = await server()
    const one = client()
    const stream = Readable.from([Buffer.from('1'), Buffer.from('2'), Buffer.from('3')], { objectMode: false })
    // Neither has started to read when the other is sent: both wait for the connection.
    const requests = [1, 2].map(() => one.request({ url: `${origin.url('a.test.example')}/echo`, method: 'POST', body: stream }))
    await expect(requests[1]).rejects.toMatchObject({ code: 'ERR_BODY_USED' })
    await expect(requests[0]!.then((response) => response.text())).resolves.toBe('123')
  })
})

describe('a connection that the rules refuse is not used', () => {
  it('an Origin Set that arrives after another origin has joined: its next request uses another connection', async () => {
    const seen: [string[], string[]] = [[], []]
    let port = 0
    const started = await peer(async (p, index) => {
      await p.handshake()
      if (index > 0) return answerAll(p, seen[1])
      for (let i = 0; i < 2; i++) {
        const { streamId, authority } = await p.nextRequest()
        seen[0].push(authority.slice(0, 1))
        if (i === 1) p.send(frames.origin([`https://a.test.example:${port}`]))
        p.respond(streamId, 200)
      }
      await answerAll(p, seen[0])
    })
    port = started.port
    const one = client({ reuse: originSetPolicy() })
    await (await one.request({ url: `https://a.test.example:${port}` })).text()
    const joined = await one.request({ url: `https://b.test.example:${port}` })
    expect(joined.connection.coalesced).toBe(true)
    const after = await one.request({ url: `https://b.test.example:${port}/after` })
    expect(after.connection.coalesced).toBe(false)
    expect(seen).toEqual([['a', 'b'], ['GET b/after']])
  })

  it('a 421 for content that cannot be replayed is the response, and the next request uses another connection', async () => {
    const { port } = await peer(async (p, index) => {
      await p.handshake()
      for (;;) {
        const { streamId, authority } = await p.nextRequest()
        await p.next('DATA')
        p.respond(streamId, index === 0 && authority.startsWith('b') ? 421 : 200)
      }
    })
    const reuse = originSetPolicy()
    const one = client({ reuse })
    const send = async (host: string): Promise<number> => {
      async function* body(): AsyncGenerator<string> {
        yield 'x'.repeat(KEPT_BYTES + 1)
      }
      return (await one.request({ url: `https://${host}.test.example:${port}`, method: 'POST', body: body() })).status
    }
    expect([await send('a'), await send('b'), await send('b')]).toEqual([200, 421, 200])
    expect(reuse.misdirectedHosts).toEqual(['b.test.example'])
  })

  it('requests with an empty isolation do not share with requests without one', async () => {
    const origin = await server()
    const one = client()
    const url = origin.url('a.test.example')
    await (await one.request({ url })).text()
    await (await one.request({ url, isolation: '' })).text()
    expect(origin.connections).toBe(2)
  })
})

describe('deadlines name the phase that has timed out', () => {
  it('a cold request without a stream on the new connection waits in the queue, not for a connection', async () => {
    const clock = new FakeClock()
    const { port } = await peer(async (p) => {
      await p.handshake({ maxConcurrentStreams: 1 })
      await p.nextRequest()
    })
    const one = client({ clock, timeouts: { connect: 1_000, queue: 5_000 } })
    const requests = Array.from({ length: 101 }, () => one.request({ url: `https://a.test.example:${port}` }))
    for (const request of requests) request.catch(() => undefined)
    while (one.stats().connections[0]?.active !== 100) await new Promise(setImmediate)
    clock.advance(1_100)
    clock.advance(5_100)
    await expect(requests[100]).rejects.toMatchObject({ code: 'ERR_TIMEOUT_QUEUE', processed: 'no' })
  })

  it('an upload in progress is not ended by the headers deadline', async () => {
    const clock = new FakeClock()
    const got = new EventEmitter()
    const { port } = await peer(async (p) => {
      await p.handshake()
      const { streamId } = await p.nextRequest()
      for (let i = 0; i < 5; i++) {
        await p.next('DATA')
        got.emit('part')
      }
      p.respond(streamId, 200)
    })
    async function* body(): AsyncGenerator<string> {
      for (let i = 0; i < 4; i++) {
        const part = once(got, 'part')
        yield 'part'
        await part
        clock.advance(600)
      }
    }
    const one = client({ clock, timeouts: { headers: 1_000 } })
    const response = await one.request({ url: `https://a.test.example:${port}`, method: 'POST', body: body() })
    expect(response.status).toBe(200)
  })
})
