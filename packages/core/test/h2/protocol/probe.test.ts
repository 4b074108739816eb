/** The PING that the client sends without a call of `ping()` (RFC 9113 §6.7). */

import { data, Peer, ping, response } from './peer.js'

const OPAQUE = '726573657461636b'
const PROBE = `PING ${OPAQUE}`
const pong = ping(Buffer.from(OPAQUE, 'hex'), true)

it('one probe is outstanding at a time, and the next needs HEADERS or DATA from the peer', () => {
  const peer = new Peer()
  const stream = peer.get()
  peer.sent()
  expect([peer.client.sendProbe(), peer.client.sendProbe(), peer.sent()]).toEqual([true, false, [PROBE]])
  peer.receive(pong)
  expect([peer.client.sendProbe(), peer.sent()]).toEqual([false, []])
  peer.receive(response(stream.id))
  expect([peer.client.sendProbe(), peer.sent()]).toEqual([true, [PROBE]])
  peer.receive(pong, data(stream.id, 'x'))
  expect([peer.client.sendProbe(), peer.sent()]).toEqual([true, [PROBE]])
})

it('the acknowledgement of a probe is not reported as that of a caller', () => {
  const peer = new Peer()
  peer.client.sendProbe()
  peer.receive(pong)
  // `onCapacity` is called, because held slots are free again; `onPong` is not.
  expect([peer.events(), peer.client.probe.outstanding]).toEqual([['settings'], false])
})

it('the passage of time permits another probe, but not while one is outstanding', () => {
  const peer = new Peer()
  peer.client.sendProbe()
  peer.client.probe.forgive()
  expect(peer.client.sendProbe()).toBe(false)
  peer.receive(pong)
  expect(peer.client.sendProbe()).toBe(true)
})

it('an abandoned connection sends no probe', () => {
  const peer = new Peer()
  peer.client.abandon(() => undefined)
  expect([peer.client.sendProbe(), peer.sent()]).toEqual([false, []])
})
