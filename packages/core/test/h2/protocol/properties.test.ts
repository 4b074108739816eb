/**
 * Properties of the engine for any bytes: it does not throw, a fault is final, and each stream
 * closes once.
 */

import fc from 'fast-check'
import {
  altsvc,
  bytesOf,
  continuation,
  data,
  goaway,
  headers,
  inserting,
  Peer,
  ping,
  priority,
  raw,
  response,
  rstStream,
  settings,
  windowUpdate,
} from './peer.js'

const id = fc.integer({ min: 0, max: 9 })
const flag = fc.boolean()
const plausibleFrame = fc.oneof(
  fc.tuple(id, flag, fc.nat(300)).map(([stream, endStream, length]) => data(stream, bytesOf(length), { endStream })),
  fc.tuple(id, flag, fc.nat(255)).map(([stream, endStream, padding]) => data(stream, 'x', { endStream, padding })),
  fc.tuple(id, flag, flag).map(([stream, endStream, endHeaders]) => response(stream, [], { endStream, endHeaders })),
  fc.tuple(id, flag).map(([stream, endStream]) => headers(stream, inserting, { endStream })),
  fc.tuple(id, flag).map(([stream, endStream]) => headers(stream, [['a', 'b']], { endStream })),
  fc.tuple(id, flag).map(([stream, endHeaders]) => continuation(stream, [], { endHeaders })),
  fc.tuple(id, fc.nat(14)).map(([stream, code]) => rstStream(stream, code)),
  fc.tuple(id, fc.nat(0x7fff_ffff)).map(([stream, increment]) => windowUpdate(stream, increment)),
  fc.nat(10).map((last) => goaway(last)),
  fc.nat(70_000).map((initialWindowSize) => settings({ initialWindowSize })),
  fc.nat(6).map((maxConcurrentStreams) => settings({ maxConcurrentStreams })),
  fc.constantFrom(ping(), altsvc(0, 'a', 'b'), priority(1, { dependsOn: 3 }), raw(0xbb, 0, 0)),
  fc.tuple(fc.nat(12), fc.nat(255), id, fc.uint8Array({ maxLength: 20 })).map((frame) => raw(...frame)),
)
const oddId = fc.constantFrom(1, 3, 5, 7)
/** Frames that a server is likely to send, so that streams stay open for several steps. */
const likelyFrame = fc.oneof(
  fc.tuple(oddId, flag).map(([stream, endStream]) => response(stream, [], { endStream })),
  fc.tuple(oddId, flag).map(([stream, endStream]) => data(stream, 'abc', { endStream })),
  fc.tuple(oddId, fc.integer({ min: 1, max: 1_000 })).map(([stream, increment]) => windowUpdate(stream, increment)),
  oddId.map((stream) => rstStream(stream, 8)),
)
const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
type Step = readonly [number, number, Buffer]
const steps = fc.array(
  fc.tuple(fc.nat(5), fc.nat(4), fc.oneof({ weight: 4, arbitrary: likelyFrame }, plausibleFrame, anyBytes)),
  {
    maxLength: 50,
  },
)

function run(script: readonly Step[]): void {
  const peer = new Peer({ settings: { initialWindowSize: 20 }, budgetBytes: 1_000 })
  const streams = [peer.get(), peer.post(), peer.post(), peer.open({ method: 'HEAD' })]
  for (const [action, which, frame] of script) {
    const stream = streams[which % streams.length]!
    if (action === 0) peer.client.sendData(stream, bytesOf(15), which === 4, which === 4 ? ['t', 'u'] : undefined)
    else if (action === 1 && which === 0) peer.client.resetStream(stream, 8)
    const previousFault = peer.fault
    const lines = peer.recorder.lines.length
    peer.receive(frame)
    if (previousFault === undefined) continue
    expect(peer.fault).toBe(previousFault)
    expect(peer.recorder.lines).toHaveLength(lines)
  }
  if (peer.fault !== undefined) expect(peer.client.capacity).toBe(0)
  peer.client.abandon(() => undefined)
  for (const { id: stream } of streams) {
    const lines = peer.recorder.lines
    expect(lines.filter((line) => line === `closed ${stream}`)).toHaveLength(1)
    expect(lines.filter((line) => new RegExp(`^(end|error) ${stream}\\b`).test(line)).length).toBeLessThanOrEqual(1)
  }
  expect(peer.budget.freeBytes).toBe(1_000)
  peer.sent()
  expect(peer.reader.pendingBytes).toBe(0)
}

it('any frames and bytes cause at most one fault, one onClosed and at most one of onEnd and onStreamError', () => {
  fc.assert(fc.property(steps, run), { numRuns: 500 })
})

it('any first bytes other than SETTINGS cause PROTOCOL_ERROR', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const peer = new Peer({ settings: false })
      const fault = peer.receive(bytes)
      if (bytes.length >= 9 && !(bytes[3] === 4 && bytes[4]! % 2 === 0)) expect(fault).toBe('PROTOCOL_ERROR')
    }),
  )
})

it('any split of an exchange gives the same events and the same sent frames (B22, B23)', () => {
  const exchange = Buffer.concat([
    settings({ initialWindowSize: 1_000 }),
    headers(1, [[':status', '103']]),
    headers(1, inserting.subarray(0, 5), { endHeaders: false }),
    continuation(1, inserting.subarray(5)),
    data(1, bytesOf(300), { padding: 200 }),
    ping(),
    raw(0xbb, 0, 0, bytesOf(50)),
    data(1, 'abc'),
    headers(1, [['t', 'u']], { endStream: true }),
    response(3, [], { padding: 7 }),
    data(3, '', { endStream: true }),
    goaway(5),
    data(0, 'x'),
  ])
  const record = (cuts: readonly number[]): unknown => {
    const peer = new Peer()
    peer.get()
    peer.get()
    const at = [0, ...[...cuts].sort((a, b) => a - b), exchange.length]
    const faults = at.slice(1).map((end, i) => peer.receive(exchange.subarray(at[i]!, end)))
    return [peer.events(), peer.sent(), faults.filter((fault) => fault !== undefined)]
  }
  const expected = record([])
  expect(record(Array.from(exchange.keys()))).toEqual(expected)
  fc.assert(fc.property(fc.array(fc.nat(exchange.length), { maxLength: 20 }), (cuts) => expect(record(cuts)).toEqual(expected)))
})
