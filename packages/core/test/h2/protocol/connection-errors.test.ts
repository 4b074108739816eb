/** Frames that are wrong in themselves or in their place: rows B of the matrix of hostile servers, E01, E02, G12, G14. */

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

/** One request is open on stream 1, its response has begun, when the frame comes. */
function afterResponse(): Peer {
  const peer = new Peer()
  peer.post()
  peer.receive(headers(1, inserting))
  peer.events()
  peer.sent()
  return peer
}

const pad = (payload: number[]): Buffer => Buffer.from(payload)

describe('a connection error: the code, GOAWAY once, and nothing more is heard', () => {
  it.each<[string, string, Buffer[]]>([
    ['B01 §6.1 "DATA frames MUST be associated with a stream"', 'PROTOCOL_ERROR', [data(0, 'x')]],
    ['B02 §6.1 DATA padding over the payload', 'PROTOCOL_ERROR', [raw(0, 0x8, 1, pad([9, 1]))]],
    ['B02 DATA padded without room for the pad length', 'FRAME_SIZE_ERROR', [raw(0, 0x8, 1)]],
    ['B03 §6.2 "HEADERS frames MUST be associated with a stream"', 'PROTOCOL_ERROR', [response(0)]],
    ['B04 §6.2 HEADERS padding over the payload', 'PROTOCOL_ERROR', [raw(1, 0x8 | 0x4, 1, pad([2, 0x88]))]],
    ['B04 HEADERS padding over what the priority leaves', 'PROTOCOL_ERROR', [raw(1, 0x2c, 1, pad([2, 0, 0, 0, 0, 0, 0x88]))]],
    ['B05 §6.10 another frame inside a field block', 'PROTOCOL_ERROR', [response(1, [], { endHeaders: false }), ping()]],
    ['B05 HEADERS of another stream inside it', 'PROTOCOL_ERROR', [response(1, [], { endHeaders: false }), response(3)]],
    ['B06 §4.2 HEADERS with PRIORITY under 5 bytes', 'FRAME_SIZE_ERROR', [raw(1, 0x24, 1, bytesOf(4))]],
    ['B06 and with padding under 6', 'FRAME_SIZE_ERROR', [raw(1, 0x2c, 1, bytesOf(5))]],
    ['B06 padded HEADERS without a pad length', 'FRAME_SIZE_ERROR', [raw(1, 0xc, 1)]],
    ['B07 §6.3 PRIORITY on stream 0', 'PROTOCOL_ERROR', [priority(0, { dependsOn: 1 })]],
    ['B07 PRIORITY of 4 bytes where no stream is open', 'FRAME_SIZE_ERROR', [raw(2, 0, 99, bytesOf(4))]],
    ['B08 §6.4 RST_STREAM on stream 0', 'PROTOCOL_ERROR', [rstStream(0, 8)]],
    ['B08 §6.4 "RST_STREAM frames MUST NOT be sent for a stream in the idle state"', 'PROTOCOL_ERROR', [rstStream(3, 8)]],
    ['B08 §6.4 "length other than 4 octets"', 'FRAME_SIZE_ERROR', [raw(3, 0, 1, bytesOf(3))]],
    ['B09 §6.5 "ACK flag set and a length field value other than 0"', 'FRAME_SIZE_ERROR', [raw(4, 1, 0, bytesOf(6))]],
    ['B10 §6.5 SETTINGS on a stream', 'PROTOCOL_ERROR', [raw(4, 0, 1)]],
    ['B11 §6.5 "a length other than a multiple of 6 octets"', 'FRAME_SIZE_ERROR', [raw(4, 0, 0, bytesOf(7))]],
    ['B12 §8.4 PUSH_PROMISE though ENABLE_PUSH is 0', 'PROTOCOL_ERROR', [pushPromise(1, 2, [[':method', 'GET']])]],
    ['G14 PUSH_PROMISE with RST_STREAM', 'PROTOCOL_ERROR', [pushPromise(1, 2, []), rstStream(2, 8)]],
    ['B13 §6.7 PING on a stream', 'PROTOCOL_ERROR', [raw(6, 0, 1, bytesOf(8))]],
    ['B13 §6.7 "a length field value other than 8"', 'FRAME_SIZE_ERROR', [ping(bytesOf(7))]],
    ['B14 §6.8 GOAWAY on a stream', 'PROTOCOL_ERROR', [raw(7, 0, 1, bytesOf(8))]],
    ['B14 GOAWAY under 8 bytes', 'FRAME_SIZE_ERROR', [raw(7, 0, 0, bytesOf(7))]],
    ['B15 §6.9 "length other than 4 octets" on the connection', 'FRAME_SIZE_ERROR', [raw(8, 0, 0, bytesOf(3))]],
    ['B15 on a stream', 'FRAME_SIZE_ERROR', [raw(8, 0, 1, bytesOf(5))]],
    [
      'B16 §6.9 "errors on the connection flow-control window MUST be treated as a connection error"',
      'PROTOCOL_ERROR',
      [windowUpdate(0, 0)],
    ],
    ['B17 §6.10 CONTINUATION on stream 0', 'PROTOCOL_ERROR', [continuation(0, [])]],
    ['B17 CONTINUATION without HEADERS', 'PROTOCOL_ERROR', [continuation(1, [])]],
    ['B17 CONTINUATION after END_HEADERS', 'PROTOCOL_ERROR', [headers(1, [], { endStream: true }), continuation(1, [])]],
    ['B17 CONTINUATION after a DATA frame', 'PROTOCOL_ERROR', [data(1, 'x'), continuation(1, [])]],
    ['B17 CONTINUATION of another stream', 'PROTOCOL_ERROR', [response(1, [], { endHeaders: false }), continuation(3, [])]],
    [
      'B17 CONTINUATION on stream 0 inside a block',
      'PROTOCOL_ERROR',
      [response(1, [], { endHeaders: false }), continuation(0, [])],
    ],
    [
      'B21 §5.5 "extension frames that appear in the middle of a field block"',
      'PROTOCOL_ERROR',
      [response(1, [], { endHeaders: false }), raw(0xbb, 0, 1)],
    ],
    ['E01 §5.1 idle: HEADERS', 'PROTOCOL_ERROR', [response(3)]],
    ['E01 §5.1 idle: DATA', 'PROTOCOL_ERROR', [data(3, 'x')]],
    ['E01 §5.1 idle: WINDOW_UPDATE', 'PROTOCOL_ERROR', [windowUpdate(3, 1)]],
    ['E02 §5.1.1 a response on an even stream', 'PROTOCOL_ERROR', [response(2)]],
    ['E02 RST_STREAM on an even stream', 'PROTOCOL_ERROR', [rstStream(2, 8)]],
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
    'B18 §4.2 type %i over SETTINGS_MAX_FRAME_SIZE: refused from its header alone',
    (type) => {
      const peer = afterResponse()
      expect(peer.receive(raw(type, 0, 1, Buffer.alloc(0), 16_385))).toBe('FRAME_SIZE_ERROR')
      expect(peer.sent()).toEqual([`GOAWAY 0 FRAME_SIZE_ERROR ${peer.fault!.message}`])
    },
  )

  it('B18 inside a field block, and over the connection window, the size is still what is wrong', () => {
    const peer = afterResponse()
    expect(peer.receive(response(1, [], { endHeaders: false }), raw(9, 0, 1, Buffer.alloc(0), 70_000))).toBe('FRAME_SIZE_ERROR')
    expect(afterResponse().receive(raw(0, 0, 1, Buffer.alloc(0), 70_000))).toBe('FRAME_SIZE_ERROR')
  })

  it('G08 §4.2 GOAWAY debug data of 16 MiB', () => {
    expect(afterResponse().receive(raw(7, 0, 0, bytesOf(8), 16_777_215))).toBe('FRAME_SIZE_ERROR')
  })
})

describe('RFC 9113 §3.4 "The server connection preface ... MUST be the first frame the server sends"', () => {
  it.each<[string, Buffer]>([
    ['PING', ping()],
    ['an acknowledgement of SETTINGS', settingsAck()],
    ['an unknown type', raw(0xbb, 0, 0)],
    ['GOAWAY', goaway(0)],
    ['a frame over the limit', raw(0, 0, 1, Buffer.alloc(0), 16_385)],
  ])('%s first: PROTOCOL_ERROR', (_title, frame) => {
    const peer = new Peer({ settings: false })
    expect(peer.receive(frame)).toBe('PROTOCOL_ERROR')
    expect(peer.fault!.message).toContain("the peer's first frame is not SETTINGS but")
  })

  it('an HTTP/1.x server is recognised', () => {
    const peer = new Peer({ settings: false })
    expect(peer.receive(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))).toBe('PROTOCOL_ERROR')
    expect(peer.fault!.message).toContain('an HTTP/1.x response')
  })

  it('a first SETTINGS over the limit is FRAME_SIZE_ERROR, on a stream PROTOCOL_ERROR', () => {
    expect(new Peer({ settings: false }).receive(raw(4, 0, 0, Buffer.alloc(0), 16_386))).toBe('FRAME_SIZE_ERROR')
    expect(new Peer({ settings: false }).receive(raw(4, 0, 1))).toBe('PROTOCOL_ERROR')
  })
})

