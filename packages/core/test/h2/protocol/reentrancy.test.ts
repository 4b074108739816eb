/** Calls of the engine from inside its events. */

import {
  bytesOf,
  data,
  goaway,
  headers,
  Peer,
  ping,
  raw,
  response,
  rstStream,
  settings,
  type TestStream,
  windowUpdate,
} from './peer.js'

/**
 * Causes every kind of event on several streams; stream 5 is an upload that waits for its window.
 */
function script(peer: BusyPeer): void {
  const upload = peer.streams[2]!
  peer.client.sendData(upload, bytesOf(100), true)
  peer.receive(settings({ initialWindowSize: 10 }), headers(1, [[':status', '103']]), response(1), data(1, 'x', { padding: 3 }))
  peer.receive(
    data(1, 'y', { endStream: true }),
    response(3, [['content-length', '1']]),
    data(3, 'toolong'),
    windowUpdate(5, 1_000),
  )
  peer.receive(response(5), headers(5, [['t', 'u']], { endStream: true }), ping(undefined, true), rstStream(7, 2), goaway(9, 0))
}

class BusyPeer extends Peer {
  readonly streams: TestStream[] = []

  constructor() {
    super({ settings: { initialWindowSize: 0 } })
    this.streams.push(this.get(), this.get(), this.post(), this.get(), this.post(), this.post(), this.post())
    this.sent()
  }
}

const kinds = ['settings', 'informational', 'response', 'data', 'end', 'error', 'sendable', 'stopped', 'closed', 'pong', 'goaway']
const actions: Record<string, (peer: BusyPeer, stream: TestStream | undefined) => void> = {
  'resets the stream': (peer, stream) => stream !== undefined && peer.client.resetStream(stream, 8),
  'resets every stream': (peer) => {
    for (const stream of peer.streams) peer.client.resetStream(stream, 8)
  },
  'sends content and the end': (peer, stream) => stream !== undefined && peer.client.sendData(stream, bytesOf(20), true),
  'sends content on every stream': (peer) => {
    for (const stream of peer.streams) peer.client.sendData(stream, bytesOf(20), false)
  },
  'opens a stream': (peer) => peer.client.capacity > 0 && peer.streams.length < 50 && peer.streams.push(peer.post()),
  'reads the content': (peer, stream) => stream !== undefined && peer.client.consumed(stream, 1),
  'abandons the connection': (peer) => peer.client.abandon(() => undefined),
  'sends GOAWAY': (peer) => peer.client.goaway(0, ''),
  'takes the output': (peer) => peer.sent(),
  resumes: (peer) => peer.client.resume(),
}

describe.each(kinds)('inside %s', (kind) => {
  it.each(Object.keys(actions))('the listener %s', (name) => {
    const peer = new BusyPeer()
    let depth = 0
    let calls = 0
    peer.recorder.during = (line, stream) => {
      if (line.split(' ')[0] !== kind || depth > 2) return
      depth++
      calls++
      actions[name]!(peer, stream)
      depth--
    }
    script(peer)
    peer.client.abandon(() => undefined)
    peer.recorder.during = undefined
    expect(peer.fault).toBeUndefined()
    expect(calls).toBeGreaterThan(0)
    const lines = peer.events()
    for (const { id } of peer.streams) {
      expect(lines.filter((line) => line === `closed ${id}`)).toHaveLength(1)
      const ends = lines.filter((line) => line.startsWith(`end ${id}`) || line.startsWith(`error ${id} `))
      expect(ends.length).toBeLessThanOrEqual(1)
    }
    expect(peer.client.active).toBe(0)
    peer.sent()
    expect(peer.reader.pendingBytes).toBe(0)
  })
})

it.each<[string, (peer: Peer) => Buffer]>([
  ['GOAWAY', () => goaway(0)],
  ['SETTINGS', () => settings({ initialWindowSize: 1_000 })],
])('no event follows a call of abandon from inside %s', (_name, frame) => {
  const peer = new Peer({ settings: { initialWindowSize: 0 } })
  const stream = peer.post()
  peer.client.sendData(stream, bytesOf(10), false)
  peer.recorder.during = () => {
    peer.recorder.during = undefined
    peer.client.abandon(() => undefined)
  }
  expect(peer.receive(frame(peer))).toBeUndefined()
  expect(peer.events().at(-1)).toBe('closed 1')
})

