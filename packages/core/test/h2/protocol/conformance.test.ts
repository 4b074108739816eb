/**
 * Requirements of RFC 9113 without another test. docs/contributing/conformance.md lists all
 * requirements with their tests.
 */

import {
  altsvc,
  bytesOf,
  continuation,
  data,
  fieldBlock,
  goaway,
  headers,
  indexed,
  inserting,
  Peer,
  ping,
  pushPromise,
  raw,
  response,
  rstStream,
  settings,
  type TestStream,
  windowUpdate,
} from './peer.js'

/** The header of a frame on the wire, reserved bit included. */
interface RawFrame {
  readonly type: number
  readonly flags: number
  readonly reserved: number
  readonly streamId: number
  readonly length: number
}

const written = (peer: Peer): Buffer => Buffer.concat(peer.client.takeOutput())

function framesOf(bytes: Buffer): RawFrame[] {
  const frames: RawFrame[] = []
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    const id = bytes.readUInt32BE(at + 5)
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      reserved: id >>> 31,
      streamId: id & 0x7fff_ffff,
      length: bytes.readUIntBE(at, 3),
    })
  }
  return frames
}

/** Makes the engine send every type of frame that it can send. */
function sendEveryType(): RawFrame[] {
  const peer = new Peer({ settings: false })
  const preface = written(peer).subarray(24)
  peer.receive(settings({ maxConcurrentStreams: 100 }))
  peer.client.sendData(peer.post(), bytesOf(30_000), false)
  peer.client.sendData(peer.post(), bytesOf(10), true, ['x-long', '~'.repeat(40_000)])
  peer.client.sendData(peer.post(), undefined, true)
  const reader = peer.get()
  peer.receive(ping(), response(reader.id), ...[1, 2, 3].map(() => data(reader.id, bytesOf(16_384))))
  peer.client.consumed(reader, 3 * 16_384)
  peer.client.ping(Buffer.alloc(8))
  peer.client.resetStream(peer.get(), 8)
  peer.receive(windowUpdate(1, 0))
  peer.client.goaway(0, 'bye')
  peer.receive(data(0, 'x'))
  return framesOf(Buffer.concat([preface, written(peer)]))
}

const status = (code: string): [string, string] => [':status', code]

describe('sent frames', () => {
  const frames = sendEveryType()

  it('"PUSH_PROMISE frames MUST NOT be sent by the client", nor PRIORITY, nor extension types (§8.4.1)', () => {
    expect([...new Set(frames.map(({ type }) => type))].sort((a, b) => a - b)).toEqual([0, 1, 3, 4, 6, 7, 8, 9])
  })

  it('"Unused flags MUST be ignored on receipt and MUST be left unset (0x00) when sending"; no frame is padded (§4.1, §6.1)', () => {
    const allowed: Record<number, number> = { 0: 0x1, 1: 0x5, 3: 0, 4: 0x1, 6: 0x1, 7: 0, 8: 0, 9: 0x4 }
    for (const { type, flags } of frames) expect([type, flags & ~allowed[type]!]).toEqual([type, 0])
  })

  it('"the bit MUST remain unset (0x00) when sending and MUST be ignored when receiving" (§4.1)', () => {
    expect(frames.filter(({ reserved }) => reserved !== 0)).toEqual([])
  })

  it('"The stream identifier for a SETTINGS frame MUST be zero (0x00)", "the frame payload of the SETTINGS frame MUST be empty" with ACK (§6.5)', () => {
    const sent = frames.filter(({ type }) => type === 4)
    expect(sent.map(({ flags, streamId, length }) => [flags, streamId, length])).toEqual([
      [0, 0, 24],
      [1, 0, 0],
    ])
  })

  it('"DATA frames MUST be associated with a stream", and so are HEADERS, RST_STREAM and CONTINUATION; PING and GOAWAY are not (§6.1)', () => {
    for (const { type, streamId } of frames) {
      if ([0, 1, 3, 9].includes(type)) expect(streamId % 2).toBe(1)
      if (type === 6 || type === 7) expect(streamId).toBe(0)
    }
  })

  it('"PING frames MUST contain 8 octets of opaque data in the frame payload" (§6.7)', () => {
    const pings = frames.filter(({ type }) => type === 6)
    expect(pings.length).toBeGreaterThan(1)
    for (const { length } of pings) expect(length).toBe(8)
  })
})