describe('what must be ignored', () => {
  it.each<[string, Buffer]>([
    ['B19 §5.5 "MUST ignore and discard frames of unknown types" on the connection', raw(0xbb, 0xff, 0, bytesOf(16_384))],
    ['B19 on an open stream', raw(0x0b, 0, 1, bytesOf(100))],
    ['B19 on an idle stream', raw(0x0f, 0, 99)],
    ['B20 §4.1 unknown flags', raw(6, 0xfe, 0, bytesOf(8))],
    ['B20 unknown flags on SETTINGS', raw(4, 0xfe, 0)],
    ['B20 the reserved bit of WINDOW_UPDATE', raw(8, 0, 0, Buffer.from('80000001', 'hex'))],
    ['B07 §5.3.2 PRIORITY, deprecated, on an open stream', priority(1, { dependsOn: 1 })],
    ['B07 PRIORITY on an idle stream', priority(99, { dependsOn: 1, exclusive: true })],
    ['G12 §6.7 PING acknowledgements nobody waits for', ping(Buffer.from('whatever'), true)],
    ['G16 RFC 7838 §4 ALTSVC on stream 0 without an origin', altsvc(0, '', 'h2=":1"')],
    ['G16 ALTSVC on a stream with an origin', altsvc(1, 'https://b.test', 'h2=":1"')],
    ['G16 malformed ALTSVC, shorter than its origin', raw(0xa, 0, 0, Buffer.from([0, 9, 1]))],
    ['G16 malformed ALTSVC of one byte', raw(0xa, 0, 0, Buffer.from([0]))],
    ['RFC 8336 §2.1 ORIGIN on a stream', raw(0xc, 0, 1, Buffer.from([0, 1, 0x61]))],
    ['RFC 8336 §2.1 ORIGIN with a low flag set', raw(0xc, 1, 0, Buffer.from([0, 1, 0x61]))],
  ])('%s', (_title, frame) => {
    const peer = afterResponse()
    expect(peer.receive(frame)).toBeUndefined()
    const told = peer.events().filter((line) => !line.startsWith('pong') && line !== 'settings')
    expect(told).toEqual([])
    peer.proveAlive()
  })

  it('B20 HEADERS with every unknown flag is read as usual', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(raw(1, 0x4 | 0x1 | 0xd2, 1, inserting))
    expect(peer.events()).toEqual(['response 1 200 in=step', 'end 1', 'closed 1'])
  })
})

