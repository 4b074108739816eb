/**
 * SETTINGS: rows C of the matrix of hostile servers. C07 is in floods.test.ts, C09 in
 * start.test.ts.
 */

import { frames, hasFlag } from '@unshard/testkit'
import {
  type Attack,
  type ErrorName,
  endWith,
  errorFrames,
  expectConnectionError,
  expectNoEffect,
  gate,
  hostileFixture,
  type RowOptions,
  serve,
  transports,
} from './fixture.js'

const { raw, settings, settingsAck, windowUpdate } = frames
const fixture = hostileFixture()

/** SETTINGS with these entries in this order; identifiers may repeat. */
function ordered(...entries: [id: number, value: number][]): Buffer {
  const payload = Buffer.alloc(entries.length * 6)
  let at = 0
  for (const [id, value] of entries) at = payload.writeUInt32BE(value, payload.writeUInt16BE(id, at))
  return raw(4, 0, 0, payload)
}

type Row = [title: string, code: ErrorName, attack: Attack, options?: RowOptions]

const fatal: Row[] = [
  ['INITIAL_WINDOW_SIZE over 2^31 - 1 (C01, §6.5.2)', 'FLOW_CONTROL_ERROR', () => [ordered([4, 0x8000_0000])]],
  ...[0, 16_383, 16_777_216].map((size): Row => [`MAX_FRAME_SIZE ${size} (C02)`, 'PROTOCOL_ERROR', () => [ordered([5, size])]]),
  ['ENABLE_PUSH 1 (C03)', 'PROTOCOL_ERROR', () => [ordered([2, 1])]],
  ['ENABLE_PUSH 2 (C03)', 'PROTOCOL_ERROR', () => [ordered([2, 2])]],
  ['ENABLE_CONNECT_PROTOCOL 2 (C04, RFC 8441 §3)', 'PROTOCOL_ERROR', () => [ordered([8, 2])]],
  ['ENABLE_CONNECT_PROTOCOL 1, then 0 (C04)', 'PROTOCOL_ERROR', () => [ordered([8, 1]), ordered([8, 0])]],
  ['SETTINGS of 33 entries (C06)', 'ENHANCE_YOUR_CALM', () => [raw(4, 0, 0, Buffer.alloc(33 * 6))]],
  // Longer than a frame may be: row B18 applies first.
  ['SETTINGS of 10,000 entries (C06)', 'FRAME_SIZE_ERROR', () => [raw(4, 0, 0, Buffer.alloc(60_000))]],
  ['an acknowledgement without SETTINGS (C08, §6.5.3)', 'PROTOCOL_ERROR', () => [settingsAck()]],
]

const harmless: [string, Attack][] = [
  ['SETTINGS of unknown identifiers (C05, §6.5.2)', () => [ordered([0x99, 1], [0xffff, 0xffff_ffff], [0, 0])]],
  ['SETTINGS of 32 entries (C06)', () => [ordered(...Array.from({ length: 32 }, (_, i): [number, number] => [3, i]))]],
  ['ENABLE_CONNECT_PROTOCOL 0, then 1 twice (C04)', () => [ordered([8, 0], [8, 1], [8, 1])]],
]

