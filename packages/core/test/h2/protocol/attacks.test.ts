/** What a hostile server can make this engine do, and where it ends: the limits that docs/concepts/security.md lists. */

import {
  bytesOf,
  continuation,
  data,
  fieldBlock,
  headers,
  indexed,
  Peer,
  ping,
  response,
  rstStream,
  settings,
  settingsAck,
  windowUpdate,
} from './peer.js'

/** The acknowledgement of the PING that follows a RST_STREAM. */
const resetAck = ping(Buffer.from('resetack'), true)
const RESET_PING = `PING ${Buffer.from('resetack').toString('hex')}`

describe('streams that end early', () => {
  const ENOUGH = 'GOAWAY 0 ENHANCE_YOUR_CALM too many streams ended early'

  it('G13 RST_STREAM storm between answers (CVE-2019-9514): over 1,000 more resets than answers, and no more streams are opened', () => {
    const peer = new Peer()
    const bystander = peer.post()
    let rounds = 0
    for (; peer.client.capacity > 0; rounds++) {
      peer.receive(rstStream(peer.get().id, 7), rstStream(peer.get().id, 7), response(peer.get().id, [], { endStream: true }))
    }
    expect(rounds).toBe(1_000)
    expect(peer.sent().at(-1)).toBe(ENOUGH)
    // What is open goes on: an overloaded server is not to cost it its answer. GOAWAY is said once.
    peer.events()
    peer.receive(response(bystander.id, [], { endStream: true }))
    expect(peer.events()).toEqual([`response ${bystander.id} 200`, `end ${bystander.id}`])
    peer.receive(windowUpdate(bystander.id, 0))
    expect(peer.sent()).toEqual([`RST_STREAM ${bystander.id} PROTOCOL_ERROR`])
  })

  it('G13 as many answers as resets are no storm, and time forgives a hundred a second', () => {
    const peer = new Peer()
    for (let i = 0; i < 3_000; i++) {
      const [refused, answered] = [peer.get().id, peer.get().id]
      peer.receive(rstStream(refused, 7), response(answered, [], { endStream: true }))
    }
    for (let i = 0; i < 3_000; i++) {
      if (i % 100 === 0) peer.client.refillLimits(1_000)
      peer.receive(rstStream(peer.get().id, 7))
    }
    expect([peer.client.capacity > 0, peer.fault]).toEqual([true, undefined])
  })

  it('MadeYouReset (CVE-2025-8671): frames that make us reset our own streams are counted with them', () => {
    const provocations = [
      (id: number) => [windowUpdate(id, 0)],
      (id: number) => [windowUpdate(id, 0x7fff_ffff)],
      (id: number) => [headers(id, [['a', 'b']])],
      (id: number) => [data(id, 'x')],
    ]
    const peer = new Peer()
    let provoked = 0
    for (; peer.client.capacity > 0; provoked++) peer.receive(...provocations[provoked % 4]!(peer.get().id))
    expect(provoked).toBe(1_001)
    expect(peer.sent()).toContain(ENOUGH)
  })
})

it.each<[string, (id: number) => Buffer]>([
  ['RST_STREAM', (id) => rstStream(id, 8)],
  ['a provocation', (id) => data(id, 'x')],
])('the listener may end the stream that %s is about when it hears that no more are opened', (_title, attack) => {
  const peer = new Peer()
  for (let i = 0; i < 1_000; i++) peer.receive(attack(peer.get().id))
  const last = peer.get()
  peer.events()
  peer.recorder.during = (line) => line === 'settings' && peer.client.resetStream(last, 8)
  expect(peer.receive(attack(last.id))).toBeUndefined()
  expect(peer.events()).toEqual(['settings', `closed ${last.id}`])
})

