/** Rows E of the matrix of hostile servers: streams in the wrong state, and responses that are malformed. Floods stand elsewhere. */

import { ErrorCode, frames } from '@unshard/testkit'
import {
  type Attack,
  type ErrorName,
  endless,
  endsConnection,
  endsStream,
  endWith,
  heard,
  isHarmless,
  type RowOptions,
  response,
  serve,
  theatre,
  transports,
} from './rig.js'

const { data, headers, rstStream, windowUpdate } = frames
const t = theatre()

type Row = [title: string, code: ErrorName, attack: Attack, options?: RowOptions]

const lengths = (value: string): string[] => ['content-length', value]

const malformed: Row[] = [
  ['E04 §8.1 DATA before HEADERS', 'PROTOCOL_ERROR', (id) => [data(id, 'x')]],
  ['E04 an empty DATA with END_STREAM before HEADERS', 'PROTOCOL_ERROR', (id) => [endWith(id, '')]],
  ['E06 §8.1.1 content over content-length', 'PROTOCOL_ERROR', (id) => [response(id, lengths('7')), endWith(id, '12345678')]],
  ['E06 content under content-length', 'PROTOCOL_ERROR', (id) => [response(id, lengths('7')), endWith(id, '123456')]],
  ['E06 no content under content-length', 'PROTOCOL_ERROR', (id) => [response(id, lengths('7'), { endStream: true })]],
  ...['+5', '5, 6', '0x5', '9223372036854775808', '', '-5'].map(
    (value): Row => [
      `E07 RFC 9110 §8.6 content-length ${JSON.stringify(value)}`,
      'PROTOCOL_ERROR',
      (id) => [response(id, lengths(value)), endWith(id, '12345')],
    ],
  ),
  [
    'E07 content-length twice, different',
    'PROTOCOL_ERROR',
    (id) => [response(id, [...lengths('5'), ...lengths('6')]), endWith(id, '12345')],
  ],
  ['E08 DATA in a 204', 'PROTOCOL_ERROR', (id) => [headers(id, [[':status', '204']]), endWith(id)]],
  ['E08 DATA in a 304', 'PROTOCOL_ERROR', (id) => [headers(id, [[':status', '304']]), endWith(id)]],
  ['E08 DATA in the answer to HEAD', 'PROTOCOL_ERROR', (id) => [response(id), endWith(id)], { request: { method: 'HEAD' } }],
]

const harmless: [title: string, text: string, attack: Attack, options?: RowOptions][] = [
  ['E07 content-length "5, 5", a list of the same', 'hello', (id) => [response(id, lengths('5, 5')), endWith(id, 'hello')]],
  ['E08 a 205 with DATA: END_STREAM ends it', 'ok', (id) => [headers(id, [[':status', '205']]), endWith(id)]],
  [
    'E09 HEAD answered by HEADERS and an empty DATA',
    '',
    (id) => [response(id, lengths('9')), endWith(id, '')],
    { request: { method: 'HEAD' } },
  ],
  [
    'E10 §8.1 RST_STREAM(NO_ERROR) after the response, in the middle of the upload: a success, and the upload stops',
    'ok',
    (id) => [response(id), endWith(id), rstStream(id, 0)],
    { request: { method: 'POST', body: endless } },
  ],
  [
    'E18 the response before the end of the upload: delivered, and the upload goes on as far as the window allows',
    'ok',
    (id) => [response(id), endWith(id), windowUpdate(0, 500_000), windowUpdate(id, 500_000)],
    { request: { method: 'POST', body: Buffer.alloc(300_000) } },
  ],
]

/** What the peer's own RST_STREAM is to the request. */
const reset = (errorCode: number, processed: string): object => ({
  name: 'StreamError',
  code: 'ERR_STREAM_RESET',
  errorCode,
  initiator: 'peer',
  processed,
})

