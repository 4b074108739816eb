/** Flow control of both sides (RFC 9113 §5.2, §6.9): rows F of the matrix of hostile servers. */

import fc from 'fast-check'
import { ReceiveWindow, WindowBudget } from '../../../src/h2/protocol/window.js'
import { bytesOf, data, Peer, response, rstStream, settings, windowUpdate } from './peer.js'

const updates = (peer: Peer): string[] => peer.sent().filter((line) => line.startsWith('WINDOW_UPDATE'))
const frames = (peer: Peer): string[] => peer.sent().filter((line) => line.startsWith('DATA'))

describe('sending', () => {
  it('"MUST NOT send a flow-controlled frame with a length that exceeds the space available" of the stream window', () => {
    const peer = new Peer({ settings: { initialWindowSize: 20_000 } })
    expect(peer.client.sendData(peer.post(), bytesOf(30_000), true)).toBe(false)
    expect(frames(peer)).toEqual(['DATA 1 16384', 'DATA 1 3616'])
    expect(peer.events()).toEqual([])
    peer.receive(windowUpdate(1, 10_000))
    expect(frames(peer)).toEqual(['DATA 1 10000 END_STREAM'])
    expect(peer.events()).toEqual(['sendable 1'])
  })

  it('content does not exceed the connection window', () => {
    const peer = new Peer({ settings: { initialWindowSize: 1_000_000 } })
    peer.client.sendData(peer.post(), bytesOf(70_000), true)
    expect(frames(peer)).toEqual(['DATA 1 16384', 'DATA 1 16384', 'DATA 1 16384', 'DATA 1 16383'])
    peer.receive(windowUpdate(0, 100_000))
    expect(frames(peer)).toEqual(['DATA 1 4465 END_STREAM'])
  })

  it('DATA does not exceed SETTINGS_MAX_FRAME_SIZE (§4.2)', () => {
    const peer = new Peer({ settings: { maxFrameSize: 50_000 } })
    peer.client.sendData(peer.post(), bytesOf(60_000), true)
    expect(frames(peer)).toEqual(['DATA 1 50000', 'DATA 1 10000 END_STREAM'])
  })

  it('DATA has at most 64 KiB of content, even if the peer accepts larger frames, so that others get their turn', () => {
    const peer = new Peer({ settings: { maxFrameSize: 16_777_215, initialWindowSize: 1_000_000 } })
    const stream = peer.post()
    for (let i = 0; i < 3; i++) peer.client.sendData(stream, bytesOf(65_535), i === 2)
    peer.client.sendData(peer.post(), bytesOf(10), true)
    peer.sent()
    peer.receive(windowUpdate(0, 1_000_000))
    expect(frames(peer)).toEqual(['DATA 1 65536', 'DATA 3 10 END_STREAM', 'DATA 1 65534 END_STREAM'])
  })

  it('streams alternate, with one frame each', () => {
    const peer = new Peer({ settings: { initialWindowSize: 1_000_000 } })
    peer.client.sendData(peer.post(), bytesOf(65_535 + 40_000), true)
    for (let i = 0; i < 2; i++) peer.client.sendData(peer.post(), bytesOf(20_000), true)
    peer.sent()
    peer.receive(windowUpdate(0, 1_000_000))
    expect(frames(peer)).toEqual([
      'DATA 1 16384',
      'DATA 3 16384',
      'DATA 5 16384',
      'DATA 1 16384',
      'DATA 3 3616 END_STREAM',
      'DATA 5 3616 END_STREAM',
      'DATA 1 7232 END_STREAM',
    ])
    expect(peer.events()).toEqual(['sendable 3', 'sendable 5', 'sendable 1'])
  })

  it('chunks that wait for a window are joined into one frame', () => {
    const peer = new Peer({ settings: { initialWindowSize: 1 } })
    const stream = peer.post()
    for (let i = 0; i < 20; i++) peer.client.sendData(stream, bytesOf(10), i === 19)
    peer.sent()
    peer.receive(windowUpdate(1, 54))
    expect(frames(peer)).toEqual(['DATA 1 54'])
    peer.receive(windowUpdate(1, 1_000))
    expect(frames(peer)).toEqual(['DATA 1 145 END_STREAM'])
  })

  it('a stream without window does not delay other streams', () => {
    const peer = new Peer({ settings: { initialWindowSize: 100 } })
    peer.client.sendData(peer.post(), bytesOf(200), true)
    peer.client.sendData(peer.post(), bytesOf(50), true)
    expect(frames(peer)).toEqual(['DATA 1 100', 'DATA 3 50 END_STREAM'])
  })

  it('content over the output limit waits for resume', () => {
    const peer = new Peer({ settings: { initialWindowSize: 10_000_000 } })
    peer.receive(windowUpdate(0, 10_000_000))
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(1_000_000), true)).toBe(false)
    const first = frames(peer)
    expect(first).toHaveLength(16)
    expect(frames(peer)).toEqual([])
    for (let i = 0; i < 3; i++) peer.client.resume()
    expect(frames(peer)).toHaveLength(16)
    while (peer.client.active > 0 && stream.queue.length > 0) {
      peer.client.resume()
      peer.sent()
    }
    expect(peer.events()).toEqual(['sendable 1'])
  })

  it('a connection window over 2^31 - 1 causes connection error FLOW_CONTROL_ERROR (F01)', () => {
    const peer = new Peer()
    expect(peer.receive(windowUpdate(0, 0x7fff_ffff - 65_535))).toBeUndefined()
    expect(peer.receive(windowUpdate(0, 1))).toBe('FLOW_CONTROL_ERROR')
  })

  it('a stream window of 2^31 - 1 is allowed, and a larger one ends the stream and its queue (F01, CVE-2026-21714)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    const stream = peer.post()
    peer.client.sendData(stream, bytesOf(70_000), true)
    expect(peer.receive(windowUpdate(1, 0x7fff_ffff))).toBeUndefined()
    peer.events()
    peer.receive(windowUpdate(1, 70_000))
    expect(peer.events()).toEqual(['error 1 FLOW_CONTROL_ERROR local', 'stopped 1', 'closed 1'])
    expect([peer.client.active, stream.queue.length]).toEqual([0, 0])
    peer.sent()
    peer.receive(windowUpdate(0, 70_000))
    expect(peer.sent()).toEqual([])
  })

  it('a window that opens byte by byte sends one frame for each byte (F05)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    peer.client.sendData(peer.post(), bytesOf(2_500), true)
    peer.sent()
    for (let i = 1; i < 2_500; i++) {
      expect(peer.receive(windowUpdate(1, 1))).toBeUndefined()
    }
    expect(frames(peer)).toHaveLength(2_499)
    peer.receive(windowUpdate(1, 1))
    expect(frames(peer)).toEqual(['DATA 1 1 END_STREAM'])
  })

  it('a flood of WINDOW_UPDATE without DATA causes ENHANCE_YOUR_CALM, unless refillLimits is called (F06)', () => {
    const peer = new Peer()
    peer.get()
    const flood = Array.from({ length: 900 }, () => windowUpdate(1, 1))
    expect(peer.receive(...flood)).toBeUndefined()
    peer.client.refillLimits(1_000)
    expect(peer.receive(...flood)).toBeUndefined()
    expect(peer.receive(...flood)).toBe('ENHANCE_YOUR_CALM')
  })

  it('a stream that is reset while it waits is removed from the queue', () => {
    const peer = new Peer()
    peer.client.sendData(peer.post(), bytesOf(65_535), true)
    const waiting = peer.post()
    peer.client.sendData(waiting, bytesOf(10), true)
    expect(waiting.ready).toBe(true)
    peer.client.resetStream(waiting, 8)
    expect(waiting.ready).toBe(false)
    peer.sent()
    peer.receive(windowUpdate(0, 100))
    expect(peer.sent()).toEqual([])
  })
})

