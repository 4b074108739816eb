/**
 * Stream states (RFC 9113 §5.1): every state with every input, and late frames on closed streams.
 */

import { ResetStreams } from '../../../src/h2/protocol/reset-streams.js'
import { Stream } from '../../../src/h2/protocol/stream.js'
import { nextState, REFUSED, StreamInput, StreamState } from '../../../src/h2/protocol/stream-state.js'
import { bytesOf, data, headers, indexed, inserting, Peer, priority, raw, response, rstStream, windowUpdate } from './peer.js'

const { OPEN, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE, CLOSED } = StreamState
const inputs = Object.keys(StreamInput) as (keyof typeof StreamInput)[]

describe('the table of transitions', () => {
  const no = REFUSED
  it.each<[keyof typeof StreamState, number[]]>([
    //      send: HEADERS DATA END  receive: HEADERS DATA END  RESET
    ['IDLE', [OPEN, no, no, no, no, no, no]],
    ['OPEN', [OPEN, OPEN, HALF_CLOSED_LOCAL, OPEN, OPEN, HALF_CLOSED_REMOTE, CLOSED]],
    ['HALF_CLOSED_LOCAL', [no, no, no, HALF_CLOSED_LOCAL, HALF_CLOSED_LOCAL, CLOSED, CLOSED]],
    ['HALF_CLOSED_REMOTE', [HALF_CLOSED_REMOTE, HALF_CLOSED_REMOTE, CLOSED, no, no, no, CLOSED]],
    ['CLOSED', [no, no, no, no, no, no, CLOSED]],
  ])('has the successors of %s', (name, expected) => {
    const state = StreamState[name]
    expect(inputs.map((input) => nextState(state, StreamInput[input]))).toEqual(expected)
    for (const [i, input] of inputs.entries()) {
      const stream = new Stream(1, 'owner', false, 0, 0)
      stream.state = state
      expect(stream.allows(StreamInput[input])).toBe(expected[i] !== no)
      if (expected[i] === no) expect(() => stream.apply(StreamInput[input])).toThrow(`in state ${state}`)
      else stream.apply(StreamInput[input])
      expect(stream.state).toBe(expected[i] === no ? state : expected[i])
    }
  })
})

describe('a half-closed (remote) stream: "MUST respond with a stream error of type STREAM_CLOSED"', () => {
  it.each([
    ['HEADERS (E03)', headers(1, inserting)],
    ['DATA (E03)', data(1, 'x')],
    ['empty DATA (E03)', data(1, '')],
  ])('%s keeps the response and stops the upload', (_title, frame) => {
    const peer = new Peer()
    peer.post()
    peer.receive(response(1, [], { endStream: true }))
    peer.events()
    expect(peer.receive(frame)).toBeUndefined()
    expect(peer.events()).toEqual(['stopped 1', 'closed 1'])
    expect(peer.sent().at(-1)).toBe('RST_STREAM 1 STREAM_CLOSED')
    if (!frame.includes(inserting)) peer.exchange()
    peer.proveAlive()
  })
})

describe('a closed stream', () => {
  it.each([
    ['HEADERS', response(1)],
    ['DATA', data(1, 'x')],
  ])('%s after END_STREAM of both sides causes connection error STREAM_CLOSED (E03)', (_title, frame) => {
    const peer = new Peer()
    peer.exchange()
    expect(peer.receive(frame)).toBe('STREAM_CLOSED')
  })

  it('a repeated lower identifier causes STREAM_CLOSED (E02)', () => {
    const peer = new Peer()
    peer.exchange()
    peer.get()
    expect(peer.receive(response(3, [], { endStream: true }), response(1))).toBe('STREAM_CLOSED')
  })

  it.each([
    ['a stream that it resets', [rstStream(1, 0)]],
    ['a complete response', [response(1, [], { endStream: true }), rstStream(1, 0)]],
  ])('frames after RST_STREAM of the peer for %s are discarded, and count towards ENHANCE_YOUR_CALM', (_what, before) => {
    const peer = new Peer()
    peer.get()
    expect(peer.receive(...before)).toBeUndefined()
    peer.events()
    peer.sent()
    // As the C core of gRPC does, if a call ends for two reasons at the same time.
    expect(peer.receive(headers(1, inserting, { endStream: true }), rstStream(1, 0), data(1, bytesOf(10)))).toBeUndefined()
    expect([peer.events(), peer.sent()]).toEqual([[], []])
    peer.proveAlive()
    expect(peer.receive(...Array.from({ length: 1_001 }, () => data(1, bytesOf(1))))).toBe('ENHANCE_YOUR_CALM')
  })

  it('the 100 newest resets of the peer are remembered', () => {
    const resets = new ResetStreams()
    for (let id = 1; id <= 201; id += 2) resets.addOfPeer(id)
    expect([1, 3, 201].map((id) => resets.find(id)?.excusesSection())).toEqual([undefined, false, false])
  })

  it('"WINDOW_UPDATE or RST_STREAM frames ... MAY be received for a short period": they and PRIORITY are ignored', () => {
    const peer = new Peer()
    peer.exchange()
    expect(
      peer.receive(windowUpdate(1, 0), windowUpdate(1, 0x7fff_ffff), rstStream(1, 8), priority(1, { dependsOn: 3 })),
    ).toBeUndefined()
    expect([peer.events(), peer.sent()]).toEqual([[], []])
    peer.proveAlive()
  })
})

