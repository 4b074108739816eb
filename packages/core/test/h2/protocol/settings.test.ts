/** SETTINGS of both sides: rows C of the matrix of hostile servers. */

import { Protocol } from '../../../src/h2/protocol/protocol.js'
import { initialSettings, NO_STREAM_LIMITS, type StreamLimits } from '../../../src/h2/protocol/settings.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import { bytesOf, LOCAL, Peer, RecordedOwner, Recorder, raw, request, settings, settingsAck, windowUpdate } from './peer.js'

const entry = (id: number, value: number): Buffer => {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt32BE(value, 2)
  return bytes
}
/** SETTINGS with these entries in this order; identifiers may repeat. */
const ordered = (...entries: [id: number, value: number][]): Buffer =>
  raw(4, 0, 0, Buffer.concat(entries.map(([id, value]) => entry(id, value))))

describe('SETTINGS of the peer (RFC 9113 §6.5)', () => {
  it.each<[string, string, Buffer]>([
    [
      'INITIAL_WINDOW_SIZE "above the maximum flow-control window size" (C01, §6.5.2)',
      'FLOW_CONTROL_ERROR',
      ordered([4, 0x8000_0000]),
    ],
    ['MAX_FRAME_SIZE 0 (C02)', 'PROTOCOL_ERROR', ordered([5, 0])],
    ['MAX_FRAME_SIZE 16,383 (C02)', 'PROTOCOL_ERROR', ordered([5, 16_383])],
    ['MAX_FRAME_SIZE 2^24 (C02)', 'PROTOCOL_ERROR', ordered([5, 16_777_216])],
    [
      '"A client MUST treat receipt of ... SETTINGS_ENABLE_PUSH set to 1 as a connection error" (C03)',
      'PROTOCOL_ERROR',
      ordered([2, 1]),
    ],
    ['ENABLE_PUSH 2 (C03)', 'PROTOCOL_ERROR', ordered([2, 2])],
    ['ENABLE_CONNECT_PROTOCOL 2 (C04, RFC 8441 §3)', 'PROTOCOL_ERROR', ordered([8, 2])],
    ['ENABLE_CONNECT_PROTOCOL 1, then 0 (C04)', 'PROTOCOL_ERROR', ordered([8, 1], [8, 0])],
    ['NO_RFC7540_PRIORITIES 2 (RFC 9218 §2.1)', 'PROTOCOL_ERROR', ordered([9, 2])],
    ['SETTINGS of 33 entries (C06)', 'ENHANCE_YOUR_CALM', raw(4, 0, 0, bytesOf(33 * 6))],
    ['SETTINGS of 10,000 entries (C06; B18 applies first)', 'FRAME_SIZE_ERROR', raw(4, 0, 0, bytesOf(60_000))],
    ['an acknowledgement without SETTINGS (C08, §6.5.3)', 'PROTOCOL_ERROR', settingsAck()],
  ])('%s causes %s', (_title, code, frame) => {
    expect(new Peer().receive(frame)).toBe(code)
  })

  it.each<[string, Buffer]>([
    ['ENABLE_PUSH 0', ordered([2, 0])],
    ['MAX_FRAME_SIZE at both limits', ordered([5, 16_777_215], [5, 16_384])],
    ['INITIAL_WINDOW_SIZE 2^31 - 1', ordered([4, 0x7fff_ffff])],
    ['ENABLE_CONNECT_PROTOCOL 0, then 1 twice', ordered([8, 0], [8, 1], [8, 1])],
    ['NO_RFC7540_PRIORITIES 1', ordered([9, 1])],
    ['an unknown identifier, "MUST ignore that setting" (C05),', ordered([0x99, 1], [0xffff, 0xffff_ffff], [0, 0])],
    ['SETTINGS of 32 entries (C06)', ordered(...Array.from({ length: 32 }, (): [number, number] => [3, 1]))],
    ['SETTINGS without entries', ordered()],
  ])('%s is acknowledged', (_title, frame) => {
    const peer = new Peer()
    expect(peer.receive(frame)).toBeUndefined()
    expect(peer.sent()).toEqual(['SETTINGS ACK'])
    expect(peer.events()).toEqual(['settings'])
  })

  it('"values in the SETTINGS frame MUST be processed in the order they appear": the last value applies (C06, §6.5.3)', () => {
    const peer = new Peer()
    peer.receive(ordered([3, 7], [3, 9], [6, 100], [6, 200], [8, 1]))
    const { maxConcurrentStreams, maxFieldSectionBytes, connectProtocol } = peer.client.peerSettings
    expect([maxConcurrentStreams, maxFieldSectionBytes, connectProtocol]).toEqual([9, 200, true])
  })

  it('a flood of SETTINGS causes ENHANCE_YOUR_CALM at 1,000 queued acknowledgements (C07, CVE-2019-9515)', () => {
    const peer = new Peer()
    peer.client.refillLimits(1_000)
    expect(peer.receive(...Array.from({ length: 1_100 }, () => settings()))).toBe('ENHANCE_YOUR_CALM')
    expect(peer.sent().filter((line) => line === 'SETTINGS ACK')).toHaveLength(1_000)
  })
})

