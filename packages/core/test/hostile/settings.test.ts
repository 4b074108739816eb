/** Rows C of the matrix of hostile servers: SETTINGS. C07, a flood, stands with the floods; C09 with the start of a connection. */

import { frames, hasFlag } from '@unshard/testkit'
import {
  type Attack,
  type ErrorName,
  endsConnection,
  endWith,
  gate,
  heard,
  isHarmless,
  type RowOptions,
  serve,
  theatre,
  transports,
} from './rig.js'

const { raw, settings, settingsAck, windowUpdate } = frames
const t = theatre()

/** SETTINGS in exactly this order, the same identifier twice if need be. */
function ordered(...entries: [id: number, value: number][]): Buffer {
  const payload = Buffer.alloc(entries.length * 6)
  let at = 0
  for (const [id, value] of entries) at = payload.writeUInt32BE(value, payload.writeUInt16BE(id, at))
  return raw(4, 0, 0, payload)
}

type Row = [title: string, code: ErrorName, attack: Attack, options?: RowOptions]

const fatal: Row[] = [
  ['C01 §6.5.2 INITIAL_WINDOW_SIZE over 2^31 - 1', 'FLOW_CONTROL_ERROR', () => [ordered([4, 0x8000_0000])]],
  ...[0, 16_383, 16_777_216].map((size): Row => [`C02 MAX_FRAME_SIZE ${size}`, 'PROTOCOL_ERROR', () => [ordered([5, size])]]),
  ['C03 ENABLE_PUSH 1 from a server', 'PROTOCOL_ERROR', () => [ordered([2, 1])]],
  ['C03 ENABLE_PUSH 2', 'PROTOCOL_ERROR', () => [ordered([2, 2])]],
  ['C04 RFC 8441 §3 ENABLE_CONNECT_PROTOCOL 2', 'PROTOCOL_ERROR', () => [ordered([8, 2])]],
  ['C04 1, then 0', 'PROTOCOL_ERROR', () => [ordered([8, 1]), ordered([8, 0])]],
  ['C06 33 entries', 'ENHANCE_YOUR_CALM', () => [raw(4, 0, 0, Buffer.alloc(33 * 6))]],
  // Longer than a frame may be: the rule of row B18 comes first.
  ['C06 10,000 entries', 'FRAME_SIZE_ERROR', () => [raw(4, 0, 0, Buffer.alloc(60_000))]],
  ['C08 §6.5.3 an acknowledgement of nothing', 'PROTOCOL_ERROR', () => [settingsAck()]],
]

const harmless: [string, Attack][] = [
  ['C05 §6.5.2 unknown identifiers', () => [ordered([0x99, 1], [0xffff, 0xffff_ffff], [0, 0])]],
  ['C06 32 entries, the last value wins', () => [ordered(...Array.from({ length: 32 }, (_, i): [number, number] => [3, i]))]],
  ['C04 ENABLE_CONNECT_PROTOCOL 0, then 1, twice', () => [ordered([8, 0], [8, 1], [8, 1])]],
]