describe('after RST_STREAM of the client "frames that it receives ... MUST be ignored" (E05)', () => {
  it('but count for HPACK and for the connection window', () => {
    const peer = new Peer()
    const stream = peer.get()
    peer.receive(response(1))
    peer.client.resetStream(stream, 8)
    expect(peer.sent()).toContain('RST_STREAM 1 CANCEL')
    peer.events()
    peer.receive(headers(1, inserting), data(1, bytesOf(16_384)))
    expect(peer.sent()).toEqual([])
    peer.receive(data(1, bytesOf(16_384)), rstStream(1, 8), windowUpdate(1, 0))
    expect(peer.sent()).toEqual(['WINDOW_UPDATE 0 32768'])
    expect(peer.events()).toEqual([])
    peer.proveAlive()
  })

  it('and their connection credit is returned on receipt', () => {
    const peer = new Peer()
    peer.client.resetStream(peer.get(), 8)
    for (let i = 0; i < 40; i++) expect(peer.receive(data(1, bytesOf(16_384)))).toBeUndefined()
  })

  it('the 16,384 newest resets are remembered, and DATA on an older stream is neither an error nor excused', () => {
    const resets = new ResetStreams()
    const last = 2 * 16_384 + 1
    for (let id = 1; id < last; id += 2) resets.add(id, 10)
    expect(resets.find(last)).toBeUndefined()
    resets.add(last, 10)
    expect([resets.find(3), resets.find(last)].map((each) => each?.excusesData(10))).toEqual([true, true])
    // The oldest stream is no longer known: its frames are neither an error nor excused.
    expect(resets.find(1)?.excusesData(0)).toBe(false)
    expect(resets.find(1)?.excusesSection()).toBe(false)
    expect(resets.find(last + 2)).toBeUndefined()
  })

  it('frames beyond the window and the field sections of a response count towards ENHANCE_YOUR_CALM', () => {
    const peer = new Peer()
    peer.client.resetStream(peer.get(), 8)
    for (let i = 0; i < 18; i++) expect(peer.receive(headers(1, indexed.subarray(0, 1)))).toBeUndefined()
    expect(peer.receive(...Array.from({ length: 1_001 }, () => headers(1, indexed.subarray(0, 1))))).toBe('ENHANCE_YOUR_CALM')
    expect(peer.fault!.message).toContain('HEADERS on a closed stream')
    const otherPeer = new Peer()
    otherPeer.client.resetStream(otherPeer.get(), 8)
    expect(otherPeer.receive(...Array.from({ length: 4 }, () => data(1, bytesOf(16_384 - 1))))).toBeUndefined()
    expect(otherPeer.receive(...Array.from({ length: 1_001 }, () => data(1, bytesOf(100))))).toBe('ENHANCE_YOUR_CALM')
    expect(otherPeer.fault!.message).toContain('DATA on a closed stream')
  })

  it('late frames of 5,000 downloads that are aborted at once are accepted', () => {
    const peer = new Peer({ local: { connectionWindowBytes: 16_777_216 } })
    const streams = Array.from({ length: 5_000 }, () => peer.get())
    for (const stream of streams) peer.client.resetStream(stream, 8)
    for (const { id } of streams) {
      expect(peer.receive(headers(id, inserting), data(id, bytesOf(100)), data(id, 'x', { endStream: true }))).toBeUndefined()
    }
  })

  it('until its END_STREAM: "An endpoint that receives any frames after ... END_STREAM" causes STREAM_CLOSED', () => {
    for (const last of [response(1, [], { endStream: true }), data(1, '', { endStream: true })]) {
      const peer = new Peer()
      peer.client.resetStream(peer.get(), 8)
      expect(peer.receive(last)).toBeUndefined()
      expect(peer.receive(data(1, 'x'))).toBe('STREAM_CLOSED')
    }
  })

  it('but their padding is checked (B02)', () => {
    const peer = new Peer()
    peer.client.resetStream(peer.get(), 8)
    expect(peer.receive(data(1, 'x', { padding: 20 }))).toBeUndefined()
    expect(peer.receive(raw(0, 8, 1, Buffer.from([1, 0])))).toBeUndefined()
    expect(peer.receive(raw(0, 8, 1, Buffer.from([2, 0])))).toBe('PROTOCOL_ERROR')
  })

  it('a repeated resetStream, or one on a closed stream, sends no frame', () => {
    const peer = new Peer()
    const closed = peer.exchange()
    const stream = peer.get()
    peer.sent()
    peer.client.resetStream(stream, 8)
    peer.client.resetStream(stream, 8)
    peer.client.resetStream(closed, 8)
    expect(peer.sent().filter((line) => line.startsWith('RST_STREAM'))).toEqual(['RST_STREAM 3 CANCEL'])
    expect(peer.events()).toEqual(['closed 3'])
  })
})
