/** Limits on the cost of a hostile server, which docs/concepts/security.md lists. */

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

  it('RST_STREAM storm (G13, CVE-2019-9514): no stream is opened after 1,000 more resets than responses', () => {
    const peer = new Peer()
    const bystander = peer.post()
    let rounds = 0
    for (; peer.client.capacity > 0; rounds++) {
      peer.receive(rstStream(peer.get().id, 7), rstStream(peer.get().id, 7), response(peer.get().id, [], { endStream: true }))
    }
    expect(rounds).toBe(1_000)
    expect(peer.sent().at(-1)).toBe(ENOUGH)
    // Open streams complete, because an overloaded server may still answer. GOAWAY is sent once.
    peer.events()
    peer.receive(response(bystander.id, [], { endStream: true }))
    expect(peer.events()).toEqual([`response ${bystander.id} 200`, `end ${bystander.id}`])
    peer.receive(windowUpdate(bystander.id, 0))
    expect(peer.sent()).toEqual([`RST_STREAM ${bystander.id} PROTOCOL_ERROR`])
  })

  it('as many responses as resets are not a storm, and a hundred resets a second are forgiven (G13)', () => {
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

  it('MadeYouReset: frames that make the client reset its streams count as resets (CVE-2025-8671)', () => {
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
  ['DATA before HEADERS', (id) => data(id, 'x')],
])('the listener may reset the stream of %s in the event after which no stream is opened', (_title, attack) => {
  const peer = new Peer()
  for (let i = 0; i < 1_000; i++) peer.receive(attack(peer.get().id))
  const last = peer.get()
  peer.events()
  peer.recorder.during = (line) => line === 'settings' && peer.client.resetStream(last, 8)
  expect(peer.receive(attack(last.id))).toBeUndefined()
  expect(peer.events()).toEqual(['settings', `closed ${last.id}`])
})

describe('traffic that resembles a flood', () => {
  it('2,000 empty DATA frames that end streams are accepted (E21)', () => {
    const peer = new Peer()
    const ids = Array.from({ length: 2_000 }, () => peer.get().id)
    expect(peer.receive(...ids.map((id) => response(id)))).toBeUndefined()
    expect(peer.receive(...ids.map((id) => data(id, '', { endStream: true })))).toBeUndefined()
  })

  it('900 streams refused at once after 1,000 responses are accepted (G13)', () => {
    const peer = new Peer()
    for (let i = 0; i < 1_000; i++) peer.receive(response(peer.get().id, [], { endStream: true }))
    const ids = Array.from({ length: 900 }, () => peer.get().id)
    expect(peer.receive(...ids.map((id) => rstStream(id, 7)))).toBeUndefined()
    expect(peer.client.capacity).toBeGreaterThan(0)
  })

  it('credit that returns byte by byte, on the stream and on the connection, is accepted (F06)', () => {
    const peer = new Peer({ settings: { initialWindowSize: 1_000_000 } })
    const stream = peer.post()
    peer.client.sendData(stream, bytesOf(10_000), false)
    const credit = Array.from({ length: 20_000 }, (_, i) => windowUpdate(i % 2 === 0 ? 0 : stream.id, 1))
    expect(peer.receive(...credit)).toBeUndefined()
  })

  it('a thousand further WINDOW_UPDATE frames a second are accepted, and no more (F06)', () => {
    const peer = new Peer()
    const updates = (count: number): Buffer[] => Array.from({ length: count }, () => windowUpdate(0, 1))
    peer.client.sendData(peer.post(), bytesOf(100), true)
    expect(peer.receive(...updates(1_200))).toBeUndefined()
    peer.client.refillLimits(1_000)
    expect(peer.receive(...updates(1_000))).toBeUndefined()
    expect(peer.receive(...updates(1))).toBe('ENHANCE_YOUR_CALM')
  })

  it('10,000 concurrent responses with the same fields are accepted, because equal sections count once', () => {
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

describe('slots of streams that the client reset are held until the peer acknowledges a PING (I08, CVE-2023-44487)', () => {
  const limited = (): Peer => {
    const peer = new Peer({ settings: { maxConcurrentStreams: 3 } })
    for (let i = 0; i < 3; i++) peer.get()
    peer.sent()
    return peer
  }
  const resetAll = (peer: Peer): void => {
    for (const stream of peer.opened) peer.client.resetStream(stream, 8)
  }

  it('one PING follows the first RST_STREAM, and its acknowledgement frees all slots and calls the listener', () => {
    const peer = limited()
    resetAll(peer)
    expect(peer.sent()).toEqual(['RST_STREAM 1 CANCEL', RESET_PING, 'RST_STREAM 3 CANCEL', 'RST_STREAM 5 CANCEL'])
    expect([peer.client.active, peer.client.capacity]).toEqual([0, 0])
    peer.events()
    peer.receive(resetAck)
    expect([peer.events(), peer.client.capacity]).toEqual([['settings'], 3])
  })

  it('no second PING is sent before a frame of the peer, because servers count PINGs; time frees these slots', () => {
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

  it('the slot of a complete response is not held', () => {
    const peer = new Peer({ settings: { maxConcurrentStreams: 3 } })
    const upload = peer.post()
    peer.receive(response(upload.id, [], { endStream: true }))
    peer.client.resetStream(upload, 0)
    expect([peer.sent().at(-1), peer.client.capacity]).toEqual(['RST_STREAM 1 NO_ERROR', 3])
  })

  it('a peer that does not acknowledge the PING receives no other, and its slots are freed', () => {
    const peer = limited()
    resetAll(peer)
    peer.events()
    peer.client.probe.giveUp()
    peer.client.freeHeldSlots()
    expect([peer.events(), peer.client.heldSlots, peer.client.capacity]).toEqual([['settings'], 0, 3])
    peer.client.resetStream(peer.get(), 8)
    expect(peer.sent().at(-1)).toBe('RST_STREAM 7 CANCEL')
    // A late acknowledgement is passed on like any other.
    peer.events()
    peer.receive(resetAck)
    expect(peer.events()).toEqual(['pong 726573657461636b'])
  })

  it('an unexpected acknowledgement is passed on like any other', () => {
    const peer = limited()
    peer.receive(resetAck)
    expect(peer.events()).toEqual(['pong 726573657461636b'])
  })
})

describe('field sections', () => {
  it('HPACK bombs on many streams: the sections of all open streams have at most 16 MiB (CVE-2026-49975)', () => {
    const peer = new Peer()
    // Blocks of 62 bytes: 15 references to one entry of 4 KiB are a section under its limit.
    const entry = Buffer.concat([Buffer.from([0x88, 0x40, 1, 0x62, 0x7f, 0xa1, 0x1e]), bytesOf(4_000)])
    const uniqueField = (i: number): Buffer => Buffer.concat([Buffer.from([0x00, 1, 0x63, 4]), Buffer.from(String(1_000 + i))])
    const references = (i: number): Buffer => Buffer.concat([Buffer.from([0x88]), Buffer.alloc(15, 0xbe), uniqueField(i)])
    peer.receive(headers(peer.get().id, entry))
    let refused = 0
    for (let i = 0; i < 300; i++) {
      peer.receive(headers(peer.get().id, references(i)))
      if (peer.events().some((line) => line.includes('ENHANCE_YOUR_CALM local'))) refused++
    }
    expect(refused).toBeGreaterThan(0)
    // Sections over this limit do not count as resets of the peer.
    expect(peer.client.capacity).toBeGreaterThan(0)
    // Streams that end free their sections.
    for (const stream of peer.opened) peer.client.resetStream(stream, 8)
    peer.events()
    peer.receive(headers(peer.get().id, references(0)))
    expect(peer.events()[0]).toMatch(/^response /)
  })

  it('a raised maxFieldSectionBytes permits longer field blocks in more frames (D05)', () => {
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

  it('Huffman strings of a section over the limit are measured and not decoded (D07)', () => {
    const peer = new Peer({ local: { maxFieldSectionBytes: 1_024 } })
    const { id } = peer.get()
    // 16,000 bytes of five-bit codes, `0` each: 25,600 bytes of text.
    const huffman = Buffer.concat([Buffer.from([0x88, 0x00, 0x01, 0x61, 0xff, 0x81, 0x7c]), Buffer.alloc(16_000, 0)])
    expect(peer.receive(headers(id, huffman))).toBeUndefined()
    expect(peer.events()).toEqual([`error ${id} ENHANCE_YOUR_CALM local`, `closed ${id}`])
  })

  it('different field names in every response leave 4 KiB in the dynamic table (D23)', () => {
    const peer = new Peer()
    for (let i = 0; i < 500; i++) {
      const name = Buffer.from(`x${String(i).padStart(9, '0')}`)
      const block = Buffer.concat([Buffer.from([0x88, 0x40, 10]), name, Buffer.from([1, 0x79])])
      peer.receive(headers(peer.get().id, block, { endStream: true }))
    }
    expect(peer.events().filter((line) => line.startsWith('response'))).toHaveLength(500)
    // An entry has 43 bytes, 32 of them overhead: the table has the 95 newest, from index 62.
    const byIndex = (index: number): Buffer => Buffer.from([0x88, 0xff, index - 127])
    peer.receive(headers(peer.get().id, byIndex(62 + 94)))
    expect(peer.events()).toEqual(['response 1001 200 x000000405=y'])
    expect(peer.receive(headers(peer.get().id, byIndex(62 + 95)))).toBe('COMPRESSION_ERROR')
  })

  it('over 1,024 different names, long ones included, are accepted on new connections (D23)', () => {
    const names = Array.from({ length: 1_100 }, (_, i) => `name-${i}`)
    for (const name of [...names, 'n'.repeat(5_000), names[0]!, 'n'.repeat(5_000)]) {
      const peer = new Peer()
      peer.receive(response(peer.get().id, [[name, 'x']], { endStream: true }))
      expect(peer.events()[0]).toBe(`response 1 200 ${name}=x`)
    }
  })

  it('a :status over 2^32 or of a thousand digits is malformed', () => {
    for (const status of ['4294967496', '2'.repeat(1_000)]) {
      const peer = new Peer()
      peer.get()
      peer.receive(headers(1, [[':status', status]]))
      expect(peer.events()).toEqual(['error 1 PROTOCOL_ERROR local', 'closed 1'])
    }
  })
})

describe('PING', () => {
  it('3,000 acknowledgements of PINGs that the client sent are accepted (G10)', () => {
    const peer = new Peer()
    for (let i = 0; i < 3_000; i++) {
      peer.client.ping(Buffer.alloc(8))
      expect(peer.receive(ping(Buffer.alloc(8), true))).toBeUndefined()
    }
    expect(peer.events()).toHaveLength(3_000)
  })
})

it('a field block without end fails its request as too large and leaves other streams to the connection error (D05)', () => {
  const peer = new Peer()
  const [culprit, sibling] = [peer.get(), peer.get()]
  peer.receive(headers(culprit.id, bytesOf(10), { endHeaders: false }))
  const part = continuation(culprit.id, bytesOf(10), { endHeaders: false })
  expect(peer.receive(...Array.from({ length: 9 }, () => part))).toBe('ENHANCE_YOUR_CALM')
  expect(peer.events()).toEqual([`error ${culprit.id} ENHANCE_YOUR_CALM local`, `closed ${culprit.id}`])
  expect(peer.opened.filter(({ state }) => state !== 4)).toEqual([sibling])
})

it('a field block without end on a stream that was reset ends the connection and fails no request (D05)', () => {
  const peer = new Peer()
  peer.client.resetStream(peer.get(), 8)
  peer.events()
  const part = continuation(1, bytesOf(10), { endHeaders: false })
  peer.receive(headers(1, bytesOf(10), { endHeaders: false }))
  expect(peer.receive(...Array.from({ length: 9 }, () => part))).toBe('ENHANCE_YOUR_CALM')
  expect(peer.events()).toEqual([])
})

it('late SETTINGS and a late acknowledgement are not errors (RFC 9113 §6.5.3 "MAY")', () => {
  const peer = new Peer({ settings: false })
  const { id } = peer.get()
  peer.client.refillLimits(3_600_000)
  peer.receive(settings(), response(id, [], { endStream: true }), settingsAck())
  expect([peer.fault, peer.events().at(-1)]).toEqual([undefined, `closed ${id}`])
})

it('a field section of 16 KiB may arrive byte by byte (B23)', () => {
  const peer = new Peer()
  const { id } = peer.get()
  const frame = headers(
    id,
    Buffer.concat([indexed.subarray(0, 1), Buffer.from([0x00, 0x01, 0x61, 0x7f, 0x81, 0x7e]), bytesOf(16_256)]),
  )
  for (let at = 0; at < frame.length; at++) peer.receive(frame.subarray(at, at + 1))
  expect(peer.events()[0]).toMatch(new RegExp(`^response ${id} 200 a=`))
})