describe('stream errors of frames', () => {
  it.each<[string, string, Buffer]>([
    ['B07 §6.3 "a length other than 5 octets MUST be treated as a stream error"', 'FRAME_SIZE_ERROR', raw(2, 0, 1, bytesOf(6))],
    ['B16 §6.9 "an increment of 0 as a stream error"', 'PROTOCOL_ERROR', windowUpdate(1, 0)],
    ['F01 §6.9.1 a stream window over 2^31 - 1', 'FLOW_CONTROL_ERROR', windowUpdate(1, 0x7fff_ffff)],
  ])('%s: %s', (_title, code, frame) => {
    const peer = afterResponse()
    expect(peer.receive(frame)).toBeUndefined()
    expect(peer.events()).toEqual([`error 1 ${code} local`, 'stopped 1', 'closed 1'])
    expect(peer.sent()).toEqual([`RST_STREAM 1 ${code}`])
    peer.proveAlive()
  })
})

describe('the frames of a connection', () => {
  it('§6.7 "a PING frame ... MUST be sent with the ACK flag set in response, with an identical frame payload"', () => {
    const peer = new Peer()
    peer.receive(ping(Buffer.from('01020304', 'latin1')))
    expect(peer.sent()).toEqual([`PING ACK ${Buffer.from('01020304').toString('hex')}`])
  })

  it('a PING of ours and its answer', () => {
    const peer = new Peer()
    peer.client.ping(Buffer.from('abcdefgh'))
    expect(peer.client.hasOutput).toBe(true)
    expect(peer.sent()).toEqual(['PING 6162636465666768'])
    expect(peer.client.hasOutput).toBe(false)
    peer.receive(ping(Buffer.from('abcdefgh'), true))
    expect(peer.events()).toEqual(['pong 6162636465666768'])
  })

  it('RFC 8336 ORIGIN: each origin, and none of what runs past the end', () => {
    const peer = new Peer()
    const two = Buffer.concat([Buffer.from([0, 1, 0x61, 0, 2, 0x62, 0x63]), Buffer.from([0, 9, 0x64])])
    peer.receive(raw(0xc, 0, 0, two), raw(0xc, 0xf0, 0, Buffer.from([0])))
    expect(peer.events()).toEqual(['origin a bc', 'origin'])
  })

  it('G16 RFC 7838 ALTSVC with an origin on stream 0, without one on a stream', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(altsvc(0, 'https://a.test', 'h2=":8443"'), altsvc(1, '', 'clear'))
    expect(peer.events()).toEqual(['altsvc 0 https://a.test|h2=":8443"', 'altsvc 1 |clear'])
  })

  it('B24 knows whether the bytes end inside a frame', () => {
    const peer = new Peer()
    expect(peer.client.atFrameBoundary).toBe(true)
    peer.receive(ping().subarray(0, 3))
    expect(peer.client.atFrameBoundary).toBe(false)
  })

  it('B25 a malformed frame after our GOAWAY is a connection error like any other', () => {
    const peer = afterResponse()
    peer.client.goaway(0, 'bye')
    peer.client.goaway(0, 'twice says nothing more')
    expect(peer.client.capacity).toBe(0)
    expect(peer.receive(settings({ enablePush: 1 }))).toBe('PROTOCOL_ERROR')
    expect(peer.sent()).toEqual(['GOAWAY 0 NO_ERROR bye', expect.stringMatching(/^GOAWAY 0 PROTOCOL_ERROR /)])
  })

  it('an error thrown by the listener is INTERNAL_ERROR, with a printable reason', () => {
    const peer = new Peer()
    peer.recorder.during = () => {
      throw new TypeError('oh\nno')
    }
    expect(peer.receive(settings())).toBe('INTERNAL_ERROR')
    expect(peer.sent().at(-1)).toBe('GOAWAY 0 INTERNAL_ERROR TypeError: oh?no')
  })
})
