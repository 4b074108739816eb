/** RFC 9113 §5.1: the table, every state and every input, and what comes late on streams that are closed. */

import { ConnectionState } from '../../../src/h2/protocol/connection-state.js'
import { Stream } from '../../../src/h2/protocol/stream.js'
import { nextState, REFUSED, StreamInput, StreamState } from '../../../src/h2/protocol/stream-state.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import { bytesOf, data, headers, inserting, LOCAL, Peer, priority, Recorder, response, rstStream, windowUpdate } from './peer.js'

const { OPEN, HALF_CLOSED_LOCAL, HALF_CLOSED_REMOTE, CLOSED } = StreamState
const inputs = Object.keys(StreamInput) as (keyof typeof StreamInput)[]

describe('the table', () => {
  const no = REFUSED
  it.each<[keyof typeof StreamState, number[]]>([
    //      send: HEADERS DATA END  receive: HEADERS DATA END  RESET
    ['IDLE', [OPEN, no, no, no, no, no, no]],
    ['OPEN', [OPEN, OPEN, HALF_CLOSED_LOCAL, OPEN, OPEN, HALF_CLOSED_REMOTE, CLOSED]],
    ['HALF_CLOSED_LOCAL', [no, no, no, HALF_CLOSED_LOCAL, HALF_CLOSED_LOCAL, CLOSED, CLOSED]],
    ['HALF_CLOSED_REMOTE', [HALF_CLOSED_REMOTE, HALF_CLOSED_REMOTE, CLOSED, no, no, no, CLOSED]],
    ['CLOSED', [no, no, no, no, no, no, CLOSED]],
  ])('%s', (name, expected) => {
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

describe('half-closed (remote): "MUST respond with a stream error of type STREAM_CLOSED"', () => {
  it.each([
    ['E03 HEADERS', headers(1, inserting)],
    ['E03 DATA', data(1, 'x')],
    ['E03 an empty DATA', data(1, '')],
  ])('%s: the response stays a success, the upload stops', (_title, frame) => {
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

describe('closed', () => {
  it.each([
    ['HEADERS', response(1)],
    ['DATA', data(1, 'x')],
  ])('E03 %s after END_STREAM both ways: connection error STREAM_CLOSED', (_title, frame) => {
    const peer = new Peer()
    peer.exchange()
    expect(peer.receive(frame)).toBe('STREAM_CLOSED')
  })

  it('E02 a lower identifier that is used again: STREAM_CLOSED', () => {
    const peer = new Peer()
    peer.exchange()
    peer.get()
    expect(peer.receive(response(3, [], { endStream: true }), response(1))).toBe('STREAM_CLOSED')
  })

  it('HEADERS after RST_STREAM of the peer: STREAM_CLOSED', () => {
    const peer = new Peer()
    peer.get()
    expect(peer.receive(rstStream(1, 8), response(1))).toBe('STREAM_CLOSED')
  })

  it('"WINDOW_UPDATE or RST_STREAM frames ... MAY be received for a short period": ignored, and PRIORITY always', () => {
    const peer = new Peer()
    peer.exchange()
    expect(
      peer.receive(windowUpdate(1, 0), windowUpdate(1, 0x7fff_ffff), rstStream(1, 8), priority(1, { dependsOn: 3 })),
    ).toBeUndefined()
    expect([peer.events(), peer.sent()]).toEqual([[], []])
    peer.proveAlive()
  })
})

describe('E05 after our RST_STREAM "frames that it receives ... MUST be ignored" but count', () => {
  it('for HPACK and for the connection window', () => {
    const peer = new Peer()
    const stream = peer.get()
    peer.receive(response(1))
    peer.client.resetStream(stream, 8)
    expect(peer.sent().at(-1)).toBe('RST_STREAM 1 CANCEL')
    peer.events()
    peer.receive(headers(1, inserting), data(1, bytesOf(16_384)))
    expect(peer.sent()).toEqual([])
    peer.receive(data(1, bytesOf(16_384)), rstStream(1, 8), windowUpdate(1, 0))
    expect(peer.sent()).toEqual(['WINDOW_UPDATE 0 32768'])
    expect(peer.events()).toEqual([])
    peer.proveAlive()
  })

  it('and still fill the connection window when they do not fit', () => {
    const peer = new Peer()
    peer.client.resetStream(peer.get(), 8)
    for (let i = 0; i < 40; i++) expect(peer.receive(data(1, bytesOf(16_384)))).toBeUndefined()
  })

  it('is remembered for 1,024 streams, and below them every stream gets the benefit of the doubt', () => {
    const state = new ConnectionState(new Recorder(), LOCAL, new WindowBudget(0))
    for (let id = 1; id <= 2_049; id += 2) state.rememberReset(id)
    expect([state.wasReset(1), state.wasReset(3), state.wasReset(2_049), state.wasReset(2_051)]).toEqual([
      true,
      true,
      true,
      false,
    ])
    state.rememberReset(2_053)
    expect([state.wasReset(2), state.wasReset(3), state.wasReset(2_051)]).toEqual([true, true, false])
  })

  it('resetStream twice, or on a stream that is over, says nothing', () => {
    const peer = new Peer()
    const over = peer.exchange()
    const stream = peer.get()
    peer.sent()
    peer.client.resetStream(stream, 8)
    peer.client.resetStream(stream, 8)
    peer.client.resetStream(over, 8)
    expect(peer.sent()).toEqual(['RST_STREAM 3 CANCEL'])
    expect(peer.events()).toEqual(['closed 3'])
  })
})
