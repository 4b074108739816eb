/**
 * Malformed and misplaced frames: rows B of the matrix of hostile servers. B25 is in
 * connection.test.ts.
 */

import { frames } from '@unshard/testkit'
import {
  type Attack,
  type ErrorName,
  endWith,
  errorFrames,
  expectConnectionError,
  expectNoEffect,
  expectStreamError,
  fields,
  hostileFixture,
  type RowOptions,
  response,
  serve,
  transports,
} from './fixture.js'

const { continuation, data, headers, ping, priority, pushPromise, raw, rstStream, settings, windowUpdate } = frames
const fixture = hostileFixture()
const bytes = (length: number): Buffer => Buffer.alloc(length, 0x2e)
const openBlock = (id: number): Buffer => response(id, [], { endHeaders: false })

type Row = [title: string, code: ErrorName, attack: Attack, options?: RowOptions]

const fatal: Row[] = [
  ['DATA on stream 0 (B01, §6.1)', 'PROTOCOL_ERROR', () => [data(0, 'x')]],
  ['DATA padding longer than the payload (B02, §6.1)', 'PROTOCOL_ERROR', (id) => [raw(0, 0x8, id, Buffer.from([9, 1]))]],
  ['DATA padding as long as the payload (B02)', 'PROTOCOL_ERROR', (id) => [raw(0, 0x8, id, Buffer.from([2, 1]))]],
  ['padded DATA without a pad length (B02)', 'FRAME_SIZE_ERROR', (id) => [raw(0, 0x8, id)]],
  ['HEADERS on stream 0 (B03, §6.2)', 'PROTOCOL_ERROR', () => [response(0)]],
  ['HEADERS padding longer than the payload (B04, §6.2)', 'PROTOCOL_ERROR', (id) => [raw(1, 0xc, id, Buffer.from([2, 0x88]))]],
  ['PING inside a field block (B05, §6.10)', 'PROTOCOL_ERROR', (id) => [openBlock(id), ping()]],
  ['HEADERS inside a field block (B05)', 'PROTOCOL_ERROR', (id) => [openBlock(id), response(id + 2)]],
  ['DATA inside a field block (B05)', 'PROTOCOL_ERROR', (id) => [openBlock(id), data(id, 'x')]],
  ['HEADERS with PRIORITY of less than 5 bytes (B06, §4.2)', 'FRAME_SIZE_ERROR', (id) => [raw(1, 0x24, id, bytes(4))]],
  ['padded HEADERS with PRIORITY of less than 6 bytes (B06)', 'FRAME_SIZE_ERROR', (id) => [raw(1, 0x2c, id, bytes(5))]],
  ['PRIORITY on stream 0 (B07, §6.3)', 'PROTOCOL_ERROR', () => [priority(0, { dependsOn: 1 })]],
  ['PRIORITY of 4 bytes on an idle stream (B07)', 'FRAME_SIZE_ERROR', () => [raw(2, 0, 99, bytes(4))]],
  ['RST_STREAM on stream 0 (B08, §6.4)', 'PROTOCOL_ERROR', () => [rstStream(0, 8)]],
  ['RST_STREAM on an idle stream (B08)', 'PROTOCOL_ERROR', () => [rstStream(99, 8)]],
  ['RST_STREAM of 3 bytes (B08)', 'FRAME_SIZE_ERROR', (id) => [raw(3, 0, id, bytes(3))]],
  ['an acknowledgement of SETTINGS with a payload (B09, §6.5)', 'FRAME_SIZE_ERROR', () => [raw(4, 1, 0, bytes(6))]],
  ['SETTINGS on a stream (B10, §6.5)', 'PROTOCOL_ERROR', (id) => [raw(4, 0, id)]],
  ['SETTINGS of 7 bytes (B11, §6.5)', 'FRAME_SIZE_ERROR', () => [raw(4, 0, 0, bytes(7))]],
  ['PUSH_PROMISE despite ENABLE_PUSH 0 (B12, §8.4)', 'PROTOCOL_ERROR', (id) => [pushPromise(id, 2, fields(':method', 'GET'))]],
  ['PING on a stream (B13, §6.7)', 'PROTOCOL_ERROR', (id) => [raw(6, 0, id, bytes(8))]],
  ['PING of 7 bytes (B13)', 'FRAME_SIZE_ERROR', () => [ping(bytes(7))]],
  ['GOAWAY on a stream (B14, §6.8)', 'PROTOCOL_ERROR', (id) => [raw(7, 0, id, bytes(8))]],
  ['GOAWAY of 7 bytes (B14)', 'FRAME_SIZE_ERROR', () => [raw(7, 0, 0, bytes(7))]],
  ['WINDOW_UPDATE of 3 bytes on the connection (B15, §6.9)', 'FRAME_SIZE_ERROR', () => [raw(8, 0, 0, bytes(3))]],
  ['WINDOW_UPDATE of 5 bytes on a stream (B15)', 'FRAME_SIZE_ERROR', (id) => [raw(8, 0, id, bytes(5))]],
  ['WINDOW_UPDATE of 0 on the connection (B16, §6.9)', 'PROTOCOL_ERROR', () => [windowUpdate(0, 0)]],
  ['CONTINUATION on stream 0 (B17, §6.10)', 'PROTOCOL_ERROR', () => [continuation(0, [])]],
  ['CONTINUATION without HEADERS (B17)', 'PROTOCOL_ERROR', (id) => [continuation(id, [])]],
  [
    'CONTINUATION after END_HEADERS (B17)',
    'PROTOCOL_ERROR',
    (id) => [response(id), continuation(id, [])],
    { responseBegun: false, error: {} },
  ],
  ['CONTINUATION after DATA (B17)', 'PROTOCOL_ERROR', (id) => [data(id, 'x'), continuation(id, [])]],
  ['CONTINUATION of another stream (B17)', 'PROTOCOL_ERROR', (id) => [openBlock(id), continuation(id + 2, [])]],
  ['CONTINUATION on stream 0 inside a field block (B17)', 'PROTOCOL_ERROR', (id) => [openBlock(id), continuation(0, [])]],
  ...[0, 1, 4, 5, 6, 7, 8, 0xa, 0xbb].map(
    (type): Row => [
      `the header of a frame of type 0x${type.toString(16)} over SETTINGS_MAX_FRAME_SIZE (B18, §4.2)`,
      'FRAME_SIZE_ERROR',
      (id) => [raw(type, 0, id, Buffer.alloc(0), 16_385)],
    ],
  ),
  ['a frame of unknown type inside a field block (B21, §5.5)', 'PROTOCOL_ERROR', (id) => [openBlock(id), raw(0xbb, 0, id)]],
]