describe.each(transports)('over %s', (_name, on) => {
  it.each<Row>([
    ['E01 §5.1 HEADERS on an idle stream', 'PROTOCOL_ERROR', () => [response(99)]],
    ['E01 DATA on an idle stream', 'PROTOCOL_ERROR', () => [data(99, 'x')]],
    ['E01 RST_STREAM on an idle stream', 'PROTOCOL_ERROR', () => [rstStream(99, 8)]],
    ['E01 WINDOW_UPDATE on an idle stream', 'PROTOCOL_ERROR', () => [windowUpdate(99, 1)]],
    ['E02 §5.1.1 a response on an even stream', 'PROTOCOL_ERROR', () => [response(2)]],
  ])('%s: GOAWAY %s', (_title, code, attack) => endsConnection(t, on, code, attack))

  it.each<Row>([
    ['E02 a second response on the same stream', 'STREAM_CLOSED', (id) => [response(id)]],
    ['E03 §5.1 HEADERS', 'STREAM_CLOSED', (id) => [headers(id, [['a', 'b']])]],
    ['E03 DATA', 'STREAM_CLOSED', (id) => [data(id, 'x')]],
    ['E03 CONTINUATION', 'PROTOCOL_ERROR', (id) => [frames.continuation(id, [])]],
  ])('%s after END_STREAM on both sides: GOAWAY %s, and the response that had ended stays', async (_title, code, attack) => {
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      const [first, second] = [await p.nextRequest(), await p.nextRequest()]
      p.send(response(first.streamId), endWith(first.streamId), ...attack(first.streamId))
      p.respond(second.streamId, 204)
    })
    const [first, second] = [actors.request(), actors.request({ method: 'POST' })]
    second.catch(() => undefined)
    expect(await (await first).text()).toBe('ok')
    await expect(second).rejects.toMatchObject({ code: 'ERR_PROTOCOL', errorCode: ErrorCode[code], processed: 'unknown' })
    await actors.peer.peers[0]!.closed
    expect(heard(actors.peer.peers[0]!)).toEqual([`GOAWAY ${code}`])
    expect((await actors.request()).status).toBe(204)
    expect(actors.peer.connections).toBe(2)
  })

  it.each<[string, Attack]>([
    ['HEADERS', (id) => [headers(id, [['a', 'b']], { endStream: true })]],
    ['DATA', (id) => [data(id, 'x')]],
  ])('E03 %s after END_STREAM while the upload goes on: RST_STREAM STREAM_CLOSED, and the response stays', (_what, extra) =>
    isHarmless(t, on, 'ok', (id) => [endWith(id), ...extra(id)], {
      request: { method: 'POST', body: endless },
      heard: ['RST_STREAM 1 STREAM_CLOSED'],
    }),
  )

  it.each<Row>(malformed)('%s: RST_STREAM %s, the connection goes on', (...[, code, attack, options]) =>
    endsStream(t, on, code, attack, options),
  )

  it.each(harmless)('%s', (...[, text, attack, options]) => isHarmless(t, on, text, attack, { begun: false, ...options }))

  it('E11 RST_STREAM(NO_ERROR) before a response: an error', () =>
    endsStream(t, on, 'NO_ERROR', (id) => [rstStream(id, 0)], { culprit: reset(0, 'unknown'), heard: [] }))

  it('E15 ENHANCE_YOUR_CALM on a stream: what may be sent twice is, on another connection; a POST is an error', async () => {
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index === 1) return serve(p)
      for (;;) p.send(rstStream((await p.nextRequest()).streamId, 0xb))
    })
    expect((await actors.request()).status).toBe(204)
    expect([actors.peer.connections, actors.one.stats().totals.replayed]).toEqual([2, 1])
    const other = t.world.client({ ...on.client, clock: actors.clock })
    await expect(other.request({ url: actors.url(), method: 'POST' })).rejects.toMatchObject(reset(0xb, 'unknown'))
  })

  it.each(['CANCEL', 'INTERNAL_ERROR', 'REFUSED_STREAM'] as const)(
    'E12 RST_STREAM %s in the middle of the content: what came is read, then the error',
    async (code) => {
      const actors = await t.stage(on, async (p) => {
        await p.handshake()
        const { streamId } = await p.nextRequest()
        p.send(response(streamId), data(streamId, 'half'), rstStream(streamId, ErrorCode[code]))
        await serve(p)
      })
      const answer = await actors.request()
      const parts: string[] = []
      const reading = (async () => {
        for await (const part of answer.body) parts.push(Buffer.from(part).toString())
      })()
      // Not even a refusal is one, once a response has begun.
      await expect(reading).rejects.toMatchObject({ name: 'StreamError', errorCode: ErrorCode[code], processed: 'yes' })
      expect(parts).toEqual(['half'])
      expect((await actors.request()).status).toBe(204)
      expect([actors.peer.connections, actors.one.stats().totals.replayed]).toEqual([1, 0])
    },
  )

  it('E19 the orders of (1xx) × HEADERS, CONTINUATION × DATA × trailers: 36, and all are read', async () => {
    const orders = [0, 100, 103].flatMap((interim) =>
      [false, true].flatMap((cut) =>
        [0, 1, 2].flatMap((parts) => [false, true].map((trailers) => ({ interim, cut, parts, trailers }))),
      ),
    )
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      for (const { interim, cut, parts, trailers } of orders) {
        const { streamId: id } = await p.nextRequest()
        if (interim > 0) p.send(headers(id, [[':status', String(interim)]]))
        const bare = parts === 0 && !trailers
        const block = frames.fieldBlock([
          [':status', '200'],
          ['a', 'b'],
        ])
        if (!cut) p.send(headers(id, block, { endStream: bare }))
        else
          p.send(
            headers(id, block.subarray(0, 9), { endStream: bare, endHeaders: false }),
            frames.continuation(id, block.subarray(9)),
          )
        for (let i = 1; i <= parts; i++) p.send(data(id, 'x', { endStream: i === parts && !trailers }))
        if (trailers) p.send(headers(id, [['t', 'v']], { endStream: true }))
      }
    })
    expect(orders).toHaveLength(36)
    for (const { interim, parts, trailers } of orders) {
      const informational: number[] = []
      const answer = await actors.request({ onInformational: (status) => informational.push(status) })
      expect([await answer.text(), answer.headers.get('a')]).toEqual(['x'.repeat(parts), 'b'])
      expect([informational, answer.trailers?.get('t')]).toEqual([interim > 0 ? [interim] : [], trailers ? 'v' : undefined])
    }
    expect([actors.peer.connections, heard(actors.peer.peers[0]!)]).toEqual([1, []])
  })

  it('E20 §6.1 padding of 0 to 255 bytes on HEADERS and DATA: read, and its credit comes back', async () => {
    const actors = await t.stage(
      on,
      async (p) => {
        await p.handshake()
        for (let padding = 0; padding < 256; padding++) {
          const { streamId } = await p.nextRequest()
          p.send(response(streamId, [], { padding }))
          for (let i = 0; i < 2; i++) p.send(data(streamId, 'x', { padding }))
          p.send(data(streamId, 'x', { padding, endStream: true }))
        }
      },
      { connectionWindowBytes: 65_535 },
    )
    for (let i = 0; i < 256; i++) expect(await (await actors.request()).text()).toBe('xxx')
    const sent = 3 * 256 * (2 + 127.5)
    const updates = actors.peer.peers[0]!.received.filter(
      ({ typeName, streamId }) => typeName === 'WINDOW_UPDATE' && streamId === 0,
    )
    const credit = updates.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0)
    expect(sent - credit).toBeLessThan(32_768)
    expect(credit).toBeLessThanOrEqual(sent)
    expect(heard(actors.peer.peers[0]!)).toEqual([])
  })
})
