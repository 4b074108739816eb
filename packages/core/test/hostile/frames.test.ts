/** Rows B of the matrix of hostile servers: frames that are wrong in themselves, or in their place. B25 stands with connections. */

import { frames } from '@unshard/testkit'
import {
  type Attack,
  type ErrorName,
  endsConnection,
  endsStream,
  endWith,
  fields,
  heard,
  isHarmless,
  type RowOptions,
  response,
  serve,
  theatre,
  transports,
} from './rig.js'

const { continuation, data, headers, ping, priority, pushPromise, raw, rstStream, settings, windowUpdate } = frames
const t = theatre()
const bytes = (length: number): Buffer => Buffer.alloc(length, 0x2e)
const open = (id: number): Buffer => response(id, [], { endHeaders: false })

type Row = [title: string, code: ErrorName, attack: Attack, options?: RowOptions]

const fatal: Row[] = [
  ['B01 §6.1 DATA on stream 0', 'PROTOCOL_ERROR', () => [data(0, 'x')]],
  ['B02 §6.1 DATA padding over the payload', 'PROTOCOL_ERROR', (id) => [raw(0, 0x8, id, Buffer.from([9, 1]))]],
  ['B02 DATA padding of just the payload', 'PROTOCOL_ERROR', (id) => [raw(0, 0x8, id, Buffer.from([2, 1]))]],
  ['B02 padded DATA without a pad length', 'FRAME_SIZE_ERROR', (id) => [raw(0, 0x8, id)]],
  ['B03 §6.2 HEADERS on stream 0', 'PROTOCOL_ERROR', () => [response(0)]],
  ['B04 §6.2 HEADERS padding over the payload', 'PROTOCOL_ERROR', (id) => [raw(1, 0xc, id, Buffer.from([2, 0x88]))]],
  ['B05 §6.10 PING inside a field block', 'PROTOCOL_ERROR', (id) => [open(id), ping()]],
  ['B05 HEADERS inside a field block', 'PROTOCOL_ERROR', (id) => [open(id), response(id + 2)]],
  ['B05 DATA inside a field block', 'PROTOCOL_ERROR', (id) => [open(id), data(id, 'x')]],
  ['B06 §4.2 HEADERS with PRIORITY under 5 bytes', 'FRAME_SIZE_ERROR', (id) => [raw(1, 0x24, id, bytes(4))]],
  ['B06 and with padding under 6', 'FRAME_SIZE_ERROR', (id) => [raw(1, 0x2c, id, bytes(5))]],
  ['B07 §6.3 PRIORITY on stream 0', 'PROTOCOL_ERROR', () => [priority(0, { dependsOn: 1 })]],
  ['B07 PRIORITY of 4 bytes where no stream is open', 'FRAME_SIZE_ERROR', () => [raw(2, 0, 99, bytes(4))]],
  ['B08 §6.4 RST_STREAM on stream 0', 'PROTOCOL_ERROR', () => [rstStream(0, 8)]],
  ['B08 RST_STREAM on an idle stream', 'PROTOCOL_ERROR', () => [rstStream(99, 8)]],
  ['B08 RST_STREAM of 3 bytes', 'FRAME_SIZE_ERROR', (id) => [raw(3, 0, id, bytes(3))]],
  ['B09 §6.5 an acknowledgement of SETTINGS with a payload', 'FRAME_SIZE_ERROR', () => [raw(4, 1, 0, bytes(6))]],
  ['B10 §6.5 SETTINGS on a stream', 'PROTOCOL_ERROR', (id) => [raw(4, 0, id)]],
  ['B11 §6.5 SETTINGS of 7 bytes', 'FRAME_SIZE_ERROR', () => [raw(4, 0, 0, bytes(7))]],
  ['B12 §8.4 PUSH_PROMISE though ENABLE_PUSH is 0', 'PROTOCOL_ERROR', (id) => [pushPromise(id, 2, fields(':method', 'GET'))]],
  ['B13 §6.7 PING on a stream', 'PROTOCOL_ERROR', (id) => [raw(6, 0, id, bytes(8))]],
  ['B13 PING of 7 bytes', 'FRAME_SIZE_ERROR', () => [ping(bytes(7))]],
  ['B14 §6.8 GOAWAY on a stream', 'PROTOCOL_ERROR', (id) => [raw(7, 0, id, bytes(8))]],
  ['B14 GOAWAY of 7 bytes', 'FRAME_SIZE_ERROR', () => [raw(7, 0, 0, bytes(7))]],
  ['B15 §6.9 WINDOW_UPDATE of 3 bytes on the connection', 'FRAME_SIZE_ERROR', () => [raw(8, 0, 0, bytes(3))]],
  ['B15 WINDOW_UPDATE of 5 bytes on a stream', 'FRAME_SIZE_ERROR', (id) => [raw(8, 0, id, bytes(5))]],
  ['B16 §6.9 WINDOW_UPDATE of 0 on the connection', 'PROTOCOL_ERROR', () => [windowUpdate(0, 0)]],
  ['B17 §6.10 CONTINUATION on stream 0', 'PROTOCOL_ERROR', () => [continuation(0, [])]],
  ['B17 CONTINUATION without HEADERS', 'PROTOCOL_ERROR', (id) => [continuation(id, [])]],
  [
    'B17 CONTINUATION after END_HEADERS',
    'PROTOCOL_ERROR',
    (id) => [response(id), continuation(id, [])],
    { begun: false, culprit: {} },
  ],
  ['B17 CONTINUATION after DATA', 'PROTOCOL_ERROR', (id) => [data(id, 'x'), continuation(id, [])]],
  ['B17 CONTINUATION of another stream', 'PROTOCOL_ERROR', (id) => [open(id), continuation(id + 2, [])]],
  ['B17 CONTINUATION on stream 0 inside a block', 'PROTOCOL_ERROR', (id) => [open(id), continuation(0, [])]],
  ...[0, 1, 4, 5, 6, 7, 8, 0xa, 0xbb].map(
    (type): Row => [
      `B18 §4.2 type 0x${type.toString(16)} over SETTINGS_MAX_FRAME_SIZE, from its header alone`,
      'FRAME_SIZE_ERROR',
      (id) => [raw(type, 0, id, Buffer.alloc(0), 16_385)],
    ],
  ),
  ['B21 §5.5 an unknown type inside a field block', 'PROTOCOL_ERROR', (id) => [open(id), raw(0xbb, 0, id)]],
]