describe('what looks like a flood and is none', () => {
  it('E21 an empty DATA frame that ends a stream: 2,000 streams that end at once', () => {
    const peer = new Peer()
    const ids = Array.from({ length: 2_000 }, () => peer.get().id)
    expect(peer.receive(...ids.map((id) => response(id)))).toBeUndefined()
    expect(peer.receive(...ids.map((id) => data(id, '', { endStream: true })))).toBeUndefined()
  })

  it('G13 2,000 streams refused at once, each answered before', () => {
    const peer = new Peer()
    for (let i = 0; i < 1_000; i++) peer.receive(response(peer.get().id, [], { endStream: true }))
    const ids = Array.from({ length: 900 }, () => peer.get().id)
    expect(peer.receive(...ids.map((id) => rstStream(id, 7)))).toBeUndefined()
    expect(peer.client.capacity).toBeGreaterThan(0)
  })

  it('F06 a server that returns credit byte by byte, on the stream and on the connection, is not a flood', () => {
    const peer = new Peer({ settings: { initialWindowSize: 1_000_000 } })
    const stream = peer.post()
    peer.client.sendData(stream, bytesOf(10_000), false)
    const credit = Array.from({ length: 20_000 }, (_, i) => windowUpdate(i % 2 === 0 ? 0 : stream.id, 1))
    expect(peer.receive(...credit)).toBeUndefined()
  })

  it('F06 WINDOW_UPDATE frames beyond that are counted: a thousand a second are forgiven, and no more', () => {
    const peer = new Peer()
    const tiny = (count: number): Buffer[] => Array.from({ length: count }, () => windowUpdate(0, 1))
    peer.client.sendData(peer.post(), bytesOf(100), true)
    expect(peer.receive(...tiny(1_200))).toBeUndefined()
    peer.client.refillLimits(1_000)
    expect(peer.receive(...tiny(1_000))).toBeUndefined()
    expect(peer.receive(...tiny(1))).toBe('ENHANCE_YOUR_CALM')
  })

  it('10,000 responses at once with the same fields: a section that repeats another costs nothing more', () => {
    const peer = new Peer({ settings: {} })
    const block = fieldBlock([
      [':status', '200'],
      ['a', 'x'.repeat(80)],
    ])
    let refused = 0
    for (let i = 0; i < 10_000; i++) {
      peer.receive(headers(peer.get().id, block))
      if (peer.events().some((line) => line.startsWith('error'))) refused++
    }
    expect(refused).toBe(0)
  })
})

describe('I08 slots of streams that we reset are held until the peer has seen it (CVE-2023-44487, the other side of it)', () => {
  const limited = (): Peer => {
    const peer = new Peer({ settings: { maxConcurrentStreams: 3 } })
    for (let i = 0; i < 3; i++) peer.get()
    peer.sent()
    return peer
  }
  const resetAll = (peer: Peer): void => {
    for (const stream of peer.opened) peer.client.resetStream(stream, 8)
  }

  it('one PING follows the first RST_STREAM; its acknowledgement frees all of them, and the listener is told', () => {
    const peer = limited()
    resetAll(peer)
    expect(peer.sent()).toEqual(['RST_STREAM 1 CANCEL', RESET_PING, 'RST_STREAM 3 CANCEL', 'RST_STREAM 5 CANCEL'])
    expect([peer.client.active, peer.client.capacity]).toEqual([0, 0])
    peer.events()
    peer.receive(resetAck)
    expect([peer.events(), peer.client.capacity]).toEqual([['settings'], 3])
  })

  it('no second PING without a word from the peer in between: servers count them (gRPC: too_many_pings); time frees those slots', () => {
    const peer = limited()
    resetAll(peer)
    peer.receive(resetAck)
    peer.client.resetStream(peer.get(), 8)
    expect(peer.sent().at(-1)).toBe('RST_STREAM 7 CANCEL')
    expect([peer.client.capacity, peer.client.heldSlots, peer.client.probe.outstanding]).toEqual([2, 1, false])
    peer.client.freeHeldSlots()
    expect(peer.client.capacity).toBe(3)
    peer.receive(response(peer.get().id, [], { endStream: true }))
    peer.client.resetStream(peer.get(), 8)
    expect(peer.sent().at(-1)).toBe(RESET_PING)
    expect([peer.client.capacity, peer.client.probe.outstanding]).toEqual([2, true])
  })

  it('not for a response that is complete', () => {
    const peer = new Peer({ settings: { maxConcurrentStreams: 3 } })
    const upload = peer.post()
    peer.receive(response(upload.id, [], { endStream: true }))
    peer.client.resetStream(upload, 0)
    expect([peer.sent().at(-1), peer.client.capacity]).toEqual(['RST_STREAM 1 NO_ERROR', 3])
  })

  it('a peer that does not answer PINGs is asked no more, and its slots are free', () => {
    const peer = limited()
    resetAll(peer)
    peer.events()
    peer.client.probe.giveUp()
    peer.client.freeHeldSlots()
    expect([peer.events(), peer.client.heldSlots, peer.client.capacity]).toEqual([['settings'], 0, 3])
    peer.client.resetStream(peer.get(), 8)
    expect(peer.sent().at(-1)).toBe('RST_STREAM 7 CANCEL')
    // An answer that comes after all is like any other.
    peer.events()
    peer.receive(resetAck)
    expect(peer.events()).toEqual(['pong 726573657461636b'])
  })

  it('an acknowledgement that nobody waits for is like any other', () => {
    const peer = limited()
    peer.receive(resetAck)
    expect(peer.events()).toEqual(['pong 726573657461636b'])
  })
})