it('after a connection error only GOAWAY is written', () => {
  const peer = new Peer({ settings: { initialWindowSize: 100_000 } })
  const [stream, sibling] = [peer.post(), peer.post()]
  peer.client.sendData(stream, bytesOf(70_000), false)
  peer.sent()
  // Valid values before the invalid one must have no effect.
  const applied = Buffer.from('0005 00010000 0008 00010000'.replaceAll(' ', ''), 'hex')
  expect(peer.receive(raw(4, 0, 0, applied))).toBe('PROTOCOL_ERROR')
  expect(peer.client.sendData(sibling, bytesOf(10), true)).toBe(true)
  peer.client.resume()
  expect(peer.sent()).toEqual([expect.stringMatching(/^GOAWAY 0 PROTOCOL_ERROR/)])
})

it('a stream that is reset inside GOAWAY by the owner of another stream has no error after it is closed', () => {
  const peer = new Peer()
  peer.get()
  const second = peer.get()
  peer.recorder.during = (line) => {
    if (line === 'closed 1') peer.client.resetStream(second, 8)
  }
  peer.receive(goaway(0))
  expect(peer.events()).toEqual(['error 1 REFUSED_STREAM peer unprocessed', 'closed 1', 'closed 3', 'goaway 0 NO_ERROR'])
})

it.each([
  ['resets it', (peer: Peer, stream: TestStream): unknown => peer.client.resetStream(stream, 8)],
  ['ends it', (peer: Peer, stream: TestStream): unknown => peer.client.sendData(stream, undefined, true)],
])('a stream with an open upload closes once if the listener of onEnd %s', (_title, action) => {
  const peer = new Peer()
  const stream = peer.post()
  peer.recorder.during = (line) => line.startsWith('end') && action(peer, stream)
  peer.receive(response(1, [], { endStream: true }))
  expect(peer.events().filter((line) => line !== 'stopped 1')).toEqual(['response 1 200', 'end 1', 'closed 1'])
})

it('a stream closes once if its onStreamError or onSendable resets it', () => {
  const peer = new Peer()
  const stream = peer.post()
  peer.recorder.during = () => peer.client.resetStream(stream, 8)
  peer.receive(data(1, 'before the response'))
  expect(peer.events()).toEqual(['error 1 PROTOCOL_ERROR local', 'stopped 1', 'closed 1'])
  expect(peer.sent().slice(1)).toEqual(['RST_STREAM 1 PROTOCOL_ERROR'])
})

it('a stream that is reset inside onResponse with END_STREAM has no onEnd', () => {
  const peer = new Peer()
  const stream = peer.get()
  peer.recorder.during = (line) => line.startsWith('response') && peer.client.resetStream(stream, 8)
  peer.receive(response(1, [], { endStream: true }))
  expect(peer.events()).toEqual(['response 1 200', 'closed 1'])
})

it('content after a reset inside onData is not passed on', () => {
  const peer = new Peer()
  const stream = peer.get()
  peer.recorder.during = (line) => line.startsWith('data') && peer.client.resetStream(stream, 8)
  const frame = data(1, 'abcdef', { endStream: true })
  peer.receive(response(1), frame.subarray(0, 11))
  peer.receive(frame.subarray(11))
  expect(peer.events()).toEqual(['response 1 200', 'data 1 ab', 'closed 1'])
})

it('onSendable may send content repeatedly while the window is open', () => {
  const peer = new Peer({ settings: { initialWindowSize: 1_000 } })
  const stream = peer.post()
  let remaining = 5
  peer.recorder.during = (line) => {
    while (line.startsWith('sendable') && remaining > 0) {
      remaining--
      if (!peer.client.sendData(stream, bytesOf(1_000), remaining === 0)) break
    }
  }
  peer.client.sendData(stream, bytesOf(1_500), false)
  peer.receive(windowUpdate(1, 2_000), windowUpdate(1, 10_000))
  expect(peer.sent().slice(1).join()).toBe(
    'DATA 1 1000,DATA 1 500,DATA 1 1000,DATA 1 500,DATA 1 500,DATA 1 1000,DATA 1 1000,DATA 1 1000 END_STREAM',
  )
})
