/** SETTINGS both ways: rows C of the matrix. */

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
/** SETTINGS in exactly this order, the same identifier twice if need be. */
const ordered = (...entries: [id: number, value: number][]): Buffer =>
  raw(4, 0, 0, Buffer.concat(entries.map(([id, value]) => entry(id, value))))

describe('RFC 9113 §6.5 what the peer may not say', () => {
  it.each<[string, string, Buffer]>([
    [
      'C01 §6.5.2 INITIAL_WINDOW_SIZE "above the maximum flow-control window size"',
      'FLOW_CONTROL_ERROR',
      ordered([4, 0x8000_0000]),
    ],
    ['C02 MAX_FRAME_SIZE 0', 'PROTOCOL_ERROR', ordered([5, 0])],
    ['C02 MAX_FRAME_SIZE 16,383', 'PROTOCOL_ERROR', ordered([5, 16_383])],
    ['C02 MAX_FRAME_SIZE 2^24', 'PROTOCOL_ERROR', ordered([5, 16_777_216])],
    [
      'C03 "A client MUST treat receipt of ... SETTINGS_ENABLE_PUSH set to 1 as a connection error"',
      'PROTOCOL_ERROR',
      ordered([2, 1]),
    ],
    ['C03 ENABLE_PUSH 2', 'PROTOCOL_ERROR', ordered([2, 2])],
    ['C04 RFC 8441 §3 ENABLE_CONNECT_PROTOCOL 2', 'PROTOCOL_ERROR', ordered([8, 2])],
    ['C04 1, then 0', 'PROTOCOL_ERROR', ordered([8, 1], [8, 0])],
    ['RFC 9218 §2.1 NO_RFC7540_PRIORITIES 2', 'PROTOCOL_ERROR', ordered([9, 2])],
    ['C06 33 entries', 'ENHANCE_YOUR_CALM', raw(4, 0, 0, bytesOf(33 * 6))],
    ['C06 10,000 entries (B18 comes first)', 'FRAME_SIZE_ERROR', raw(4, 0, 0, bytesOf(60_000))],
    ['C08 §6.5.3 an acknowledgement of nothing', 'PROTOCOL_ERROR', settingsAck()],
  ])('%s: %s', (_title, code, frame) => {
    expect(new Peer().receive(frame)).toBe(code)
  })

  it.each<[string, Buffer]>([
    ['ENABLE_PUSH 0', ordered([2, 0])],
    ['MAX_FRAME_SIZE at both ends', ordered([5, 16_777_215], [5, 16_384])],
    ['INITIAL_WINDOW_SIZE 2^31 - 1', ordered([4, 0x7fff_ffff])],
    ['ENABLE_CONNECT_PROTOCOL 0, then 1, twice', ordered([8, 0], [8, 1], [8, 1])],
    ['NO_RFC7540_PRIORITIES 1', ordered([9, 1])],
    ['C05 "MUST ignore that setting" where it is unknown', ordered([0x99, 1], [0xffff, 0xffff_ffff], [0, 0])],
    ['C06 32 entries', ordered(...Array.from({ length: 32 }, (): [number, number] => [3, 1]))],
    ['none', ordered()],
  ])('%s is acknowledged', (_title, frame) => {
    const peer = new Peer()
    expect(peer.receive(frame)).toBeUndefined()
    expect(peer.sent()).toEqual(['SETTINGS ACK'])
    expect(peer.events()).toEqual(['settings'])
  })

  it('C06 §6.5.3 "values in the SETTINGS frame MUST be processed in the order they appear": the last one wins', () => {
    const peer = new Peer()
    peer.receive(ordered([3, 7], [3, 9], [6, 100], [6, 200], [8, 1]))
    const { maxConcurrentStreams, maxFieldSectionBytes, connectProtocol } = peer.client.peerSettings
    expect([maxConcurrentStreams, maxFieldSectionBytes, connectProtocol]).toEqual([9, 200, true])
  })

  it('C07 SETTINGS flood (CVE-2019-9515): ENHANCE_YOUR_CALM while the answers are not read', () => {
    const peer = new Peer()
    peer.client.refillLimits(1_000)
    expect(peer.receive(...Array.from({ length: 1_100 }, () => settings()))).toBe('ENHANCE_YOUR_CALM')
    expect(peer.sent().filter((line) => line === 'SETTINGS ACK')).toHaveLength(1_000)
  })
})

describe('RFC 9113 §5.1.2 concurrent streams', () => {
  it('assumes 100 before the peer has spoken, and no limit where it names none', () => {
    const peer = new Peer({ settings: false })
    expect(peer.client.capacity).toBe(100)
    expect(peer.client.peerSettings.received).toBe(false)
    peer.receive(settings())
    expect(peer.client.capacity).toBe(Number.POSITIVE_INFINITY)
    expect(peer.client.peerSettings.received).toBe(true)
  })

  it('C11 lowered below the open count: capacity 0, nothing is reset', () => {
    const peer = new Peer()
    for (let i = 0; i < 3; i++) peer.get()
    peer.sent()
    peer.receive(settings({ maxConcurrentStreams: 1 }))
    expect([peer.client.capacity, peer.client.active]).toEqual([0, 3])
    expect(peer.sent()).toEqual(['SETTINGS ACK'])
  })

  it('C12 raised while requests wait: the listener is told, and may open at once', () => {
    const peer = new Peer({ settings: { maxConcurrentStreams: 0 } })
    expect(peer.client.capacity).toBe(0)
    peer.recorder.during = (line) => {
      if (line === 'settings') while (peer.client.capacity > 0) peer.get(`/${peer.client.capacity}`)
    }
    peer.receive(settings({ maxConcurrentStreams: 2 }))
    expect(peer.sent().map((line) => line.replace(/.*:path=/, ''))).toEqual(['SETTINGS ACK', '/2', '/1'])
  })
})