describe('the preface', () => {
  it('"The SETTINGS frames received from a peer as part of the connection preface MUST be acknowledged ... after sending the connection preface" (§3.4)', () => {
    const peer = new Peer({ settings: false })
    peer.receive(settings())
    const bytes = written(peer)
    expect(bytes.toString('latin1', 0, 24)).toBe('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    expect(peer.reader.read(bytes.subarray(24))).toEqual([expect.stringMatching(/^SETTINGS \{/), 'SETTINGS ACK'])
  })

  it('"the recipient MUST immediately emit a SETTINGS frame with the ACK flag set", before DATA that the new values allow (§6.5.3)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 0 } })
    peer.client.sendData(peer.post(), bytesOf(5), true)
    peer.sent()
    peer.receive(settings({ initialWindowSize: 5 }), ping())
    expect(peer.sent()).toEqual(['SETTINGS ACK', 'DATA 1 5 END_STREAM', 'PING ACK 0000000000000000'])
  })
})

describe('frame sizes', () => {
  const largestSizes = (peer: Peer): number[] => {
    const { id } = peer.post('/other')
    peer.client.sendData(peer.opened.at(-1)!, bytesOf(50_000), false)
    peer.open({ fields: ['x-long', '~'.repeat(50_000)] })
    const frames = framesOf(written(peer))
    peer.receive(windowUpdate(0, 50_000), rstStream(id, 8))
    const of = (types: readonly number[]): number =>
      Math.max(...frames.filter(({ type }) => types.includes(type)).map(({ length }) => length))
    return [of([0]), of([1, 9])]
  }

  it('"Values greater than 2^14 (16,384) MUST NOT be sent unless the receiver has set a larger value", in content and field blocks (§4.1)', () => {
    const peer = new Peer()
    expect(largestSizes(peer)).toEqual([16_384, 16_384])
    peer.receive(settings({ maxFrameSize: 20_000 }))
    expect(largestSizes(peer)).toEqual([20_000, 20_000])
    peer.receive(settings({ maxFrameSize: 16_384 }))
    expect(largestSizes(peer)).toEqual([16_384, 16_384])
  })

  const long = Buffer.concat([inserting, fieldBlock([['a', '.'.repeat(16_384 - inserting.length - 6)]])])
  it.each<[string, Buffer[], string[]]>([
    ['DATA', [response(1), data(1, bytesOf(16_384))], ['response 1 200', `data 1 ${'.'.repeat(16_384)}`]],
    [
      'DATA with padding',
      [response(1), data(1, bytesOf(16_383 - 255), { padding: 255 })],
      ['response 1 200', expect.any(String)],
    ],
    ['HEADERS', [headers(1, long)], [expect.stringMatching(/^response 1 200 in=step a=\.+$/)]],
    [
      'CONTINUATION',
      [headers(1, Buffer.alloc(0), { endHeaders: false }), continuation(1, long)],
      [expect.stringMatching(/^response 1 200 in=step a=/)],
    ],
    ['GOAWAY', [goaway(0x7fff_ffff, 0, bytesOf(16_376))], [expect.stringMatching(/^goaway 2147483647 NO_ERROR \.+$/)]],
    ['ALTSVC', [altsvc(1, '', 'x'.repeat(16_382))], [expect.stringMatching(/^altsvc 1 \|x+$/)]],
    ['an unknown type', [raw(0xbb, 0, 1, bytesOf(16_384))], []],
  ])(
    '"MUST be capable of receiving and minimally processing frames up to 2^14 octets in length": %s (§4.2)',
    (_type, frames, expected) => {
      const peer = new Peer()
      if (!frames.some((frame) => frame.includes(inserting))) peer.exchange()
      const { id } = peer.get()
      const renamed = frames.map((frame) => {
        if (frame.readUInt32BE(5) === 1) frame.writeUInt32BE(id, 5)
        return frame
      })
      expect(Math.max(...frames.map((frame) => frame.length))).toBe(9 + 16_384)
      expect(peer.receive(...renamed)).toBeUndefined()
      expect(peer.events().map((line) => line.replace(` ${id} `, ' 1 '))).toEqual(expected)
      peer.proveAlive()
    },
  )
})

