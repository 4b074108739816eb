/**
 * One test for each published attack: what the peer hears, what the requests involved end with, and that the attack leaves less than
 * {@link BOUND} behind. Which rows of the matrix a test is stands in its title.
 */

import { ErrorCode, frames } from '@unshard/testkit'
import {
  type Attack,
  type ErrorName,
  endsConnection,
  endsStream,
  endWith,
  gate,
  heard,
  memory,
  type RowOptions,
  response,
  responseError,
  serve,
  theatre,
  transports,
} from './rig.js'

const { altsvc, continuation, data, goaway, headers, origin, ping, priority, pushPromise, raw, rstStream } = frames
const { settings, windowUpdate } = frames
const t = theatre()

/** Memory that one attack may leave behind: heapUsed and external after garbage collection, both ends of the socket counted. */
const BOUND = 8 * 1_048_576

/** Enough of them to pass every limit on frames, and few enough for one write. */
const many = (frame: Uint8Array, count = 1_100): Uint8Array[] => Array.from({ length: count }, () => frame)

async function bounded(attack: () => Promise<unknown>): Promise<void> {
  const before = latest ?? (await memory())
  await attack()
  latest = await memory()
  expect(latest - before).toBeLessThan(BOUND)
}

/** What the attack before has left: collecting garbage takes longer than most attacks. */
let latest: number | undefined

type Row = [title: string, code: ErrorName, attack: Attack, options?: RowOptions]

/** The response is too large, and the connection goes with it. */
const endless = (id: number, part: Uint8Array, count: number): Uint8Array[] => [
  headers(id, part, { endHeaders: false }),
  ...many(continuation(id, part, { endHeaders: false }), count),
]
const tooLarge: RowOptions = {
  begun: false,
  culprit: responseError('ENHANCE_YOUR_CALM'),
  heard: ['RST_STREAM 1 ENHANCE_YOUR_CALM', 'GOAWAY ENHANCE_YOUR_CALM'],
}

const fatal: Row[] = [
  ['D05 CVE-2024-27316 CONTINUATION without end', 'ENHANCE_YOUR_CALM', (id) => endless(id, Buffer.alloc(10), 100), tooLarge],
  ['D05 64 KiB of CONTINUATION in few frames', 'ENHANCE_YOUR_CALM', (id) => endless(id, Buffer.alloc(16_384), 4), tooLarge],
  ['D06 CVE-2019-9518 empty CONTINUATION', 'ENHANCE_YOUR_CALM', (id) => endless(id, Buffer.alloc(0), 100), tooLarge],
  ['E21 CVE-2019-9518 empty DATA', 'ENHANCE_YOUR_CALM', (id) => many(data(id, ''))],
  ['E21 padded DATA without content', 'ENHANCE_YOUR_CALM', (id) => many(data(id, '', { padding: 3 }))],
  [
    'E21 CVE-2019-9518 empty HEADERS',
    'ENHANCE_YOUR_CALM',
    (id) => many(headers(id, [])),
    {
      begun: false,
      culprit: responseError('PROTOCOL_ERROR'),
      heard: ['RST_STREAM 1 PROTOCOL_ERROR', 'GOAWAY ENHANCE_YOUR_CALM'],
    },
  ],
  ['G10 CVE-2019-9512 PING', 'ENHANCE_YOUR_CALM', () => many(ping())],
  ['G12 PING acknowledgements', 'ENHANCE_YOUR_CALM', () => many(ping(undefined, true))],
  ['C07 CVE-2019-9515 SETTINGS', 'ENHANCE_YOUR_CALM', () => many(settings())],
  ['C06 CVE-2020-11080 SETTINGS with 33 entries', 'ENHANCE_YOUR_CALM', () => [raw(4, 0, 0, Buffer.alloc(33 * 6))]],
  ['F06 CVE-2019-9517 WINDOW_UPDATE on the connection', 'ENHANCE_YOUR_CALM', () => many(windowUpdate(0, 1))],
  ['F06 WINDOW_UPDATE on a stream', 'ENHANCE_YOUR_CALM', (id) => many(windowUpdate(id, 1))],
  ['B16 WINDOW_UPDATE of 0 on the connection', 'PROTOCOL_ERROR', () => [windowUpdate(0, 0)]],
  ['F01 WINDOW_UPDATE over 2^31 - 1 on the connection', 'FLOW_CONTROL_ERROR', () => [windowUpdate(0, 0x7fff_ffff)]],
  ['G15 CVE-2019-9513 PRIORITY', 'ENHANCE_YOUR_CALM', (id) => many(priority(id, { dependsOn: 3 }))],
  ['G15 PRIORITY_UPDATE', 'ENHANCE_YOUR_CALM', () => many(raw(0x10, 0, 0, Buffer.alloc(8)))],
  ['G16 ALTSVC', 'ENHANCE_YOUR_CALM', () => many(altsvc(0, 'https://a.test', 'h2=":1"'))],
  ['ORIGIN', 'ENHANCE_YOUR_CALM', () => many(origin(['https://a.test']))],
  ['G14 CVE-2023-35945 PUSH_PROMISE with RST_STREAM', 'PROTOCOL_ERROR', (id) => [pushPromise(id, 2, []), rstStream(2, 8)]],
  ['G08 GOAWAY with 16 MB of debug data', 'FRAME_SIZE_ERROR', () => [raw(7, 0, 0, Buffer.alloc(8), 16_777_215)]],
  ['GOAWAY, again and again', 'ENHANCE_YOUR_CALM', () => many(goaway(0x7fff_ffff))],
  ['E01 a response to a stream never opened', 'PROTOCOL_ERROR', () => [response(99)]],
]