describe('field sections', () => {
  it('HPACK bombs on many streams at once (CVE-2026-49975): 16 MiB for all open streams of a connection', () => {
    const peer = new Peer()
    // 62 bytes of block each; 16 references to one entry of 4 KiB make a section under the limit of one.
    const entry = Buffer.concat([Buffer.from([0x88, 0x40, 1, 0x62, 0x7f, 0xa1, 0x1e]), bytesOf(4_000)])
    const unlike = (i: number): Buffer => Buffer.concat([Buffer.from([0x00, 1, 0x63, 4]), Buffer.from(String(1_000 + i))])
    const references = (i: number): Buffer => Buffer.concat([Buffer.from([0x88]), Buffer.alloc(15, 0xbe), unlike(i)])
    peer.receive(headers(peer.get().id, entry))
    let refused = 0
    for (let i = 0; i < 300; i++) {
      peer.receive(headers(peer.get().id, references(i)))
      if (peer.events().some((line) => line.includes('ENHANCE_YOUR_CALM local'))) refused++
    }
    expect(refused).toBeGreaterThan(0)
    // Our own bound is not held against the peer.
    expect(peer.client.capacity).toBeGreaterThan(0)
    // Streams that end make room.
    for (const stream of peer.opened) peer.client.resetStream(stream, 8)
    peer.events()
    peer.receive(headers(peer.get().id, references(0)))
    expect(peer.events()[0]).toMatch(/^response /)
  })

  it('D05 a limit that was raised leaves room for longer blocks, in more frames', () => {
    const peer = new Peer({ local: { maxFieldSectionBytes: 300_000 } })
    peer.get()
    const block = fieldBlock([
      [':status', '200'],
      ['a', 'x'.repeat(200_000)],
    ])
    const parts: Buffer[] = []
    for (let at = 0; at < block.length; at += 16_384) {
      const endHeaders = at + 16_384 >= block.length
      const part = block.subarray(at, at + 16_384)
      parts.push(at === 0 ? headers(1, part, { endHeaders }) : continuation(1, part, { endHeaders }))
    }
    expect(peer.receive(...parts)).toBeUndefined()
    expect(peer.events()[0]).toMatch(/^response 1 200 a=x/)
  })

  it('D07 Huffman strings of sections that are over the limit are measured, not made: a megabyte of them a frame at a time', () => {
    const peer = new Peer({ local: { maxFieldSectionBytes: 1_024 } })
    const { id } = peer.get()
    // 16,000 bytes of five-bit codes, `0` each: 25,600 bytes of text.
    const huffman = Buffer.concat([Buffer.from([0x88, 0x00, 0x01, 0x61, 0xff, 0x81, 0x7c]), Buffer.alloc(16_000, 0)])
    expect(peer.receive(headers(id, huffman))).toBeUndefined()
    expect(peer.events()).toEqual([`error ${id} ENHANCE_YOUR_CALM local`, `closed ${id}`])
  })

  it('D23 names that are all different, for hours: the table holds 4 KiB', () => {
    const peer = new Peer()
    for (let i = 0; i < 500; i++) {
      const name = Buffer.from(`x${String(i).padStart(9, '0')}`)
      const block = Buffer.concat([Buffer.from([0x88, 0x40, 10]), name, Buffer.from([1, 0x79])])
      peer.receive(headers(peer.get().id, block, { endStream: true }))
    }
    expect(peer.events().filter((line) => line.startsWith('response'))).toHaveLength(500)
    // 43 bytes an entry, 32 of them for itself: the 95 newest are there, from index 62, and no other.
    const byIndex = (index: number): Buffer => Buffer.from([0x88, 0xff, index - 127])
    peer.receive(headers(peer.get().id, byIndex(62 + 94)))
    expect(peer.events()).toEqual(['response 1001 200 x000000405=y'])
    expect(peer.receive(headers(peer.get().id, byIndex(62 + 95)))).toBe('COMPRESSION_ERROR')
  })

  it('D23 names that were found good are remembered for all connections: 1,024 of them, and short ones', () => {
    const names = Array.from({ length: 1_100 }, (_, i) => `name-${i}`)
    for (const name of [...names, 'n'.repeat(5_000), names[0]!, 'n'.repeat(5_000)]) {
      const peer = new Peer()
      peer.receive(response(peer.get().id, [[name, 'x']], { endStream: true }))
      expect(peer.events()[0]).toBe(`response 1 200 ${name}=x`)
    }
  })

  it('a huge :status is none, and so is one of a thousand digits', () => {
    for (const status of ['4294967496', '2'.repeat(1_000)]) {
      const peer = new Peer()
      peer.get()
      peer.receive(headers(1, [[':status', status]]))
      expect(peer.events()).toEqual(['error 1 PROTOCOL_ERROR local', 'closed 1'])
    }
  })
})

