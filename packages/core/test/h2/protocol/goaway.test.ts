/** GOAWAY (RFC 9113 §6.8), rows G of the matrix, and the end of a connection. */

import {
  bytesOf,
  data,
  goaway,
  headers,
  inserting,
  Peer,
  ping,
  priority,
  response,
  rstStream,
  settings,
  windowUpdate,
} from './peer.js'

describe('RFC 9113 §6.8', () => {
  it('G01 graceful: no new streams, those at or below the second identifier finish, those above are unprocessed', () => {
    const peer = new Peer()
    for (let i = 0; i < 3; i++) peer.get()
    peer.receive(goaway(0x7fff_ffff, 0, 'soon'))
    expect(peer.events()).toEqual(['goaway 2147483647 NO_ERROR soon'])
    expect([peer.client.capacity, peer.client.active]).toEqual([0, 3])
    peer.receive(goaway(3))
    expect(peer.events()).toEqual(['error 5 REFUSED_STREAM peer unprocessed', 'closed 5', 'goaway 3 NO_ERROR'])
    peer.receive(response(1, [], { endStream: true }), response(3, [], { endStream: true }))
    expect(peer.events()).toEqual(['response 1 200', 'end 1', 'closed 1', 'response 3 200', 'end 3', 'closed 3'])
    expect(peer.client.capacity).toBe(0)
  })

  it('G02 last stream 0: all are unprocessed, uploads are stopped', () => {
    const peer = new Peer()
    peer.get()
    peer.post()
    peer.receive(goaway(0))
    expect(peer.events()).toEqual([
      'error 1 REFUSED_STREAM peer unprocessed',
      'closed 1',
      'error 3 REFUSED_STREAM peer unprocessed',
      'stopped 3',
      'closed 3',
      'goaway 0 NO_ERROR',
    ])
  })

  it('A10 HTTP_1_1_REQUIRED: what was not processed hears that another protocol would be', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(goaway(0, 0xd))
    expect(peer.events()[0]).toBe('error 1 HTTP_1_1_REQUIRED peer unprocessed')
    const other = new Peer()
    other.get()
    other.receive(rstStream(1, 0xd))
    expect(other.events()[0]).toBe('error 1 HTTP_1_1_REQUIRED peer unprocessed')
  })

  it('G03 with an error code the accepted streams finish all the same (the issue wins over the row)', () => {
    const peer = new Peer()
    peer.get()
    peer.get()
    peer.receive(goaway(1, 2, 'oh'), response(1, [], { endStream: true }))
    expect(peer.events()).toEqual([
      'error 3 REFUSED_STREAM peer unprocessed',
      'closed 3',
      'goaway 1 INTERNAL_ERROR oh',
      'response 1 200',
      'end 1',
      'closed 1',
    ])
  })

  it('G04 "Endpoints MUST NOT increase the value they send in the last stream identifier"', () => {
    const peer = new Peer()
    expect(peer.receive(goaway(1), goaway(1))).toBeUndefined()
    expect(peer.receive(goaway(3))).toBe('PROTOCOL_ERROR')
  })

  it('G08 of debug data 4 KiB are kept', () => {
    const peer = new Peer()
    peer.receive(goaway(0, 0, bytesOf(16_000)))
    expect(peer.events()[0]).toBe(`goaway 0 NO_ERROR ${'.'.repeat(4_096)}`)
  })

  it('G09 frames for a refused stream are ignored, but count for HPACK and the connection window', () => {
    const peer = new Peer()
    peer.get()
    peer.get()
    peer.receive(goaway(1))
    peer.events()
    peer.sent()
    peer.receive(headers(3, inserting), data(3, bytesOf(16_384)), data(3, bytesOf(16_384)), rstStream(3, 8), windowUpdate(3, 1))
    expect(peer.events()).toEqual([])
    expect(peer.sent()).toEqual(['WINDOW_UPDATE 0 32768'])
    peer.receive(headers(1, Buffer.from('88be', 'hex'), { endStream: true }))
    expect(peer.events()[0]).toBe('response 1 200 in=step')
  })

  it('a refused stream whose response is complete is a success: only its upload stops', () => {
    const peer = new Peer()
    peer.post()
    peer.receive(response(1, [], { endStream: true }), goaway(0))
    expect(peer.events()).toEqual(['response 1 200', 'end 1', 'stopped 1', 'closed 1', 'goaway 0 NO_ERROR'])
  })

  it('a refused stream whose response has begun was processed, whatever GOAWAY says', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1), goaway(0))
    expect(peer.events()).toEqual(['response 1 200', 'error 1 REFUSED_STREAM peer', 'closed 1', 'goaway 0 NO_ERROR'])
  })

  it('the reserved bit of the identifier is ignored', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(goaway(0x8000_0001))
    expect(peer.events()).toEqual(['goaway 1 NO_ERROR'])
  })

  it('our own GOAWAY: capacity 0, open streams go on', () => {
    const peer = new Peer()
    peer.get()
    peer.client.goaway(0, '')
    expect(peer.sent().at(-1)).toBe('GOAWAY 0 NO_ERROR')
    expect(peer.client.capacity).toBe(0)
    peer.receive(response(1, [], { endStream: true }))
    expect(peer.events()).toEqual(['response 1 200', 'end 1', 'closed 1'])
  })
})

