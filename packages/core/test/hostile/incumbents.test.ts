/**
 * What another HTTP/2 client had to mend in 2026, each said as what must hold for us; the number is that of its commit. Some only
 * touched its tests: 590801866 and 08aae0945 (guards against disconnects), f33a6cb61 and 123db7960 (tests that failed now and then),
 * 593530f48 (a test that was missing). They stand here as the property behind them.
 */

import { frames, goawayOf, hasFlag, type ScriptedConnection } from '@unshard/testkit'
import { endless, endWith, gate, heard, memory, response, serve, theatre, transports, until } from './rig.js'

const { data, goaway, headers, rstStream } = frames
const t = theatre()

/** Reads requests, as many as asked for, and answers none. */
async function take(p: ScriptedConnection, count: number): Promise<number[]> {
  const ids: number[] = []
  while (ids.length < count) ids.push((await p.nextRequest()).streamId)
  return ids
}

describe.each(transports)('over %s', (_name, on) => {
  const serving = (options = {}): ReturnType<typeof t.stage> => t.stage(on, (p) => p.handshake().then(() => serve(p)), options)
  /** The hostile origin's connection has nothing in flight. */
  const active = ({ one }: Awaited<ReturnType<typeof serving>>): number =>
    one.stats().connections.reduce((sum, each) => sum + (each.origin.includes('a.test') ? each.active : 0), 0)

  it('de1223fc4 a limit that we do not have is refused, not ignored; who stops reading at a limit of its own resets the stream', async () => {
    expect(() => t.world.client({ maxResponseSize: 1 } as never)).toThrow('unknown option "maxResponseSize"')
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(response(id!), data(id!, Buffer.alloc(10_000)))
      await serve(p)
    })
    for await (const part of (await actors.request()).body) if (part.length > 100) break
    await actors.request()
    expect(heard(actors.peer.peers[0]!)).toEqual(['RST_STREAM 1 CANCEL'])
  })

  it.each(['590801866', '08aae0945'])('%s 300 good requests: one connection, and not a word of ending it', async () => {
    const actors = await serving()
    for (let i = 0; i < 3; i++) await Promise.all(Array.from({ length: 100 }, () => actors.request()))
    expect([heard(actors.peer.peers[0]!), actors.peer.connections]).toEqual([[], 1])
  })

  it('392649944 a stream that is refused is asked for once more', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      p.send(rstStream((await take(p, 1))[0]!, 7))
      await serve(p)
    })
    expect((await actors.request({ method: 'POST', body: 'x' })).status).toBe(204)
    expect(actors.one.stats().totals.replayed).toBe(1)
  })

  it('73d6e9e19 what ends after GOAWAY does not touch what came after it, and leaves nothing behind', async () => {
    const ended: Promise<void>[] = []
    const actors = await t.stage(on, async (p) => {
      ended.push(p.closed)
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(goaway(id!))
      p.respond(id!, 204)
      await p.closed
    })
    for (let i = 0; i < 20; i++) await actors.request()
    await Promise.all(ended)
    await until(() => actors.one.stats().connections.every(({ origin }) => origin.includes('b.test')))
    expect(actors.peer.connections).toBe(20)
  })

  it.each<[string, (p: ScriptedConnection, id: number) => unknown]>([
    ['GOAWAY', (p) => p.send(goaway(0))],
    ['GOAWAY over it, then FIN', (p, id) => [p.send(goaway(id)), p.end()]],
    ['FIN', (p) => p.end()],
    ['RST', (p) => p.destroy()],
    ['RST_STREAM', (p, id) => p.send(rstStream(id, 2))],
    ['garbage', (p) => p.send(Buffer.alloc(100, 0xfe))],
    ['half of a HEADERS frame, then FIN', (p, id) => [p.send(response(id).subarray(0, 5)), p.end()]],
    ['a malformed response', (p, id) => p.send(headers(id, []))],
  ])('bd43ddfaf every request settles after %s', async (_what, end) => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      for (;;) end(p, (await take(p, 1))[0]!)
    })
    await expect(actors.request({ method: 'POST' })).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) })
    await expect(actors.request()).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) })
    expect(active(actors)).toBe(0)
  })

  it('f87273eb0 350 completed requests with 20 kB of content each: nothing is kept of them', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      p.send(frames.windowUpdate(0, 0x7000_0000))
      for (;;) {
        const { streamId } = await p.nextRequest()
        for (let frame = await p.next('DATA'); !hasFlag(frame, 'END_STREAM'); ) frame = await p.next('DATA')
        p.respond(streamId, 204)
        // What this peer keeps is not what is measured.
        for (const frame of p.received) (frame as { payload: Buffer }).payload = Buffer.alloc(0)
      }
    })
    const ask = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await actors.request({ method: 'POST', body: Buffer.alloc(20_000, i) })
    }
    await ask(50)
    const before = await memory()
    await ask(300)
    // 6 MB, if it were.
    expect((await memory()) - before).toBeLessThan(2 * 1_048_576)
    expect(active(actors)).toBe(0)
  })

  it('87270e46a a response is complete with its END_STREAM, and does not wait for the stream to close', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(response(id!), endWith(id!))
    })
    const abort = new AbortController()
    const answer = await actors.request({ method: 'POST', body: endless, signal: abort.signal })
    expect([await answer.text(), active(actors)]).toEqual(['ok', 1])
    abort.abort('enough')
    expect(active(actors)).toBe(0)
  })

  it('85b35e779 a TCP reset of an idle connection is nobody’s exception, and the next request works', async () => {
    const actors = await serving()
    await actors.request()
    actors.peer.peers[0]!.destroy()
    await until(() => actors.one.stats().connections.every(({ origin }) => origin.includes('b.test')))
    expect((await actors.request()).status).toBe(204)
  })

  it('601066840 754742ce6 an abort frees the stream in the same turn, and RST_STREAM goes out though a window is closed', async () => {
    const begun = gate()
    const actors = await t.stage(on, async (p) => {
      await p.handshake({ initialWindowSize: 0 })
      p.respond((await take(p, 1))[0]!, 204)
      await take(p, 1)
      begun.open()
      await serve(p)
    })
    await actors.request()
    const abort = new AbortController()
    const failing = actors.request({ method: 'POST', body: Buffer.alloc(100_000), signal: abort.signal })
    await begun.promise
    expect(active(actors)).toBe(1)
    abort.abort('enough')
    expect(active(actors)).toBe(0)
    await expect(failing).rejects.toBe('enough')
    await actors.request()
    expect(heard(actors.peer.peers[0]!)).toEqual(['RST_STREAM 3 CANCEL'])
  })

  it.each([
    ['a36078100 requests with a stream as body', endless],
    ['c9aa3b0ea POST requests with content in memory', 'x'],
    ['0acef1540 requests without content', undefined],
  ])('%s share one connection, all at once', async (_title, body) => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      for (const id of await take(p, 20)) p.respond(id, 204)
    })
    const method = body === undefined ? 'GET' : 'POST'
    const answers = await Promise.all(Array.from({ length: 20 }, () => actors.request({ method, body })))
    expect([new Set(answers.map(({ connection }) => connection.id)).size, actors.peer.connections]).toEqual([1, 1])
  })

  it.each(['0c08579eb', '61ddd8e11', '27586ee92'])(
    '%s GOAWAY with requests in flight and others behind: each is delivered once',
    async () => {
      const seen: string[] = []
      const actors = await t.stage(on, async (p, index) => {
        await p.handshake()
        for (let i = 0; ; i++) {
          const { streamId, path } = await p.nextRequest()
          if (index === 0 && i === 5) p.send(goaway(9))
          if (index === 0 && i >= 5) continue
          seen.push(path)
          p.respond(streamId, 204)
        }
      })
      const paths = Array.from({ length: 12 }, (_, i) => `/${i}`)
      const first = paths.slice(0, 10).map((path) => actors.request({ url: actors.url(path), method: 'POST', body: 'x' }))
      await first[0]
      const rest = paths.slice(10).map((path) => actors.request({ url: actors.url(path), method: 'POST', body: 'x' }))
      for (const { status } of await Promise.all([...first, ...rest])) expect(status).toBe(204)
      expect(seen.sort()).toEqual([...paths].sort())
      expect(actors.peer.connections).toBe(2)
    },
  )

  it('e5b3364dd a response that comes after its request was over is dropped', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      await p.next('RST_STREAM')
      p.send(response(id!), endWith(id!))
      await serve(p)
    })
    const failing = actors.request({ timeouts: { headers: 100 } })
    failing.catch(() => undefined)
    await until(() => active(actors) === 1)
    actors.clock.advance(200)
    await expect(failing).rejects.toMatchObject({ name: 'TimeoutError' })
    expect((await actors.request()).status).toBe(204)
  })

  it.each(['417', '200'])('47ea3d23d %s instead of 100 Continue is the answer', async (status) => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      p.respond((await take(p, 1))[0]!, Number(status))
    })
    const answer = await actors.request({ method: 'POST', body: endless, headers: { expect: '100-continue' } })
    expect(answer.status).toBe(Number(status))
  })

  it('6df53c50d answers out of order, with requests in the queue: each gets its own', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake({ maxConcurrentStreams: 2 })
      p.respond((await take(p, 1))[0]!, 204)
      for (let i = 0; i < 5; i++) {
        const pair = [await p.nextRequest(), await p.nextRequest()].reverse()
        for (const { streamId, path } of pair) p.respond(streamId, 200, [], path)
      }
    })
    await actors.request()
    const paths = Array.from({ length: 10 }, (_, i) => `/${i}`)
    expect(await Promise.all(paths.map(async (path) => (await actors.request({ url: actors.url(path) })).text()))).toEqual(paths)
  })

  it('c972895c5 an idle connection is closed after its time, with GOAWAY NO_ERROR', async () => {
    const actors = await serving({ idleTimeoutMs: 1_000 })
    await actors.request()
    // Not so far that the closing socket's time is up too.
    actors.clock.advance(1_100)
    const [p] = actors.peer.peers
    await p!.closed
    expect(p!.received.filter(({ typeName }) => typeName === 'GOAWAY').map((frame) => goawayOf(frame).errorCode)).toEqual([0])
    expect((await actors.request()).status).toBe(204)
  })

  it('c07a438de trailers are there as soon as the content has ended', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      for (const id of await take(p, 2)) p.send(response(id), data(id, 'x'), headers(id, [['t', 'v']], { endStream: true }))
    })
    const answers = await Promise.all([actors.request(), actors.request()])
    for (const answer of answers) expect([await answer.text(), answer.trailers?.get('t')]).toEqual(['x', 'v'])
  })

  it('3a71e7deb a connection that is no good any more is not used again', async () => {
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      await take(p, 1)
      p.send(data(0, 'x'))
    })
    await expect(actors.request()).rejects.toMatchObject({ code: 'ERR_PROTOCOL', errorCode: 1 })
    expect((await actors.request()).status).toBe(204)
    expect(actors.peer.connections).toBe(2)
  })

  it.each(['d863782c5', '593530f48'])(
    '%s a deadline that passes is a TimeoutError, and the request is not sent again',
    async () => {
      const actors = await t.stage(on, async (p) => {
        await p.handshake()
        await take(p, 1)
        await p.next('RST_STREAM')
        p.send(rstStream(1, 8))
        await serve(p)
      })
      const failing = actors.request({ timeouts: { headers: 100 } })
      failing.catch(() => undefined)
      await until(() => actors.peer.peers[0]?.received.some(({ typeName }) => typeName === 'HEADERS') === true)
      actors.clock.advance(200)
      await expect(failing).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers', ms: 100 })
      await actors.request()
      expect([actors.one.stats().totals.replayed, actors.peer.connections]).toEqual([0, 1])
    },
  )

  it.each<[string, object]>([
    ['a body that throws when it is opened', { body: { [Symbol.asyncIterator]: () => fail() } }],
    ['trailers that throw', { body: 'x', trailers: fail }],
    ['trailers that are none', { body: 'x', trailers: () => ({ 'a b': 'c' }) }],
  ])('4ac66b9cd %s: the request rejects, the connection goes on', async (_what, given) => {
    const actors = await serving()
    await actors.request()
    await expect(actors.request({ method: 'POST', ...given })).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) })
    expect((await actors.request()).status).toBe(204)
    expect(actors.peer.connections).toBe(1)
  })

  it('f33a6cb61 an upgrade is refused before anything is sent: there are no tunnels here', async () => {
    const actors = await serving()
    await expect(actors.request({ headers: { upgrade: 'websocket' } })).rejects.toMatchObject({ code: 'ERR_FORBIDDEN_FIELD' })
    expect(actors.peer.connections).toBe(0)
  })

  it('123db7960 pseudo-fields come first, whatever the caller’s fields', async () => {
    const asked = gate<string[]>()
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const { streamId, fields } = await p.nextRequest()
      asked.open(fields.map(([name]) => name))
      p.respond(streamId, 204)
    })
    await actors.request({ headers: { a: 'b' } })
    expect(await asked.promise).toEqual([':method', ':scheme', ':authority', ':path', 'a'])
  })

  it('a07d945eb content-length 0 for POST, PUT and PATCH without content, and for no other method', async () => {
    const lengths = new Map<string, string | undefined>()
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      for (;;) {
        const { streamId, method, fields, endStream } = await p.nextRequest()
        lengths.set(method, endStream ? fields.find(([name]) => name === 'content-length')?.[1] : 'not ended')
        p.respond(streamId, 204)
      }
    })
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) await actors.request({ method })
    expect(Object.fromEntries(lengths)).toEqual({ POST: '0', PUT: '0', PATCH: '0' })
  })
})

function fail(): never {
  throw new Error('mine')
}