const ignored: [title: string, attack: Attack][] = [
  ...[0xb, 0xd, 0xe, 0xf, 0x10, 0xbb].flatMap((type): [string, Attack][] => [
    [
      `a frame of type 0x${type.toString(16)} and 16 KiB on the connection (B19, §5.5)`,
      () => [raw(type, 0xff, 0, bytes(16_384))],
    ],
    [
      `a frame of type 0x${type.toString(16)} on an open and on an idle stream (B19)`,
      (id) => [raw(type, 0, id, bytes(9)), raw(type, 0, 99)],
    ],
  ]),
  ['an unknown flag of PING (B20, §4.1)', () => [raw(6, 0xfe, 0, bytes(8))]],
  ['an unknown flag of SETTINGS (B20)', () => [raw(4, 0xfe, 0)]],
  ['the reserved bit of WINDOW_UPDATE (B20)', () => [raw(8, 0, 0, Buffer.from('80000001', 'hex'))]],
  ['the reserved bit of a stream identifier (B20)', (id) => [data(id + 0x8000_0000, '')]],
  ['PRIORITY on an open stream (B07, §5.3.2)', (id) => [priority(id, { dependsOn: 99 })]],
  ['PRIORITY on an idle stream (B07)', () => [priority(99, { dependsOn: 1, exclusive: true })]],
]

/**
 * All frames of one exchange: settings, both kinds of responses, content in padded and plain DATA,
 * PING, trailers.
 */
