/**
 * Rows E of the matrix of hostile servers with time, a second attempt or a second connection; and
 * E05.
 */

import { frames, type ScriptedConnection } from '@unshard/testkit'
import { ConnectionState } from '../../src/h2/protocol/connection-state.js'
import { KEPT_BYTES } from '../../src/message/recorded-source.js'
import { errorFrames, gate, hostileFixture, insertion, response, serve, transports, whileTimePasses } from './fixture.js'

const { data, headers, rstStream } = frames
const fixture = hostileFixture()

/** Refuses every stream and records its method. */
async function refuse(p: ScriptedConnection, methods: string[], times = Number.POSITIVE_INFINITY): Promise<void> {
  await p.handshake()
  for (let i = 0; i < times; i++) {
    const { streamId, method } = await p.nextRequest()
    methods.push(method)
    p.send(rstStream(streamId, 7))
  }
}

describe.each(transports)('over %s', (_name, transport) => {
  it('frames on a stream that the client reset are ignored, but count for flow control and HPACK (E05, §5.1)', async () => {
    const resetArrived = gate()
    const setup = await fixture.open(
      transport,
      async (p) => {
        await p.handshake()
        const { streamId: id } = await p.nextRequest()
        await p.next('RST_STREAM')
        p.send(headers(id, Buffer.concat([Buffer.from([0x88]), insertion])))
        for (let i = 0; i < 4; i++) p.send(data(id, Buffer.alloc(16_384)))
        p.send(frames.windowUpdate(id, 1), rstStream(id, 8))
        resetArrived.open()
        p.send(headers((await p.nextRequest()).streamId, Buffer.from('88be', 'hex'), { endStream: true }))
        await serve(p)
      },
      { connectionWindowBytes: 131_072 },
    )
    const abort = new AbortController()
    const failing = setup.request({ signal: abort.signal })
    while (setup.peer.peers[0]?.received.some(({ typeName }) => typeName === 'HEADERS') !== true) await new Promise(setImmediate)
    abort.abort('enough')
    await expect(failing).rejects.toBe('enough')
    await resetArrived.promise
    expect((await setup.request()).headers.get('in')).toBe('step')
    // At its response the peer has read everything that the client wrote before.
    await setup.request()
    const [p] = setup.peer.peers
    expect(errorFrames(p!)).toEqual(['RST_STREAM 1 CANCEL'])
    expect(p!.received.some(({ typeName, payload }) => typeName === 'WINDOW_UPDATE' && payload.readUInt32BE(0) === 65_536)).toBe(
      true,
    )
    expect(setup.peer.connections).toBe(1)
  })

  it('a request refused once is sent again on its connection, a POST too, unless its content is consumed (E13, §8.7)', async () => {
    const log: string[] = []
    const setup = await fixture.open(transport, async (p) => {
      await refuse(p, log, 1)
      p.respond((await p.nextRequest()).streamId, 204)
      log.push('answered')
      const { streamId } = await p.nextRequest()
      await p.next('DATA')
      p.send(rstStream(streamId, 7))
      await serve(p)
    })
    expect((await setup.request({ method: 'POST', body: 'x' })).status).toBe(204)
    async function* once(): AsyncGenerator<string> {
      yield 'x'.repeat(KEPT_BYTES + 1)
    }
    await expect(setup.request({ method: 'POST', body: once() })).rejects.toMatchObject({
      name: 'StreamError',
      code: 'ERR_STREAM_REFUSED',
      errorCode: 7,
      initiator: 'peer',
      processed: 'no',
    })
    expect((await setup.request()).status).toBe(204)
    expect([log, setup.peer.connections, setup.client.stats().totals.replayed]).toEqual([['POST', 'answered'], 1, 1])
  })

  it('a request that is always refused fails after four attempts, with processed: no (E14)', async () => {
    const methods: string[] = []
    const setup = await fixture.open(transport, (p) => refuse(p, methods))
    const refused = { name: 'StreamError', code: 'ERR_STREAM_REFUSED', errorCode: 7, initiator: 'peer', processed: 'no' }
    const posted = whileTimePasses(setup.clock, setup.request({ method: 'POST', body: 'x' }))
    await expect(posted).rejects.toMatchObject(refused)
    expect(methods).toEqual(['POST', 'POST', 'POST', 'POST'])
    await expect(whileTimePasses(setup.clock, setup.request())).rejects.toMatchObject(refused)
    expect([methods.length, setup.peer.connections]).toEqual([8, 1])
  })

  it.each([
    ['content that stalls (E16)', 'body', 'yes'],
    ['a response that never arrives (E17)', 'headers', 'unknown'],
  ])(
    '%s causes a TimeoutError of phase %s and RST_STREAM CANCEL; the connection stays usable',
    async (_title, phase, processed) => {
      const requestArrived = gate()
      const resetArrived = gate()
      const setup = await fixture.open(transport, async (p) => {
        await p.handshake()
        const { streamId } = await p.nextRequest()
        if (phase === 'body') p.send(response(streamId), data(streamId, 'half'))
        requestArrived.open()
        await p.next('RST_STREAM')
        p.send(frames.ping((await p.next('PING')).payload, true))
        resetArrived.open()
        await serve(p)
      })
      const answer = setup.request({ timeouts: { headers: 1_000, body: 1_000 } })
      const body = phase === 'body' ? (await answer).body : undefined
      // The first part is read, because content that waits for its reader is not a stall.
      await body?.next()
      const failing = body?.next() ?? answer
      failing.catch(() => undefined)
      await requestArrived.promise
      setup.clock.advance(900)
      setup.clock.advance(250)
      await expect(failing).rejects.toMatchObject({ name: 'TimeoutError', phase, ms: 1_000, processed })
      await resetArrived.promise
      expect((await setup.request()).status).toBe(204)
      expect([errorFrames(setup.peer.peers[0]!), setup.peer.connections]).toEqual([['RST_STREAM 1 CANCEL'], 1])
    },
  )

  it('stream 2^31 - 1 is the last of a connection, and no identifier is used twice (E23, §5.1.1)', async () => {
    const ids: number[] = []
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      for (;;) {
        const { streamId } = await p.nextRequest()
        ids.push(streamId)
        p.respond(streamId, 204)
      }
    })
    await setup.request()
    // A test cannot send two billion requests, so it skips identifiers.
    const capacity = Object.getOwnPropertyDescriptor(ConnectionState.prototype, 'capacity')!
    fixture.base.defer(() => Object.defineProperty(ConnectionState.prototype, 'capacity', capacity))
    Object.defineProperty(ConnectionState.prototype, 'capacity', {
      configurable: true,
      get(this: ConnectionState<never>): number {
        if (this.nextStreamId === 3 && ids.length === 1) this.nextStreamId = 0x7fff_ffff
        return capacity.get!.call(this)
      },
    })
    expect((await setup.request()).status).toBe(204)
    // The next request uses another connection, which begins with stream 1.
    expect((await setup.request()).status).toBe(204)
    expect([ids, setup.peer.connections]).toEqual([[1, 0x7fff_ffff, 1], 2])
    expect(errorFrames(setup.peer.peers[0]!)).toEqual([])
    expect(setup.peer.peers[0]!.received.filter(({ typeName }) => typeName === 'HEADERS')).toHaveLength(2)
  })

  it('CONNECT and extended CONNECT are a UsageError, and no connection is dialed (E24, RFC 8441 §4)', async () => {
    const setup = await fixture.open(transport, serve)
    const usage = (code: string): object => ({ name: 'UsageError', code, processed: 'no' })
    await expect(setup.request({ method: 'CONNECT' })).rejects.toMatchObject(usage('ERR_INVALID_METHOD'))
    await expect(setup.request({ method: 'CONNECT', headers: { ':protocol': 'websocket' } })).rejects.toMatchObject(
      usage('ERR_INVALID_METHOD'),
    )
    await expect(setup.request({ headers: { ':protocol': 'connect-udp' } })).rejects.toMatchObject(
      usage('ERR_INVALID_FIELD_NAME'),
    )
    expect(setup.peer.connections).toBe(0)
  })

  it.each(['end', 'destroy'] as const)(
    'a connection that ends by %s(): each request fails once, unless it is idempotent and has no response yet (E25)',
    async (how) => {
      const requests: string[][] = [[], []]
      const setup = await fixture.open(transport, async (p, index) => {
        await p.handshake()
        for (let i = 0; ; i++) {
          const { streamId, method, path } = await p.nextRequest()
          requests[index]!.push(`${method} ${path}`)
          if (index > 0) p.respond(streamId, 204)
          else if (path === '/begun') p.send(response(streamId), data(streamId, 'half'))
          if (index === 0 && i === 2) p[how]()
        }
      })
      const partialResponse = await setup.request({ url: setup.url('/begun') })
      const responses = [setup.request({ url: setup.url('/get') }), setup.request({ url: setup.url('/post'), method: 'POST' })]
      const [got, posted] = await Promise.allSettled(responses)
      expect(got).toMatchObject({ status: 'fulfilled', value: { status: 204 } })
      expect(posted).toMatchObject({
        reason: { name: 'ConnectionError', code: 'ERR_CONNECTION_LOST', initiator: 'peer', processed: 'unknown' },
      })
      await expect(partialResponse.text()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'yes' })
      expect(requests).toEqual([['GET /begun', 'GET /get', 'POST /post'], ['GET /get']])
    },
  )
})