describe('floods', () => {
  it('G10 PING (CVE-2019-9512)', () => {
    const peer = new Peer()
    expect(peer.receive(...Array.from({ length: 1_100 }, () => ping()))).toBe('ENHANCE_YOUR_CALM')
  })

  it('G10 answers that wait: the bound holds though time forgives', () => {
    const peer = new Peer()
    const half = Array.from({ length: 600 }, () => ping())
    expect(peer.receive(...half)).toBeUndefined()
    peer.client.refillLimits(1_000)
    expect(peer.receive(...half)).toBe('ENHANCE_YOUR_CALM')
    expect(peer.fault!.message).toContain('acknowledgments are queued')
    const reading = new Peer()
    for (let i = 0; i < 5; i++) {
      expect(reading.receive(...half)).toBeUndefined()
      reading.sent()
      reading.client.refillLimits(1_000)
    }
  })

  it.each([
    ['G15 PRIORITY (CVE-2019-9513)', priority(1, { dependsOn: 3 })],
    ['G12 PING acknowledgements', ping(undefined, true)],
    ['G15 unknown frames such as PRIORITY_UPDATE', Buffer.from('000000100000000000', 'hex')],
    ['G16 ALTSVC', Buffer.from('0000000a0000000000', 'hex')],
    ['GOAWAY', goaway(0)],
    ['ORIGIN', Buffer.from('0000000c0000000000', 'hex')],
    ['SETTINGS', settings()],
  ])('%s: ENHANCE_YOUR_CALM', (_title, frame) => {
    expect(new Peer().receive(...Array.from({ length: 1_100 }, () => frame))).toBe('ENHANCE_YOUR_CALM')
  })

  it('G13 RST_STREAM of each stream we open, none answered (CVE-2019-9514): GOAWAY, and no more are opened', () => {
    const peer = new Peer()
    let resets = 0
    for (; peer.client.capacity > 0; resets++) expect(peer.receive(rstStream(peer.get().id, 7))).toBeUndefined()
    expect([resets, peer.client.retiring]).toEqual([1_001, true])
    expect(peer.sent().at(-1)).toBe('GOAWAY 0 ENHANCE_YOUR_CALM too many streams ended early')
  })
})

describe('abandon', () => {
  it('tells each open stream, closes it, gives its window back to the budget; nothing is opened any more', () => {
    const peer = new Peer({ local: { connectionWindowBytes: 1_000_000 }, budgetBytes: 100_000 })
    const stream = peer.get()
    peer.post()
    peer.receive(response(1), data(1, bytesOf(16_384)), data(1, bytesOf(16_384)))
    peer.client.consumed(stream, 32_768)
    expect(peer.budget.freeBytes).toBe(50_000)
    peer.events()
    const told: number[] = []
    peer.client.abandon(({ id }) => told.push(id))
    expect(told).toEqual([1, 3])
    expect(peer.events()).toEqual(['closed 1', 'stopped 3', 'closed 3'])
    expect([peer.budget.freeBytes, peer.client.active, peer.client.capacity]).toEqual([100_000, 0, 0])
  })

  it('does not tell a stream that another one closed meanwhile', () => {
    const peer = new Peer()
    const streams = [peer.get(), peer.get(), peer.get()]
    const told: number[] = []
    peer.client.abandon(({ id }) => {
      told.push(id)
      peer.client.resetStream(streams[1]!, 8)
      peer.client.resetStream(streams[0]!, 8)
    })
    expect(told).toEqual([1, 5])
    expect(peer.events()).toEqual(['closed 3', 'closed 1', 'closed 5'])
  })

  it('during receive by a listener that then fails: whose fault it was does not matter any more', () => {
    const peer = new Peer()
    peer.get()
    peer.recorder.during = () => {
      peer.client.abandon(() => undefined)
      peer.recorder.during = undefined
      throw new Error('late')
    }
    expect(peer.receive(response(1))).toBeUndefined()
  })

  it('during receive: the rest of the bytes is no fault and no event', () => {
    const peer = new Peer()
    peer.get()
    peer.get()
    peer.recorder.during = (line) => {
      if (line.startsWith('data')) peer.client.abandon(() => undefined)
    }
    expect(peer.receive(response(1), data(1, 'x'), response(3), goaway(0), settings(), ping())).toBeUndefined()
    expect(peer.events()).toEqual(['response 1 200', 'data 1 x', 'closed 1', 'closed 3'])
    expect(peer.sent().slice(1)).toEqual(['HEADERS 3 END_STREAM :method=GET :scheme=https :authority=a.test :path=/'])
    expect(peer.receive(response(3))).toBeUndefined()
  })
})
