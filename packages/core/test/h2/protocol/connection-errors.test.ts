/**
 * Malformed and misplaced frames: rows B of the matrix of hostile servers, E01, E02, G12 and G14.
 */

import {
  altsvc,
  bytesOf,
  continuation,
  data,
  goaway,
  headers,
  inserting,
  Peer,
  ping,
  priority,
  pushPromise,
  raw,
  response,
  rstStream,
  settings,
  settingsAck,
  windowUpdate,
} from './peer.js'

/** Creates a peer whose response on stream 1 has begun, during an upload. */
function afterResponse(): Peer {
  const peer = new Peer()
  peer.post()
  peer.receive(headers(1, inserting))
  peer.events()
  peer.sent()
  return peer
}

const pad = (payload: number[]): Buffer => Buffer.from(payload)

describe('a connection error has its code, one GOAWAY, and no later event', () => {
  it.each<[string, string, Buffer[]]>([
    ['"DATA frames MUST be associated with a stream" (B01, §6.1)', 'PROTOCOL_ERROR', [data(0, 'x')]],
    ['DATA padding longer than the payload (B02, §6.1)', 'PROTOCOL_ERROR', [raw(0, 0x8, 1, pad([9, 1]))]],
    ['padded DATA without a pad length (B02)', 'FRAME_SIZE_ERROR', [raw(0, 0x8, 1)]],
    ['"HEADERS frames MUST be associated with a stream" (B03, §6.2)', 'PROTOCOL_ERROR', [response(0)]],
    ['HEADERS padding longer than the payload (B04, §6.2)', 'PROTOCOL_ERROR', [raw(1, 0x8 | 0x4, 1, pad([2, 0x88]))]],
    [
      'HEADERS padding longer than the payload after the priority (B04)',
      'PROTOCOL_ERROR',
      [raw(1, 0x2c, 1, pad([2, 0, 0, 0, 0, 0, 0x88]))],
    ],
    ['another frame inside a field block (B05, §6.10)', 'PROTOCOL_ERROR', [response(1, [], { endHeaders: false }), ping()]],
    [
      'HEADERS of another stream inside a field block (B05)',
      'PROTOCOL_ERROR',
      [response(1, [], { endHeaders: false }), response(3)],
    ],
    ['HEADERS with PRIORITY of less than 5 bytes (B06, §4.2)', 'FRAME_SIZE_ERROR', [raw(1, 0x24, 1, bytesOf(4))]],
    ['padded HEADERS with PRIORITY of less than 6 bytes (B06)', 'FRAME_SIZE_ERROR', [raw(1, 0x2c, 1, bytesOf(5))]],
    ['padded HEADERS without a pad length (B06)', 'FRAME_SIZE_ERROR', [raw(1, 0xc, 1)]],
    ['PRIORITY on stream 0 (B07, §6.3)', 'PROTOCOL_ERROR', [priority(0, { dependsOn: 1 })]],
    ['PRIORITY of 4 bytes on an idle stream (B07)', 'FRAME_SIZE_ERROR', [raw(2, 0, 99, bytesOf(4))]],
    ['RST_STREAM on stream 0 (B08, §6.4)', 'PROTOCOL_ERROR', [rstStream(0, 8)]],
    ['"RST_STREAM frames MUST NOT be sent for a stream in the idle state" (B08, §6.4)', 'PROTOCOL_ERROR', [rstStream(3, 8)]],
    ['RST_STREAM with a "length other than 4 octets" (B08, §6.4)', 'FRAME_SIZE_ERROR', [raw(3, 0, 1, bytesOf(3))]],
    [
      'SETTINGS with "ACK flag set and a length field value other than 0" (B09, §6.5)',
      'FRAME_SIZE_ERROR',
      [raw(4, 1, 0, bytesOf(6))],
    ],
    ['SETTINGS on a stream (B10, §6.5)', 'PROTOCOL_ERROR', [raw(4, 0, 1)]],
    ['SETTINGS with "a length other than a multiple of 6 octets" (B11, §6.5)', 'FRAME_SIZE_ERROR', [raw(4, 0, 0, bytesOf(7))]],
    ['PUSH_PROMISE despite ENABLE_PUSH 0 (B12, §8.4)', 'PROTOCOL_ERROR', [pushPromise(1, 2, [[':method', 'GET']])]],
    ['PUSH_PROMISE with RST_STREAM (G14)', 'PROTOCOL_ERROR', [pushPromise(1, 2, []), rstStream(2, 8)]],
    ['PING on a stream (B13, §6.7)', 'PROTOCOL_ERROR', [raw(6, 0, 1, bytesOf(8))]],
    ['PING with "a length field value other than 8" (B13, §6.7)', 'FRAME_SIZE_ERROR', [ping(bytesOf(7))]],
    ['GOAWAY on a stream (B14, §6.8)', 'PROTOCOL_ERROR', [raw(7, 0, 1, bytesOf(8))]],
    ['GOAWAY of less than 8 bytes (B14)', 'FRAME_SIZE_ERROR', [raw(7, 0, 0, bytesOf(7))]],
    [
      'WINDOW_UPDATE with a "length other than 4 octets" on the connection (B15, §6.9)',
      'FRAME_SIZE_ERROR',
      [raw(8, 0, 0, bytesOf(3))],
    ],
    ['WINDOW_UPDATE of 5 bytes on a stream (B15)', 'FRAME_SIZE_ERROR', [raw(8, 0, 1, bytesOf(5))]],
    [
      '"errors on the connection flow-control window MUST be treated as a connection error" (B16, §6.9)',
      'PROTOCOL_ERROR',
      [windowUpdate(0, 0)],
    ],
    ['CONTINUATION on stream 0 (B17, §6.10)', 'PROTOCOL_ERROR', [continuation(0, [])]],
    ['CONTINUATION without HEADERS (B17)', 'PROTOCOL_ERROR', [continuation(1, [])]],
    ['CONTINUATION after END_HEADERS (B17)', 'PROTOCOL_ERROR', [headers(1, [], { endStream: true }), continuation(1, [])]],
    ['CONTINUATION after a DATA frame (B17)', 'PROTOCOL_ERROR', [data(1, 'x'), continuation(1, [])]],
    ['CONTINUATION of another stream (B17)', 'PROTOCOL_ERROR', [response(1, [], { endHeaders: false }), continuation(3, [])]],
    [
      'CONTINUATION on stream 0 inside a field block (B17)',
      'PROTOCOL_ERROR',
      [response(1, [], { endHeaders: false }), continuation(0, [])],
    ],
    [
      '"extension frames that appear in the middle of a field block" (B21, §5.5)',
      'PROTOCOL_ERROR',
      [response(1, [], { endHeaders: false }), raw(0xbb, 0, 1)],
    ],
    ['HEADERS on an idle stream (E01, §5.1)', 'PROTOCOL_ERROR', [response(3)]],
    ['DATA on an idle stream (E01, §5.1)', 'PROTOCOL_ERROR', [data(3, 'x')]],
    ['WINDOW_UPDATE on an idle stream (E01, §5.1)', 'PROTOCOL_ERROR', [windowUpdate(3, 1)]],
    ['a response on an even stream (E02, §5.1.1)', 'PROTOCOL_ERROR', [response(2)]],
    ['RST_STREAM on an even stream (E02)', 'PROTOCOL_ERROR', [rstStream(2, 8)]],
  ])('%s: %s', (_title, code, frames) => {
    const peer = afterResponse()
    expect(peer.receive(...frames)).toBe(code)
    expect(peer.sent().filter((line) => line.startsWith('GOAWAY'))).toEqual([expect.stringMatching(`^GOAWAY 0 ${code} `)])
    peer.events()
    expect(peer.receive(data(1, 'x', { endStream: true }))).toBeUndefined()
    expect(peer.receive(data(0, 'x'))).toBeUndefined()
    expect(peer.events()).toEqual([])
    expect(peer.sent()).toEqual([])
    expect(peer.client.capacity).toBe(0)
  })

  it.each([0, 1, 4, 5, 6, 7, 8, 9, 0xa, 0xbb])(
    'the header of a frame of type %i over SETTINGS_MAX_FRAME_SIZE causes FRAME_SIZE_ERROR (B18, §4.2)',
    (type) => {
      const peer = afterResponse()
      expect(peer.receive(raw(type, 0, 1, Buffer.alloc(0), 16_385))).toBe('FRAME_SIZE_ERROR')
      expect(peer.sent()).toEqual([`GOAWAY 0 FRAME_SIZE_ERROR ${peer.fault!.message}`])
    },
  )

  it('a frame over the frame size causes FRAME_SIZE_ERROR inside a field block, and over the connection window (B18)', () => {
    const peer = afterResponse()
    expect(peer.receive(response(1, [], { endHeaders: false }), raw(9, 0, 1, Buffer.alloc(0), 70_000))).toBe('FRAME_SIZE_ERROR')
    expect(afterResponse().receive(raw(0, 0, 1, Buffer.alloc(0), 70_000))).toBe('FRAME_SIZE_ERROR')
  })

  it('GOAWAY with debug data of 16 MiB causes FRAME_SIZE_ERROR (G08, §4.2)', () => {
    expect(afterResponse().receive(raw(7, 0, 0, bytesOf(8), 16_777_215))).toBe('FRAME_SIZE_ERROR')
  })
})

