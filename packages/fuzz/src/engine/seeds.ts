/** Correct conversations and a few incorrect ones: the starting points of mutation. */

import * as frames from '../../../testkit/src/frames.js'
import { BLOCKS } from '../dictionary.js'
import { act, frame, HOLD, Op, raw } from './ops.js'
import { LISTENER_CALLS } from './witness.js'

const GET = 0
const POST = 4
const HEAD = 6

const ok: readonly frames.Field[] = [[':status', '200']]

function input(head: number, ...units: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(head), ...units])
}

function during(call: (typeof LISTENER_CALLS)[number], inner: Uint8Array): Uint8Array {
  return Buffer.concat([act(Op.DURING, LISTENER_CALLS.indexOf(call)), inner])
}

/** Seeds for all conversation targets. */
export function conversationSeeds(): Uint8Array[] {
  return [...plainSeeds(), ...sendingSeeds(), ...sharedSeeds(), ...hostileSeeds()]
}

function plainSeeds(): Uint8Array[] {
  return [
    input(
      0,
      raw(frames.settings({ maxConcurrentStreams: 3 })),
      act(Op.OPEN, GET),
      raw(Buffer.concat([frames.headers(1, ok), frames.data(1, 'abc', { endStream: true })])),
    ),
    input(
      1,
      act(Op.OPEN, GET, 2),
      act(Op.OPEN, HEAD, 3),
      frame(frames.headers(1, [[':status', '103']])),
      frame(frames.headers(1, ok, { padding: 3 })),
      act(Op.FILL, 1, 127),
      act(Op.FILL, 1, 127),
      act(Op.CONSUME, 0, 255),
      frame(frames.data(1, 'abc', { padding: 9 })),
      act(Op.TAKE),
      frame(frames.headers(1, [['t', 'u']], { endStream: true })),
      frame(frames.headers(3, ok, { endStream: true })),
    ),
    input(
      0x19,
      act(Op.OPEN, GET),
      act(Op.BLOCK, 1, 0),
      // Read as fast as it arrives: the window grows.
      ...Array.from({ length: 6 }, () => Buffer.concat([act(Op.FILL, 1, 127), act(Op.CONSUME, 0, 255), act(Op.TAKE)])),
      act(Op.BLOCK, 1, 13, 1),
    ),
    input(
      1,
      act(Op.OPEN, GET),
      act(Op.CUT, 3),
      frame(frames.headers(1, BLOCKS[7]!.subarray(0, 4), { endHeaders: false }), true),
      frame(frames.continuation(1, BLOCKS[7]!.subarray(4))),
      during('closed', act(Op.OPEN, GET, 1)),
      act(Op.CUT, 1),
      frame(frames.data(1, 'x', { endStream: true })),
      act(Op.BLOCK, 3, 8, 1),
    ),
    input(
      1,
      frame(frames.ping()),
      frame(frames.origin(['https://a.test'])),
      frame(frames.altsvc(0, 'a', 'b')),
      act(Op.PING, 7),
      frame(frames.ping(new Uint8Array(8), true)),
    ),
  ]
}

function sendingSeeds(): Uint8Array[] {
  return [
    input(
      1,
      act(Op.OPEN, POST),
      act(Op.SEND, 0, 9),
      act(Op.TAKE),
      frame(frames.windowUpdate(0, 65_535)),
      frame(frames.windowUpdate(1, 65_535)),
      act(Op.SEND, 0, 3, 3),
      act(Op.TAKE),
      act(Op.BLOCK, 1, 0, 1),
    ),
    input(
      1,
      frame(frames.settings({ initialWindowSize: 20, maxFrameSize: 16_385, headerTableSize: 0 })),
      act(Op.OPEN, POST),
      act(Op.SEND, 0, 4, 1),
      frame(frames.settings({ initialWindowSize: 10 })),
      frame(frames.settings({ initialWindowSize: 4_000, headerTableSize: 8_192 })),
      act(Op.OPEN, POST, 5, 255),
      during('sendable', act(Op.SEND, 1, 3, 1)),
      act(Op.SEND, 1, 8),
      frame(frames.windowUpdate(3, 100_000)),
      frame(frames.windowUpdate(0, 100_000)),
    ),
    input(
      1,
      act(Op.OPEN, POST),
      act(Op.OPEN, POST),
      ...Array.from({ length: 6 }, (_, i) => act(Op.SEND, i & 1, 9)),
      frame(frames.windowUpdate(0, 0x7fff_0000)),
      frame(frames.windowUpdate(1, 0x7fff_0000)),
      act(Op.TAKE),
      act(Op.RESUME),
      during('sendable', act(Op.RESET, 0, 8)),
      frame(frames.windowUpdate(3, 1_000_000)),
      act(Op.TAKE),
      act(Op.RESUME),
    ),
    input(
      1,
      act(Op.OPEN, POST),
      act(Op.SEND, 0, 3, 1),
      during('response', act(Op.ABANDON)),
      act(Op.BLOCK, 1, 0),
      act(Op.OPEN, GET),
    ),
  ]
}