describe('field blocks', () => {
  it('"Field blocks MUST be transmitted as a contiguous sequence of frames, with no interleaved frames of any other type or from any other stream" (§4.3)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 10 } })
    const fields = ['x-long', '~'.repeat(40_000)]
    peer.client.sendData(peer.post(), bytesOf(40_000), true, fields)
    // Events of content open requests, and frames of the peer are acknowledged.
    peer.recorder.during = (line) => {
      if (line.startsWith('sendable') || line === 'settings') peer.open({ fields })
    }
    peer.client.sendData(peer.post(), bytesOf(11), true, fields)
    peer.receive(ping(), windowUpdate(3, 1), ping(), settings({ initialWindowSize: 60_000 }), ping())
    peer.open({ fields })
    const frames = framesOf(written(peer))
    expect(frames.filter(({ type }) => type === 1)).toHaveLength(8)
    let block = 0
    for (const { type, flags, streamId } of frames) {
      // RFC 9113 §6.2, §6.10: CONTINUATION of the stream whose block is open, and no other frame.
      expect([type === 9, type === 9 ? streamId : block]).toEqual([block !== 0, block])
      if (type === 1 || type === 9) block = (flags & 0x4) === 0 ? streamId : 0
    }
    expect(block).toBe(0)
  })

  const malformedBlock = Buffer.from('80', 'hex')
  it.each<[string, (peer: Peer, stream: TestStream) => Buffer[]]>([
    ['a response', (_peer, { id }) => [headers(id, malformedBlock)]],
    ['an interim response', (_peer, { id }) => [headers(id, [status('103')]), headers(id, malformedBlock)]],
    ['trailers', (_peer, { id }) => [response(id), headers(id, malformedBlock, { endStream: true })]],
    ['padded HEADERS', (_peer, { id }) => [headers(id, malformedBlock, { padding: 9 })]],
    [
      'CONTINUATION',
      (_peer, { id }) => [headers(id, Buffer.from([0x88]), { endHeaders: false }), continuation(id, malformedBlock)],
    ],
    ['a block that END_HEADERS truncates', (_peer, { id }) => [headers(id, inserting.subarray(0, -1))]],
    [
      'a stream whose response is complete',
      (_peer, { id }) => [response(id, [], { endStream: true }), headers(id, malformedBlock)],
    ],
    [
      'a stream that the client reset',
      (peer, stream) => {
        peer.client.resetStream(stream, 8)
        return [headers(stream.id, malformedBlock)]
      },
    ],
    ['a stream that GOAWAY refused', (_peer, { id }) => [goaway(0), headers(id, malformedBlock)]],
  ])(
    '"A decoding error in a field block MUST be treated as a connection error of type COMPRESSION_ERROR": %s (§4.3)',
    (_where, frames) => {
      const peer = new Peer()
      expect(peer.receive(...frames(peer, peer.post()))).toBe('COMPRESSION_ERROR')
    },
  )

  it.each(['request', 'trailers'])(
    'after a reduction is acknowledged "its HPACK encoder MUST start the next field block with a Dynamic Table Size Update": %s (§4.3.1)',
    (next) => {
      const peer = new Peer()
      const upload = peer.post()
      peer.open({ fields: ['x-a', '1', 'x-b', '2', 'x-c', '3'] })
      written(peer)
      peer.receive(settings({ headerTableSize: 100 }))
      if (next === 'request') peer.get()
      else peer.client.sendData(upload, undefined, true, ['x-sum', '1'])
      const bytes = written(peer)
      const [ack] = framesOf(bytes)
      expect([ack?.type, ack?.flags]).toEqual([4, 1])
      // 0x3f 0x45: 31 + 69 with a prefix of five bits.
      expect(bytes.toString('hex', 9 + 9, 9 + 9 + 2)).toBe('3f45')
      peer.get()
      expect(written(peer)[9]! & 0xe0).not.toBe(0x20)
    },
  )
})

