/**
 * GOAWAY, PING, ALTSVC and the end of connections: rows G of the matrix of hostile servers, and
 * B25. Floods are in floods.test.ts.
 */

import { connect, createServer, type Socket } from 'node:net'
import { frames, type ScriptedConnection } from '@unshard/testkit'
import {
  type Attack,
  endWith,
  errorFrames,
  expectConnectionError,
  expectNoEffect,
  gate,
  hostileFixture,
  response,
  serve,
  transports,
  until,
  whileTimePasses,
} from './fixture.js'

const { altsvc, data, goaway, ping, raw } = frames
const fixture = hostileFixture()

/** Reads this many requests. */
async function take(p: ScriptedConnection, count: number): Promise<number[]> {
  const ids: number[] = []
  while (ids.length < count) ids.push((await p.nextRequest()).streamId)
  return ids
}

describe.each(transports)('over %s', (_name, transport) => {
  it('a graceful GOAWAY lets its streams finish; the others, a POST too, use another connection (G01, §6.8)', async () => {
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p, 201)
      const [first, second, third] = await take(p, 3)
      p.send(goaway(0x7fff_ffff), goaway(second!))
      for (const id of [first!, second!]) p.respond(id, 200)
      await p.next('GOAWAY').catch(() => undefined)
      expect(third).toBe(5)
    })
    const answers = await Promise.all([1, 2, 3].map(() => setup.request({ method: 'POST', body: 'x' })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 201])
    await setup.peer.peers[0]!.closed
    expect([errorFrames(setup.peer.peers[0]!), setup.peer.connections, setup.client.stats().totals.replayed]).toEqual([[], 2, 1])
  })

  it.each([
    ['after GOAWAY with last stream 0 all requests are sent again (G02)', 0, 0],
    ['after GOAWAY with an error code requests above its last stream are sent again (G03)', 0, 0xb],
    ['after GOAWAY with an error code requests up to its last stream finish (G03; the issue overrules the row)', 3, 0x2],
  ])('%s', async (_title, last, code) => {
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p, 201)
      const ids = await take(p, 3)
      p.send(goaway(last, code))
      for (const id of ids) if (id <= last) p.respond(id, 200)
      await p.closed
    })
    const answers = await Promise.all([1, 2, 3].map(() => setup.request({ method: 'POST', body: 'x' })))
    expect(answers.map(({ status }) => status)).toEqual(last === 0 ? [201, 201, 201] : [200, 200, 201])
    expect(setup.peer.connections).toBe(2)
    expect(setup.client.stats().totals.replayed).toBe(last === 0 ? 3 : 1)
  })

  it('GOAWAY that covers the stream, then the end of the connection: the POST fails with the code of GOAWAY (G03)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(goaway(id!, 2, 'oh'))
      p.end()
    })
    await expect(setup.request({ method: 'POST', body: 'x' })).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_CONNECTION_LOST',
      errorCode: 2,
      initiator: 'peer',
      processed: 'unknown',
      message: expect.stringContaining('GOAWAY INTERNAL_ERROR, last stream 1, "oh"'),
    })
    expect(setup.peer.connections).toBe(1)
  })

  it('a second GOAWAY with a larger last stream causes GOAWAY PROTOCOL_ERROR (G04)', async () => {
    await expectConnectionError(fixture, transport, 'PROTOCOL_ERROR', () => [goaway(3), goaway(5)])
  })

  it('GOAWAY without further bytes: the deadline ends the last request, and its end the connection (G05)', async () => {
    const responseSent = gate()
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(response(id!), data(id!, 'half'), goaway(id!))
      responseSent.open()
      await p.closed
    })
    const answer = await setup.request({ timeouts: { body: 1_000 } })
    const body = answer.body
    await body.next()
    const failing = body.next()
    failing.catch(() => undefined)
    await responseSent.promise
    await until(() => setup.client.stats().connections.some(({ state }) => state === 'draining'))
    setup.clock.advance(1_200)
    await expect(failing).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'ERR_TIMEOUT_BODY',
      phase: 'body',
      processed: 'yes',
    })
    await setup.peer.peers[0]!.closed
    expect(errorFrames(setup.peer.peers[0]!)).toEqual(['RST_STREAM 1 CANCEL'])
    expect(setup.client.stats().connections).toHaveLength(1)
  })

  it('GOAWAY after each request causes more dials, and no request fails (G06)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.respond(id!, 200)
      p.send(goaway(id!))
      await p.closed
    })
    for (let i = 0; i < 10; i++) expect((await setup.request({ method: 'POST', body: 'x' })).status).toBe(200)
    expect(setup.peer.connections).toBe(10)
  })

  it('GOAWAY at the start of every connection causes an error with processed: no after at most four dials (G07)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      p.send(goaway(0))
      await p.closed
    })
    for (const method of ['GET', 'POST']) {
      const refused = whileTimePasses(setup.clock, setup.request({ method }))
      await expect(refused).rejects.toMatchObject({ processed: 'no', initiator: 'peer' })
    }
    expect(setup.peer.connections).toBeLessThanOrEqual(8)
  })

  it('an error contains at most 4 KiB of the debug data of GOAWAY (G08)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(goaway(id!, 2, Buffer.alloc(16_376, 0x2e)))
      p.end()
    })
    const error = await setup.request({ method: 'POST' }).catch((reason: Error) => reason)
    expect((error as Error).message).toContain(JSON.stringify('.'.repeat(4_096)))
    expect((error as Error).message.length).toBeLessThan(4_500)
  })

  it('the header of a GOAWAY of 16 MiB causes GOAWAY FRAME_SIZE_ERROR (G08)', () =>
    expectConnectionError(fixture, transport, 'FRAME_SIZE_ERROR', () => [raw(7, 0, 0, Buffer.alloc(8), 16_777_215)]))

  it('frames on a stream that GOAWAY refused are ignored, and HPACK stays in step (G09)', async () => {
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p, 201)
      const [first, second] = await take(p, 2)
      p.send(goaway(first!), frames.headers(second!, Buffer.from('884002696e0473746570', 'hex')), data(second!, 'x'))
      p.send(frames.headers(first!, Buffer.from('88be', 'hex'), { endStream: true }))
      await p.closed
    })
    const answers = await Promise.all([1, 2].map(() => setup.request()))
    expect(answers.map(({ status, headers }) => [status, headers.get('in')])).toEqual([
      [200, 'step'],
      [201, undefined],
    ])
  })

  it('a PING without acknowledgement: ping() rejects, and after 10 s new requests use another connection (G11)', async () => {
    const requestArrived = gate()
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index > 0) await serve(p)
      p.respond((await take(p, 1))[0]!, 204)
      await p.next('PING')
      await take(p, 1)
      requestArrived.open()
      await p.next('RST_STREAM')
    })
    await setup.request()
    const pinging = setup.client.ping(setup.url(), 5_000)
    pinging.catch(() => undefined)
    const waiting = setup.request({ timeouts: { headers: 4_000 } })
    waiting.catch(() => undefined)
    await requestArrived.promise
    setup.clock.advance(5_100)
    await expect(pinging).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT_PING', phase: 'ping', ms: 5_000 })
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers' })
    const next = setup.request({ method: 'POST', body: 'x' })
    await until(() => setup.client.stats().pools.some(({ queued }) => queued === 1))
    await setup.clock.pass(10_000)
    expect((await next).status).toBe(204)
    expect(setup.peer.connections).toBe(2)
  })

  it.each<[string, Attack]>([
    ['an acknowledgement without PING (G12, §6.7)', (id) => [ping(Buffer.from('whatever'), true), endWith(id)]],
    [
      'an acknowledgement of a PING that was not sent yet (G12)',
      (id) => [ping(Buffer.from('0000000000000001', 'hex'), true), endWith(id)],
    ],
    ['ALTSVC on stream 0 without an origin (G16, RFC 7838 §4)', (id) => [altsvc(0, '', 'h2=":1"'), endWith(id)]],
    ['ALTSVC for a foreign origin (G16)', (id) => [altsvc(0, 'https://evil.example', 'h2="evil.example:443"'), endWith(id)]],
    ['ALTSVC on a stream with an origin (G16)', (id) => [altsvc(id, 'https://b.test', 'h2=":1"'), endWith(id)]],
    ['ALTSVC that offers another server (G16)', (id) => [altsvc(id, '', 'h2="127.0.0.1:9"'), endWith(id)]],
    ['ALTSVC shorter than its origin (G16)', (id) => [raw(0xa, 0, 0, Buffer.from([0, 9, 1])), endWith(id)]],
    ['ALTSVC of one byte (G16)', (id) => [raw(0xa, 0, 0, Buffer.from([0])), endWith(id)]],
  ])('%s is ignored', (_title, attack) => expectNoEffect(fixture, transport, 'ok', attack))

  it('an acknowledgement with other bytes does not resolve ping() (G12)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      p.respond((await take(p, 1))[0]!, 204)
      const { payload } = await p.next('PING')
      p.send(ping(Buffer.alloc(8, 0xff), true))
      p.respond((await take(p, 1))[0]!, 204)
      const [id] = await take(p, 1)
      p.send(ping(payload, true))
      p.respond(id!, 204)
    })
    await setup.request()
    let answered = false
    const pinging = setup.client.ping(setup.url()).then(() => {
      answered = true
    })
    await setup.request()
    expect(answered).toBe(false)
    await setup.request()
    await pinging
  })

  it('a server that closes an idle connection during a request: a GET is sent again, a POST fails (G17)', async () => {
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      p.respond((await take(p, 1))[0]!, 200)
      await take(p, 1)
      if (index < 2) p.destroy()
      else p.end()
    })
    await setup.request()
    expect((await setup.request()).status).toBe(200)
    await expect(setup.request({ method: 'POST' })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    expect(setup.peer.connections).toBe(2)
  })

  it.each(['end', 'destroy', 'reset'])(
    'a response is complete if it has END_STREAM when TCP ends (%s) (G19, G20)',
    async (how) => {
      const sockets: Socket[] = []
      const setup = await fixture.open(transport, async (p) => {
        await p.handshake()
        const [first, second] = await take(p, 2)
        p.send(response(first!), endWith(first!), response(second!), data(second!, 'half'))
        await p.closed
      })
      // The relay ends the TCP connection without an alert of TLS.
      const relay = createServer((from) => {
        const to = connect(setup.peer.port, '127.0.0.1')
        for (const socket of [from, to]) socket.on('error', () => undefined)
        from.pipe(to).pipe(from)
        sockets.push(from, to)
      })
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
      fixture.base.defer(() => {
        for (const socket of sockets) socket.destroy()
        relay.close()
      })
      const url = `${transport.scheme}://a.test.example:${(relay.address() as { port: number }).port}/`
      const [first, second] = await Promise.all([setup.request({ url }), setup.request({ url })])
      const body = second.body
      await body.next()
      const failing = body.next()
      failing.catch(() => undefined)
      await until(() => first.complete)
      if (how === 'reset') sockets[0]!.resetAndDestroy()
      else sockets[0]![how as 'end' | 'destroy']()
      // The kernel resets a destroyed connection if bytes were not read.
      const code =
        { end: /^ERR_CONNECTION_LOST$/, reset: /^ECONNRESET$/ }[how as string] ?? /^(?:ERR_CONNECTION_LOST|ECONNRESET)$/
      await expect(failing).rejects.toMatchObject({
        name: 'ConnectionError',
        code: expect.stringMatching(code),
        processed: 'yes',
      })
      expect(await first.text()).toBe('ok')
    },
  )

  it('malformed frames after the GOAWAY of the client cause no second GOAWAY (B25, CVE-2026-27135)', () =>
    expectConnectionError(fixture, transport, 'PROTOCOL_ERROR', () => [
      data(0, 'x'),
      goaway(7, 1),
      raw(3, 0, 0, Buffer.alloc(3)),
      Buffer.alloc(4_000, 0xfe),
    ]))
})
