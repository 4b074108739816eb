/**
 * Frames that the client sends: preface, requests, content and trailers (RFC 9113 §3.4, §8.1,
 * §8.3).
 */

import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { ConnectionState } from '../../../src/h2/protocol/connection-state.js'
import { Sender } from '../../../src/h2/protocol/sender.js'
import type { StreamOwner } from '../../../src/h2/protocol/stream.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import { bytesOf, ClientReader, LOCAL, Peer, Recorder, request, response, rstStream, settings, windowUpdate } from './peer.js'

const written = (peer: Peer): Buffer => Buffer.concat(peer.client.takeOutput())

describe('the client connection preface (RFC 9113 §3.4)', () => {
  it('"starts with a sequence of 24 octets", "MUST be followed by a SETTINGS frame", then by connection credit', () => {
    const peer = new Peer({ settings: false, local: { initialWindowBytes: 131_072, connectionWindowBytes: 0x100_0000 } })
    expect(written(peer).toString('hex')).toBe(
      [
        '505249202a20485454502f322e300d0a0d0a534d0d0a0d0a',
        '000018 04 00 00000000 0002 00000000 0004 00020000 0006 00010000 0009 00000001',
        '000004 08 00 00000000 00ff0001',
      ]
        .join('')
        .replaceAll(' ', ''),
    )
  })

  it('has no WINDOW_UPDATE if the connection window is the default', () => {
    expect(written(new Peer({ settings: false }))).toHaveLength(24 + 9 + 24)
  })

  it('is followed by requests before SETTINGS of the peer', () => {
    const peer = new Peer({ settings: false })
    written(peer)
    peer.get()
    expect(peer.sent()).toEqual(['HEADERS 1 END_STREAM :method=GET :scheme=https :authority=a.test :path=/'])
  })
})

describe('requests (RFC 9113 §8.3)', () => {
  it('"All pseudo-header fields MUST appear in a field block before all regular field lines"; stream identifiers are odd and increase', () => {
    const peer = new Peer()
    for (const path of ['/a', '/b']) peer.open({ path, fields: ['accept', '*/*', 'x-y', '1', 'x-y', '2'] })
    const line = (id: number, path: string): string =>
      `HEADERS ${id} END_STREAM :method=GET :scheme=https :authority=a.test :path=${path} accept=*/* x-y=1 x-y=2`
    expect(peer.sent()).toEqual([line(1, '/a'), line(3, '/b')])
    expect(peer.client.active).toBe(2)
  })

  it('"The :scheme and :path pseudo-header fields MUST be omitted" for CONNECT (§8.5)', () => {
    const peer = new Peer()
    peer.open({ method: 'CONNECT', authority: 'a.test:443' }, false)
    expect(peer.sent()).toEqual(['HEADERS 1 :method=CONNECT :authority=a.test:443'])
  })

  it('sensitive fields are literals never indexed in every request (RFC 7541 §7.1.3)', () => {
    const peer = new Peer()
    const head = { fields: ['x-secret', 'abcdef'], sensitive: new Set(['x-secret']) }
    for (let i = 0; i < 2; i++) {
      peer.open(head)
      const block = written(peer).subarray(9)
      expect(block.includes(Buffer.from([0x10, 0x86]))).toBe(true)
    }
  })

  it('a repeated request has one byte for each field', () => {
    const peer = new Peer()
    peer.get()
    written(peer)
    peer.get()
    expect(written(peer)).toHaveLength(9 + 4)
  })
})