describe('closed streams', () => {
  const closings: [string, (peer: Peer, stream: TestStream) => void][] = [
    [
      'END_STREAM both ways',
      (peer, stream) => {
        peer.client.sendData(stream, undefined, true)
        peer.receive(response(stream.id, [], { endStream: true }))
      },
    ],
    ['RST_STREAM of the client', (peer, stream) => peer.client.resetStream(stream, 8)],
    ['RST_STREAM of the peer', (peer, stream) => void peer.receive(rstStream(stream.id, 8))],
    ['GOAWAY', (peer) => void peer.receive(goaway(0))],
    ['a malformed response', (peer, stream) => void peer.receive(headers(stream.id, [['a', 'b']]))],
  ]
  it.each(closings)(
    '"An endpoint MUST NOT send frames other than PRIORITY on a closed stream", closed by %s (§5.1)',
    (how, close) => {
      const peer = new Peer({ settings: { initialWindowSize: 100_000 } })
      const stream = peer.post()
      // The stream window is open and the connection window closed, so unsent content waits.
      peer.client.sendData(peer.post(), bytesOf(65_535), false)
      if (how !== 'END_STREAM both ways') peer.client.sendData(stream, bytesOf(40), true, ['x-sum', '1'])
      close(peer, stream)
      peer.sent()
      peer.receive(windowUpdate(1, 100), windowUpdate(1, 0), windowUpdate(0, 100), settings({ initialWindowSize: 200_000 }))
      peer.client.consumed(stream, 60_000)
      peer.client.sendData(stream, bytesOf(10), true, ['x-sum', '1'])
      peer.client.resetStream(stream, 8)
      peer.client.resume()
      expect(peer.sent()).toEqual(['SETTINGS ACK'])
    },
  )

  it('"After receiving a RST_STREAM on a stream, the receiver MUST NOT send additional frames for that stream", queued content included (§6.4)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 10 } })
    const stream = peer.post()
    peer.client.sendData(stream, bytesOf(100), true)
    peer.sent()
    peer.receive(response(1), rstStream(1, 0), windowUpdate(1, 1_000))
    peer.client.consumed(stream, 60_000)
    peer.client.resetStream(stream, 8)
    expect(peer.sent()).toEqual([])
  })

  it.each([
    ['open', (peer: Peer) => peer.post()],
    ['half-closed (local)', (peer: Peer) => peer.get()],
    ['closed', (peer: Peer) => peer.exchange()],
  ])(
    '"an endpoint MUST NOT send a RST_STREAM in response to a RST_STREAM frame": a stream that is %s (§5.4.2)',
    (_state, open) => {
      const peer = new Peer({ settings: { maxConcurrentStreams: 10 } })
      const { id } = open(peer)
      peer.sent()
      peer.receive(rstStream(id, 8), rstStream(id, 8))
      expect(peer.sent()).toEqual([])
    },
  )

  it('"RST_STREAM frames MUST NOT be sent for a stream in the "idle" state": a request that is reset at once is sent before it (§6.4)', () => {
    const peer = new Peer()
    peer.client.resetStream(peer.get(), 8)
    expect(peer.sent().slice(0, 2)).toEqual([expect.stringMatching(/^HEADERS 1 END_STREAM/), 'RST_STREAM 1 CANCEL'])
  })
})

describe('"If a frame causes a connection error, that error MUST be reported", even if it is a stream error too (§5.4)', () => {
  it.each([
    ['a malformed field block after the response', 'COMPRESSION_ERROR', headers(1, Buffer.from('80', 'hex'))],
    ['padding longer than the payload after the response', 'PROTOCOL_ERROR', raw(0, 8, 1, Buffer.from([9, 1]))],
    [
      'padding longer than the payload, over the stream window',
      'PROTOCOL_ERROR',
      raw(0, 8, 1, Buffer.concat([Buffer.from([255]), bytesOf(200)])),
    ],
  ])('%s: %s', (title, code, frame) => {
    const peer = new Peer({ local: title.includes('window') ? { initialWindowBytes: 100 } : {} })
    peer.post()
    peer.receive(response(1, [], { endStream: !title.includes('window') }))
    peer.sent()
    expect(peer.receive(frame)).toBe(code)
    expect(peer.sent().at(-1)).toMatch(`GOAWAY 0 ${code}`)
  })
})

