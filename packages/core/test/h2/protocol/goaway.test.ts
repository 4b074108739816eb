/**
 * GOAWAY (RFC 9113 §6.8), floods, and the end of a connection: rows G of the matrix of hostile
 * servers.
 */

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

describe('GOAWAY (RFC 9113 §6.8)', () => {
  it('in a graceful pair lets streams up to the second identifier finish; later ones are unprocessed (G01)', () => {
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

  it('with last stream 0 leaves all streams unprocessed and stops uploads (G02)', () => {
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

  it('with HTTP_1_1_REQUIRED, or such an RST_STREAM, fails unprocessed streams with that code (A10)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(goaway(0, 0xd))
    expect(peer.events()[0]).toBe('error 1 HTTP_1_1_REQUIRED peer unprocessed')
    const otherPeer = new Peer()
    otherPeer.get()
    otherPeer.receive(rstStream(1, 0xd))
    expect(otherPeer.events()[0]).toBe('error 1 HTTP_1_1_REQUIRED peer unprocessed')
  })

  it('with an error code lets accepted streams finish (G03; the issue overrules the row)', () => {
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

  it('with a larger last stream is an error: "Endpoints MUST NOT increase the value they send in the last stream identifier" (G04)', () => {
    const peer = new Peer()
    expect(peer.receive(goaway(1), goaway(1))).toBeUndefined()
    expect(peer.receive(goaway(3))).toBe('PROTOCOL_ERROR')
  })

  it('keeps 4 KiB of its debug data (G08)', () => {
    const peer = new Peer()
    peer.receive(goaway(0, 0, bytesOf(16_000)))
    expect(peer.events()[0]).toBe(`goaway 0 NO_ERROR ${'.'.repeat(4_096)}`)
  })

  it('refuses a stream whose later frames are ignored, but count for HPACK and the connection window (G09)', () => {
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

  it('keeps the complete response of a refused stream and stops only its upload', () => {
    const peer = new Peer()
    peer.post()
    peer.receive(response(1, [], { endStream: true }), goaway(0))
    expect(peer.events()).toEqual(['response 1 200', 'end 1', 'stopped 1', 'closed 1', 'goaway 0 NO_ERROR'])
  })

  it('treats a refused stream whose response has begun as processed', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1), goaway(0))
    expect(peer.events()).toEqual(['response 1 200', 'error 1 REFUSED_STREAM peer', 'closed 1', 'goaway 0 NO_ERROR'])
  })

  it('has a reserved bit in its identifier that is ignored', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(goaway(0x8000_0001))
    expect(peer.events()).toEqual(['goaway 1 NO_ERROR'])
  })

  it('of the client leaves capacity 0, and open streams finish', () => {
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
  it('a flood of PING causes ENHANCE_YOUR_CALM (G10, CVE-2019-9512)', () => {
    const peer = new Peer()
    expect(peer.receive(...Array.from({ length: 1_100 }, () => ping()))).toBe('ENHANCE_YOUR_CALM')
  })

  it('more than 1,000 queued acknowledgements cause ENHANCE_YOUR_CALM, however much time passes (G10)', () => {
    const peer = new Peer()
    const pings = Array.from({ length: 600 }, () => ping())
    expect(peer.receive(...pings)).toBeUndefined()
    peer.client.refillLimits(1_000)
    expect(peer.receive(...pings)).toBe('ENHANCE_YOUR_CALM')
    expect(peer.fault!.message).toContain('acknowledgments are queued')
    const reading = new Peer()
    for (let i = 0; i < 5; i++) {
      expect(reading.receive(...pings)).toBeUndefined()
      reading.sent()
      reading.client.refillLimits(1_000)
    }
  })

  it.each([
    ['PRIORITY (G15, CVE-2019-9513)', priority(1, { dependsOn: 3 })],
    ['PING acknowledgements (G12)', ping(undefined, true)],
    ['unknown frames such as PRIORITY_UPDATE (G15)', Buffer.from('000000100000000000', 'hex')],
    ['ALTSVC (G16)', Buffer.from('0000000a0000000000', 'hex')],
    ['GOAWAY', goaway(0)],
    ['ORIGIN', Buffer.from('0000000c0000000000', 'hex')],
    ['SETTINGS', settings()],
  ])('a flood of %s causes ENHANCE_YOUR_CALM', (_title, frame) => {
    expect(new Peer().receive(...Array.from({ length: 1_100 }, () => frame))).toBe('ENHANCE_YOUR_CALM')
  })

  it('RST_STREAM of every stream causes GOAWAY, and no stream is opened after it (G13, CVE-2019-9514)', () => {
    const peer = new Peer()
    let resets = 0
    for (; peer.client.capacity > 0; resets++) expect(peer.receive(rstStream(peer.get().id, 7))).toBeUndefined()
    expect([resets, peer.client.retiring]).toEqual([1_001, true])
    expect(peer.sent().at(-1)).toBe('GOAWAY 0 ENHANCE_YOUR_CALM too many streams ended early')
  })
})

describe('abandon', () => {
  it('calls back for each open stream, closes it and returns its window to the budget; no stream is opened after it', () => {
    const peer = new Peer({ local: { connectionWindowBytes: 1_000_000 }, budgetBytes: 100_000 })
    const stream = peer.get()
    peer.post()
    peer.receive(response(1), data(1, bytesOf(16_384)), data(1, bytesOf(16_384)))
    peer.client.consumed(stream, 32_768)
    expect(peer.budget.freeBytes).toBe(50_000)
    peer.events()
    const ids: number[] = []
    peer.client.abandon(({ id }) => ids.push(id))
    expect(ids).toEqual([1, 3])
    expect(peer.events()).toEqual(['closed 1', 'stopped 3', 'closed 3'])
    expect([peer.budget.freeBytes, peer.client.active, peer.client.capacity]).toEqual([100_000, 0, 0])
  })

  it('does not call back for a stream that a previous callback closed', () => {
    const peer = new Peer()
    const streams = [peer.get(), peer.get(), peer.get()]
    const ids: number[] = []
    peer.client.abandon(({ id }) => {
      ids.push(id)
      peer.client.resetStream(streams[1]!, 8)
      peer.client.resetStream(streams[0]!, 8)
    })
    expect(ids).toEqual([1, 5])
    expect(peer.events()).toEqual(['closed 3', 'closed 1', 'closed 5'])
  })

  it('in a listener that then throws during receive causes no fault', () => {
    const peer = new Peer()
    peer.get()
    peer.recorder.during = () => {
      peer.client.abandon(() => undefined)
      peer.recorder.during = undefined
      throw new Error('late')
    }
    expect(peer.receive(response(1))).toBeUndefined()
  })

  it('during receive discards the rest of the bytes without fault or event', () => {
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