const exchangeFrames = (id: number): Buffer =>
  Buffer.concat([
    settings({ 153: 1 }),
    headers(id, fields(':status', '103', 'link', '<x>')),
    headers(id, fields(':status', '200', 'a', 'b'), { padding: 5, priority: { dependsOn: 0 } }),
    raw(0xbb, 0, 0, bytes(20)),
    data(id, 'hello ', { padding: 7 }),
    ping(),
    windowUpdate(0, 100),
    data(id, 'world'),
    headers(id, fields('t', 'v'), { endStream: true }),
  ])

describe.each(transports)('over %s', (_name, transport) => {
  it.each<Row>(fatal)('%s causes GOAWAY %s', (...[, code, attack, options]) =>
    expectConnectionError(fixture, transport, code, attack, options),
  )

  it.each<Row>([
    ['PRIORITY of 6 bytes on an open stream (B07, §6.3)', 'FRAME_SIZE_ERROR', (id) => [raw(2, 0, id, bytes(6))]],
    ['WINDOW_UPDATE of 0 on a stream (B16, §6.9)', 'PROTOCOL_ERROR', (id) => [windowUpdate(id, 0)]],
  ])('%s causes RST_STREAM %s', (...[, code, attack, options]) => expectStreamError(fixture, transport, code, attack, options))

  it.each(ignored)('%s is ignored', (_title, attack) =>
    expectNoEffect(fixture, transport, 'ok', (id) => [...attack(id), endWith(id)]),
  )

  it.each([
    ['responses cut in two at any byte are read unchanged (B22)', 2],
    ['a response that arrives byte by byte is read unchanged (B23)', 1],
  ])('%s', async (_title, pieces) => {
    const { length } = exchangeFrames(1)
    const times = pieces === 2 ? length - 1 : 1
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      // One write for each piece. The socket may join pieces, so the test tries every cut.
      for (let at = 1; at <= times; at++) {
        const { streamId } = await p.nextRequest()
        const exchangeBytes = exchangeFrames(streamId)
        const cuts =
          pieces === 2
            ? [exchangeBytes.subarray(0, at), exchangeBytes.subarray(at)]
            : [...exchangeBytes].map((byte) => Buffer.from([byte]))
        for (const cut of cuts) await new Promise((resolve) => p.socket.write(cut, resolve))
      }
      await serve(p)
    })
    for (let i = 0; i < times; i++) {
      const answer = await setup.request()
      expect([await answer.text(), answer.headers.get('a'), answer.trailers?.get('t')]).toEqual(['hello world', 'b', 'v'])
    }
    expect((await setup.request()).status).toBe(204)
    expect([errorFrames(setup.peer.peers[0]!), setup.peer.connections]).toEqual([[], 1])
  })

  it.each([
    ['inside a DATA frame', (id: number) => [response(id), data(id, 'hello').subarray(0, 11)]],
    ['inside a frame header', (id: number) => [response(id), data(id, 'hello').subarray(0, 4)]],
    ['between frames, without END_STREAM', (id: number) => [response(id), data(id, 'he')]],
  ])('FIN %s: the received content is readable, then the read fails (B24)', async (_where, attack) => {
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      p.send(...attack((await p.nextRequest()).streamId))
      p.end()
    })
    const answer = await setup.request({ method: 'POST' })
    await expect(answer.text()).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_CONNECTION_LOST',
      initiator: 'peer',
      processed: 'yes',
    })
    expect(answer.complete).toBe(false)
    expect((await setup.request()).status).toBe(204)
    expect(setup.peer.connections).toBe(2)
  })

  it('FIN inside HEADERS: a POST fails with processed: unknown and is not sent again (B24)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      p.send(response((await p.nextRequest()).streamId).subarray(0, 12))
      p.end()
    })
    const lost = { code: 'ERR_CONNECTION_LOST', processed: 'unknown' }
    await expect(setup.request({ method: 'POST' })).rejects.toMatchObject(lost)
    expect(setup.peer.connections).toBe(1)
  })
})