describe('"The server connection preface ... MUST be the first frame the server sends" (RFC 9113 §3.4)', () => {
  it.each<[string, Buffer]>([
    ['PING', ping()],
    ['an acknowledgement of SETTINGS', settingsAck()],
    ['an unknown type', raw(0xbb, 0, 0)],
    ['GOAWAY', goaway(0)],
    ['a frame over the limit', raw(0, 0, 1, Buffer.alloc(0), 16_385)],
  ])('%s as the first frame causes PROTOCOL_ERROR', (_title, frame) => {
    const peer = new Peer({ settings: false })
    expect(peer.receive(frame)).toBe('PROTOCOL_ERROR')
    expect(peer.fault!.message).toContain("the peer's first frame is not SETTINGS but")
  })

  it('the error names HTTP/1.x if an HTTP/1.x server responds', () => {
    const peer = new Peer({ settings: false })
    expect(peer.receive(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))).toBe('PROTOCOL_ERROR')
    expect(peer.fault!.message).toContain('an HTTP/1.x response')
  })

  it('a first SETTINGS over the frame size causes FRAME_SIZE_ERROR, and on a stream PROTOCOL_ERROR', () => {
    expect(new Peer({ settings: false }).receive(raw(4, 0, 0, Buffer.alloc(0), 16_386))).toBe('FRAME_SIZE_ERROR')
    expect(new Peer({ settings: false }).receive(raw(4, 0, 1))).toBe('PROTOCOL_ERROR')
  })
})

