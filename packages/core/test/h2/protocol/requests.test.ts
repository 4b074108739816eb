/** What a client sends: preface, requests, content, trailers (RFC 9113 §3.4, §8.1, §8.3). */

import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { ConnectionState } from '../../../src/h2/protocol/connection-state.js'
import { Sender } from '../../../src/h2/protocol/sender.js'
import type { StreamOwner } from '../../../src/h2/protocol/stream.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import { bytesOf, ClientReader, LOCAL, Peer, Recorder, request, response, rstStream, settings, windowUpdate } from './peer.js'

const written = (peer: Peer): Buffer => Buffer.concat(peer.client.takeOutput())

describe('RFC 9113 §3.4 the client connection preface', () => {
  it('"starts with a sequence of 24 octets", "MUST be followed by a SETTINGS frame", then the credit of the connection', () => {
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

  it('says nothing of a connection window that is the default', () => {
    expect(written(new Peer({ settings: false }))).toHaveLength(24 + 9 + 24)
  })

  it('requests may follow at once, within what a peer must be assumed to allow', () => {
    const peer = new Peer({ settings: false })
    written(peer)
    peer.get()
    expect(peer.sent()).toEqual(['HEADERS 1 END_STREAM :method=GET :scheme=https :authority=a.test :path=/'])
  })
})

describe('RFC 9113 §8.3 requests', () => {
  it('"All pseudo-header fields MUST appear in a field block before all regular field lines"; streams are odd and rise', () => {
    const peer = new Peer()
    for (const path of ['/a', '/b']) peer.open({ path, fields: ['accept', '*/*', 'x-y', '1', 'x-y', '2'] })
    const line = (id: number, path: string): string =>
      `HEADERS ${id} END_STREAM :method=GET :scheme=https :authority=a.test :path=${path} accept=*/* x-y=1 x-y=2`
    expect(peer.sent()).toEqual([line(1, '/a'), line(3, '/b')])
    expect(peer.client.active).toBe(2)
  })

  it('§8.5 "The :scheme and :path pseudo-header fields MUST be omitted" for CONNECT', () => {
    const peer = new Peer()
    peer.open({ method: 'CONNECT', authority: 'a.test:443' }, false)
    expect(peer.sent()).toEqual(['HEADERS 1 :method=CONNECT :authority=a.test:443'])
  })

  it('RFC 7541 §7.1.3 sensitive fields are literals never indexed, every time', () => {
    const peer = new Peer()
    const head = { fields: ['x-secret', 'abcdef'], sensitive: new Set(['x-secret']) }
    for (let i = 0; i < 2; i++) {
      peer.open(head)
      const block = written(peer).subarray(9)
      expect(block.includes(Buffer.from([0x10, 0x86]))).toBe(true)
    }
  })

  it('a repeated request costs an byte a field', () => {
    const peer = new Peer()
    peer.get()
    written(peer)
    peer.get()
    expect(written(peer)).toHaveLength(9 + 4)
  })
})

describe('RFC 9113 §6.10 field blocks over SETTINGS_MAX_FRAME_SIZE', () => {
  it.each([16_000, 16_384, 40_000, 200_000])(
    'a field of %i bytes, END_STREAM on HEADERS, END_HEADERS on the last frame',
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

  it('a block that exactly fills the frame has no CONTINUATION, one byte more has one', () => {
    const sizes = [0, 1].map((extra) => {
      const peer = new Peer()
      peer.open({ fields: ['x-long', '~'.repeat(16_000)] })
      const used = written(peer).length - 9
      const other = new Peer()
      other.open({ fields: ['x-long', '~'.repeat(16_000 + 16_384 - used + extra)] })
      return new ClientReader().read(written(other)).length
    })
    expect(sizes).toEqual([1, 2])
  })

  it('the slab is replaced in the middle of a block while its start is in flight: every byte arrives once', () => {
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
  it('over 4 KiB it is kept by reference, up to it it is copied', () => {
    const peer = new Peer()
    const small = bytesOf(4_096)
    const large = bytesOf(4_097)
    peer.client.sendData(peer.post(), small, false)
    peer.client.sendData(peer.post(), large, false)
    const chunks = peer.client.takeOutput()
    expect(chunks.includes(large)).toBe(true)
    expect(chunks.some((chunk) => chunk !== large && chunk.buffer === small.buffer && chunk.length === 4_096)).toBe(false)
    small.fill(0)
    expect(Buffer.concat(chunks).filter((byte) => byte === 0x2e).length).toBeGreaterThanOrEqual(8_193)
  })

  it('a part of a large chunk is a view of it', () => {
    const peer = new Peer()
    const large = bytesOf(20_000)
    peer.client.sendData(peer.post(), large, true)
    const views = peer.client.takeOutput().filter((chunk) => chunk.buffer === large.buffer)
    expect(views.map((view) => view.length)).toEqual([16_384])
  })

  it('pendingBytes and hasOutput count content by reference', () => {
    const peer = new Peer()
    expect(peer.client.hasOutput).toBe(false)
    expect(peer.client.takeOutput()).toEqual([])
    peer.client.sendData(peer.post(), bytesOf(5_000), true)
    expect(peer.client.hasOutput).toBe(true)
    peer.sent()
    expect(peer.client.hasOutput).toBe(false)
  })

  it('empty content: END_STREAM on an empty DATA frame, which needs no window', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    expect(peer.client.sendData(peer.post(), undefined, true)).toBe(true)
    expect(peer.client.sendData(peer.post(), Buffer.alloc(0), true)).toBe(true)
    expect(peer.client.sendData(peer.post(), Buffer.alloc(0), false)).toBe(true)
    expect(peer.sent().filter((line) => line.startsWith('DATA'))).toEqual(['DATA 1 0 END_STREAM', 'DATA 3 0 END_STREAM'])
  })

  it('an end that comes after the last content is a frame of its own', () => {
    const peer = new Peer()
    const stream = peer.post()
    peer.client.sendData(stream, bytesOf(3), false)
    peer.client.sendData(stream, undefined, true)
    expect(peer.sent().slice(1)).toEqual(['DATA 1 3', 'DATA 1 0 END_STREAM'])
  })

  it('an end that comes while content waits goes on the last frame', () => {
    const peer = new Peer({ settings: { initialWindowSize: 1 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(3), false)).toBe(false)
    expect(peer.client.sendData(stream, undefined, true)).toBe(false)
    peer.receive(windowUpdate(1, 10))
    expect(peer.sent().slice(1)).toEqual(['DATA 1 1', 'DATA 1 2 END_STREAM'])
    expect(peer.events()).toEqual(['sendable 1'])
  })

  it('after the end, or on a stream that is closed, nothing is sent', () => {
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

  it('several chunks keep their order', () => {
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

describe('RFC 9113 §8.1 trailers', () => {
  it('follow the content, with END_STREAM, and need no window', () => {
    const peer = new Peer({ settings: { initialWindowSize: 5 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(5), true, ['x-sum', '1'])).toBe(true)
    expect(peer.sent().slice(1)).toEqual(['DATA 1 5', 'HEADERS 1 END_STREAM x-sum=1'])
  })

  it('come alone where there is no content', () => {
    const peer = new Peer()
    peer.client.sendData(peer.post(), undefined, true, ['x-sum', '1'])
    expect(peer.sent().slice(1)).toEqual(['HEADERS 1 END_STREAM x-sum=1'])
  })

  it('wait for content that waits', () => {
    const peer = new Peer({ settings: { initialWindowSize: 2 } })
    const stream = peer.post()
    expect(peer.client.sendData(stream, bytesOf(4), true, ['x-sum', '1'])).toBe(false)
    expect(peer.sent().slice(1)).toEqual(['DATA 1 2'])
    peer.receive(response(1, [], { endStream: true }), windowUpdate(1, 2))
    expect(peer.sent()).toEqual(['DATA 1 2', 'HEADERS 1 END_STREAM x-sum=1'])
    expect(peer.events()).toEqual(['response 1 200', 'end 1', 'closed 1'])
  })

  it('over the frame size are cut like any block', () => {
    const peer = new Peer()
    peer.client.sendData(peer.post(), undefined, true, ['x-long', '~'.repeat(20_000)])
    expect(peer.sent().slice(1)[0]).toMatch(/^CONTINUATION 1 /)
  })
})

describe('onSendable', () => {
  it('stopped when the stream is reset by either side while content is wanted', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    const byUs = peer.post()
    peer.post()
    peer.client.sendData(byUs, bytesOf(1), true)
    peer.client.resetStream(byUs, 8)
    peer.receive(rstStream(3, 8))
    expect(peer.events()).toEqual(['stopped 1', 'closed 1', 'error 3 CANCEL peer', 'stopped 3', 'closed 3'])
  })

  it('not where all content was sent', () => {
    const peer = new Peer()
    const stream = peer.post()
    peer.client.sendData(stream, bytesOf(1), true)
    peer.client.resetStream(stream, 8)
    peer.client.resetStream(peer.get(), 8)
    expect(peer.events()).toEqual(['closed 1', 'closed 3'])
  })

  it('not for content that never had to wait, and once for content that had to wait in parts', () => {
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

describe('RFC 9113 §5.1.1 "Stream identifiers cannot be reused"', () => {
  it('E23 the last identifier is 2^31 - 1; then there is none, and nothing wraps', () => {
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
