/** The oracles detect violations: the server's bookkeeping against a misbehaving engine. */

import { data, ping, settings, windowUpdate } from '../../testkit/src/frames.js'
import { Conversation } from '../src/engine/conversation.js'
import { act, OP_KINDS, Op, raw } from '../src/engine/ops.js'
import { Spoken } from '../src/engine/spoken.js'
import { StrictServer } from '../src/engine/strict-server.js'
import { Witness } from '../src/engine/witness.js'
import { forgetBroken } from '../src/target.js'
import { target } from '../src/targets/receive.js'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

beforeEach(forgetBroken)

function server(): StrictServer {
  const strict = new StrictServer(new Spoken(), [])
  strict.read([PREFACE, settings({ enablePush: 0 })])
  return strict
}

it.each([
  ['a wrong preface', [Buffer.from('GET / HTTP/1.1\r\n')], 'preface'],
  ['DATA on an idle stream', [PREFACE, settings({}), data(1, 'x')], 'not open'],
  ['a frame before SETTINGS', [PREFACE, ping()], 'first frame'],
  ['a frame over the size', [PREFACE, settings({}), data(1, Buffer.alloc(16_385))], 'MAX_FRAME_SIZE'],
])('the server refuses %s', (_what, chunks, why) => {
  expect(() => new StrictServer(new Spoken(), []).read(chunks)).toThrow(why)
})

it('the server refuses acknowledgements of frames it has not sent', () => {
  expect(() => server().read([ping(Buffer.alloc(8), true)])).toThrow('PING')
  expect(() => server().read([Buffer.from('000000040100000000', 'hex')])).toThrow('not sent')
  expect(() => server().read([windowUpdate(0, 0)])).toThrow('increment')
})

it('the listener refuses events out of order', () => {
  const it = new Conversation(1, undefined)
  it.open(0, 0, 0)
  const { stream } = it.requests[0]!
  const witness = new Witness(undefined)
  expect(() => witness.onData(stream!, Buffer.from('x'), 0, 1)).toThrow('before onResponse')
  witness.onClosed(stream!)
  expect(() => witness.onClosed(stream!)).toThrow('twice')
  expect(() => witness.onStreamError(stream!, { errorCode: 1, initiator: 'peer', reason: '', unprocessed: false })).toThrow(
    'after onClosed',
  )
  witness.silence = 'over'
  expect(() => witness.onCapacity()).toThrow('over: capacity')
})

it('every single act and every pair of acts keep the invariants', () => {
  for (let first = 0; first < OP_KINDS; first++) {
    for (let second = 0; second < OP_KINDS; second++) {
      target.run(Buffer.concat([Uint8Array.of(1), act(Op.OPEN, 4), act(first, 1, 1, 1), act(second, 1, 3, 1), raw(settings({}))]))
    }
  }
})

it('content that has waited and leaves in larger frames is the content handed over', () => {
  const it = new Conversation(1, undefined)
  it.open(4, 0, 0)
  const largest = 9
  for (let part = 0; part < 4; part++) it.send(0, largest, 0)
  it.take()
  it.deliver(settings({ maxFrameSize: 16_777_215, initialWindowSize: 1_000_000 }), 0)
  it.deliver(windowUpdate(0, 1_000_000), 0)
  it.take()
  expect(it.server.dataBytes).toBe(280_000)
})
