/**
 * Frames in the wrong stream state, and malformed responses: rows E of the matrix of hostile
 * servers.
 */

import { ErrorCode, frames } from '@unshard/testkit'
import {
  type Attack,
  type ErrorName,
  endlessBody,
  endWith,
  errorFrames,
  expectConnectionError,
  expectNoEffect,
  expectStreamError,
  hostileFixture,
  type RowOptions,
  response,
  serve,
  transports,
} from './fixture.js'

const { data, headers, rstStream, windowUpdate } = frames
const fixture = hostileFixture()

type Row = [title: string, code: ErrorName, attack: Attack, options?: RowOptions]

const lengths = (value: string): string[] => ['content-length', value]

const malformed: Row[] = [
  ['DATA before HEADERS (E04, §8.1)', 'PROTOCOL_ERROR', (id) => [data(id, 'x')]],
  ['empty DATA with END_STREAM before HEADERS (E04)', 'PROTOCOL_ERROR', (id) => [endWith(id, '')]],
  [
    'content longer than content-length (E06, §8.1.1)',
    'PROTOCOL_ERROR',
    (id) => [response(id, lengths('7')), endWith(id, '12345678')],
  ],
  ['content shorter than content-length (E06)', 'PROTOCOL_ERROR', (id) => [response(id, lengths('7')), endWith(id, '123456')]],
  [
    'a response without content despite content-length (E06)',
    'PROTOCOL_ERROR',
    (id) => [response(id, lengths('7'), { endStream: true })],
  ],
  ...['+5', '5, 6', '0x5', '9223372036854775808', '', '-5'].map(
    (value): Row => [
      `content-length ${JSON.stringify(value)} (E07, RFC 9110 §8.6)`,
      'PROTOCOL_ERROR',
      (id) => [response(id, lengths(value)), endWith(id, '12345')],
    ],
  ),
  [
    'two different content-length fields (E07)',
    'PROTOCOL_ERROR',
    (id) => [response(id, [...lengths('5'), ...lengths('6')]), endWith(id, '12345')],
  ],
  ['DATA in a 204 (E08)', 'PROTOCOL_ERROR', (id) => [headers(id, [[':status', '204']]), endWith(id)]],
  ['DATA in a 304 (E08)', 'PROTOCOL_ERROR', (id) => [headers(id, [[':status', '304']]), endWith(id)]],
  ['DATA in a response to HEAD (E08)', 'PROTOCOL_ERROR', (id) => [response(id), endWith(id)], { request: { method: 'HEAD' } }],
]

const harmless: [title: string, text: string, attack: Attack, options?: RowOptions][] = [
  [
    'content-length "5, 5", a list of equal values, is accepted (E07)',
    'hello',
    (id) => [response(id, lengths('5, 5')), endWith(id, 'hello')],
  ],
  ['END_STREAM ends a 205 with DATA (E08)', 'ok', (id) => [headers(id, [[':status', '205']]), endWith(id)]],
  [
    'HEADERS and an empty DATA answer HEAD (E09)',
    '',
    (id) => [response(id, lengths('9')), endWith(id, '')],
    { request: { method: 'HEAD' } },
  ],
  [
    'RST_STREAM NO_ERROR after a complete response keeps the response and ends the upload (E10, §8.1)',
    'ok',
    (id) => [response(id), endWith(id), rstStream(id, 0)],
    { request: { method: 'POST', body: endlessBody } },
  ],
  [
    'a response before the end of the upload is delivered, and the upload continues (E18)',
    'ok',
    (id) => [response(id), endWith(id), windowUpdate(0, 500_000), windowUpdate(id, 500_000)],
    { request: { method: 'POST', body: Buffer.alloc(300_000) } },
  ],
]

/** The error of a request whose stream the peer reset. */
const reset = (errorCode: number, processed: string): object => ({
  name: 'StreamError',
  code: 'ERR_STREAM_RESET',
  errorCode,
  initiator: 'peer',
  processed,
})