/** `:status: 200`, an entry of 4,000 bytes in the dynamic table, and what follows. */
const bomb = (...rest: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from([0x88, 0x40, 1, 0x62, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 0x2e), ...rest])

const single: Row[] = [
  [
    'D02 CVE-2016-6581 HPACK bomb: one large entry named 2,000 times',
    'ENHANCE_YOUR_CALM',
    (id) => [headers(id, bomb(Buffer.alloc(2_000, 0xbe)))],
  ],
  [
    'D03 CVE-2026-49975 3,000 fields of one byte each',
    'ENHANCE_YOUR_CALM',
    (id) => [headers(id, Buffer.concat([Buffer.from([0x88]), Buffer.alloc(3_000, 0x90)]))],
  ],
  [
    'D16 interim responses without end',
    'ENHANCE_YOUR_CALM',
    (id) =>
      many(
        headers(id, [
          [':status', '103'],
          ['link', 'x'.repeat(9_000)],
        ]),
        9,
      ),
  ],
  ['B16 CVE-2025-8671 MadeYouReset: WINDOW_UPDATE of 0', 'PROTOCOL_ERROR', (id) => [windowUpdate(id, 0)]],
  ['F01 CVE-2026-21714 WINDOW_UPDATE over 2^31 - 1', 'FLOW_CONTROL_ERROR', (id) => [windowUpdate(id, 0x7fff_ffff)]],
  ['D09 a :status of 1,000 digits', 'PROTOCOL_ERROR', (id) => [headers(id, [[':status', '2'.repeat(1_000)]])]],
  ['D09 a :status over 2^32', 'PROTOCOL_ERROR', (id) => [headers(id, [[':status', '4294967496']])]],
  ...['a\rb', 'a\nb', 'a\0b'].map(
    (value): Row => [
      `D11 ${JSON.stringify(value)} in a value`,
      'PROTOCOL_ERROR',
      (id) => [response(id, ['a', value]), endWith(id)],
    ],
  ),
  ...['a\r', 'a\n', 'a\0'].map(
    (name): Row => [`D11 ${JSON.stringify(name)} as a name`, 'PROTOCOL_ERROR', (id) => [response(id, [name, 'v']), endWith(id)]],
  ),
]

