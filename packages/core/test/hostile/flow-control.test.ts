/** Rows F of the matrix of hostile servers: windows. F06, a flood, stands with the floods. */

import { frames, numberOf, type ScriptedConnection } from '@unshard/testkit'
import {
  endsConnection,
  endsStream,
  endWith,
  gate,
  heard,
  memory,
  response,
  responseError,
  serve,
  theatre,
  transports,
  until,
} from './rig.js'

const { data, windowUpdate } = frames
const t = theatre()

/** Bytes of DATA that the peer has read on a stream. */
const received = (p: ScriptedConnection, id: number): number =>
  p.received.reduce(
    (sum, { typeName, streamId, payload }) => (typeName === 'DATA' && streamId === id ? sum + payload.length : sum),
    0,
  )

describe.each(transports)('over %s', (_name, on) => {
  it("F01 §6.9.1 the connection's send window over 2^31 - 1: GOAWAY FLOW_CONTROL_ERROR", () =>
    endsConnection(t, on, 'FLOW_CONTROL_ERROR', () => [windowUpdate(0, 0x7fff_ffff)]))

  it("F01 a stream's send window over 2^31 - 1: RST_STREAM FLOW_CONTROL_ERROR, and the upload is let go", () => {
    let left = false
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: async () => {
          left = true
          return { done: true, value: undefined } as const
        },
      }),
    }
    const over = endsStream(t, on, 'FLOW_CONTROL_ERROR', (id) => [windowUpdate(id, 0x7fff_ffff)], {
      request: { method: 'POST', body },
    })
    return over.then(() => expect(left).toBe(true))
  })

  it('F02 §6.9 more than our stream window: RST_STREAM FLOW_CONTROL_ERROR, and what is over is dropped', async () => {
    const wasReset = gate()
    const actors = await t.stage(
      on,
      async (p) => {
        await p.handshake()
        const { streamId: id } = await p.nextRequest()
        p.send(response(id), ...Array.from({ length: 5 }, () => data(id, Buffer.alloc(16_384))))
        await p.next('RST_STREAM')
        wasReset.open()
        await serve(p)
      },
      { streamWindowBytes: 65_535 },
    )
    const answer = await actors.request()
    await wasReset.promise
    const parts: number[] = []
    const reading = (async () => {
      for await (const part of answer.body) parts.push(part.length)
    })()
    await expect(reading).rejects.toMatchObject(responseError('FLOW_CONTROL_ERROR'))
    expect(parts.reduce((sum, length) => sum + length, 0)).toBe(3 * 16_384)
    expect((await actors.request()).status).toBe(204)
    expect([heard(actors.peer.peers[0]!), actors.peer.connections]).toEqual([['RST_STREAM 1 FLOW_CONTROL_ERROR'], 1])
  })

  it('F03 a peer that ignores the connection window gains nothing: credit goes back on receipt, streams are held to theirs', async () => {
    // Half of the window is always open, which is more than a frame: the engine test has the frame that is larger than a window.
    const actors = await t.stage(
      on,
      async (p) => {
        await p.handshake()
        const ids: number[] = []
        for (let i = 0; i < 20; i++) ids.push((await p.nextRequest()).streamId)
        for (const id of ids)
          p.send(response(id), ...Array.from({ length: 4 }, () => data(id, Buffer.alloc(16_000))), endWith(id, ''))
        await serve(p)
      },
      { connectionWindowBytes: 65_535 },
    )
    const answers = await Promise.all(Array.from({ length: 20 }, () => actors.request()))
    for (const answer of answers) expect((await answer.bytes()).length).toBe(64_000)
    expect([heard(actors.peer.peers[0]!), actors.peer.connections]).toEqual([[], 1])
  })

  it('F04 a send window of 0 forever (CVE-2019-9517): `timeouts.body` ends the upload with RST_STREAM CANCEL, others go on', async () => {
    const asked = gate()
    const wasReset = gate()
    const actors = await t.stage(on, async (p) => {
      await p.handshake({ initialWindowSize: 0 })
      p.respond((await p.nextRequest()).streamId, 204)
      await p.nextRequest()
      asked.open()
      p.respond((await p.nextRequest()).streamId, 204)
      await p.next('RST_STREAM')
      p.send(frames.ping((await p.next('PING')).payload, true))
      wasReset.open()
      await serve(p)
    })
    // Before the peer's SETTINGS are known, the window is 65,535.
    await actors.request()
    const upload = actors.request({ method: 'POST', body: Buffer.alloc(100_000), timeouts: { headers: 100_000, body: 1_000 } })
    upload.catch(() => undefined)
    await asked.promise
    expect((await actors.request()).status).toBe(204)
    actors.clock.advance(1_200)
    await expect(upload).rejects.toMatchObject({ name: 'TimeoutError', phase: 'body', processed: 'unknown' })
    await wasReset.promise
    expect((await actors.request()).status).toBe(204)
    const [p] = actors.peer.peers
    expect([heard(p!), received(p!, 3), actors.peer.connections]).toEqual([['RST_STREAM 3 CANCEL'], 0, 1])
  })

  it('F05 the window opened one byte at a time (CVE-2019-9511): one frame for each, and all of it arrives', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake({ initialWindowSize: 0 })
      p.respond((await p.nextRequest()).streamId, 204)
      const { streamId } = await p.nextRequest()
      for (let i = 1; i <= 2_000; i++) {
        p.send(windowUpdate(streamId, 1))
        // Each answered before the next: this is slowness, not a flood.
        if (i % 100 === 0) while (received(p, streamId) < i) await p.next('DATA')
      }
      p.respond(streamId, 204)
    })
    await actors.request()
    expect((await actors.request({ method: 'POST', body: Buffer.alloc(2_000) })).status).toBe(204)
    const [p] = actors.peer.peers
    expect(received(p!, 3)).toBe(2_000)
    expect(p!.received.filter(({ typeName }) => typeName === 'DATA').length).toBeLessThanOrEqual(2_000)
  })

  it('F07 §5.2 one response is not read, 99 others go on: the credit of the connection returns on receipt', async () => {
    const actors = await t.stage(
      on,
      async (p) => {
        await p.handshake()
        const stopped = await p.nextRequest()
        p.send(response(stopped.streamId), ...Array.from({ length: 3 }, () => data(stopped.streamId, Buffer.alloc(16_384))))
        for (let i = 0; i < 99; i++) {
          const { streamId } = await p.nextRequest()
          p.send(response(streamId), data(streamId, Buffer.alloc(16_384)), endWith(streamId))
        }
        p.send(endWith(stopped.streamId, 'late'))
        await serve(p)
      },
      { connectionWindowBytes: 65_535 },
    )
    const stopped = await actors.request()
    const others = await Promise.all(Array.from({ length: 99 }, () => actors.request()))
    for (const other of others) expect((await other.bytes()).length).toBe(16_386)
    await actors.request()
    const credit = actors.peer.peers[0]!.received.filter(
      ({ typeName, streamId }) => typeName === 'WINDOW_UPDATE' && streamId === 0,
    ).reduce((sum, frame) => sum + numberOf(frame), 0)
    expect(credit).toBeGreaterThan(102 * 16_384 - 32_768)
    expect((await stopped.bytes()).length).toBe(3 * 16_384 + 4)
  })

  // The row wants a hard cap for each connection. The issue on pools overrules it: "a paused body never starves its siblings".
  it('F08 1,000 responses opened, none read: at most streams × window in memory, and a request more still works', async () => {
    const full = gate()
    const part = data(1, Buffer.alloc(8_191))
    const actors = await t.stage(
      on,
      async (p) => {
        await p.handshake()
        for (let i = 0; i < 1_000; i++) {
          const { streamId } = await p.nextRequest()
          p.send(response(streamId))
          for (let sent = 0; sent < 4; sent++) {
            part.writeUInt32BE(streamId, 5)
            // Written as a copy: the socket may keep it.
            if (!p.socket.write(Buffer.from(part))) await new Promise((resolve) => p.socket.once('drain', resolve))
          }
        }
        full.open()
        await serve(p)
      },
      { streamWindowBytes: 65_535 },
    )
    const before = await memory()
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => actors.request()))
    await full.promise
    expect((await actors.request()).status).toBe(204)
    expect((await memory()) - before).toBeLessThan(1_000 * 65_535)
    for (const answer of answers) answer.discard()
    await until(() => actors.one.stats().connections.every(({ active }) => active <= 1))
    expect((await actors.request()).status).toBe(204)
    expect(actors.peer.connections).toBe(1)
  })

  it('F09 a cancelled stream with content that waits: its credit is back with the connection', async () => {
    const actors = await t.stage(
      on,
      async (p) => {
        await p.handshake()
        for (let i = 0; i < 20; i++) {
          const { streamId } = await p.nextRequest()
          p.send(response(streamId), ...Array.from({ length: 3 }, () => data(streamId, Buffer.alloc(16_384))))
          await p.next('RST_STREAM')
        }
        await serve(p)
      },
      { connectionWindowBytes: 65_535 },
    )
    for (let i = 0; i < 20; i++) {
      const answer = await actors.request()
      await answer.body.next()
      answer.discard()
    }
    expect((await actors.request()).status).toBe(204)
    const credit = actors.peer.peers[0]!.received.filter(
      ({ typeName, streamId }) => typeName === 'WINDOW_UPDATE' && streamId === 0,
    ).reduce((sum, frame) => sum + numberOf(frame), 0)
    expect(credit).toBeGreaterThan(20 * 3 * 16_384 - 32_768)
    expect(actors.peer.connections).toBe(1)
  })
})