describe.each(transports)('over %s', (_name, transport) => {
  it.each<Row>([
    ['HEADERS on an idle stream (E01, §5.1)', 'PROTOCOL_ERROR', () => [response(99)]],
    ['DATA on an idle stream (E01)', 'PROTOCOL_ERROR', () => [data(99, 'x')]],
    ['RST_STREAM on an idle stream (E01)', 'PROTOCOL_ERROR', () => [rstStream(99, 8)]],
    ['WINDOW_UPDATE on an idle stream (E01)', 'PROTOCOL_ERROR', () => [windowUpdate(99, 1)]],
    ['a response on an even stream (E02, §5.1.1)', 'PROTOCOL_ERROR', () => [response(2)]],
  ])('%s causes GOAWAY %s', (_title, code, attack) => expectConnectionError(fixture, transport, code, attack))

  it.each<Row>([
    ['a second response (E02)', 'STREAM_CLOSED', (id) => [response(id)]],
    ['HEADERS (E03, §5.1)', 'STREAM_CLOSED', (id) => [headers(id, [['a', 'b']])]],
    ['DATA (E03)', 'STREAM_CLOSED', (id) => [data(id, 'x')]],
    ['CONTINUATION (E03)', 'PROTOCOL_ERROR', (id) => [frames.continuation(id, [])]],
  ])('%s after END_STREAM of both sides causes GOAWAY %s and keeps the complete response', async (_title, code, attack) => {
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      const [first, second] = [await p.nextRequest(), await p.nextRequest()]
      p.send(response(first.streamId), endWith(first.streamId), ...attack(first.streamId))
      p.respond(second.streamId, 204)
    })
    const [first, second] = [setup.request(), setup.request({ method: 'POST' })]
    second.catch(() => undefined)
    expect(await (await first).text()).toBe('ok')
    await expect(second).rejects.toMatchObject({ code: 'ERR_PROTOCOL', errorCode: ErrorCode[code], processed: 'unknown' })
    await setup.peer.peers[0]!.closed
    expect(errorFrames(setup.peer.peers[0]!)).toEqual([`GOAWAY ${code}`])
    expect((await setup.request()).status).toBe(204)
    expect(setup.peer.connections).toBe(2)
  })

  it.each<[string, Attack]>([
    ['HEADERS', (id) => [headers(id, [['a', 'b']], { endStream: true })]],
    ['DATA', (id) => [data(id, 'x')]],
  ])('%s after END_STREAM during the upload causes RST_STREAM STREAM_CLOSED and keeps the response (E03)', (_what, extra) =>
    expectNoEffect(fixture, transport, 'ok', (id) => [endWith(id), ...extra(id)], {
      request: { method: 'POST', body: endlessBody },
      errorFrames: ['RST_STREAM 1 STREAM_CLOSED'],
    }),
  )

  it.each<Row>(malformed)('%s causes RST_STREAM %s', (...[, code, attack, options]) =>
    expectStreamError(fixture, transport, code, attack, options),
  )

  it.each(harmless)('%s', (...[, text, attack, options]) =>
    expectNoEffect(fixture, transport, text, attack, { responseBegun: false, ...options }),
  )

  it('RST_STREAM NO_ERROR before a response fails the request (E11)', () =>
    expectStreamError(fixture, transport, 'NO_ERROR', (id) => [rstStream(id, 0)], {
      error: reset(0, 'unknown'),
      errorFrames: [],
    }))

  it('RST_STREAM ENHANCE_YOUR_CALM: a GET is sent again on another connection, a POST fails (E15)', async () => {
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index === 1) return serve(p)
      for (;;) p.send(rstStream((await p.nextRequest()).streamId, 0xb))
    })
    expect((await setup.request()).status).toBe(204)
    expect([setup.peer.connections, setup.client.stats().totals.replayed]).toEqual([2, 1])
    const otherClient = fixture.base.client({ ...transport.client, clock: setup.clock })
    await expect(otherClient.request({ url: setup.url(), method: 'POST' })).rejects.toMatchObject(reset(0xb, 'unknown'))
  })

  it.each(['CANCEL', 'INTERNAL_ERROR', 'REFUSED_STREAM'] as const)(
    'RST_STREAM %s during the content: the received part is readable, then the read fails (E12)',
    async (code) => {
      const setup = await fixture.open(transport, async (p) => {
        await p.handshake()
        const { streamId } = await p.nextRequest()
        p.send(response(streamId), data(streamId, 'half'), rstStream(streamId, ErrorCode[code]))
        await serve(p)
      })
      const answer = await setup.request()
      const parts: string[] = []
      const reading = (async () => {
        for await (const part of answer.body) parts.push(Buffer.from(part).toString())
      })()
      // REFUSED_STREAM after the start of a response does not mean unprocessed.
      await expect(reading).rejects.toMatchObject({ name: 'StreamError', errorCode: ErrorCode[code], processed: 'yes' })
      expect(parts).toEqual(['half'])
      expect((await setup.request()).status).toBe(204)
      expect([setup.peer.connections, setup.client.stats().totals.replayed]).toEqual([1, 0])
    },
  )

  it('all 36 orders of 1xx, HEADERS, CONTINUATION, DATA and trailers are read (E19)', async () => {
    const orders = [0, 100, 103].flatMap((interim) =>
      [false, true].flatMap((cut) =>
        [0, 1, 2].flatMap((parts) => [false, true].map((trailers) => ({ interim, cut, parts, trailers }))),
      ),
    )
    const setup = await fixture.open(transport, async (p) => {
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
      const answer = await setup.request({ onInformational: (status) => informational.push(status) })
      expect([await answer.text(), answer.headers.get('a')]).toEqual(['x'.repeat(parts), 'b'])
      expect([informational, answer.trailers?.get('t')]).toEqual([interim > 0 ? [interim] : [], trailers ? 'v' : undefined])
    }
    expect([setup.peer.connections, errorFrames(setup.peer.peers[0]!)]).toEqual([1, []])
  })

  it('padding of 0 to 255 bytes is removed, and its credit is returned (E20, §6.1)', async () => {
    const setup = await fixture.open(
      transport,
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
    for (let i = 0; i < 256; i++) expect(await (await setup.request()).text()).toBe('xxx')
    const sent = 3 * 256 * (2 + 127.5)
    const updates = setup.peer.peers[0]!.received.filter(
      ({ typeName, streamId }) => typeName === 'WINDOW_UPDATE' && streamId === 0,
    )
    const credit = updates.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0)
    expect(sent - credit).toBeLessThan(32_768)
    expect(credit).toBeLessThanOrEqual(sent)
    expect(errorFrames(setup.peer.peers[0]!)).toEqual([])
  })
})