describe('receiving', () => {
  it('connection credit is returned on receipt, at half of the window', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1), data(1, bytesOf(16_384)))
    expect(updates(peer)).toEqual([])
    peer.receive(data(1, bytesOf(16_384)))
    expect(updates(peer)).toEqual(['WINDOW_UPDATE 0 32768'])
  })

  it('stream credit is returned when the content is read, at half of the window', () => {
    const peer = new Peer()
    const stream = peer.get()
    peer.receive(response(1), data(1, bytesOf(16_384)), data(1, bytesOf(16_384)))
    peer.sent()
    peer.client.consumed(stream, 32_767)
    expect(updates(peer)).toEqual([])
    peer.client.consumed(stream, 1)
    expect(updates(peer)).toEqual(['WINDOW_UPDATE 1 32768'])
  })

  it('"The entire DATA frame payload is included in flow control, including the Pad Length and Padding fields" (§6.1)', () => {
    const peer = new Peer()
    const stream = peer.get()
    peer.receive(response(1))
    // 257 bytes each, of which one is content; the others are never read.
    for (let i = 0; i < 128; i++) peer.receive(data(1, 'x', { padding: 255 }))
    expect(updates(peer)).toEqual(['WINDOW_UPDATE 0 32896', 'WINDOW_UPDATE 1 32768'])
    expect(stream.receiveWindow.available).toBe(65_535 - 128)
  })

  it('DATA over the connection window causes connection error FLOW_CONTROL_ERROR (F03)', () => {
    // Credit is returned on receipt, so a window of 65,535 never has less than a frame left; a
    // smaller window has.
    const peer = new Peer({ local: { connectionWindowBytes: 10_000 } })
    peer.get()
    expect(peer.receive(response(1), data(1, bytesOf(10_001)))).toBe('FLOW_CONTROL_ERROR')
  })

  it('an unread response does not stop its siblings (F07)', () => {
    const peer = new Peer()
    peer.get('/stops')
    peer.receive(response(1), ...Array.from({ length: 3 }, () => data(1, bytesOf(16_384))), data(1, bytesOf(16_383)))
    for (let i = 0; i < 99; i++) {
      const stream = peer.get()
      expect(peer.receive(response(stream.id), data(stream.id, bytesOf(16_384), { endStream: true }))).toBeUndefined()
    }
    expect(peer.client.active).toBe(1)
  })

  it('content of a cancelled stream, read or unread, returns its connection credit (F09)', () => {
    const peer = new Peer()
    const stream = peer.get()
    peer.receive(response(1), data(1, bytesOf(16_384)))
    peer.client.resetStream(stream, 8)
    peer.client.consumed(stream, 16_384)
    peer.receive(data(1, bytesOf(16_384)))
    expect(updates(peer)).toEqual(['WINDOW_UPDATE 0 32768'])
  })

  it('a complete response and a closed stream receive no credit', () => {
    const peer = new Peer()
    const uploading = peer.post()
    const done = peer.get()
    for (const { id } of [uploading, done]) {
      peer.receive(response(id), data(id, bytesOf(16_384)), data(id, bytesOf(16_384), { endStream: true }))
    }
    peer.sent()
    peer.client.consumed(uploading, 32_768)
    peer.client.consumed(done, 32_768)
    expect(peer.client.hasOutput).toBe(false)
  })
})

