/** The fixture of this folder: its lines for one exchange. */

import { CLIENT_PREFACE } from '../../../../testkit/src/frame-names.js'
import { ClientReader, data, Peer, ping, response } from './peer.js'

it('an exchange is recorded as lines of both sides', () => {
  const peer = new Peer()
  const stream = peer.post('/upload')
  peer.client.sendData(stream, Buffer.from('hello'), true)
  expect(peer.sent()).toEqual(['HEADERS 1 :method=POST :scheme=https :authority=a.test :path=/upload', 'DATA 1 5 END_STREAM'])
  expect(peer.receive(response(1, [['a', 'b']]), data(1, 'one '), data(1, 'two', { endStream: true }), ping())).toBeUndefined()
  expect(peer.events()).toEqual(['response 1 200 a=b', 'data 1 one two', 'end 1', 'closed 1'])
  expect(peer.sent()).toEqual(['PING ACK 0000000000000000'])
})

it('a connection error is returned by name, and its GOAWAY is a line', () => {
  const peer = new Peer()
  expect(peer.receive(data(0, ''))).toBe('PROTOCOL_ERROR')
  expect(peer.sent()).toEqual(['GOAWAY 0 PROTOCOL_ERROR DATA on stream 0'])
})

it('proveAlive fails if HPACK is not in step', () => {
  const peer = new Peer()
  peer.exchange()
  peer.proveAlive()
  expect(() => new Peer().proveAlive()).toThrow()
})

it('an incomplete frame is buffered', () => {
  const reader = new ClientReader()
  expect(CLIENT_PREFACE).toHaveLength(24)
  expect(reader.read(ping().subarray(0, 10))).toEqual([])
  expect(reader.pendingBytes).toBe(10)
  expect(reader.read(ping().subarray(10))).toEqual(['PING 0000000000000000'])
})