describe('PING', () => {
  it('G10 answers to our own PINGs are no flood, however many', () => {
    const peer = new Peer()
    for (let i = 0; i < 3_000; i++) {
      peer.client.ping(Buffer.alloc(8))
      expect(peer.receive(ping(Buffer.alloc(8), true))).toBeUndefined()
    }
    expect(peer.events()).toHaveLength(3_000)
  })
})

it('D05 the request whose response has no end hears that it is too large; the others, that the connection is gone', () => {
  const peer = new Peer()
  const [culprit, other] = [peer.get(), peer.get()]
  peer.receive(headers(culprit.id, bytesOf(10), { endHeaders: false }))
  const part = continuation(culprit.id, bytesOf(10), { endHeaders: false })
  expect(peer.receive(...Array.from({ length: 9 }, () => part))).toBe('ENHANCE_YOUR_CALM')
  expect(peer.events()).toEqual([`error ${culprit.id} ENHANCE_YOUR_CALM local`, `closed ${culprit.id}`])
  expect(peer.opened.filter(({ state }) => state !== 4)).toEqual([other])
})

it('D05 without end on a stream that was reset is the end of the connection, and of no request', () => {
  const peer = new Peer()
  peer.client.resetStream(peer.get(), 8)
  peer.events()
  const part = continuation(1, bytesOf(10), { endHeaders: false })
  peer.receive(headers(1, bytesOf(10), { endHeaders: false }))
  expect(peer.receive(...Array.from({ length: 9 }, () => part))).toBe('ENHANCE_YOUR_CALM')
  expect(peer.events()).toEqual([])
})

it('RFC 9113 §6.5.3 "MAY": neither SETTINGS that are late nor a late acknowledgement of ours is an error', () => {
  const peer = new Peer({ settings: false })
  const { id } = peer.get()
  peer.client.refillLimits(3_600_000)
  peer.receive(settings(), response(id, [], { endStream: true }), settingsAck())
  expect([peer.fault, peer.events().at(-1)]).toEqual([undefined, `closed ${id}`])
})

it('B23 a field section of 16 KiB may arrive byte by byte', () => {
  const peer = new Peer()
  const { id } = peer.get()
  const frame = headers(
    id,
    Buffer.concat([indexed.subarray(0, 1), Buffer.from([0x00, 0x01, 0x61, 0x7f, 0x81, 0x7e]), bytesOf(16_256)]),
  )
  for (let at = 0; at < frame.length; at++) peer.receive(frame.subarray(at, at + 1))
  expect(peer.events()[0]).toMatch(new RegExp(`^response ${id} 200 a=`))
})
