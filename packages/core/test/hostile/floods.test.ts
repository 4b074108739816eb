/**
 * Published attacks: each ends with the expected frame and errors, and leaves less than {@link
 * BOUND} of memory in use. Titles end with the rows of the matrix.
 */

import { ErrorCode, frames } from '@unshard/testkit'
import {
  type Attack,
  type ErrorName,
  endWith,
  errorFrames,
  expectConnectionError,
  expectStreamError,
  gate,
  hostileFixture,
  memory,
  type RowOptions,
  response,
  responseError,
  serve,
  transports,
} from './fixture.js'

const { altsvc, continuation, data, goaway, headers, origin, ping, priority, pushPromise, raw, rstStream } = frames
const { settings, windowUpdate } = frames
const fixture = hostileFixture()

/**
 * Bytes that one attack may leave in use: heapUsed and external after garbage collection, both ends
 * of the socket included.
 */
const BOUND = 8 * 1_048_576

/** Repeats a frame: by default more often than every limit, and few enough times for one write. */
const repeated = (frame: Uint8Array, count = 1_100): Uint8Array[] => Array.from({ length: count }, () => frame)

/** Runs an attack and expects that it leaves less than {@link BOUND} in use. */
async function expectBoundedMemory(attack: () => Promise<unknown>): Promise<void> {
  const baseline = latestBytes ?? (await memory())
  await attack()
  latestBytes = await memory()
  expect(latestBytes - baseline).toBeLessThan(BOUND)
}

/**
 * Bytes in use after the previous attack, because a garbage collection takes longer than most
 * attacks.
 */
let latestBytes: number | undefined

type Row = [title: string, code: ErrorName, attack: Attack, options?: RowOptions]

/** A field block without end: the response is too large, and the connection ends. */
const endlessBlock = (id: number, part: Uint8Array, count: number): Uint8Array[] => [
  headers(id, part, { endHeaders: false }),
  ...repeated(continuation(id, part, { endHeaders: false }), count),
]
const tooLarge: RowOptions = {
  responseBegun: false,
  error: responseError('ENHANCE_YOUR_CALM'),
  errorFrames: ['RST_STREAM 1 ENHANCE_YOUR_CALM', 'GOAWAY ENHANCE_YOUR_CALM'],
}

