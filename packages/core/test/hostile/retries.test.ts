/** Rows E of the matrix that need time, a second attempt, or a second connection; and E05, what comes after our own reset. */

import { frames, type ScriptedConnection } from '@unshard/testkit'
import { ConnectionState } from '../../src/h2/protocol/connection-state.js'
import { KEPT_BYTES } from '../../src/message/recorded-source.js'
import { gate, heard, insertion, response, serve, theatre, transports } from './rig.js'

const { data, headers, rstStream } = frames
const t = theatre()

/** Refuses every stream; tells of each. */
async function refuse(p: ScriptedConnection, seen: string[], times = Number.POSITIVE_INFINITY): Promise<void> {
  await p.handshake()
  for (let i = 0; i < times; i++) {
    const { streamId, method } = await p.nextRequest()
    seen.push(method)
    p.send(rstStream(streamId, 7))
  }
}

describe.each(transports)('over %s', (_name, on) => {
  it('E05 §5.1 frames on a stream that we have reset: ignored, counted for flow control, and HPACK stays in step', async () => {
    const wasReset = gate()
    const actors = await t.stage(
      on,
      async (p) => {
        await p.handshake()
        const { streamId: id } = await p.nextRequest()
        await p.next('RST_STREAM')
        p.send(headers(id, Buffer.concat([Buffer.from([0x88]), insertion])))
        for (let i = 0; i < 4; i++) p.send(data(id, Buffer.alloc(16_384)))
        p.send(frames.windowUpdate(id, 1), rstStream(id, 8))
        wasReset.open()
        p.send(headers((await p.nextRequest()).streamId, Buffer.from('88be', 'hex'), { endStream: true }))
        await serve(p)
      },
      { connectionWindowBytes: 131_072 },
    )
    const abort = new AbortController()
    const failing = actors.request({ signal: abort.signal })
    while (actors.peer.peers[0]?.received.some(({ typeName }) => typeName === 'HEADERS') !== true) await new Promise(setImmediate)
    abort.abort('enough')
    await expect(failing).rejects.toBe('enough')
    await wasReset.promise
    expect((await actors.request()).headers.get('in')).toBe('step')
    // By then the peer has read all that was written before it.
    await actors.request()
    const [p] = actors.peer.peers
    expect(heard(p!)).toEqual(['RST_STREAM 1 CANCEL'])
    expect(p!.received.some(({ typeName, payload }) => typeName === 'WINDOW_UPDATE' && payload.readUInt32BE(0) === 65_536)).toBe(
      true,
    )
    expect(actors.peer.connections).toBe(1)
  })

  it('E13 §8.7 REFUSED_STREAM once: sent again on the same connection, a POST too, but no content that is gone', async () => {
    const seen: string[] = []
    const actors = await t.stage(on, async (p) => {
      await refuse(p, seen, 1)
      p.respond((await p.nextRequest()).streamId, 204)
      seen.push('answered')
      const { streamId } = await p.nextRequest()
      await p.next('DATA')
      p.send(rstStream(streamId, 7))
      await serve(p)
    })
    expect((await actors.request({ method: 'POST', body: 'x' })).status).toBe(204)
    async function* once(): AsyncGenerator<string> {
      yield 'x'.repeat(KEPT_BYTES + 1)
    }
    await expect(actors.request({ method: 'POST', body: once() })).rejects.toMatchObject({
      name: 'StreamError',
      code: 'ERR_STREAM_REFUSED',
      errorCode: 7,
      initiator: 'peer',
      processed: 'no',
    })
    expect((await actors.request()).status).toBe(204)
    expect([seen, actors.peer.connections, actors.one.stats().totals.replayed]).toEqual([['POST', 'answered'], 1, 1])
  })

  it('E14 REFUSED_STREAM forever: two attempts, then an error that says it was not processed', async () => {
    const seen: string[] = []
    const actors = await t.stage(on, (p) => refuse(p, seen))
    const refused = { name: 'StreamError', code: 'ERR_STREAM_REFUSED', errorCode: 7, initiator: 'peer', processed: 'no' }
    await expect(actors.request({ method: 'POST', body: 'x' })).rejects.toMatchObject(refused)
    expect(seen).toEqual(['POST', 'POST'])
    await expect(actors.request()).rejects.toMatchObject(refused)
    expect([seen.length, actors.peer.connections]).toEqual([4, 1])
  })

  it.each([
    ['E16 the content stalls', 'body', 'yes'],
    ['E17 no response comes', 'headers', 'unknown'],
  ])('%s: TimeoutError of phase %s, RST_STREAM CANCEL, the connection goes on', async (_title, phase, processed) => {
    const asked = gate()
    const wasReset = gate()
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const { streamId } = await p.nextRequest()
      if (phase === 'body') p.send(response(streamId), data(streamId, 'half'))
      asked.open()
      await p.next('RST_STREAM')
      p.send(frames.ping((await p.next('PING')).payload, true))
      wasReset.open()
      await serve(p)
    })
    const answer = actors.request({ timeouts: { headers: 1_000, body: 1_000 } })
    const body = phase === 'body' ? (await answer).body : undefined
    // What has come is taken: content that waits for its reader is no stall.
    await body?.next()
    const failing = body?.next() ?? answer
    failing.catch(() => undefined)
    await asked.promise
    actors.clock.advance(900)
    actors.clock.advance(250)
    await expect(failing).rejects.toMatchObject({ name: 'TimeoutError', phase, ms: 1_000, processed })
    await wasReset.promise
    expect((await actors.request()).status).toBe(204)
    expect([heard(actors.peer.peers[0]!), actors.peer.connections]).toEqual([['RST_STREAM 1 CANCEL'], 1])
  })

  it('E23 §5.1.1 the last identifier, 2^31 - 1, is used, and then none: no number comes twice', async () => {
    const ids: number[] = []
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      for (;;) {
        const { streamId } = await p.nextRequest()
        ids.push(streamId)
        p.respond(streamId, 204)
      }
    })
    await actors.request()
    // Two thousand million requests are more than a test can make.
    const capacity = Object.getOwnPropertyDescriptor(ConnectionState.prototype, 'capacity')!
    t.world.defer(() => Object.defineProperty(ConnectionState.prototype, 'capacity', capacity))
    Object.defineProperty(ConnectionState.prototype, 'capacity', {
      configurable: true,
      get(this: ConnectionState<never>): number {
        if (this.nextStreamId === 3 && ids.length === 1) this.nextStreamId = 0x7fff_ffff
        return capacity.get!.call(this)
      },
    })
    expect((await actors.request()).status).toBe(204)
    // Nobody waits for a number that never comes: another connection begins again.
    expect((await actors.request()).status).toBe(204)
    expect([ids, actors.peer.connections]).toEqual([[1, 0x7fff_ffff, 1], 2])
    expect(heard(actors.peer.peers[0]!)).toEqual([])
    expect(actors.peer.peers[0]!.received.filter(({ typeName }) => typeName === 'HEADERS')).toHaveLength(2)
  })

  it('E24 RFC 8441 §4 CONNECT, extended or not: refused here, and nothing is dialed', async () => {
    const actors = await t.stage(on, serve)
    const usage = (code: string): object => ({ name: 'UsageError', code, processed: 'no' })
    await expect(actors.request({ method: 'CONNECT' })).rejects.toMatchObject(usage('ERR_INVALID_METHOD'))
    await expect(actors.request({ method: 'CONNECT', headers: { ':protocol': 'websocket' } })).rejects.toMatchObject(
      usage('ERR_INVALID_METHOD'),
    )
    await expect(actors.request({ headers: { ':protocol': 'connect-udp' } })).rejects.toMatchObject(
      usage('ERR_INVALID_FIELD_NAME'),
    )
    expect(actors.peer.connections).toBe(0)
  })

  it.each(['end', 'destroy'] as const)(
    'E25 TCP closes (%s) with streams half done: each errs once, and only what was not answered and may be repeated is',
    async (how) => {
      const seen: string[][] = [[], []]
      const actors = await t.stage(on, async (p, index) => {
        await p.handshake()
        for (let i = 0; ; i++) {
          const { streamId, method, path } = await p.nextRequest()
          seen[index]!.push(`${method} ${path}`)
          if (index > 0) p.respond(streamId, 204)
          else if (path === '/begun') p.send(response(streamId), data(streamId, 'half'))
          if (index === 0 && i === 2) p[how]()
        }
      })
      const begun = await actors.request({ url: actors.url('/begun') })
      const requests = [actors.request({ url: actors.url('/get') }), actors.request({ url: actors.url('/post'), method: 'POST' })]
      const [got, posted] = await Promise.allSettled(requests)
      expect(got).toMatchObject({ status: 'fulfilled', value: { status: 204 } })
      expect(posted).toMatchObject({
        reason: { name: 'ConnectionError', code: 'ERR_CONNECTION_LOST', initiator: 'peer', processed: 'unknown' },
      })
      await expect(begun.text()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'yes' })
      expect(seen).toEqual([['GET /begun', 'GET /get', 'POST /post'], ['GET /get']])
    },
  )
})
