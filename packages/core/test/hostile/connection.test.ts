/** Rows G of the matrix of hostile servers: GOAWAY, PING, and how connections end. Floods stand with the floods. */

import { connect, createServer, type Socket } from 'node:net'
import { frames, type ScriptedConnection } from '@unshard/testkit'
import {
  type Attack,
  endsConnection,
  endWith,
  gate,
  heard,
  isHarmless,
  response,
  serve,
  theatre,
  transports,
  until,
} from './rig.js'

const { altsvc, data, goaway, ping, raw } = frames
const t = theatre()

/** The next requests, as many as asked for. */
async function take(p: ScriptedConnection, count: number): Promise<number[]> {
  const ids: number[] = []
  while (ids.length < count) ids.push((await p.nextRequest()).streamId)
  return ids
}

describe.each(transports)('over %s', (_name, on) => {
  it('G01 §6.8 graceful: GOAWAY 2^31 - 1, then a real one: what is at or below it ends here, the rest elsewhere, a POST too', async () => {
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p, 201)
      const [first, second, third] = await take(p, 3)
      p.send(goaway(0x7fff_ffff), goaway(second!))
      for (const id of [first!, second!]) p.respond(id, 200)
      await p.next('GOAWAY').catch(() => undefined)
      expect(third).toBe(5)
    })
    const answers = await Promise.all([1, 2, 3].map(() => actors.request({ method: 'POST', body: 'x' })))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 201])
    await actors.peer.peers[0]!.closed
    expect([heard(actors.peer.peers[0]!), actors.peer.connections, actors.one.stats().totals.replayed]).toEqual([[], 2, 1])
  })

  it.each([
    ['G02 last stream 0: nothing was processed', 0, 0],
    ['G03 with an error code: the same for what is above', 0, 0xb],
    ['G03 and what is at or below may still finish (the issue wins over the row)', 3, 0x2],
  ])('%s', async (_title, last, code) => {
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p, 201)
      const ids = await take(p, 3)
      p.send(goaway(last, code))
      for (const id of ids) if (id <= last) p.respond(id, 200)
      await p.closed
    })
    const answers = await Promise.all([1, 2, 3].map(() => actors.request({ method: 'POST', body: 'x' })))
    expect(answers.map(({ status }) => status)).toEqual(last === 0 ? [201, 201, 201] : [200, 200, 201])
    expect(actors.peer.connections).toBe(2)
    expect(actors.one.stats().totals.replayed).toBe(last === 0 ? 3 : 1)
  })

  it('G03 accepted, and then the connection closes: an error with the code of GOAWAY, and a POST is not sent again', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(goaway(id!, 2, 'oh'))
      p.end()
    })
    await expect(actors.request({ method: 'POST', body: 'x' })).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_CONNECTION_LOST',
      errorCode: 2,
      initiator: 'peer',
      processed: 'unknown',
      message: expect.stringContaining('GOAWAY INTERNAL_ERROR, last stream 1, "oh"'),
    })
    expect(actors.peer.connections).toBe(1)
  })

  it('G04 a second GOAWAY with a larger last stream: GOAWAY PROTOCOL_ERROR', async () => {
    await endsConnection(t, on, 'PROTOCOL_ERROR', () => [goaway(3), goaway(5)])
  })

  it('G05 GOAWAY, then nothing: the deadline ends the request, and with the last one the connection', async () => {
    const begun = gate()
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(response(id!), data(id!, 'half'), goaway(id!))
      begun.open()
      await p.closed
    })
    const answer = await actors.request({ timeouts: { body: 1_000 } })
    const body = answer.body
    await body.next()
    const failing = body.next()
    failing.catch(() => undefined)
    await begun.promise
    await until(() => actors.one.stats().connections.some(({ state }) => state === 'draining'))
    actors.clock.advance(1_200)
    await expect(failing).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'ERR_TIMEOUT_BODY',
      phase: 'body',
      processed: 'yes',
    })
    await actors.peer.peers[0]!.closed
    expect(heard(actors.peer.peers[0]!)).toEqual(['RST_STREAM 1 CANCEL'])
    expect(actors.one.stats().connections).toHaveLength(1)
  })

  it('G06 GOAWAY after each request: more dials, and nothing fails', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.respond(id!, 200)
      p.send(goaway(id!))
      await p.closed
    })
    for (let i = 0; i < 10; i++) expect((await actors.request({ method: 'POST', body: 'x' })).status).toBe(200)
    expect(actors.peer.connections).toBe(10)
  })

  it('G07 GOAWAY on every connection before any request: an error after few dials, which says that nothing was processed', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      p.send(goaway(0))
      await p.closed
    })
    for (const method of ['GET', 'POST']) {
      await expect(actors.request({ method })).rejects.toMatchObject({ processed: 'no', initiator: 'peer' })
    }
    expect(actors.peer.connections).toBeLessThanOrEqual(6)
  })

  it('G08 GOAWAY with 16,376 bytes of debug data: 4 KiB of them are kept', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      const [id] = await take(p, 1)
      p.send(goaway(id!, 2, Buffer.alloc(16_376, 0x2e)))
      p.end()
    })
    const error = await actors.request({ method: 'POST' }).catch((reason: Error) => reason)
    expect((error as Error).message).toContain(JSON.stringify('.'.repeat(4_096)))
    expect((error as Error).message.length).toBeLessThan(4_500)
  })

  it('G08 GOAWAY that says it has 16 MiB: GOAWAY FRAME_SIZE_ERROR from its header alone', () =>
    endsConnection(t, on, 'FRAME_SIZE_ERROR', () => [raw(7, 0, 0, Buffer.alloc(8), 16_777_215)]))

  it('G09 HEADERS after GOAWAY for a stream it refused: ignored, HPACK in step', async () => {
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p, 201)
      const [first, second] = await take(p, 2)
      p.send(goaway(first!), frames.headers(second!, Buffer.from('884002696e0473746570', 'hex')), data(second!, 'x'))
      p.send(frames.headers(first!, Buffer.from('88be', 'hex'), { endStream: true }))
      await p.closed
    })
    const answers = await Promise.all([1, 2].map(() => actors.request()))
    expect(answers.map(({ status, headers }) => [status, headers.get('in')])).toEqual([
      [200, 'step'],
      [201, undefined],
    ])
  })

  it('G11 a PING that is never acknowledged: ping() rejects, the request has its deadline, and after 10 s new requests use another connection', async () => {
    const asked = gate()
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index > 0) await serve(p)
      p.respond((await take(p, 1))[0]!, 204)
      await p.next('PING')
      await take(p, 1)
      asked.open()
      await p.next('RST_STREAM')
    })
    await actors.request()
    const pinging = actors.one.ping(actors.url(), 5_000)
    pinging.catch(() => undefined)
    const waiting = actors.request({ timeouts: { headers: 4_000 } })
    waiting.catch(() => undefined)
    await asked.promise
    actors.clock.advance(5_100)
    await expect(pinging).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT_PING', phase: 'ping', ms: 5_000 })
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError', phase: 'headers' })
    const next = actors.request({ method: 'POST', body: 'x' })
    await until(() => actors.one.stats().pools.some(({ queued }) => queued === 1))
    await actors.clock.pass(10_000)
    expect((await next).status).toBe(204)
    expect(actors.peer.connections).toBe(2)
  })

  it.each<[string, Attack]>([
    ['G12 §6.7 an acknowledgement of no PING', (id) => [ping(Buffer.from('whatever'), true), endWith(id)]],
    ['G12 with zeros, as our first would be', (id) => [ping(Buffer.from('0000000000000001', 'hex'), true), endWith(id)]],
    ['G16 RFC 7838 §4 ALTSVC on stream 0 without an origin', (id) => [altsvc(0, '', 'h2=":1"'), endWith(id)]],
    ['G16 ALTSVC for a foreign origin', (id) => [altsvc(0, 'https://evil.example', 'h2="evil.example:443"'), endWith(id)]],
    ['G16 ALTSVC on a stream with an origin', (id) => [altsvc(id, 'https://b.test', 'h2=":1"'), endWith(id)]],
    ['G16 ALTSVC that offers another server', (id) => [altsvc(id, '', 'h2="127.0.0.1:9"'), endWith(id)]],
    ['G16 ALTSVC shorter than its origin', (id) => [raw(0xa, 0, 0, Buffer.from([0, 9, 1])), endWith(id)]],
    ['G16 ALTSVC of one byte', (id) => [raw(0xa, 0, 0, Buffer.from([0])), endWith(id)]],
  ])('%s: ignored', (_title, attack) => isHarmless(t, on, 'ok', attack))

  it('G12 an acknowledgement with other bytes does not answer our PING', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      p.respond((await take(p, 1))[0]!, 204)
      const { payload } = await p.next('PING')
      p.send(ping(Buffer.alloc(8, 0xff), true))
      p.respond((await take(p, 1))[0]!, 204)
      const [id] = await take(p, 1)
      p.send(ping(payload, true))
      p.respond(id!, 204)
    })
    await actors.request()
    let answered = false
    const pinging = actors.one.ping(actors.url()).then(() => {
      answered = true
    })
    await actors.request()
    expect(answered).toBe(false)
    await actors.request()
    await pinging
  })

  it('G17 the server closes an idle connection just as we send: a GET is sent again, a POST is an error', async () => {
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      p.respond((await take(p, 1))[0]!, 200)
      await take(p, 1)
      if (index < 2) p.destroy()
      else p.end()
    })
    await actors.request()
    expect((await actors.request()).status).toBe(200)
    await expect(actors.request({ method: 'POST' })).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    expect(actors.peer.connections).toBe(2)
  })

  it.each(['end', 'destroy', 'reset'])(
    'G19 G20 TCP ends (%s) without a word: END_STREAM decides what is complete',
    async (how) => {
      const sockets: Socket[] = []
      const actors = await t.stage(on, async (p) => {
        await p.handshake()
        const [first, second] = await take(p, 2)
        p.send(response(first!), endWith(first!), response(second!), data(second!, 'half'))
        await p.closed
      })
      // A relay, so that the TCP connection can end without TLS knowing.
      const relay = createServer((from) => {
        const to = connect(actors.peer.port, '127.0.0.1')
        for (const socket of [from, to]) socket.on('error', () => undefined)
        from.pipe(to).pipe(from)
        sockets.push(from, to)
      })
      await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve))
      t.world.defer(() => {
        for (const socket of sockets) socket.destroy()
        relay.close()
      })
      const url = `${on.scheme}://a.test.example:${(relay.address() as { port: number }).port}/`
      const [first, second] = await Promise.all([actors.request({ url }), actors.request({ url })])
      const body = second.body
      await body.next()
      const failing = body.next()
      failing.catch(() => undefined)
      await until(() => first.complete)
      if (how === 'reset') sockets[0]!.resetAndDestroy()
      else sockets[0]![how as 'end' | 'destroy']()
      // Whether destroying a socket resets the connection is the kernel's to decide: it does where bytes were not read.
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

  it('B25 more malformed frames after our GOAWAY (CVE-2026-27135): one GOAWAY, nothing thrown', () =>
    endsConnection(t, on, 'PROTOCOL_ERROR', () => [
      data(0, 'x'),
      goaway(7, 1),
      raw(3, 0, 0, Buffer.alloc(3)),
      Buffer.alloc(4_000, 0xfe),
    ]))
})