describe('growth of a stream window', () => {
  const fill = (peer: Peer, id: number): void => {
    for (const part of [16_384, 16_384]) peer.receive(data(id, bytesOf(part)))
  }

  it('a fast reader doubles the window from the budget, and the end of the stream returns the bytes', () => {
    const peer = new Peer({ local: { connectionWindowBytes: 10_000_000 }, budgetBytes: 200_000 })
    const stream = peer.get()
    peer.receive(response(1))
    fill(peer, 1)
    peer.client.consumed(stream, 32_768)
    expect(updates(peer)).toEqual([`WINDOW_UPDATE 1 ${32_768 + 65_535}`])
    expect([stream.receiveWindow.size, peer.budget.freeBytes]).toEqual([131_070, 134_465])
    fill(peer, 1)
    fill(peer, 1)
    peer.client.consumed(stream, 65_536)
    // Half of the remaining budget, so that other streams may grow too.
    expect([stream.receiveWindow.size, peer.budget.freeBytes]).toEqual([198_303, 67_232])
    peer.receive(rstStream(1, 8))
    expect(peer.budget.freeBytes).toBe(200_000)
  })

  it('a slow reader returns credit without growth', () => {
    const peer = new Peer({ local: { connectionWindowBytes: 10_000_000 }, budgetBytes: 100_000 })
    const stream = peer.get()
    peer.receive(response(1))
    fill(peer, 1)
    peer.receive(data(1, 'x'))
    peer.client.consumed(stream, 32_768)
    expect(updates(peer)).toEqual(['WINDOW_UPDATE 1 32768'])
    expect(peer.budget.freeBytes).toBe(100_000)
  })

  it('no window grows over 16 MiB, and a larger one keeps its size', () => {
    const budget = new WindowBudget(1_000)
    expect(new ReceiveWindow(16_777_201).grow(1_000, budget)).toBe(15)
    expect(new ReceiveWindow(0x7fff_ffff).grow(1_000, budget)).toBe(0)
    expect(budget.freeBytes).toBe(985)
  })

  it('property: granted, unread and uncredited bytes add up to the window', () => {
    const step = fc.record({ length: fc.nat(16_000), padding: fc.option(fc.nat(255)), reads: fc.nat(40_000) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat(200_000), (steps, budgetBytes) => {
        const peer = new Peer({ local: { connectionWindowBytes: 200_000 }, budgetBytes })
        const stream = peer.get()
        peer.receive(response(1))
        peer.sent()
        let granted = 65_535
        let grantedConnection = 200_000
        let unread = 0
        const credit = (): void => {
          for (const line of peer.sent()) {
            const [, id, increment] = line.split(' ')
            if (id === '0') grantedConnection += Number(increment)
            else granted += Number(increment)
          }
        }
        for (const { length, padding, reads } of steps) {
          const extra = padding === null ? 0 : 1 + padding
          if (length + extra > granted) continue
          granted -= length + extra
          grantedConnection -= length + extra
          expect(peer.receive(data(1, bytesOf(length), padding === null ? {} : { padding }))).toBeUndefined()
          unread += length
          const read = Math.min(reads, unread)
          peer.client.consumed(stream, read)
          unread -= read
          credit()
          // The window has the same size on both sides, and never exceeds the maximum.
          expect(stream.receiveWindow.available).toBe(granted)
          expect(granted + unread).toBeLessThanOrEqual(stream.receiveWindow.size)
          expect(granted + unread).toBeGreaterThan(stream.receiveWindow.size / 2)
          expect(grantedConnection).toBeGreaterThan(100_000 - 16_640)
          expect(stream.receiveWindow.size - 65_535 + peer.budget.freeBytes).toBe(budgetBytes)
        }
        peer.client.resetStream(stream, 8)
        expect(peer.budget.freeBytes).toBe(budgetBytes)
      }),
      { numRuns: 60 },
    )
  })

  it('property: no byte of content is sent beyond the credit, no byte is lost, and onSendable is called when due', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('send' as const), stream: fc.nat(2), value: fc.nat(30_000) }),
      fc.record({ kind: fc.constant('stream' as const), stream: fc.nat(2), value: fc.integer({ min: 1, max: 20_000 }) }),
      fc.record({ kind: fc.constant('connection' as const), stream: fc.constant(0), value: fc.integer({ min: 1, max: 40_000 }) }),
      fc.record({ kind: fc.constant('initial' as const), stream: fc.constant(0), value: fc.nat(40_000) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const peer = new Peer({ settings: { initialWindowSize: 10_000 } })
        const streams = [peer.post(), peer.post(), peer.post()]
        peer.sent()
        const queuedBytes = [0, 0, 0]
        const sentBytes = [0, 0, 0]
        const pendingEvents = [false, false, false]
        const windows = [10_000, 10_000, 10_000]
        let initial = 10_000
        let connection = 65_535
        peer.recorder.during = (line, stream) => {
          if (!line.startsWith('sendable')) return
          const i = streams.indexOf(stream!)
          expect(pendingEvents[i]).toBe(true)
          pendingEvents[i] = false
        }
        for (const { kind, stream: i, value } of steps) {
          if (kind === 'send') {
            if (pendingEvents[i]) continue
            queuedBytes[i]! += value
            pendingEvents[i] = !peer.client.sendData(streams[i]!, bytesOf(value), false)
          } else if (kind === 'stream') {
            windows[i]! += value
            peer.receive(windowUpdate(streams[i]!.id, value))
          } else if (kind === 'connection') {
            connection += value
            peer.receive(windowUpdate(0, value))
          } else {
            for (const j of [0, 1, 2]) windows[j]! += value - initial
            initial = value
            peer.receive(settings({ initialWindowSize: value }))
          }
          for (const line of peer.sent()) {
            const [type, id, length] = line.split(' ')
            if (type !== 'DATA') continue
            const j = (Number(id) - 1) / 2
            expect(Number(length)).toBeGreaterThan(0)
            sentBytes[j]! += Number(length)
            windows[j]! -= Number(length)
            connection -= Number(length)
            expect(windows[j]).toBeGreaterThanOrEqual(0)
            expect(connection).toBeGreaterThanOrEqual(0)
          }
          for (const j of [0, 1, 2]) {
            expect(pendingEvents[j]).toBe(queuedBytes[j]! > sentBytes[j]!)
            if (queuedBytes[j]! > sentBytes[j]!) expect(Math.min(windows[j]!, connection)).toBeLessThanOrEqual(0)
          }
        }
      }),
      { numRuns: 200 },
    )
  })
})
