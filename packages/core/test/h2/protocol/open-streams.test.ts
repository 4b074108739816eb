/** The list of open streams of a connection. */

import { Peer, response } from './peer.js'

const idsOf = (peer: Peer): number[] => [...peer.client.open()].map(({ id }) => id)

it('open() lists open streams in the order of their identifiers, without those that have ended', () => {
  const peer = new Peer()
  for (let i = 0; i < 3; i++) peer.get()
  expect(idsOf(peer)).toEqual([1, 3, 5])
  peer.receive(response(3, [], { endStream: true }))
  expect(idsOf(peer)).toEqual([1, 5])
})

it('open() skips a stream that the loop over it has reset', () => {
  const peer = new Peer()
  for (let i = 0; i < 3; i++) peer.get()
  const visited: number[] = []
  for (const stream of peer.client.open()) {
    visited.push(stream.id)
    if (stream.id === 1) peer.client.resetStream(peer.opened[1]!, 8)
  }
  expect(visited).toEqual([1, 5])
})

it('isOpen() is true from the request of a stream until its end', () => {
  const peer = new Peer()
  expect(peer.client.isOpen(1)).toBe(false)
  peer.get()
  expect([peer.client.isOpen(1), peer.client.isOpen(3)]).toEqual([true, false])
  peer.receive(response(1, [], { endStream: true }))
  expect(peer.client.isOpen(1)).toBe(false)
})