describe('frames that the client must ignore', () => {
  it.each<[string, Buffer]>([
    ['"MUST ignore and discard frames of unknown types" on the connection (B19, §5.5)', raw(0xbb, 0xff, 0, bytesOf(16_384))],
    ['a frame of unknown type on an open stream (B19)', raw(0x0b, 0, 1, bytesOf(100))],
    ['a frame of unknown type on an idle stream (B19)', raw(0x0f, 0, 99)],
    ['PING with unknown flags (B20, §4.1)', raw(6, 0xfe, 0, bytesOf(8))],
    ['SETTINGS with unknown flags (B20)', raw(4, 0xfe, 0)],
    ['WINDOW_UPDATE with its reserved bit (B20)', raw(8, 0, 0, Buffer.from('80000001', 'hex'))],
    ['PRIORITY, which is deprecated, on an open stream (B07, §5.3.2)', priority(1, { dependsOn: 1 })],
    ['PRIORITY on an idle stream (B07)', priority(99, { dependsOn: 1, exclusive: true })],
    ['an unexpected PING acknowledgement (G12, §6.7)', ping(Buffer.from('whatever'), true)],
    ['ALTSVC on stream 0 without an origin (G16, RFC 7838 §4)', altsvc(0, '', 'h2=":1"')],
    ['ALTSVC on a stream with an origin (G16)', altsvc(1, 'https://b.test', 'h2=":1"')],
    ['malformed ALTSVC, shorter than its origin (G16)', raw(0xa, 0, 0, Buffer.from([0, 9, 1]))],
    ['malformed ALTSVC of one byte (G16)', raw(0xa, 0, 0, Buffer.from([0]))],
    ['ORIGIN on a stream (RFC 8336 §2.1)', raw(0xc, 0, 1, Buffer.from([0, 1, 0x61]))],
    ['ORIGIN with a low flag set (RFC 8336 §2.1)', raw(0xc, 1, 0, Buffer.from([0, 1, 0x61]))],
  ])('%s', (_title, frame) => {
    const peer = afterResponse()
    expect(peer.receive(frame)).toBeUndefined()
    const events = peer.events().filter((line) => !line.startsWith('pong') && line !== 'settings')
    expect(events).toEqual([])
    peer.proveAlive()
  })

  it('HEADERS with every unknown flag is read (B20)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(raw(1, 0x4 | 0x1 | 0xd2, 1, inserting))
    expect(peer.events()).toEqual(['response 1 200 in=step', 'end 1', 'closed 1'])
  })
})

