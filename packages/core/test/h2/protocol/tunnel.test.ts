/** A stream that CONNECT opens (RFC 9113 §8.5): DATA both ways, and nothing else. */

import { requestBytes } from '../../../src/h2/protocol/field-section.js'
import { data, headers, Peer, request, rstStream, settings, windowUpdate } from './peer.js'

function connected(fields: readonly [string, string][] = [], status = '200'): Peer {
  const peer = new Peer()
  peer.open({ method: 'CONNECT', authority: 'a.test:443' }, false)
  peer.sent()
  peer.receive(headers(1, [[':status', status], ...fields]))
  return peer
}

it('carries DATA both ways, and each side ends its own', () => {
  const peer = connected()
  expect(peer.events()).toEqual(['response 1 200'])
  peer.receive(data(1, Buffer.from('down')))
  peer.client.sendData(peer.opened[0]!, Buffer.from('up'), false)
  peer.receive(data(1, Buffer.alloc(0), { endStream: true }))
  expect(peer.events()).toEqual(['data 1 down', 'end 1'])
  peer.client.sendData(peer.opened[0]!, Buffer.from('still up'), true)
  expect(peer.sent()).toEqual(['DATA 1 2', 'DATA 1 8 END_STREAM'])
  expect(peer.events()).toEqual(['closed 1'])
})

it.each(['200', '204', '205', '299'])('RFC 9110 §9.3.6: %s is a tunnel, and its content-length means nothing', (status) => {
  const peer = connected([['content-length', '2']], status)
  peer.receive(data(1, Buffer.from('more than two')), data(1, Buffer.alloc(0), { endStream: true }))
  expect(peer.events()).toEqual([`response 1 ${status} content-length=2`, 'data 1 more than two', 'end 1'])
})

it('§8.5 "Frame types other than DATA or stream management frames … MUST be treated as a stream error": HEADERS in a tunnel', () => {
  const peer = connected()
  expect(peer.receive(headers(1, [['x', 'y']], { endStream: true }))).toBeUndefined()
  expect(peer.events()).toEqual(['response 1 200', 'error 1 PROTOCOL_ERROR local', 'stopped 1', 'closed 1'])
  expect(peer.sent()).toEqual(['RST_STREAM 1 PROTOCOL_ERROR'])
})

it('an answer that is not 2xx is a response like others, content-length and trailers included', () => {
  const peer = connected([['content-length', '2']], '407')
  peer.receive(data(1, Buffer.from('no')), headers(1, [['x', 'y']], { endStream: true }))
  expect(peer.events()).toEqual(['response 1 407 content-length=2', 'data 1 no', 'end 1 trailers x=y'])
})

it('an answer of another status is held to its content-length', () => {
  const peer = connected([['content-length', '2']], '502')
  peer.receive(data(1, Buffer.from('much more')))
  expect(peer.events()).toEqual(['response 1 502 content-length=2', 'error 1 PROTOCOL_ERROR local', 'stopped 1', 'closed 1'])
})

it('RST_STREAM with CONNECT_ERROR ends it, and it alone', () => {
  const peer = connected()
  peer.receive(rstStream(1, 0xa))
  expect(peer.events()).toEqual(['response 1 200', 'error 1 CONNECT_ERROR peer', 'stopped 1', 'closed 1'])
  expect(peer.client.capacity).toBeGreaterThan(0)
})

it('WINDOW_UPDATE and the peer’s windows count in a tunnel as elsewhere', () => {
  const peer = new Peer({ settings: { initialWindowSize: 4 } })
  peer.open({ method: 'CONNECT', authority: 'a.test:443' }, false)
  peer.sent()
  peer.receive(headers(1, [[':status', '200']]))
  expect(peer.client.sendData(peer.opened[0]!, Buffer.from('123456'), false)).toBe(false)
  expect(peer.sent()).toEqual(['DATA 1 4'])
  peer.receive(windowUpdate(1, 2))
  expect(peer.sent()).toEqual(['DATA 1 2'])
})

it('§6.5.2: without scheme and path it is that much smaller', () => {
  const head = request({ method: 'CONNECT', authority: 'a.test:443' })
  expect(requestBytes(head)).toBe(':method'.length + 'CONNECT'.length + ':authority'.length + 'a.test:443'.length + 64)
  const peer = new Peer({ settings: false })
  peer.receive(settings({ maxHeaderListSize: requestBytes(head) }))
  expect(peer.client.exceedsPeerLimit(head)).toBe(false)
  expect(peer.client.exceedsPeerLimit({ ...head, fields: ['a', 'b'] })).toBe(true)
})