const fatal: Row[] = [
  [
    'CONTINUATION without end (D05, CVE-2024-27316)',
    'ENHANCE_YOUR_CALM',
    (id) => endlessBlock(id, Buffer.alloc(10), 100),
    tooLarge,
  ],
  [
    '64 KiB of CONTINUATION in few frames (D05)',
    'ENHANCE_YOUR_CALM',
    (id) => endlessBlock(id, Buffer.alloc(16_384), 4),
    tooLarge,
  ],
  [
    'a flood of empty CONTINUATION (D06, CVE-2019-9518)',
    'ENHANCE_YOUR_CALM',
    (id) => endlessBlock(id, Buffer.alloc(0), 100),
    tooLarge,
  ],
  ['a flood of empty DATA (E21, CVE-2019-9518)', 'ENHANCE_YOUR_CALM', (id) => repeated(data(id, ''))],
  ['a flood of padded DATA without content (E21)', 'ENHANCE_YOUR_CALM', (id) => repeated(data(id, '', { padding: 3 }))],
  [
    'a flood of empty HEADERS (E21, CVE-2019-9518)',
    'ENHANCE_YOUR_CALM',
    (id) => repeated(headers(id, [])),
    {
      responseBegun: false,
      error: responseError('PROTOCOL_ERROR'),
      errorFrames: ['RST_STREAM 1 PROTOCOL_ERROR', 'GOAWAY ENHANCE_YOUR_CALM'],
    },
  ],
  ['a flood of PING (G10, CVE-2019-9512)', 'ENHANCE_YOUR_CALM', () => repeated(ping())],
  ['a flood of PING acknowledgements (G12)', 'ENHANCE_YOUR_CALM', () => repeated(ping(undefined, true))],
  ['a flood of SETTINGS (C07, CVE-2019-9515)', 'ENHANCE_YOUR_CALM', () => repeated(settings())],
  ['SETTINGS of 33 entries (C06, CVE-2020-11080)', 'ENHANCE_YOUR_CALM', () => [raw(4, 0, 0, Buffer.alloc(33 * 6))]],
  ['a flood of WINDOW_UPDATE on the connection (F06, CVE-2019-9517)', 'ENHANCE_YOUR_CALM', () => repeated(windowUpdate(0, 1))],
  ['a flood of WINDOW_UPDATE on a stream (F06)', 'ENHANCE_YOUR_CALM', (id) => repeated(windowUpdate(id, 1))],
  ['WINDOW_UPDATE of 0 on the connection (B16)', 'PROTOCOL_ERROR', () => [windowUpdate(0, 0)]],
  ['WINDOW_UPDATE over 2^31 - 1 on the connection (F01)', 'FLOW_CONTROL_ERROR', () => [windowUpdate(0, 0x7fff_ffff)]],
  ['a flood of PRIORITY (G15, CVE-2019-9513)', 'ENHANCE_YOUR_CALM', (id) => repeated(priority(id, { dependsOn: 3 }))],
  ['a flood of PRIORITY_UPDATE (G15)', 'ENHANCE_YOUR_CALM', () => repeated(raw(0x10, 0, 0, Buffer.alloc(8)))],
  ['a flood of ALTSVC (G16)', 'ENHANCE_YOUR_CALM', () => repeated(altsvc(0, 'https://a.test', 'h2=":1"'))],
  ['a flood of ORIGIN', 'ENHANCE_YOUR_CALM', () => repeated(origin(['https://a.test']))],
  ['PUSH_PROMISE with RST_STREAM (G14, CVE-2023-35945)', 'PROTOCOL_ERROR', (id) => [pushPromise(id, 2, []), rstStream(2, 8)]],
  ['GOAWAY with 16 MB of debug data (G08)', 'FRAME_SIZE_ERROR', () => [raw(7, 0, 0, Buffer.alloc(8), 16_777_215)]],
  ['a flood of GOAWAY', 'ENHANCE_YOUR_CALM', () => repeated(goaway(0x7fff_ffff))],
  ['a response on a stream that was never opened (E01)', 'PROTOCOL_ERROR', () => [response(99)]],
]

/** A block of `:status: 200`, an entry of 4,000 bytes in the dynamic table, and `rest`. */
const bomb = (...rest: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from([0x88, 0x40, 1, 0x62, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 0x2e), ...rest])

const single: Row[] = [
  [
    'an HPACK bomb, 2,000 references to one large entry (D02, CVE-2016-6581)',
    'ENHANCE_YOUR_CALM',
    (id) => [headers(id, bomb(Buffer.alloc(2_000, 0xbe)))],
  ],
  [
    'a section of 3,000 fields of one byte each (D03, CVE-2026-49975)',
    'ENHANCE_YOUR_CALM',
    (id) => [headers(id, Buffer.concat([Buffer.from([0x88]), Buffer.alloc(3_000, 0x90)]))],
  ],
  [
    'a flood of interim responses (D16)',
    'ENHANCE_YOUR_CALM',
    (id) =>
      repeated(
        headers(id, [
          [':status', '103'],
          ['link', 'x'.repeat(9_000)],
        ]),
        9,
      ),
  ],
  ['WINDOW_UPDATE of 0, MadeYouReset (B16, CVE-2025-8671)', 'PROTOCOL_ERROR', (id) => [windowUpdate(id, 0)]],
  ['WINDOW_UPDATE over 2^31 - 1 (F01, CVE-2026-21714)', 'FLOW_CONTROL_ERROR', (id) => [windowUpdate(id, 0x7fff_ffff)]],
  ['a :status of 1,000 digits (D09)', 'PROTOCOL_ERROR', (id) => [headers(id, [[':status', '2'.repeat(1_000)]])]],
  ['a :status over 2^32 (D09)', 'PROTOCOL_ERROR', (id) => [headers(id, [[':status', '4294967496']])]],
  ...['a\rb', 'a\nb', 'a\0b'].map(
    (value): Row => [
      `the field value ${JSON.stringify(value)} (D11)`,
      'PROTOCOL_ERROR',
      (id) => [response(id, ['a', value]), endWith(id)],
    ],
  ),
  ...['a\r', 'a\n', 'a\0'].map(
    (name): Row => [
      `the field name ${JSON.stringify(name)} (D11)`,
      'PROTOCOL_ERROR',
      (id) => [response(id, [name, 'v']), endWith(id)],
    ],
  ),
]