describe('concurrent streams (RFC 9113 §5.1.2)', () => {
  it('are limited to 100 before SETTINGS of the peer, and unlimited if SETTINGS have no limit', () => {
    const peer = new Peer({ settings: false })
    expect(peer.client.capacity).toBe(100)
    expect(peer.client.peerSettings.received).toBe(false)
    peer.receive(settings())
    expect(peer.client.capacity).toBe(Number.POSITIVE_INFINITY)
    expect(peer.client.peerSettings.received).toBe(true)
  })

  it('stay open when the limit falls below their number, with capacity 0 (C11)', () => {
    const peer = new Peer()
    for (let i = 0; i < 3; i++) peer.get()
    peer.sent()
    peer.receive(settings({ maxConcurrentStreams: 1 }))
    expect([peer.client.capacity, peer.client.active]).toEqual([0, 3])
    expect(peer.sent()).toEqual(['SETTINGS ACK'])
  })

  it('may be opened in the event of a raised limit (C12)', () => {
    const peer = new Peer({ settings: { maxConcurrentStreams: 0 } })
    expect(peer.client.capacity).toBe(0)
    peer.recorder.during = (line) => {
      if (line === 'settings') while (peer.client.capacity > 0) peer.get(`/${peer.client.capacity}`)
    }
    peer.receive(settings({ maxConcurrentStreams: 2 }))
    expect(peer.sent().map((line) => line.replace(/.*:path=/, ''))).toEqual(['SETTINGS ACK', '/2', '/1'])
  })
})

describe('SETTINGS_INITIAL_WINDOW_SIZE (RFC 9113 §6.9.2)', () => {
  it('lowered during an upload makes the window negative; the upload resumes above 0 (C13)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 10_000 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(20_000), true)).toBe(false)
    peer.receive(settings({ initialWindowSize: 1_000 }))
    expect(stream.sendWindow).toBe(-9_000)
    peer.sent()
    peer.receive(windowUpdate(1, 9_000))
    expect(peer.sent()).toEqual([])
    peer.receive(windowUpdate(1, 1))
    expect(peer.sent()).toEqual(['DATA 1 1'])
    peer.receive(settings({ initialWindowSize: 20_000 }))
    expect(peer.sent()).toEqual(['SETTINGS ACK', 'DATA 1 9999 END_STREAM'])
    expect(peer.events()).toEqual(['settings', 'sendable 1', 'settings'])
  })

  it('lowered while a stream waits for the connection window sends no byte below zero (C13)', () => {
    const peer = new Peer()
    const first = peer.post('/first')
    const second = peer.post('/second')
    peer.client.sendData(first, bytesOf(65_535), false)
    peer.client.sendData(second, bytesOf(500), true)
    peer.receive(settings({ initialWindowSize: 0 }))
    peer.sent()
    peer.receive(windowUpdate(0, 10_000))
    expect([peer.sent(), second.sendWindow]).toEqual([[], 0])
    peer.receive(settings({ initialWindowSize: 200 }), windowUpdate(2 + 1, 100))
    expect(peer.sent()).toEqual(['SETTINGS ACK', 'DATA 3 200', 'DATA 3 100'])
  })

  it('lowered to a negative window while a stream waits for the connection window sends no byte (C13)', () => {
    const peer = new Peer()
    const first = peer.post()
    const second = peer.post()
    peer.client.sendData(first, bytesOf(65_035), false)
    peer.client.sendData(second, bytesOf(2_000), true)
    peer.receive(settings({ initialWindowSize: 100 }))
    expect(second.sendWindow).toBe(-400)
    peer.sent()
    peer.receive(windowUpdate(0, 10_000))
    expect([peer.sent(), second.sendWindow]).toEqual([[], -400])
    peer.receive(windowUpdate(3, 10_000))
    expect(peer.sent()).toEqual(['DATA 3 1500 END_STREAM'])
  })

  it('that overflows a window "MUST be treated as a connection error" (C14)', () => {
    const peer = new Peer()
    peer.post()
    peer.receive(windowUpdate(1, 0x7fff_ffff - 65_535))
    expect(peer.receive(settings({ initialWindowSize: 65_536 }))).toBe('FLOW_CONTROL_ERROR')
  })

  it('of 0 permits fields, and content after credit (C15)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(10), true)).toBe(false)
    expect(peer.sent()).toEqual([expect.stringMatching(/^HEADERS 1 :method=POST/)])
    peer.receive(windowUpdate(1, 10))
    expect(peer.sent()).toEqual(['DATA 1 10 END_STREAM'])
  })
})