describe.each(transports)('over %s', (_name, transport) => {
  it.each<Row>(fatal)('%s causes GOAWAY %s', (...[, code, attack, options]) =>
    expectConnectionError(fixture, transport, code, attack, options),
  )

  it.each(harmless)('%s is acknowledged', (_title, attack) =>
    expectNoEffect(fixture, transport, 'ok', (id) => [...attack(id), endWith(id)]),
  )

  it('MAX_CONCURRENT_STREAMS 0: requests wait, and then fail with a TimeoutError of phase queue (C10)', async () => {
    const settled = gate()
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake()
      p.send(settings({ maxConcurrentStreams: 0 }))
      p.respond((await p.nextRequest()).streamId, 204)
      settled.open()
      await p.closed
    })
    await setup.request()
    await settled.promise
    const waiting = Array.from({ length: 3 }, () => setup.request({ timeouts: { queue: 1_000 } }))
    for (const each of waiting) each.catch(() => undefined)
    setup.clock.advance(1_100)
    for (const each of waiting) {
      await expect(each).rejects.toMatchObject({ code: 'ERR_TIMEOUT_QUEUE', phase: 'queue', processed: 'no' })
    }
    expect([errorFrames(setup.peer.peers[0]!), setup.peer.connections]).toEqual([[], 1])
    expect(setup.peer.peers[0]!.received.filter(({ typeName }) => typeName === 'HEADERS')).toHaveLength(1)
  })

  it('a limit below the open streams resets and opens none; a raised limit opens queued requests in order (C11, C12)', async () => {
    const paths: string[] = []
    const [lowered, queued] = [gate(), gate()]
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake({ maxConcurrentStreams: 3 })
      p.respond((await p.nextRequest()).streamId, 204)
      const open = [await p.nextRequest(), await p.nextRequest(), await p.nextRequest()]
      p.send(settings({ maxConcurrentStreams: 1 }))
      // Two of three streams end; the open one is the limit.
      for (const { streamId } of open.slice(0, 2)) p.respond(streamId, 204)
      lowered.open()
      await queued.promise
      expect(p.received.filter(({ typeName }) => typeName === 'HEADERS')).toHaveLength(4)
      p.send(settings({ maxConcurrentStreams: 10 }))
      for (let i = 0; i < 3; i++) {
        const { streamId, path } = await p.nextRequest()
        paths.push(path)
        p.respond(streamId, 204)
      }
      p.respond(open[2]!.streamId, 204)
    })
    await setup.request()
    const open = [1, 2, 3].map(() => setup.request())
    await lowered.promise
    await Promise.all(open.slice(0, 2))
    const waiting = ['/a', '/b', '/c'].map((path) => setup.request({ url: setup.url(path) }))
    expect(setup.client.stats().connections.find(({ origin }) => origin.includes('a.test'))!.active).toBe(1)
    queued.open()
    for (const { status } of await Promise.all([...waiting, open[2]!])) expect(status).toBe(204)
    expect([paths, errorFrames(setup.peer.peers[0]!), setup.peer.connections]).toEqual([['/a', '/b', '/c'], [], 1])
  })

  it('a lower INITIAL_WINDOW_SIZE stops an upload until its window is above 0 (C13, §6.9.2)', async () => {
    const sizes: number[] = []
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake({ initialWindowSize: 10_000 })
      p.respond((await p.nextRequest()).streamId, 204)
      const { streamId: id } = await p.nextRequest()
      const recordSize = async (): Promise<void> => void sizes.push((await p.next('DATA')).payload.length)
      await recordSize()
      // 1,000 - 10,000: the window is -9,000. Then it is 0, where no DATA may be sent, then above.
      p.send(settings({ initialWindowSize: 1_000 }), windowUpdate(id, 9_000), frames.ping())
      await p.next('PING')
      expect(p.received.filter(({ typeName }) => typeName === 'DATA')).toHaveLength(1)
      p.send(windowUpdate(id, 1))
      await recordSize()
      p.send(settings({ initialWindowSize: 20_000 }))
      await recordSize()
      p.respond(id, 204)
    })
    await setup.request()
    expect((await setup.request({ method: 'POST', body: Buffer.alloc(20_000) })).status).toBe(204)
    expect(sizes).toEqual([10_000, 1, 9_999])
  })

  it('an INITIAL_WINDOW_SIZE that raises a stream window over 2^31 - 1 causes GOAWAY FLOW_CONTROL_ERROR (C14)', () =>
    expectConnectionError(fixture, transport, 'FLOW_CONTROL_ERROR', (id) => [
      windowUpdate(id, 0x7fff_ffff - 65_535),
      settings({ initialWindowSize: 65_536 }),
    ]))

  it('with INITIAL_WINDOW_SIZE 0 the client sends fields, and content after credit for its stream (C15)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake({ initialWindowSize: 0 })
      p.respond((await p.nextRequest()).streamId, 204)
      const { streamId, endStream } = await p.nextRequest()
      expect(endStream).toBe(false)
      p.send(frames.ping())
      await p.next('PING')
      expect(p.received.some(({ typeName }) => typeName === 'DATA')).toBe(false)
      p.send(windowUpdate(streamId, 10))
      expect(hasFlag(await p.next('DATA'), 'END_STREAM')).toBe(true)
      p.respond(streamId, 204)
    })
    await setup.request()
    expect((await setup.request({ method: 'POST', body: 'ten bytes' })).status).toBe(204)
  })

  it('every field block decodes while HEADER_TABLE_SIZE alternates between 0 and 2^32 - 1 (C16, RFC 7541 §4.2)', async () => {
    const tables = [0, 0xffff_ffff, 0, 4_096]
    const setup = await fixture.open(transport, async (p) => {
      // The decoder of the peer allows at most the announced size.
      await p.handshake({ headerTableSize: 0xffff_ffff })
      for (let i = 0; i < 20; i++) {
        const { streamId, fields } = await p.nextRequest()
        expect(fields.find(([name]) => name === 'x-same')?.[1]).toBe('y'.repeat(100))
        p.send(settings({ headerTableSize: tables[i % 4]! }))
        p.respond(streamId, 204)
      }
    })
    const headers = { 'x-same': 'y'.repeat(100) }
    for (let i = 0; i < 20; i++) expect((await setup.request({ headers: { ...headers, 'x-other': `${i}` } })).status).toBe(204)
    const blocks = setup.peer.peers[0]!.received.filter(({ typeName }) => typeName === 'HEADERS').map(({ payload }) => payload)
    // A block after 0 begins with a size update to 0; a block after 2^32 - 1 with one to the local
    // limit of 64 KiB.
    expect(blocks.some((block) => block[0] === 0x20)).toBe(true)
    expect(blocks.some((block) => block.subarray(0, 4).toString('hex') === '3fe1ff03')).toBe(true)
  })

  it('a request over MAX_HEADER_LIST_SIZE is a UsageError, is not sent, and leaves the connection open (C17, §6.5.2)', async () => {
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake({ maxHeaderListSize: 1_000 })
      await serve(p)
    })
    await setup.request()
    await expect(setup.request({ headers: { 'x-large': 'x'.repeat(1_000) } })).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_REQUEST_FIELDS_TOO_LARGE',
      processed: 'no',
    })
    expect((await setup.request()).status).toBe(204)
    const [p] = setup.peer.peers
    expect([
      p!.received.filter(({ typeName }) => typeName === 'HEADERS').length,
      errorFrames(p!),
      setup.peer.connections,
    ]).toEqual([2, [], 1])
  })
})