describe('"MUST treat the receipt of a PUSH_PROMISE frame as a connection error of type PROTOCOL_ERROR" (§6.6): a PUSH_PROMISE', () => {
  const promised: [string, string][] = [[':method', 'GET']]
  it.each<[string, Buffer]>([
    ['that is well-formed', pushPromise(1, 2, promised)],
    ['on stream 0', pushPromise(0, 2, promised)],
    ['on an idle stream', pushPromise(9, 2, promised)],
    ['on a closed stream', pushPromise(3, 2, promised)],
    ['on a stream that the client reset', pushPromise(5, 2, promised)],
    ['of an odd stream', pushPromise(1, 7, promised)],
    ['of stream 0', pushPromise(1, 0, promised)],
    ['with padding longer than the payload', raw(5, 0xc, 1, Buffer.from([9, 0, 0, 0, 2]))],
    ['without END_HEADERS before another frame', Buffer.concat([pushPromise(1, 2, promised, { endHeaders: false }), ping()])],
  ])('%s', (_title, frame) => {
    const peer = new Peer()
    const [, completed, reset] = [peer.get(), peer.get(), peer.get()]
    peer.receive(response(completed!.id, [], { endStream: true }))
    peer.client.resetStream(reset!, 8)
    expect(peer.receive(frame)).toBe('PROTOCOL_ERROR')
  })
})

describe('PING and GOAWAY', () => {
  it('"An endpoint MUST NOT respond to PING frames containing this flag", "MUST set this flag in PING responses" (§6.7)', () => {
    const peer = new Peer()
    peer.client.ping(Buffer.from('abcdefgh'))
    peer.sent()
    peer.receive(ping(Buffer.from('abcdefgh'), true), ping(Buffer.from('whatever'), true))
    expect(peer.sent()).toEqual([])
    peer.receive(ping(Buffer.from('abcdefgh')))
    expect(peer.sent()).toEqual(['PING ACK 6162636465666768'])
  })

  it('"Receivers of a GOAWAY frame MUST NOT open additional streams on the connection", whatever frames follow (§6.8)', () => {
    const peer = new Peer({ settings: { maxConcurrentStreams: 2 } })
    const first = peer.get()
    const second = peer.get()
    peer.receive(goaway(3), response(first.id, [], { endStream: true }), settings({ maxConcurrentStreams: 100 }))
    expect(peer.client.capacity).toBe(0)
    peer.client.resetStream(second, 8)
    peer.receive(ping(Buffer.from('resetack'), true), goaway(1))
    expect(peer.client.capacity).toBe(0)
  })

  it('"Endpoints MUST NOT increase the value they send in the last stream identifier": the client always sends 0 (§6.8)', () => {
    const peer = new Peer()
    peer.client.goaway(0, '')
    peer.receive(data(0, 'x'))
    expect(peer.sent().map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'GOAWAY 0 NO_ERROR',
      'GOAWAY 0 PROTOCOL_ERROR',
    ])
  })

  it('"Unknown or unsupported error codes MUST NOT trigger any special behavior": events are those of INTERNAL_ERROR (§7)', () => {
    const eventsOf = (code: number): string[] => {
      const peer = new Peer()
      for (let i = 0; i < 3; i++) peer.get()
      peer.receive(rstStream(1, code), goaway(3, code), response(3, [], { endStream: true }))
      return peer.events().map((line) => line.replace(/INTERNAL_ERROR|0xbadbad/, 'code'))
    }
    expect(eventsOf(0xbad_bad)).toEqual(eventsOf(2))
    expect(eventsOf(0xbad_bad)).toContain('end 3')
  })
})