describe.each(transports)('over %s', (_name, transport) => {
  it.each<Row>(fatal)('%s causes GOAWAY %s', (...[, code, attack, options]) =>
    expectBoundedMemory(() => expectConnectionError(fixture, transport, code, attack, options)),
  )

  it.each<Row>(single)('%s causes RST_STREAM %s', (...[, code, attack, options]) =>
    expectBoundedMemory(() => expectStreamError(fixture, transport, code, attack, options)),
  )

  it.each<[string, (id: number) => Uint8Array[]]>([
    ['RST_STREAM of each stream (G13, CVE-2019-9514)', (id) => [rstStream(id, 8)]],
    ['a malformed response on each stream (MadeYouReset, CVE-2025-8671)', (id) => [headers(id, [['a', 'b']])]],
    ['DATA before HEADERS on each stream (MadeYouReset, CVE-2025-8671)', (id) => [data(id, 'x')]],
  ])('%s causes GOAWAY ENHANCE_YOUR_CALM after 1,000 streams', (_title, attack) =>
    expectBoundedMemory(async () => {
      let streams = 0
      const setup = await fixture.open(transport, async (p) => {
        await p.handshake()
        for (;;) {
          const { streamId } = await p.nextRequest()
          streams++
          p.send(...attack(streamId))
        }
      })
      const requests = Array.from({ length: 1_050 }, () => setup.request({ method: 'POST' }))
      const ends = await Promise.allSettled(requests)
      expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
      // Each request fails with the error of its own stream; GOAWAY ends no open stream.
      const names = new Set((ends as PromiseRejectedResult[]).map(({ reason }) => reason.name))
      expect([['StreamError'], ['ResponseError']]).toContainEqual([...names])
      await setup.peer.peers[0]!.closed
      expect(errorFrames(setup.peer.peers[0]!)).toContain('GOAWAY ENHANCE_YOUR_CALM')
      // Requests are not replayed without limit.
      expect(streams).toBeLessThanOrEqual(1_050)
    }),
  )

  it('20,000 unread DATA frames of one byte and 255 of padding keep only their content (E22, CVE-2019-9511)', () =>
    expectBoundedMemory(async () => {
      const done = gate()
      const setup = await fixture.open(transport, async (p) => {
        await p.handshake()
        const { streamId } = await p.nextRequest()
        p.send(response(streamId))
        const hundred = Buffer.concat(repeated(data(streamId, 'x', { padding: 255 }), 100))
        for (let i = 0; i < 200; i++) {
          if (!p.socket.write(hundred)) await new Promise((resolve) => p.socket.once('drain', resolve))
        }
        done.open()
        p.respond((await p.nextRequest()).streamId, 204)
        p.send(endWith(streamId, ''))
      })
      const answer = await setup.request()
      await done.promise
      expect((await setup.request()).status).toBe(204)
      const kept = await memory()
      expect((await answer.text()).length).toBe(20_000)
      expect(kept - (await memory())).toBeLessThan(2 * 1_048_576)
      expect([errorFrames(setup.peer.peers[0]!), setup.peer.connections]).toEqual([[], 1])
    }))

  it('timeouts.body ends an upload whose send window stays 0 and releases its content (CVE-2019-9517)', () =>
    expectBoundedMemory(async () => {
      const requestArrived = gate()
      const resetArrived = gate()
      const setup = await fixture.open(transport, async (p) => {
        await p.handshake({ initialWindowSize: 0 })
        p.respond((await p.nextRequest()).streamId, 204)
        await p.nextRequest()
        requestArrived.open()
        await p.next('RST_STREAM')
        resetArrived.open()
        await serve(p)
      })
      await setup.request()
      const upload = setup.request({ method: 'POST', body: Buffer.alloc(33_554_432), timeouts: { body: 500 } })
      upload.catch(() => undefined)
      await requestArrived.promise
      setup.clock.advance(600)
      await expect(upload).rejects.toMatchObject({ name: 'TimeoutError', phase: 'body' })
      await resetArrived.promise
      expect((await setup.request()).status).toBe(204)
    }))

  // GOAWAY is queued after all acknowledgements, so the peer may never read it.
  it('a peer that sends PINGs and reads no acknowledgement causes ENHANCE_YOUR_CALM at 1,000 queued ones', async () => {
    const ended = gate()
    let isEnded = false
    const setup = await fixture.open(transport, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      const { streamId } = await p.nextRequest()
      p.socket.pause()
      p.send(response(streamId))
      // With content between the PINGs, so that no limit on idle frames applies.
      const part = Buffer.concat(repeated(Buffer.concat([ping(), data(streamId, 'x')]), 400))
      while (!isEnded)
        if (!p.socket.write(part)) await new Promise((resolve) => p.socket.once('drain', resolve).once('close', resolve))
      await ended.promise
      p.destroy()
    })
    const baseline = await memory()
    const answer = await setup.request()
    await expect(answer.text()).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
      errorCode: ErrorCode.ENHANCE_YOUR_CALM,
      message: expect.stringContaining('1000 acknowledgments are queued'),
    })
    isEnded = true
    // The peer has not read a byte yet.
    expect((await memory()) - baseline).toBeLessThan(BOUND)
    ended.open()
    expect((await setup.request()).status).toBe(204)
  })

  it('ORIGIN frames of 2,000 origins leave 128 in the Origin Set over TLS, and none over cleartext', () =>
    expectBoundedMemory(async () => {
      const names = Array.from({ length: 500 }, (_, i) => `https://n${i}.test.example`)
      let size = -1
      const setup = await fixture.open(
        transport,
        async (p) => {
          await p.handshake()
          for (let i = 0; i < 4; i++) p.send(origin(names.map((name) => `${name}:${i + 1}`)))
          await serve(p)
        },
        {
          reuse: {
            verdict: (candidate) => {
              if ('route' in candidate) size = Math.max(size, candidate.originSet?.size ?? 0)
              return { use: false, because: 'a test that looks' }
            },
            misdirected: () => undefined,
          },
        },
      )
      await setup.request()
      await setup.client.request({ url: setup.url().replace('//a.', '//c.') })
      expect(size).toBe(transport.scheme === 'https' ? 128 : 0)
    }))

  it('field sections of all open streams over 16 MiB cause RST_STREAM ENHANCE_YOUR_CALM (D03, CVE-2026-49975)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      for (let i = 0; i < 300; i++) {
        const { streamId } = await p.nextRequest()
        // 15 references to one entry of 4,000 bytes: each section is under its limit, and different
        // from the others.
        const unique = Buffer.concat([Buffer.from([0x00, 1, 0x63, 4]), Buffer.from(String(1_000 + i))])
        const block = i === 0 ? bomb() : Buffer.concat([Buffer.from([0x88]), Buffer.alloc(15, 0xbe), unique])
        p.send(headers(streamId, block))
      }
      await serve(p)
    })
    const ends = await Promise.allSettled(Array.from({ length: 300 }, () => setup.request()))
    const refused = ends.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(150)
    for (const { reason } of refused) expect(reason).toMatchObject(responseError('ENHANCE_YOUR_CALM'))
    expect((await setup.request()).status).toBe(204)
    expect([new Set(errorFrames(setup.peer.peers[0]!).map((line) => line.replace(/\d+ /, ''))), setup.peer.connections]).toEqual([
      new Set(['RST_STREAM ENHANCE_YOUR_CALM']),
      1,
    ])
  })
})