describe.each(transports)('over %s', (_name, on) => {
  it.each<Row>(fatal)('%s: GOAWAY %s', (...[, code, attack, options]) => endsConnection(t, on, code, attack, options))

  it.each(harmless)('%s: acknowledged', (_title, attack) => isHarmless(t, on, 'ok', (id) => [...attack(id), endWith(id)]))

  it('C10 MAX_CONCURRENT_STREAMS 0: requests wait, and then a TimeoutError says for what', async () => {
    const settled = gate()
    const actors = await t.stage(on, async (p) => {
      await p.handshake()
      p.send(settings({ maxConcurrentStreams: 0 }))
      p.respond((await p.nextRequest()).streamId, 204)
      settled.open()
      await p.closed
    })
    await actors.request()
    await settled.promise
    const waiting = Array.from({ length: 3 }, () => actors.request({ timeouts: { queue: 1_000 } }))
    for (const each of waiting) each.catch(() => undefined)
    actors.clock.advance(1_100)
    for (const each of waiting) {
      await expect(each).rejects.toMatchObject({ code: 'ERR_TIMEOUT_QUEUE', phase: 'queue', processed: 'no' })
    }
    expect([heard(actors.peer.peers[0]!), actors.peer.connections]).toEqual([[], 1])
    expect(actors.peer.peers[0]!.received.filter(({ typeName }) => typeName === 'HEADERS')).toHaveLength(1)
  })

  it('C11 C12 lowered below the open count: nothing is reset and nothing opened; raised: those that wait start in order', async () => {
    const paths: string[] = []
    const [lowered, queued] = [gate(), gate()]
    const actors = await t.stage(on, async (p) => {
      await p.handshake({ maxConcurrentStreams: 3 })
      p.respond((await p.nextRequest()).streamId, 204)
      const open = [await p.nextRequest(), await p.nextRequest(), await p.nextRequest()]
      p.send(settings({ maxConcurrentStreams: 1 }))
      // Two of three end: one is still open, which is the limit.
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
    await actors.request()
    const open = [1, 2, 3].map(() => actors.request())
    await lowered.promise
    await Promise.all(open.slice(0, 2))
    const waiting = ['/a', '/b', '/c'].map((path) => actors.request({ url: actors.url(path) }))
    expect(actors.one.stats().connections.find(({ origin }) => origin.includes('a.test'))!.active).toBe(1)
    queued.open()
    for (const { status } of await Promise.all([...waiting, open[2]!])) expect(status).toBe(204)
    expect([paths, heard(actors.peer.peers[0]!), actors.peer.connections]).toEqual([['/a', '/b', '/c'], [], 1])
  })

  it('C13 §6.9.2 INITIAL_WINDOW_SIZE lowered in the middle of an upload: it stops, and goes on above 0', async () => {
    const sizes: number[] = []
    const actors = await t.stage(on, async (p) => {
      await p.handshake({ initialWindowSize: 10_000 })
      p.respond((await p.nextRequest()).streamId, 204)
      const { streamId: id } = await p.nextRequest()
      const more = async (): Promise<void> => void sizes.push((await p.next('DATA')).payload.length)
      await more()
      // 1,000 - 10,000: nine thousand below zero. Then to zero, where nothing may come, then above.
      p.send(settings({ initialWindowSize: 1_000 }), windowUpdate(id, 9_000), frames.ping())
      await p.next('PING')
      expect(p.received.filter(({ typeName }) => typeName === 'DATA')).toHaveLength(1)
      p.send(windowUpdate(id, 1))
      await more()
      p.send(settings({ initialWindowSize: 20_000 }))
      await more()
      p.respond(id, 204)
    })
    await actors.request()
    expect((await actors.request({ method: 'POST', body: Buffer.alloc(20_000) })).status).toBe(204)
    expect(sizes).toEqual([10_000, 1, 9_999])
  })

  it('C14 a new INITIAL_WINDOW_SIZE lifts a stream over 2^31 - 1: GOAWAY FLOW_CONTROL_ERROR', () =>
    endsConnection(t, on, 'FLOW_CONTROL_ERROR', (id) => [
      windowUpdate(id, 0x7fff_ffff - 65_535),
      settings({ initialWindowSize: 65_536 }),
    ]))

  it('C15 INITIAL_WINDOW_SIZE 0, then credit for one stream: fields go out, content waits', async () => {
    const actors = await t.stage(on, async (p) => {
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
    await actors.request()
    expect((await actors.request({ method: 'POST', body: 'ten bytes' })).status).toBe(204)
  })

  it('C16 RFC 7541 §4.2 HEADER_TABLE_SIZE 0, 2^32 - 1 and back, for every request: every block can be read', async () => {
    const tables = [0, 0xffff_ffff, 0, 4_096]
    const actors = await t.stage(on, async (p) => {
      // The peer's decoder allows what it has announced at most.
      await p.handshake({ headerTableSize: 0xffff_ffff })
      for (let i = 0; i < 20; i++) {
        const { streamId, fields } = await p.nextRequest()
        expect(fields.find(([name]) => name === 'x-same')?.[1]).toBe('y'.repeat(100))
        p.send(settings({ headerTableSize: tables[i % 4]! }))
        p.respond(streamId, 204)
      }
    })
    const headers = { 'x-same': 'y'.repeat(100) }
    for (let i = 0; i < 20; i++) expect((await actors.request({ headers: { ...headers, 'x-other': `${i}` } })).status).toBe(204)
    const blocks = actors.peer.peers[0]!.received.filter(({ typeName }) => typeName === 'HEADERS').map(({ payload }) => payload)
    // After 0 the block begins with a size update to 0, after 2^32 - 1 with one to our own 64 KiB.
    expect(blocks.some((block) => block[0] === 0x20)).toBe(true)
    expect(blocks.some((block) => block.subarray(0, 4).toString('hex') === '3fe1ff03')).toBe(true)
  })

  it('C17 §6.5.2 MAX_HEADER_LIST_SIZE under our request: a UsageError here, nothing sent, and the connection lives', async () => {
    const actors = await t.stage(on, async (p) => {
      await p.handshake({ maxHeaderListSize: 1_000 })
      await serve(p)
    })
    await actors.request()
    await expect(actors.request({ headers: { 'x-large': 'x'.repeat(1_000) } })).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_REQUEST_FIELDS_TOO_LARGE',
      processed: 'no',
    })
    expect((await actors.request()).status).toBe(204)
    const [p] = actors.peer.peers
    expect([p!.received.filter(({ typeName }) => typeName === 'HEADERS').length, heard(p!), actors.peer.connections]).toEqual([
      2,
      [],
      1,
    ])
  })
})