describe.each(transports)('over %s', (_name, on) => {
  it.each<Row>(fatal)('%s: GOAWAY %s', (...[, code, attack, options]) =>
    bounded(() => endsConnection(t, on, code, attack, options)),
  )

  it.each<Row>(single)('%s: RST_STREAM %s', (...[, code, attack, options]) =>
    bounded(() => endsStream(t, on, code, attack, options)),
  )

  it.each<[string, (id: number) => Uint8Array[]]>([
    ['G13 CVE-2019-9514 RST_STREAM of each stream that we open', (id) => [rstStream(id, 8)]],
    ['CVE-2025-8671 MadeYouReset on each stream that we open: malformed responses', (id) => [headers(id, [['a', 'b']])]],
    ['CVE-2025-8671 MadeYouReset on each stream that we open: DATA before HEADERS', (id) => [data(id, 'x')]],
  ])('%s: GOAWAY ENHANCE_YOUR_CALM after 1,000', (_title, attack) =>
    bounded(async () => {
      let streams = 0
      const actors = await t.stage(on, async (p) => {
        await p.handshake()
        for (;;) {
          const { streamId } = await p.nextRequest()
          streams++
          p.send(...attack(streamId))
        }
      })
      const requests = Array.from({ length: 1_050 }, () => actors.request({ method: 'POST' }))
      const ends = await Promise.allSettled(requests)
      expect(ends.every(({ status }) => status === 'rejected')).toBe(true)
      // Each hears how its own stream ended; what is open is not taken from anybody.
      const names = new Set((ends as PromiseRejectedResult[]).map(({ reason }) => reason.name))
      expect([['StreamError'], ['ResponseError']]).toContainEqual([...names])
      await actors.peer.peers[0]!.closed
      expect(heard(actors.peer.peers[0]!)).toContain('GOAWAY ENHANCE_YOUR_CALM')
      // Whoever was never sent, or not told, is not sent again and again.
      expect(streams).toBeLessThanOrEqual(1_050)
    }),
  )

  it('E22 CVE-2019-9511 20,000 DATA of one byte, each with 255 of padding, unread: little more than the content is kept', () =>
    bounded(async () => {
      const done = gate()
      const actors = await t.stage(on, async (p) => {
        await p.handshake()
        const { streamId } = await p.nextRequest()
        p.send(response(streamId))
        const hundred = Buffer.concat(many(data(streamId, 'x', { padding: 255 }), 100))
        for (let i = 0; i < 200; i++) {
          if (!p.socket.write(hundred)) await new Promise((resolve) => p.socket.once('drain', resolve))
        }
        done.open()
        p.respond((await p.nextRequest()).streamId, 204)
        p.send(endWith(streamId, ''))
      })
      const answer = await actors.request()
      await done.promise
      expect((await actors.request()).status).toBe(204)
      const kept = await memory()
      expect((await answer.text()).length).toBe(20_000)
      expect(kept - (await memory())).toBeLessThan(2 * 1_048_576)
      expect([heard(actors.peer.peers[0]!), actors.peer.connections]).toEqual([[], 1])
    }))

  it('CVE-2019-9517 an upload into a window of 0 forever: `timeouts.body`, RST_STREAM CANCEL, and the content is let go', () =>
    bounded(async () => {
      const asked = gate()
      const wasReset = gate()
      const actors = await t.stage(on, async (p) => {
        await p.handshake({ initialWindowSize: 0 })
        p.respond((await p.nextRequest()).streamId, 204)
        await p.nextRequest()
        asked.open()
        await p.next('RST_STREAM')
        wasReset.open()
        await serve(p)
      })
      await actors.request()
      const upload = actors.request({ method: 'POST', body: Buffer.alloc(33_554_432), timeouts: { body: 500 } })
      upload.catch(() => undefined)
      await asked.promise
      actors.clock.advance(600)
      await expect(upload).rejects.toMatchObject({ name: 'TimeoutError', phase: 'body' })
      await wasReset.promise
      expect((await actors.request()).status).toBe(204)
    }))

  // GOAWAY stands behind all those answers, so whether this peer ever reads it is not ours to say.
  it('the peer stops reading and keeps asking for acknowledgements: once 1,000 answers wait, ENHANCE_YOUR_CALM', async () => {
    const over = gate()
    let isOver = false
    const actors = await t.stage(on, async (p, index) => {
      await p.handshake()
      if (index > 0) return serve(p)
      const { streamId } = await p.nextRequest()
      p.socket.pause()
      p.send(response(streamId))
      // Content between them: no frame by itself is one too many.
      const part = Buffer.concat(many(Buffer.concat([ping(), data(streamId, 'x')]), 400))
      while (!isOver)
        if (!p.socket.write(part)) await new Promise((resolve) => p.socket.once('drain', resolve).once('close', resolve))
      await over.promise
      p.destroy()
    })
    const before = await memory()
    const answer = await actors.request()
    await expect(answer.text()).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
      errorCode: ErrorCode.ENHANCE_YOUR_CALM,
      message: expect.stringContaining('1000 acknowledgments are queued'),
    })
    isOver = true
    // While the peer still has not read a thing.
    expect((await memory()) - before).toBeLessThan(BOUND)
    over.open()
    expect((await actors.request()).status).toBe(204)
  })

  it('ORIGIN with 2,000 origins: 128 are kept over TLS, none in cleartext', () =>
    bounded(async () => {
      const names = Array.from({ length: 500 }, (_, i) => `https://n${i}.test.example`)
      let size = -1
      const actors = await t.stage(
        on,
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
      await actors.request()
      await actors.one.request({ url: actors.url().replace('//a.', '//c.') })
      expect(size).toBe(on.scheme === 'https' ? 128 : 0)
    }))

  it('D03 sections of all open streams (CVE-2026-49975): 16 MiB in all, then RST_STREAM ENHANCE_YOUR_CALM', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      for (let i = 0; i < 300; i++) {
        const { streamId } = await p.nextRequest()
        // 15 references to one entry of 4,000 bytes: a section under the limit of one, and like no other.
        const unlike = Buffer.concat([Buffer.from([0x00, 1, 0x63, 4]), Buffer.from(String(1_000 + i))])
        const block = i === 0 ? bomb() : Buffer.concat([Buffer.from([0x88]), Buffer.alloc(15, 0xbe), unlike])
        p.send(headers(streamId, block))
      }
      await serve(p)
    })
    const ends = await Promise.allSettled(Array.from({ length: 300 }, () => actors.request()))
    const refused = ends.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(150)
    for (const { reason } of refused) expect(reason).toMatchObject(responseError('ENHANCE_YOUR_CALM'))
    expect((await actors.request()).status).toBe(204)
    expect([new Set(heard(actors.peer.peers[0]!).map((line) => line.replace(/\d+ /, ''))), actors.peer.connections]).toEqual([
      new Set(['RST_STREAM ENHANCE_YOUR_CALM']),
      1,
    ])
  })
})