describe('SETTINGS_HEADER_TABLE_SIZE (C16, RFC 7541 §4.2)', () => {
  /** Sends a request and returns its field block in hexadecimal. */
  const nextBlock = (peer: Peer): string => {
    peer.sent()
    peer.get('/x')
    return Buffer.concat(peer.client.takeOutput()).toString('hex', 9)
  }

  it('changed by every frame causes size updates, the smallest first, up to the local cap of 64 KiB', () => {
    const peer = new Peer()
    peer.receive(settings({ headerTableSize: 0 }))
    expect(nextBlock(peer)).toMatch(/^20/)
    peer.receive(settings({ headerTableSize: 0xffff_ffff }))
    expect(nextBlock(peer)).toMatch(/^3fe1ff03/)
    for (let i = 0; i < 5; i++) peer.receive(settings({ headerTableSize: 0 }), settings({ headerTableSize: 4_096 }))
    expect(nextBlock(peer)).toMatch(/^203fe11f/)
    expect(nextBlock(peer)).not.toMatch(/^[23]/)
  })

  it('"the smallest maximum table size that occurs in that interval MUST be signaled", within one frame too', () => {
    const peer = new Peer()
    peer.get('/x')
    peer.receive(ordered([1, 0], [1, 4_096]))
    expect(nextBlock(peer)).toMatch(/^203fe11f/)
  })

  it('lowered by an earlier frame is signaled once', () => {
    const peer = new Peer()
    peer.receive(ordered([1, 0], [1, 4_096]))
    expect(nextBlock(peer)).toMatch(/^203fe11f/)
    peer.receive(ordered([3, 1]))
    expect(nextBlock(peer)).not.toMatch(/^[23]/)
  })

  it('repeated with the same value causes no size update', () => {
    const peer = new Peer()
    peer.receive(ordered([1, 4_096], [1, 4_096]))
    expect(nextBlock(peer)).not.toMatch(/^[23]/)
  })
})

describe('local settings, and limits of the peer', () => {
  it('HEADER_TABLE_SIZE is sent unless it is the default of 4,096 bytes', () => {
    expect(initialSettings(LOCAL).map(([id]) => id)).toEqual([2, 4, 6, 9])
    expect(initialSettings({ ...LOCAL, headerTableBytes: 0 })[0]).toEqual([1, 0])
  })

  it('trailers over SETTINGS_MAX_HEADER_LIST_SIZE are detected before they are sent (C17)', () => {
    const peer = new Peer({ settings: { maxHeaderListSize: 100 } })
    expect(peer.client.trailersExceedPeerLimit(['a', 'x'.repeat(67)])).toBe(false)
    expect(peer.client.trailersExceedPeerLimit(['a', 'x'.repeat(68)])).toBe(true)
    expect(new Peer().client.trailersExceedPeerLimit(['a', 'x'.repeat(100_000)])).toBe(false)
  })

  it('a request over MAX_HEADER_LIST_SIZE, with 32 bytes for each field, is detected before it is sent (§6.5.2)', () => {
    const peer = new Peer()
    const head = { method: 'GET', scheme: 'https', authority: 'a.test', path: '/', fields: ['a', 'b'], sensitive: undefined }
    const bytes = 'GEThttpsa.test/:method:scheme:authority:pathab'.length + 5 * 32
    expect(peer.client.exceedsPeerLimit(head)).toBe(false)
    peer.receive(settings({ maxHeaderListSize: bytes }))
    expect(peer.client.exceedsPeerLimit(head)).toBe(false)
    peer.receive(settings({ maxHeaderListSize: bytes - 1 }))
    expect(peer.client.exceedsPeerLimit(head)).toBe(true)
  })
})

describe('local limits on streams, which are not sent to the peer', () => {
  const limited = (streams: Partial<StreamLimits>) => {
    const listener = new Recorder()
    const engine = new Protocol<RecordedOwner>(listener, LOCAL, new WindowBudget(0), { ...NO_STREAM_LIMITS, ...streams })
    engine.start()
    return { engine, open: () => RecordedOwner.open(listener, engine, request()), log: listener.lines }
  }

  it('concurrent: capacity is the smaller of the local limit and that of the peer', () => {
    const { engine, open } = limited({ concurrent: 2 })
    expect(engine.capacity).toBe(2)
    open()
    expect(engine.capacity).toBe(1)
    engine.receive(settings({ maxConcurrentStreams: 1 }))
    expect(engine.capacity).toBe(0)
  })

  it('total: after the last stream the connection is retiring, without capacity', () => {
    const { engine, open } = limited({ total: 2 })
    open()
    expect(engine.retiring).toBe(false)
    expect(open().id).toBe(3)
    expect([engine.retiring, engine.capacity]).toEqual([true, 0])
  })

  it('assumed: capacity is 0 before SETTINGS of the peer if the limit is 0', () => {
    const { engine, log } = limited({ assumed: 0 })
    expect(engine.capacity).toBe(0)
    engine.receive(settings({}))
    expect([engine.capacity, log]).toEqual([Number.POSITIVE_INFINITY, ['settings']])
  })
})