describe('field blocks over SETTINGS_MAX_FRAME_SIZE (RFC 9113 §6.10)', () => {
  it.each([16_000, 16_384, 40_000, 200_000])(
    'with a field of %i bytes have END_STREAM on HEADERS and END_HEADERS on the last frame',
    (length) => {
      const peer = new Peer()
      const value = '~'.repeat(length)
      peer.open({ fields: ['x-long', value] })
      const bytes = written(peer)
      expect([bytes[4]! & 0x1, (bytes[4]! & 0x4) === 0]).toEqual([1, length > 16_300])
      const lines = new ClientReader().read(bytes)
      expect(lines).toHaveLength(Math.ceil((bytes.length - 9) / (16_384 + 9)))
      expect(lines.at(-1)).toBe(`HEADERS 1 END_STREAM :method=GET :scheme=https :authority=a.test :path=/ x-long=${value}`)
      for (const line of lines.slice(0, -2)) expect(line).toBe('CONTINUATION 1 16384')
    },
  )

  it('have a CONTINUATION only from one byte over the frame size', () => {
    const sizes = [0, 1].map((extra) => {
      const peer = new Peer()
      peer.open({ fields: ['x-long', '~'.repeat(16_000)] })
      const used = written(peer).length - 9
      const otherPeer = new Peer()
      otherPeer.open({ fields: ['x-long', '~'.repeat(16_000 + 16_384 - used + extra)] })
      return new ClientReader().read(written(otherPeer)).length
    })
    expect(sizes).toEqual([1, 2])
  })

  it('are written completely though the slab is replaced while their start is in flight', () => {
    const peer = new Peer()
    const reader = new ClientReader()
    const lines: string[] = []
    const values: string[] = []
    let kept: Uint8Array[] = []
    for (let i = 0; i < 60; i++) {
      const value = String.fromCharCode(97 + (i % 26)).repeat((i * 977) % 9_000)
      values.push(value)
      peer.open({ path: `/${i}`, fields: ['x-long', value] })
      if (i % 7 === 3) kept = [...kept, ...peer.client.takeOutput()]
    }
    kept = [...kept, ...peer.client.takeOutput()]
    for (const chunk of kept) lines.push(...reader.read(chunk))
    expect(lines.map((line) => line.split('x-long=')[1])).toEqual(values)
    expect(reader.pendingBytes).toBe(0)
  })
})

describe('content', () => {
  it('is copied up to 4 KiB, and referenced if it is longer', () => {
    const peer = new Peer()
    const smallChunk = bytesOf(4_096)
    const largeChunk = bytesOf(4_097)
    peer.client.sendData(peer.post(), smallChunk, false)
    peer.client.sendData(peer.post(), largeChunk, false)
    const chunks = peer.client.takeOutput()
    expect(chunks.includes(largeChunk)).toBe(true)
    expect(chunks.some((chunk) => chunk !== largeChunk && chunk.buffer === smallChunk.buffer && chunk.length === 4_096)).toBe(
      false,
    )
    smallChunk.fill(0)
    expect(Buffer.concat(chunks).filter((byte) => byte === 0x2e).length).toBeGreaterThanOrEqual(8_193)
  })

  it('is sent as views of a large chunk', () => {
    const peer = new Peer()
    const largeChunk = bytesOf(20_000)
    peer.client.sendData(peer.post(), largeChunk, true)
    const views = peer.client.takeOutput().filter((chunk) => chunk.buffer === largeChunk.buffer)
    expect(views.map((view) => view.length)).toEqual([16_384])
  })

  it('counts in hasOutput if it is referenced', () => {
    const peer = new Peer()
    expect(peer.client.hasOutput).toBe(false)
    expect(peer.client.takeOutput()).toEqual([])
    peer.client.sendData(peer.post(), bytesOf(5_000), true)
    expect(peer.client.hasOutput).toBe(true)
    peer.sent()
    expect(peer.client.hasOutput).toBe(false)
  })

  it('without bytes is END_STREAM on an empty DATA frame, which needs no window', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    expect(peer.client.sendData(peer.post(), undefined, true)).toBe(true)
    expect(peer.client.sendData(peer.post(), Buffer.alloc(0), true)).toBe(true)
    expect(peer.client.sendData(peer.post(), Buffer.alloc(0), false)).toBe(true)
    expect(peer.sent().filter((line) => line.startsWith('DATA'))).toEqual(['DATA 1 0 END_STREAM', 'DATA 3 0 END_STREAM'])
  })

  it('that was sent before its end is followed by an empty DATA frame', () => {
    const peer = new Peer()
    const stream = peer.post()
    peer.client.sendData(stream, bytesOf(3), false)
    peer.client.sendData(stream, undefined, true)
    expect(peer.sent().slice(1)).toEqual(['DATA 1 3', 'DATA 1 0 END_STREAM'])
  })

  it('that waits when its end is known has END_STREAM on its last frame', () => {
    const peer = new Peer({ settings: { initialWindowSize: 1 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(3), false)).toBe(false)
    expect(peer.client.sendData(stream, undefined, true)).toBe(false)
    peer.receive(windowUpdate(1, 10))
    expect(peer.sent().slice(1)).toEqual(['DATA 1 1', 'DATA 1 2 END_STREAM'])
    expect(peer.events()).toEqual(['sendable 1'])
  })

  it('is not sent after the end, or on a closed stream', () => {
    const peer = new Peer()
    const ended = peer.post()
    const closed = peer.post()
    peer.client.sendData(ended, bytesOf(1), true)
    peer.client.resetStream(closed, 8)
    peer.sent()
    for (const stream of [ended, closed]) expect(peer.client.sendData(stream, bytesOf(1), true, ['a', 'b'])).toBe(true)
    expect(peer.client.sendData(peer.get(), bytesOf(1), true)).toBe(true)
    expect(peer.sent()).toEqual([expect.stringMatching(/^HEADERS 5/)])
  })

  it('keeps the order of its chunks', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    const stream = peer.post()
    for (const text of ['abc', 'defgh', 'i']) peer.client.sendData(stream, Buffer.from(text), text === 'i')
    written(peer)
    peer.receive(windowUpdate(1, 5))
    peer.receive(windowUpdate(1, 100))
    const bytes = written(peer)
    expect(bytes.toString('latin1').replace(/[^a-i]/g, '')).toBe('abcdefghi')
  })
})