describe('flow control', () => {
  it('"Frames that are exempt from flow control MUST be accepted and processed" with both windows used up (§6.9)', () => {
    const peer = new Peer({ local: { initialWindowBytes: 100, connectionWindowBytes: 200 } })
    const [first, second] = [peer.get(), peer.get()]
    peer.receive(response(first.id), data(first.id, bytesOf(99)))
    peer.receive(response(second.id), data(second.id, '.'), data(first.id, 'x'))
    peer.events()
    expect(
      peer.receive(ping(), settings(), windowUpdate(0, 1), headers(first.id, [['x-sum', '1']], { endStream: true })),
    ).toBeUndefined()
    expect(peer.receive(data(second.id, '', { endStream: true }))).toBeUndefined()
    expect(peer.events()).toEqual(['settings', 'end 1 trailers x-sum=1', 'closed 1', 'end 3', 'closed 3'])
  })

  it('WINDOW_UPDATE on a half-closed (remote) or closed stream: "A receiver MUST NOT treat this as an error" (§6.9)', () => {
    const peer = new Peer()
    peer.post()
    peer.receive(response(1, [], { endStream: true }))
    peer.exchange()
    peer.events()
    expect(peer.receive(windowUpdate(1, 5), windowUpdate(3, 5))).toBeUndefined()
    expect([peer.events(), peer.sent()]).toEqual([[], []])
    expect(peer.opened[0]!.sendWindow).toBe(65_540)
  })

  const halfWindow = (id: number): Buffer[] => [data(id, bytesOf(16_384)), data(id, bytesOf(16_384))]
  it.each<[string, (peer: Peer) => Buffer[]]>([
    ['DATA before the response', () => halfWindow(1)],
    ['content over content-length', () => [response(1, [['content-length', '1']]), ...halfWindow(1)]],
    ['content of a 204', () => [headers(1, [status('204')]), ...halfWindow(1)]],
    ['after the end of the response', () => [response(1, [], { endStream: true }), ...halfWindow(1)]],
    ['over the stream window', () => [response(1), ...halfWindow(1)]],
    [
      'after RST_STREAM of the client',
      (peer) => {
        peer.client.resetStream(peer.opened[0]!, 8)
        return halfWindow(1)
      },
    ],
    ['after GOAWAY refused the stream', () => [goaway(0), ...halfWindow(1)]],
    ['padding', () => [response(1), ...Array.from({ length: 128 }, () => data(1, '', { padding: 255 }))]],
  ])('"MUST always account for its contribution against the connection flow-control window": %s (§6.9)', (title, frames) => {
    const peer = new Peer({ local: { initialWindowBytes: title.startsWith('over') ? 100 : 65_535 } })
    peer.post()
    expect(peer.receive(...frames(peer))).toBeUndefined()
    expect(peer.sent().filter((line) => line.startsWith('WINDOW_UPDATE 0'))).toEqual(['WINDOW_UPDATE 0 32768'])
  })

  it('"A sender MUST NOT allow a flow-control window to exceed 2^31-1 octets": granted credit stays below it too (§6.9.1)', () => {
    const local = { initialWindowBytes: 0x7fff_ffff, connectionWindowBytes: 0x7fff_ffff }
    const granted = written(new Peer({ settings: false, local }))
    expect(granted.readUInt32BE(granted.length - 4)).toBe(0x7fff_ffff - 65_535)
  })

  it('"a receiver MUST adjust the size of all stream flow-control windows that it maintains by the difference", later streams included (§6.9.2)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 1_000 } })
    const streams = [100, 1_000, 0].map((used) => {
      const stream = peer.post()
      peer.client.sendData(stream, bytesOf(used), false)
      return stream
    })
    peer.receive(windowUpdate(5, 7), settings({ initialWindowSize: 600 }))
    expect(streams.map(({ sendWindow }) => sendWindow)).toEqual([500, -400, 607])
    expect(peer.post().sendWindow).toBe(600)
    peer.receive(settings({ initialWindowSize: 601 }))
    expect(peer.opened.map(({ sendWindow }) => sendWindow)).toEqual([501, -399, 608, 601])
  })
})