const ignored: [title: string, attack: Attack][] = [
  ...[0xb, 0xd, 0xe, 0xf, 0x10, 0xbb].flatMap((type): [string, Attack][] => [
    [`B19 §5.5 type 0x${type.toString(16)} of 16 KiB on the connection`, () => [raw(type, 0xff, 0, bytes(16_384))]],
    [`B19 type 0x${type.toString(16)} on an open and on an idle stream`, (id) => [raw(type, 0, id, bytes(9)), raw(type, 0, 99)]],
  ]),
  ['B20 §4.1 unknown flags of PING', () => [raw(6, 0xfe, 0, bytes(8))]],
  ['B20 unknown flags of SETTINGS', () => [raw(4, 0xfe, 0)]],
  ['B20 the reserved bit of WINDOW_UPDATE', () => [raw(8, 0, 0, Buffer.from('80000001', 'hex'))]],
  ['B20 the reserved bit of a stream identifier', (id) => [data(id + 0x8000_0000, '')]],
  ['B07 §5.3.2 PRIORITY on an open stream', (id) => [priority(id, { dependsOn: 99 })]],
  ['B07 PRIORITY on an idle stream', () => [priority(99, { dependsOn: 1, exclusive: true })]],
]

/** A whole conversation: settings, both kinds of fields, content in padded and plain DATA, PING, trailers. */
const conversation = (id: number): Buffer =>
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

describe.each(transports)('over %s', (_name, on) => {
  it.each<Row>(fatal)('%s: GOAWAY %s', (...[, code, attack, options]) => endsConnection(t, on, code, attack, options))

  it.each<Row>([
    ['B07 §6.3 PRIORITY of 6 bytes on an open stream', 'FRAME_SIZE_ERROR', (id) => [raw(2, 0, id, bytes(6))]],
    ['B16 §6.9 WINDOW_UPDATE of 0 on a stream', 'PROTOCOL_ERROR', (id) => [windowUpdate(id, 0)]],
  ])('%s: RST_STREAM %s', (...[, code, attack, options]) => endsStream(t, on, code, attack, options))

  it.each(ignored)('%s: ignored', (_title, attack) => isHarmless(t, on, 'ok', (id) => [...attack(id), endWith(id)]))

  it.each([
    ['B22 cut in two at every byte: the same every time', 2],
    ['B23 one byte at a time: the same as in one piece', 1],
  ])('%s', async (_title, pieces) => {
    const { length } = conversation(1)
    const times = pieces === 2 ? length - 1 : 1
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      // Each piece alone in its write, acknowledged by what follows: the socket may join them, so several ways of cutting are tried.
      for (let at = 1; at <= times; at++) {
        const { streamId } = await p.nextRequest()
        const whole = conversation(streamId)
        const cuts = pieces === 2 ? [whole.subarray(0, at), whole.subarray(at)] : [...whole].map((byte) => Buffer.from([byte]))
        for (const cut of cuts) await new Promise((resolve) => p.socket.write(cut, resolve))
      }
      await serve(p)
    })
    for (let i = 0; i < times; i++) {
      const answer = await actors.request()
      expect([await answer.text(), answer.headers.get('a'), answer.trailers?.get('t')]).toEqual(['hello world', 'b', 'v'])
    }
    expect((await actors.request()).status).toBe(204)
    expect([heard(actors.peer.peers[0]!), actors.peer.connections]).toEqual([[], 1])
  })

  it.each([
    ['inside a DATA frame', (id: number) => [response(id), data(id, 'hello').subarray(0, 11)]],
    ['inside a frame header', (id: number) => [response(id), data(id, 'hello').subarray(0, 4)]],
    ['between frames, without END_STREAM', (id: number) => [response(id), data(id, 'he')]],
  ])('B24 FIN %s: what came is read, then an error, never a successful end', async (_where, attack) => {
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      p.send(...attack((await p.nextRequest()).streamId))
      p.end()
    })
    const answer = await actors.request({ method: 'POST' })
    await expect(answer.text()).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_CONNECTION_LOST',
      initiator: 'peer',
      processed: 'yes',
    })
    expect(answer.complete).toBe(false)
    expect((await actors.request()).status).toBe(204)
    expect(actors.peer.connections).toBe(2)
  })

  it('B24 FIN inside HEADERS: no response has begun, so a POST is not repeated and nobody knows', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      p.send(response((await p.nextRequest()).streamId).subarray(0, 12))
      p.end()
    })
    const lost = { code: 'ERR_CONNECTION_LOST', processed: 'unknown' }
    await expect(actors.request({ method: 'POST' })).rejects.toMatchObject(lost)
    expect(actors.peer.connections).toBe(1)
  })
})
