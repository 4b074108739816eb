/** The stream of a CONNECT request (RFC 9113 §8.5), which carries only DATA in both directions. */

import { requestBytes } from '../../../src/h2/protocol/field-section.js'
import { data, headers, Peer, request, rstStream, settings, windowUpdate } from './peer.js'

function connected(fields: readonly [string, string][] = [], status = '200'): Peer {
  const peer = new Peer()
  peer.open({ method: 'CONNECT', authority: 'a.test:443' }, false)
  peer.sent()
  peer.receive(headers(1, [[':status', status], ...fields]))
  return peer
}

it('a tunnel carries DATA in both directions, and each side ends its own direction', () => {
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

it.each(['200', '204', '205', '299'])(
  'a %s response to CONNECT opens a tunnel, and its content-length is ignored (RFC 9110 §9.3.6)',
  (status) => {
    const peer = connected([['content-length', '2']], status)
    peer.receive(data(1, Buffer.from('more than two')), data(1, Buffer.alloc(0), { endStream: true }))
    expect(peer.events()).toEqual([`response 1 ${status} content-length=2`, 'data 1 more than two', 'end 1'])
  },
)

it('"Frame types other than DATA or stream management frames … MUST be treated as a stream error": HEADERS in a tunnel (§8.5)', () => {
  const peer = connected()
  expect(peer.receive(headers(1, [['x', 'y']], { endStream: true }))).toBeUndefined()
  expect(peer.events()).toEqual(['response 1 200', 'error 1 PROTOCOL_ERROR local', 'stopped 1', 'closed 1'])
  expect(peer.sent()).toEqual(['RST_STREAM 1 PROTOCOL_ERROR'])
})

it('a response other than 2xx is an ordinary response, content-length and trailers included', () => {
  const peer = connected([['content-length', '2']], '407')
  peer.receive(data(1, Buffer.from('no')), headers(1, [['x', 'y']], { endStream: true }))
  expect(peer.events()).toEqual(['response 1 407 content-length=2', 'data 1 no', 'end 1 trailers x=y'])
})

it('content longer than the content-length of a 502 causes a stream error', () => {
  const peer = connected([['content-length', '2']], '502')
  peer.receive(data(1, Buffer.from('much more')))
  expect(peer.events()).toEqual(['response 1 502 content-length=2', 'error 1 PROTOCOL_ERROR local', 'stopped 1', 'closed 1'])
})

it('RST_STREAM CONNECT_ERROR ends only the tunnel', () => {
  const peer = connected()
  peer.receive(rstStream(1, 0xa))
  expect(peer.events()).toEqual(['response 1 200', 'error 1 CONNECT_ERROR peer', 'stopped 1', 'closed 1'])
  expect(peer.client.capacity).toBeGreaterThan(0)
})

it('a tunnel respects WINDOW_UPDATE and the windows of the peer', () => {
  const peer = new Peer({ settings: { initialWindowSize: 4 } })
  peer.open({ method: 'CONNECT', authority: 'a.test:443' }, false)
  peer.sent()
  peer.receive(headers(1, [[':status', '200']]))
  expect(peer.client.sendData(peer.opened[0]!, Buffer.from('123456'), false)).toBe(false)
  expect(peer.sent()).toEqual(['DATA 1 4'])
  peer.receive(windowUpdate(1, 2))
  expect(peer.sent()).toEqual(['DATA 1 2'])
})

it('the size of a CONNECT request excludes :scheme and :path (§6.5.2)', () => {
  const head = request({ method: 'CONNECT', authority: 'a.test:443' })
  expect(requestBytes(head)).toBe(':method'.length + 'CONNECT'.length + ':authority'.length + 'a.test:443'.length + 64)
  const peer = new Peer({ settings: false })
  peer.receive(settings({ maxHeaderListSize: requestBytes(head) }))
  expect(peer.client.exceedsPeerLimit(head)).toBe(false)
  expect(peer.client.exceedsPeerLimit({ ...head, fields: ['a', 'b'] })).toBe(true)
})

it('"The :scheme and :path pseudo-header fields MUST also be included" with :protocol, and count as fields (RFC 8441 §4)', () => {
  const head = request({ method: 'CONNECT', protocol: 'websocket', scheme: 'https', authority: 'a.test', path: '/chat' })
  expect(requestBytes(head)).toBe(
    ':method:protocol:scheme:authority:path'.length + 'CONNECTwebsockethttpsa.test/chat'.length + 5 * 32,
  )
  const peer = new Peer()
  peer.sent()
  peer.open(head, false)
  expect(peer.sent()).toEqual(['HEADERS 1 :method=CONNECT :protocol=websocket :scheme=https :authority=a.test :path=/chat'])
})
