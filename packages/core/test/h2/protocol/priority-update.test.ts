/** PRIORITY_UPDATE (RFC 9218 §7.1) of the client and of the server. */

import { headers, Peer, raw, settings } from './peer.js'

const SCHEDULES = { noRfc7540Priorities: 1 }
const sentFrames = (peer: Peer): Buffer => Buffer.concat(peer.client.takeOutput())

it('PRIORITY_UPDATE on stream 0 contains the prioritized stream and the priority in ASCII (§7.1)', () => {
  const peer = new Peer({ settings: SCHEDULES })
  const stream = peer.get()
  peer.sent()
  expect(peer.client.reprioritize(stream, 'u=5, i')).toBe(true)
  expect(sentFrames(peer)).toEqual(raw(0x10, 0, 0, Buffer.from('00000001753d352c2069', 'hex')))
})

it('no PRIORITY_UPDATE is sent without NO_RFC7540_PRIORITIES 1: "those frames are likely to be ignored" (§2.1)', () => {
  const peer = new Peer()
  const stream = peer.get()
  peer.sent()
  expect(peer.client.reprioritize(stream, 'u=0')).toBe(false)
  peer.receive(settings(SCHEDULES))
  peer.sent()
  expect(peer.client.reprioritize(stream, 'u=0')).toBe(true)
  peer.receive(settings({ noRfc7540Priorities: 0 }))
  peer.sent()
  expect(peer.client.reprioritize(stream, 'u=0')).toBe(false)
  expect(peer.sent()).toEqual([])
})

it('no PRIORITY_UPDATE is sent for a complete response or on an abandoned connection', () => {
  const peer = new Peer({ settings: SCHEDULES })
  const [answered, reset, open] = [peer.post(), peer.get(), peer.get()]
  peer.receive(headers(answered.id, [[':status', '200']], { endStream: true }))
  peer.client.resetStream(reset, 8)
  peer.sent()
  expect([answered, reset].map((stream) => peer.client.reprioritize(stream, 'u=0'))).toEqual([false, false])
  peer.client.abandon(() => expect(peer.client.reprioritize(open, 'u=0')).toBe(false))
  expect(peer.client.reprioritize(open, 'u=0')).toBe(false)
  expect(peer.sent()).toEqual([])
})

it('a PRIORITY_UPDATE from a server is ignored (§7.1)', () => {
  const peer = new Peer({ settings: SCHEDULES })
  const { id } = peer.exchange()
  expect(peer.receive(raw(0x10, 0, 0, Buffer.from([0, 0, 0, id])))).toBeUndefined()
  peer.proveAlive()
})
