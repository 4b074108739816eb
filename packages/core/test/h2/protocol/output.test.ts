/** The slabs that small output is copied into, on busy and on idle connections. */

import { Output } from '../../../src/h2/protocol/output.js'
import { Peer, response } from './peer.js'

const LEAST_BYTES = 2_048
const MOST_BYTES = 65_536

/**
 * Writes this many bytes, 100 at a time; returns the lengths of the slabs that they were copied
 * into.
 */
function fill(output: Output, bytes: number, takeEach = true): number[] {
  const lengths: number[] = []
  for (let written = 0; written < bytes; written += 100) {
    output.writeBytes(Buffer.alloc(100, written / 100))
    lengths.push(output.buffer.length)
    if (takeEach) output.take()
  }
  return [...new Set(lengths)]
}

describe('the slab of a connection', () => {
  it('is small at first, and doubles during a busy period', () => {
    const output = new Output()
    expect(output.buffer).toHaveLength(LEAST_BYTES)
    expect(fill(output, 300_000)).toEqual([LEAST_BYTES, 4_096, 8_192, 16_384, 32_768, MOST_BYTES])
  })

  it('is released at rest, and is small again', () => {
    const output = new Output()
    fill(output, 300_000)
    output.rest()
    expect(output.buffer).toHaveLength(LEAST_BYTES)
    expect(fill(output, 10_000)).toEqual([LEAST_BYTES, 4_096, 8_192])
  })

  it('is kept at rest if it is small, for consecutive requests', () => {
    const output = new Output()
    const slabs = new Set<Buffer>()
    for (let i = 0; i < 20; i++) {
      fill(output, 100)
      slabs.add(output.buffer)
      output.rest()
    }
    expect(slabs.size).toBe(1)
  })

  it('is not overwritten after its release, because its bytes may not be sent yet', () => {
    const output = new Output()
    fill(output, 100_000)
    output.writeBytes(Buffer.from('taken'))
    const taken = output.take()
    output.rest()
    fill(output, 100_000)
    expect(Buffer.concat(taken).toString()).toBe('taken')
  })
})

it('the slab is small again only when its output is taken and no stream is open', () => {
  const peer = new Peer()
  const path = `/${'~'.repeat(1_000)}`
  const slab = (): number => Math.max(...peer.client.takeOutput().map(({ buffer }) => buffer.byteLength))
  for (let i = 0; i < 40; i++) peer.open({ path })
  expect(slab()).toBeGreaterThanOrEqual(MOST_BYTES)
  peer.receive(...peer.opened.map(({ id }) => response(id, [], { endStream: true })))
  peer.open({ path })
  expect(slab()).toBeGreaterThanOrEqual(MOST_BYTES)
  peer.receive(response(81, [], { endStream: true }))
  peer.client.takeOutput()
  peer.open()
  expect(slab()).toBe(LEAST_BYTES)
})