/** Interactions of two streams with each other and with the shared output. */
function sharedSeeds(): Uint8Array[] {
  return [
    // Two streams, and a connection window that ends inside a frame of the second.
    input(
      1,
      act(Op.OPEN, POST),
      act(Op.OPEN, POST),
      act(Op.SEND, 0, 4),
      act(Op.SEND, 1, 9),
      act(Op.TAKE),
      frame(frames.windowUpdate(0, 7)),
    ),
    // A stream that waits for the connection window is reset.
    input(
      1,
      act(Op.OPEN, POST),
      act(Op.OPEN, POST),
      act(Op.SEND, 0, 8),
      act(Op.SEND, 1, 4),
      act(Op.RESET, 1, 8),
      frame(frames.windowUpdate(0, 1_000)),
    ),
    // Reset by its owner while its last frame is delivered.
    input(1, act(Op.OPEN, GET), during('response', act(Op.RESET, 0, 8)), frame(frames.headers(1, ok, { endStream: true }))),
    // A field block that does not fit into the rest of the output buffer.
    input(1, act(Op.OPEN, GET, 0, 255), act(Op.TAKE), act(Op.OPEN, GET, 0, 255), act(Op.OPEN, GET, 0, 251)),
    input(
      1,
      act(Op.OPEN, GET),
      act(Op.OPEN, GET),
      during('response', act(Op.RESET, 1, 8)),
      during('data', act(Op.RESET, 0, 8)),
      during('end', act(Op.GOAWAY)),
      frame(frames.headers(1, ok), true),
      frame(frames.headers(3, ok), true),
      frame(frames.data(1, 'abc', { padding: 5, endStream: true })),
    ),
  ]
}

function hostileSeeds(): Uint8Array[] {
  return [
    input(1, act(Op.REPEAT, 201), frame(frames.ping())),
    input(1, act(Op.OPEN, GET), act(Op.REPEAT, 4), act(Op.BLOCK, 1, 5)),
    input(1, act(Op.OPEN, GET), act(Op.RESET, 0, 8), act(Op.REPEAT, 220), act(Op.FILL, 1, 0), act(Op.REFILL)),
    input(1, act(Op.OPEN, GET), act(Op.OPEN, GET), frame(frames.goaway(1, 0, 'bye')), frame(frames.goaway(3))),
    input(1, act(Op.OPEN, GET), frame(frames.rstStream(1, 7)), frame(frames.headers(1, ok))),
    input(
      1,
      act(Op.OPEN, GET),
      frame(frames.headers(1, [], { endHeaders: false })),
      act(Op.REPEAT, 3),
      frame(frames.continuation(1, [], { endHeaders: false })),
    ),
    input(1, act(Op.OPEN, GET), act(Op.BLOCK, 1, 0), act(Op.REPEAT, 2), act(Op.FILL | HOLD, 1, 127), act(Op.FILL, 1, 127)),
    input(0x21, act(Op.OPEN, GET), frame(frames.headers(1, BLOCKS[31]!))),
    input(1, frame(frames.pushPromise(1, 2, ok))),
    input(0, raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n', 'latin1'))),
    input(
      1,
      frame(frames.settings({ enableConnectProtocol: 1, maxHeaderListSize: 100 })),
      act(Op.OPEN, GET, 3),
      frame(frames.settings({ enableConnectProtocol: 0 })),
    ),
  ]
}