describe('trailers (RFC 9113 §8.1)', () => {
  it('follow the content, with END_STREAM, and need no window', () => {
    const peer = new Peer({ settings: { initialWindowSize: 5 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(5), true, ['x-sum', '1'])).toBe(true)
    expect(peer.sent().slice(1)).toEqual(['DATA 1 5', 'HEADERS 1 END_STREAM x-sum=1'])
  })

  it('are sent without DATA if the request has no content', () => {
    const peer = new Peer()
    peer.client.sendData(peer.post(), undefined, true, ['x-sum', '1'])
    expect(peer.sent().slice(1)).toEqual(['HEADERS 1 END_STREAM x-sum=1'])
  })

  it('wait for queued content', () => {
    const peer = new Peer({ settings: { initialWindowSize: 2 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(4), true, ['x-sum', '1'])).toBe(false)
    expect(peer.sent().slice(1)).toEqual(['DATA 1 2'])
    peer.receive(response(1, [], { endStream: true }), windowUpdate(1, 2))
    expect(peer.sent()).toEqual(['DATA 1 2', 'HEADERS 1 END_STREAM x-sum=1'])
    expect(peer.events()).toEqual(['response 1 200', 'end 1', 'closed 1'])
  })

  it('over the frame size are split into CONTINUATION frames', () => {
    const peer = new Peer()
    peer.client.sendData(peer.post(), undefined, true, ['x-long', '~'.repeat(20_000)])
    expect(peer.sent().slice(1)[0]).toMatch(/^CONTINUATION 1 /)
  })
})

describe('onSendable', () => {
  it('is called with stopped if either side resets the stream before its content has ended', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    const resetByClient = peer.post()
    peer.post()
    peer.client.sendData(resetByClient, bytesOf(1), true)
    peer.client.resetStream(resetByClient, 8)
    peer.receive(rstStream(3, 8))
    expect(peer.events()).toEqual(['stopped 1', 'closed 1', 'error 3 CANCEL peer', 'stopped 3', 'closed 3'])
  })

  it('is not called if all content was sent', () => {
    const peer = new Peer()
    const stream = peer.post()
    peer.client.sendData(stream, bytesOf(1), true)
    peer.client.resetStream(stream, 8)
    peer.client.resetStream(peer.get(), 8)
    expect(peer.events()).toEqual(['closed 1', 'closed 3'])
  })

  it('is called once for content that waits in parts, and not for content that does not wait', () => {
    const peer = new Peer({ settings: { initialWindowSize: 10 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(10), false)).toBe(true)
    peer.receive(windowUpdate(1, 10))
    expect(peer.events()).toEqual([])
    expect(peer.client.sendData(stream, bytesOf(30), false)).toBe(false)
    peer.receive(windowUpdate(1, 10))
    expect(peer.events()).toEqual([])
    peer.receive(settings({ initialWindowSize: 20 }))
    expect(peer.events()).toEqual(['sendable 1', 'settings'])
  })
})

describe('"Stream identifiers cannot be reused" (RFC 9113 §5.1.1)', () => {
  it('the last identifier is 2^31 - 1, and capacity is 0 after it (E23)', () => {
    const state = new ConnectionState(new Recorder(), LOCAL, new WindowBudget(0))
    state.nextStreamId = 0x7fff_ffff
    const sender = new Sender(state)
    expect(state.capacity).toBe(100)
    expect(sender.open({} as StreamOwner, request(), true).id).toBe(0x7fff_ffff)
    expect(state.capacity).toBe(0)
    const bytes = Buffer.concat(state.output.take())
    expect(bytes.readUInt32BE(5)).toBe(0x7fff_ffff)
    expect(new HpackDecoder().decode(bytes.subarray(9)).fields.slice(0, 2)).toEqual([':method', 'GET'])
  })
})
