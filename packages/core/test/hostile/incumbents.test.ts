/**
 * Fixes of another HTTP/2 client in 2026, each as a property of this one; the number is the commit
 * of the fix. Five commits changed only tests: 590801866 and 08aae0945 (guards against
 * disconnects), f33a6cb61 and 123db7960 (flaky tests), 593530f48 (a missing test).
 */

import { frames, goawayOf, hasFlag, type ScriptedConnection } from '@unshard/testkit'
import {
  endlessBody,
  endWith,
  errorFrames,
  gate,
  hostileFixture,
  memory,
  response,
  serve,
  transports,
  until,
  whileTimePasses,
} from './fixture.js'

const { data, goaway, headers, rstStream } = frames
const fixture = hostileFixture()

/** Reads this many requests without a response. */
async function take(p: ScriptedConnection, count: number): Promise<number[]> {
  const ids: number[] = []
  while (ids.length < count) ids.push((await p.nextRequest()).streamId)
  return ids
}

describe.each(transports)('over %s', (_name, transport) => {
  const serving = (options = {}): ReturnType<typeof fixture.open> =>
    fixture.open(transport, (p) => p.handshake().then(() => serve(p)), options)
  /** Returns the requests in flight on connections of the hostile origin. */
  const active = ({ client }: Awaited<ReturnType<typeof serving>>): number =>
    client.stats().connections.reduce((sum, each) => sum + (each.origin.includes('a.test') ? each.active : 0), 0)

  it('an unknown limit is refused, and a caller that stops reading at a limit of its own resets the stream (de1223fc4)', async () => {
    expect(() => fixture.base.client({ maxResponseSize: 1 } as never)).toThrow('unknown option "maxResponseSize"')
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(response(id!), data(id!, Buffer.alloc(10_000)))
      await serve(p)
    })
    for await (const part of (await setup.request()).body) if (part.length > 100) break
    await setup.request()
    expect(errorFrames(setup.peer.peers[0]!)).toEqual(['RST_STREAM 1 CANCEL'])
  })

  it.each(['590801866', '08aae0945'])('300 requests use one connection, without GOAWAY or RST_STREAM (%s)', async () => {
    const setup = await serving()
    for (let i = 0; i < 3; i++) await Promise.all(Array.from({ length: 100 }, () => setup.request()))
    expect([errorFrames(setup.peer.peers[0]!), setup.peer.connections]).toEqual([[], 1])
  })

  it('a refused request is sent once more (392649944)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      p.send(rstStream((await take(p, 1))[0]!, 7))
      await serve(p)
    })
    expect((await setup.request({ method: 'POST', body: 'x' })).status).toBe(204)
    expect(setup.client.stats().totals.replayed).toBe(1)
  })

  it('connections that end after GOAWAY do not affect later ones, and leave no entry in the statistics (73d6e9e19)', async () => {
    const ended: Promise<void>[] = []
    const setup = await fixture.open(transport, async (p) => {
      ended.push(p.closed)
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(goaway(id!))
      p.respond(id!, 204)
      await p.closed
    })
    for (let i = 0; i < 20; i++) await setup.request()
    await Promise.all(ended)
    await until(() => setup.client.stats().connections.every(({ origin }) => origin.includes('b.test')))
    expect(setup.peer.connections).toBe(20)
  })

  it.each<[string, (p: ScriptedConnection, id: number) => unknown]>([
    ['GOAWAY', (p) => p.send(goaway(0))],
    ['GOAWAY that covers the stream, then FIN', (p, id) => [p.send(goaway(id)), p.end()]],
    ['FIN', (p) => p.end()],
    ['RST', (p) => p.destroy()],
    ['RST_STREAM', (p, id) => p.send(rstStream(id, 2))],
    ['garbage', (p) => p.send(Buffer.alloc(100, 0xfe))],
    ['half of a HEADERS frame, then FIN', (p, id) => [p.send(response(id).subarray(0, 5)), p.end()]],
    ['a malformed response', (p, id) => p.send(headers(id, []))],
  ])('every request settles after %s (bd43ddfaf)', async (_what, end) => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      for (;;) end(p, (await take(p, 1))[0]!)
    })
    const anyError = { name: expect.stringMatching(/Error$/) }
    for (const method of ['POST', 'GET']) {
      await expect(whileTimePasses(setup.clock, setup.request({ method }))).rejects.toMatchObject(anyError)
    }
    expect(active(setup)).toBe(0)
  })

  it('completed requests with 20 kB of content each leave no memory in use (f87273eb0)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      p.send(frames.windowUpdate(0, 0x7000_0000))
      for (;;) {
        const { streamId } = await p.nextRequest()
        for (let frame = await p.next('DATA'); !hasFlag(frame, 'END_STREAM'); ) frame = await p.next('DATA')
        p.respond(streamId, 204)
        // Memory of the peer is not measured.
        for (const frame of p.received) (frame as { payload: Buffer }).payload = Buffer.alloc(0)
      }
    })
    const upload = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await setup.request({ method: 'POST', body: Buffer.alloc(20_000, i) })
    }
    await upload(50)
    const baseline = await memory()
    await upload(300)
    // Their content is 6 MB.
    expect((await memory()) - baseline).toBeLessThan(2 * 1_048_576)
    expect(active(setup)).toBe(0)
  })

  it('a response is complete with its END_STREAM, before the stream closes (87270e46a)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(response(id!), endWith(id!))
    })
    const abort = new AbortController()
    const answer = await setup.request({ method: 'POST', body: endlessBody, signal: abort.signal })
    expect([await answer.text(), active(setup)]).toEqual(['ok', 1])
    abort.abort('enough')
    expect(active(setup)).toBe(0)
  })

  it('a TCP reset of an idle connection throws no exception, and the next request succeeds (85b35e779)', async () => {
    const setup = await serving()
    await setup.request()
    setup.peer.peers[0]!.destroy()
    await until(() => setup.client.stats().connections.every(({ origin }) => origin.includes('b.test')))
    expect((await setup.request()).status).toBe(204)
  })

  it('an abort frees the stream in the same turn and sends RST_STREAM despite a closed window (601066840, 754742ce6)', async () => {
    const requestArrived = gate()
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake({ initialWindowSize: 0 })
      p.respond((await take(p, 1))[0]!, 204)
      await take(p, 1)
      requestArrived.open()
      await serve(p)
    })
    await setup.request()
    const abort = new AbortController()
    const failing = setup.request({ method: 'POST', body: Buffer.alloc(100_000), signal: abort.signal })
    await requestArrived.promise
    expect(active(setup)).toBe(1)
    abort.abort('enough')
    expect(active(setup)).toBe(0)
    await expect(failing).rejects.toBe('enough')
    await setup.request()
    expect(errorFrames(setup.peer.peers[0]!)).toEqual(['RST_STREAM 3 CANCEL'])
  })

  it.each([
    ['requests with a stream as body (a36078100)', endlessBody],
    ['POST requests with content in memory (c9aa3b0ea)', 'x'],
    ['requests without content (0acef1540)', undefined],
  ])('20 concurrent %s share one connection', async (_title, body) => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      for (const id of await take(p, 20)) p.respond(id, 204)
    })
    const method = body === undefined ? 'GET' : 'POST'
    const answers = await Promise.all(Array.from({ length: 20 }, () => setup.request({ method, body })))
    expect([new Set(answers.map(({ connection }) => connection.id)).size, setup.peer.connections]).toEqual([1, 1])
  })

  it.each(['0c08579eb', '61ddd8e11', '27586ee92'])(
    'GOAWAY with requests in flight and queued: each is delivered once (%s)',
    async () => {
      const delivered: string[] = []
      const setup = await fixture.open(transport, async (p, index) => {
        await p.handshake()
        for (let i = 0; ; i++) {
          const { streamId, path } = await p.nextRequest()
          if (index === 0 && i === 5) p.send(goaway(9))
          if (index === 0 && i >= 5) continue
          delivered.push(path)
          p.respond(streamId, 204)
        }
      })
      const paths = Array.from({ length: 12 }, (_, i) => `/${i}`)
      const first = paths.slice(0, 10).map((path) => setup.request({ url: setup.url(path), method: 'POST', body: 'x' }))
      await first[0]
      const laterRequests = paths.slice(10).map((path) => setup.request({ url: setup.url(path), method: 'POST', body: 'x' }))
      for (const { status } of await Promise.all([...first, ...laterRequests])) expect(status).toBe(204)
      expect(delivered.sort()).toEqual([...paths].sort())
      expect(setup.peer.connections).toBe(2)
    },
  )

  it('a response to a request that timed out is dropped (e5b3364dd)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      await p.next('RST_STREAM')
      p.send(response(id!), endWith(id!))
      await serve(p)
    })
    const failing = setup.request({ timeouts: { headers: 100 } })
    failing.catch(() => undefined)
    await until(() => active(setup) === 1)
    setup.clock.advance(200)
    await expect(failing).rejects.toMatchObject({ name: 'TimeoutError' })
    expect((await setup.request()).status).toBe(204)
  })

  it.each(['417', '200'])('status %s in place of 100 Continue is the final response (47ea3d23d)', async (status) => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      p.respond((await take(p, 1))[0]!, Number(status))
    })
    const answer = await setup.request({ method: 'POST', body: endlessBody, headers: { expect: '100-continue' } })
    expect(answer.status).toBe(Number(status))
  })

  it('each request receives its own response while responses are out of order and requests are queued (6df53c50d)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake({ maxConcurrentStreams: 2 })
      p.respond((await take(p, 1))[0]!, 204)
      for (let i = 0; i < 5; i++) {
        const pair = [await p.nextRequest(), await p.nextRequest()].reverse()
        for (const { streamId, path } of pair) p.respond(streamId, 200, [], path)
      }
    })
    await setup.request()
    const paths = Array.from({ length: 10 }, (_, i) => `/${i}`)
    expect(await Promise.all(paths.map(async (path) => (await setup.request({ url: setup.url(path) })).text()))).toEqual(paths)
  })

  it('an idle connection is closed after idleTimeoutMs, with GOAWAY NO_ERROR (c972895c5)', async () => {
    const setup = await serving({ idleTimeoutMs: 1_000 })
    await setup.request()
    // Not as far as the deadline of the closing socket.
    setup.clock.advance(1_100)
    const [p] = setup.peer.peers
    await p!.closed
    expect(p!.received.filter(({ typeName }) => typeName === 'GOAWAY').map((frame) => goawayOf(frame).errorCode)).toEqual([0])
    expect((await setup.request()).status).toBe(204)
  })

  it('trailers are available as soon as the content has ended (c07a438de)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      for (const id of await take(p, 2)) p.send(response(id), data(id, 'x'), headers(id, [['t', 'v']], { endStream: true }))
    })
    const answers = await Promise.all([setup.request(), setup.request()])
    for (const answer of answers) expect([await answer.text(), answer.trailers?.get('t')]).toEqual(['x', 'v'])
  })

  it('a connection with a connection error is not used again (3a71e7deb)', async () => {
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      await take(p, 1)
      p.send(data(0, 'x'))
    })
    await expect(setup.request()).rejects.toMatchObject({ code: 'ERR_PROTOCOL', errorCode: 1 })
    expect((await setup.request()).status).toBe(204)
    expect(setup.peer.connections).toBe(2)
  })

  it.each(['d863782c5', '593530f48'])(
    'a deadline that passes is a TimeoutError, and the request is not sent again (%s)',
    async () => {
      const setup = await fixture.open(transport, async (p) => {
        await p.handshake()
        await take(p, 1)
        await p.next('RST_STREAM')
        p.send(rstStream(1, 8))
        await serve(p)
      })
      const failing = setup.request({ timeouts: { headers: 100 } })
      failing.catch(() => undefined)
      await until(() => setup.peer.peers[0]?.received.some(({ typeName }) => typeName === 'HEADERS') === true)
      setup.clock.advance(200)
      await expect(failing).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers', ms: 100 })
      await setup.request()
      expect([setup.client.stats().totals.replayed, setup.peer.connections]).toEqual([0, 1])
    },
  )

  it.each<[string, object]>([
    ['a body that throws when it is opened', { body: { [Symbol.asyncIterator]: () => fail() } }],
    ['trailers that throw', { body: 'x', trailers: fail }],
    ['trailers with an invalid name', { body: 'x', trailers: () => ({ 'a b': 'c' }) }],
  ])('%s: the request rejects, and the connection stays usable (4ac66b9cd)', async (_what, given) => {
    const setup = await serving()
    await setup.request()
    await expect(setup.request({ method: 'POST', ...given })).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) })
    expect((await setup.request()).status).toBe(204)
    expect(setup.peer.connections).toBe(1)
  })

  it('an upgrade is refused before a connection is made (f33a6cb61)', async () => {
    const setup = await serving()
    await expect(setup.request({ headers: { upgrade: 'websocket' } })).rejects.toMatchObject({ code: 'ERR_FORBIDDEN_FIELD' })
    expect(setup.peer.connections).toBe(0)
  })

  it('pseudo-fields are sent before the fields of the caller (123db7960)', async () => {
    const names = gate<string[]>()
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      const { streamId, fields } = await p.nextRequest()
      names.open(fields.map(([name]) => name))
      p.respond(streamId, 204)
    })
    await setup.request({ headers: { a: 'b' } })
    expect(await names.promise).toEqual([':method', ':scheme', ':authority', ':path', 'a'])
  })

  it('content-length 0 is sent for POST, PUT and PATCH without content, and for no other method (a07d945eb)', async () => {
    const lengths = new Map<string, string | undefined>()
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      for (;;) {
        const { streamId, method, fields, endStream } = await p.nextRequest()
        lengths.set(method, endStream ? fields.find(([name]) => name === 'content-length')?.[1] : 'not ended')
        p.respond(streamId, 204)
      }
    })
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) await setup.request({ method })
    expect(Object.fromEntries(lengths)).toEqual({ POST: '0', PUT: '0', PATCH: '0' })
  })
})

function fail(): never {
  throw new Error('mine')
}