describe('RFC 9113 §6.9.2 SETTINGS_INITIAL_WINDOW_SIZE', () => {
  it('C13 lowered in the middle of an upload: the window goes negative, sending resumes above 0', () => {
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

  it('C13 lowered while the stream waits for the connection window alone: it does not send below zero', () => {
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

  it('C13 and with a window that is negative', () => {
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

  it('C14 "MUST be treated as a connection error" where a window overflows', () => {
    const peer = new Peer()
    peer.post()
    peer.receive(windowUpdate(1, 0x7fff_ffff - 65_535))
    expect(peer.receive(settings({ initialWindowSize: 65_536 }))).toBe('FLOW_CONTROL_ERROR')
  })

  it('C15 window 0: fields go out, content waits', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(10), true)).toBe(false)
    expect(peer.sent()).toEqual([expect.stringMatching(/^HEADERS 1 :method=POST/)])
    peer.receive(windowUpdate(1, 10))
    expect(peer.sent()).toEqual(['DATA 1 10 END_STREAM'])
  })
})

describe('C16 RFC 7541 §4.2 SETTINGS_HEADER_TABLE_SIZE', () => {
  /** The bytes of the first field block that is sent next. */
  const nextBlock = (peer: Peer): string => {
    peer.sent()
    peer.get('/x')
    return Buffer.concat(peer.client.takeOutput()).toString('hex', 9)
  }

  it('toggled every frame: size updates, the smallest first, and our own cap of 64 KiB', () => {
    const peer = new Peer()
    peer.receive(settings({ headerTableSize: 0 }))
    expect(nextBlock(peer)).toMatch(/^20/)
    peer.receive(settings({ headerTableSize: 0xffff_ffff }))
    expect(nextBlock(peer)).toMatch(/^3fe1ff03/)
    for (let i = 0; i < 5; i++) peer.receive(settings({ headerTableSize: 0 }), settings({ headerTableSize: 4_096 }))
    expect(nextBlock(peer)).toMatch(/^203fe11f/)
    expect(nextBlock(peer)).not.toMatch(/^[23]/)
  })

  it('"the smallest maximum table size that occurs in that interval MUST be signaled", inside one frame too', () => {
    const peer = new Peer()
    peer.get('/x')
    peer.receive(ordered([1, 0], [1, 4_096]))
    expect(nextBlock(peer)).toMatch(/^203fe11f/)
  })

  it('a smaller size of an earlier frame is not signalled twice', () => {
    const peer = new Peer()
    peer.receive(ordered([1, 0], [1, 4_096]))
    expect(nextBlock(peer)).toMatch(/^203fe11f/)
    peer.receive(ordered([3, 1]))
    expect(nextBlock(peer)).not.toMatch(/^[23]/)
  })

  it('the same size again changes nothing', () => {
    const peer = new Peer()
    peer.receive(ordered([1, 4_096], [1, 4_096]))
    expect(nextBlock(peer)).not.toMatch(/^[23]/)
  })
})

describe('what we say', () => {
  it('leaves a default of 4,096 bytes out, and names another', () => {
    expect(initialSettings(LOCAL).map(([id]) => id)).toEqual([2, 4, 6, 9])
    expect(initialSettings({ ...LOCAL, headerTableBytes: 0 })[0]).toEqual([1, 0])
  })

  it('C17 trailers over SETTINGS_MAX_HEADER_LIST_SIZE are known beforehand too', () => {
    const peer = new Peer({ settings: { maxHeaderListSize: 100 } })
    expect(peer.client.trailersExceedPeerLimit(['a', 'x'.repeat(67)])).toBe(false)
    expect(peer.client.trailersExceedPeerLimit(['a', 'x'.repeat(68)])).toBe(true)
    expect(new Peer().client.trailersExceedPeerLimit(['a', 'x'.repeat(100_000)])).toBe(false)
  })

  it('§6.5.2 MAX_HEADER_LIST_SIZE: a request over it is known beforehand, 32 bytes counted for each field', () => {
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

describe('bounds of ours on streams, announced to nobody', () => {
  const limited = (streams: Partial<StreamLimits>) => {
    const listener = new Recorder()
    const engine = new Protocol<RecordedOwner>(listener, LOCAL, new WindowBudget(0), { ...NO_STREAM_LIMITS, ...streams })
    engine.start()
    return { engine, open: () => RecordedOwner.open(listener, engine, request()), told: listener.lines }
  }

  it('at once: the smaller of ours and the peer’s', () => {
    const { engine, open } = limited({ concurrent: 2 })
    expect(engine.capacity).toBe(2)
    open()
    expect(engine.capacity).toBe(1)
    engine.receive(settings({ maxConcurrentStreams: 1 }))
    expect(engine.capacity).toBe(0)
  })

  it('in all: after the last one none is opened, and it is said so', () => {
    const { engine, open } = limited({ total: 2 })
    open()
    expect(engine.retiring).toBe(false)
    expect(open().id).toBe(3)
    expect([engine.retiring, engine.capacity]).toEqual([true, 0])
  })

  it('none before SETTINGS have come', () => {
    const { engine, told } = limited({ assumed: 0 })
    expect(engine.capacity).toBe(0)
    engine.receive(settings({}))
    expect([engine.capacity, told]).toEqual([Number.POSITIVE_INFINITY, ['settings']])
  })
})