describe('"Implementations MUST perform the following minimal validation of field names and values" (§8.2.1)', () => {
  const judge = (name: string, value: string): boolean => {
    const peer = new Peer()
    peer.get()
    peer.receive(headers(1, [status('200'), [name, value]]))
    const [first] = peer.events()
    if (first!.startsWith('response')) return true
    expect(first).toBe('error 1 PROTOCOL_ERROR local')
    return false
  }
  const characters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
  const refusedOf = (test: (character: string) => boolean): number[] =>
    characters.filter((character) => !test(character)).map((character) => character.charCodeAt(0))
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

  it.each([
    ['first', (character: string) => `${character}ab`],
    ['in the middle', (character: string) => `a${character}b`],
    ['last', (character: string) => `ab${character}`],
  ])(
    '"A field name MUST NOT contain characters in the ranges 0x00-0x20, 0x41-0x5a, or 0x7f-0xff", "field names MUST NOT include a colon": %s',
    (_place, name) => {
      const refused = refusedOf((character) => judge(name(character), 'v'))
      expect(refused).toEqual(expect.arrayContaining([...range(0x00, 0x20), 0x3a, ...range(0x41, 0x5a), ...range(0x7f, 0xff)]))
      // RFC 9110 §5.1: delimiters are not allowed in a token either.
      const delimiters = [...'"(),/:;<=>?@[\\]{}'].map((character) => character.charCodeAt(0))
      expect(refused.filter((code) => code > 0x20 && code < 0x7f && (code < 0x41 || code > 0x5a))).toEqual(
        delimiters.sort((a, b) => a - b),
      )
    },
  )

  it.each([
    ['first', (character: string) => `${character}b`],
    ['in the middle', (character: string) => `a${character}b`],
    ['last', (character: string) => `a${character}`],
  ])(
    '"A field value MUST NOT contain the zero value (ASCII NUL, 0x00), line feed (ASCII LF, 0x0a), or carriage return (ASCII CR, 0x0d) at any position": %s',
    (place, value) => {
      const refused = refusedOf((character) => judge('a', value(character)))
      expect(refused).toEqual(expect.arrayContaining([0x00, 0x0a, 0x0d]))
      // "A field value MUST NOT start or end with an ASCII whitespace character". RFC 9110 §5.5
      // excludes the control characters.
      for (const space of [0x09, 0x20]) expect(refused.includes(space)).toBe(place !== 'in the middle')
      expect(refused.filter((code) => code >= 0x21 && code !== 0x7f)).toEqual([])
    },
  )
})

describe('pseudo-fields of responses', () => {
  it.each([':method', ':scheme', ':authority', ':path', ':protocol'])(
    '"Pseudo-header fields defined for requests MUST NOT appear in responses", in interim responses or in trailers: %s (§8.3)',
    (name) => {
      for (const [precedingFrames, block] of [
        [[], [status('200'), [name, '/']]],
        [[], [status('103'), [name, '/']]],
        [[headers(1, [status('103')])], [[name, '/'], status('200')]],
        [[response(1), data(1, 'x')], [[name, '/']]],
      ] as [Buffer[], [string, string][]][]) {
        const peer = new Peer()
        peer.get()
        peer.receive(...precedingFrames, headers(1, block, { endStream: precedingFrames.length === 2 }))
        expect(peer.events().slice(-2)).toEqual(['error 1 PROTOCOL_ERROR local', 'closed 1'])
      }
    },
  )

  it(':status "MUST be included in all responses, including interim responses": a response without it after 103 is malformed (§8.3.2)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(headers(1, [status('103')]), headers(1, [['a', 'b']]))
    expect(peer.events()).toEqual(['informational 1 103', 'error 1 PROTOCOL_ERROR local', 'closed 1'])
  })
})

it('a field section over the limit: "The field block MUST be processed to ensure a consistent connection state" (§10.5.1)', () => {
  const peer = new Peer({ local: { maxFieldSectionBytes: 100 } })
  peer.get()
  peer.receive(headers(1, Buffer.concat([inserting, Buffer.from('00016164', 'hex'), bytesOf(100)]), { endStream: true }))
  expect(peer.events()).toEqual(['error 1 ENHANCE_YOUR_CALM local', 'closed 1'])
  peer.get()
  peer.receive(headers(3, indexed, { endStream: true }))
  expect(peer.events()[0]).toBe('response 3 200 in=step')
})