describe('a frame that causes a stream error', () => {
  it.each<[string, string, Buffer]>([
    [
      'PRIORITY: "a length other than 5 octets MUST be treated as a stream error" (B07, §6.3)',
      'FRAME_SIZE_ERROR',
      raw(2, 0, 1, bytesOf(6)),
    ],
    ['WINDOW_UPDATE: "an increment of 0 as a stream error" (B16, §6.9)', 'PROTOCOL_ERROR', windowUpdate(1, 0)],
    ['a stream window over 2^31 - 1 (F01, §6.9.1)', 'FLOW_CONTROL_ERROR', windowUpdate(1, 0x7fff_ffff)],
  ])('%s: %s', (_title, code, frame) => {
    const peer = afterResponse()
    expect(peer.receive(frame)).toBeUndefined()
    expect(peer.events()).toEqual([`error 1 ${code} local`, 'stopped 1', 'closed 1'])
    expect(peer.sent()).toEqual([`RST_STREAM 1 ${code}`])
    peer.proveAlive()
  })
})

describe('frames of the connection', () => {
  it('"a PING frame ... MUST be sent with the ACK flag set in response, with an identical frame payload" (§6.7)', () => {
    const peer = new Peer()
    peer.receive(ping(Buffer.from('01020304', 'latin1')))
    expect(peer.sent()).toEqual([`PING ACK ${Buffer.from('01020304').toString('hex')}`])
  })

  it('the acknowledgement of a PING is passed to the listener', () => {
    const peer = new Peer()
    peer.client.ping(Buffer.from('abcdefgh'))
    expect(peer.client.hasOutput).toBe(true)
    expect(peer.sent()).toEqual(['PING 6162636465666768'])
    expect(peer.client.hasOutput).toBe(false)
    peer.receive(ping(Buffer.from('abcdefgh'), true))
    expect(peer.events()).toEqual(['pong 6162636465666768'])
  })

  it('ORIGIN passes on each complete entry (RFC 8336)', () => {
    const peer = new Peer()
    const entries = Buffer.concat([Buffer.from([0, 1, 0x61, 0, 2, 0x62, 0x63]), Buffer.from([0, 9, 0x64])])
    peer.receive(raw(0xc, 0, 0, entries), raw(0xc, 0xf0, 0, Buffer.from([0])))
    expect(peer.events()).toEqual(['origin a bc', 'origin'])
  })

  it('ALTSVC is passed on with an origin on stream 0, and without one on a stream (G16, RFC 7838)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(altsvc(0, 'https://a.test', 'h2=":8443"'), altsvc(1, '', 'clear'))
    expect(peer.events()).toEqual(['altsvc 0 https://a.test|h2=":8443"', 'altsvc 1 |clear'])
  })

  it('atFrameBoundary is false inside a frame (B24)', () => {
    const peer = new Peer()
    expect(peer.client.atFrameBoundary).toBe(true)
    peer.receive(ping().subarray(0, 3))
    expect(peer.client.atFrameBoundary).toBe(false)
  })

  it('a malformed frame after GOAWAY of the client causes a connection error (B25)', () => {
    const peer = afterResponse()
    peer.client.goaway(0, 'bye')
    peer.client.goaway(0, 'twice says nothing more')
    expect(peer.client.capacity).toBe(0)
    expect(peer.receive(settings({ enablePush: 1 }))).toBe('PROTOCOL_ERROR')
    expect(peer.sent()).toEqual(['GOAWAY 0 NO_ERROR bye', expect.stringMatching(/^GOAWAY 0 PROTOCOL_ERROR /)])
  })

  it('an error thrown by the listener causes INTERNAL_ERROR with a printable reason', () => {
    const peer = new Peer()
    peer.recorder.during = () => {
      throw new TypeError('oh\nno')
    }
    expect(peer.receive(settings())).toBe('INTERNAL_ERROR')
    expect(peer.sent().at(-1)).toBe('GOAWAY 0 INTERNAL_ERROR TypeError: oh?no')
  })
})
