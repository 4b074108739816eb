/**
 * One script of a server for two engines: ours, and nghttp2 in Node. Both must report the same
 * events and send the same frames. The table has every difference, with the reason.
 */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Frame, frames, NodeHttp2Connection, type ScriptedConnection, startScriptedPeer } from '@unshard/testkit'
import { Recorder, read, standstill } from '../../../testkit/src/contract/recorder.js'
import { goawayOf, numberOf } from '../../../testkit/src/frame-parser.js'
import { H2Connection } from '../../src/h2/connection.js'
import { errorCodeName } from '../../src/h2/protocol/error-code.js'
import { WindowBudget } from '../../src/h2/protocol/window.js'
import { parseOrigin } from '../../src/index.js'
import { checkRequest } from '../../src/message/request.js'
import { ResponseBody } from '../../src/message/response-body.js'
import { systemClock } from '../../src/runtime/clock.js'
import { type Connection, nextConnectionId } from '../../src/transport/connection.js'
import type { Route } from '../../src/transport/route.js'
import { originRecord, POOL } from '../fixtures.js'

const { altsvc, continuation, data, fieldBlock, goaway, headers, origin, ping, priority, pushPromise, raw, rstStream } = frames
const { settings, windowUpdate } = frames

interface Exchange {
  readonly name: string
  /** Methods, one per request. Default: one GET. The content of a POST does not end. */
  readonly requests?: readonly string[]
  readonly server: readonly Buffer[]
  /** Whether the server closes the connection afterwards. */
  readonly close?: boolean
  /** The lines that nghttp2 produces instead, and the reason of the difference. */
  readonly differs?: { readonly because: string; readonly oracle: readonly string[] }
}

const ok = (id = 1, end = false): Buffer => headers(id, [[':status', '200']], { endStream: end })
const fields = (...list: [string, string][]): Buffer => headers(1, [[':status', '200'], ...list], { endStream: true })
const longBlock = fieldBlock([
  [':status', '200'],
  ['a', 'b'],
])

type Difference = NonNullable<Exchange['differs']>

/** Node answers GOAWAY with two GOAWAY frames: on receipt and on close. */
const GOAWAYS = ['server: GOAWAY NO_ERROR', 'server: GOAWAY NO_ERROR'] as const
const SENDS_GOAWAY: Difference = {
  because: 'RFC 9113 §6.8 does not require a GOAWAY in answer to a GOAWAY',
  oracle: ['1: response 200 ', '1: content "" trailers ', ...GOAWAYS],
}
const WRAPPED: Difference = {
  because: 'Node reports INTERNAL_ERROR for every error of nghttp2, so that the peer does not receive the cause',
  oracle: ['1: error', 'server: GOAWAY INTERNAL_ERROR'],
}
const DROPS_FIELD: Difference = {
  because: 'RFC 9113 §8.2.1: such a response is malformed; nghttp2 drops the field and continues',
  oracle: ['1: response 200 ', '1: content "" trailers '],
}
const IGNORES: Difference = {
  because:
    'RFC 9113 §5.1: on a stream that END_STREAM closed it is a connection error of type STREAM_CLOSED; nghttp2 forgets closed streams',
  oracle: ['1: response 200 ', '1: content "" trailers '],
}
/** After GOAWAY nghttp2 waits for the end of the socket. Node does not end it: requests hang. */
const hangs = (errorCode: string): Difference => ({
  because: 'every request settles: after a connection error none may hang',
  oracle: ['1: nothing', `server: GOAWAY ${errorCode}`],
})

const exchanges: readonly Exchange[] = [
  { name: 'fields and content', server: [ok(), data(1, 'hello', { endStream: true })] },
  { name: 'no content', server: [ok(1, true)] },
  { name: 'content, then an empty DATA that ends it', server: [ok(), data(1, 'x'), data(1, '', { endStream: true })] },
  {
    name: 'padding in every frame',
    server: [headers(1, [[':status', '200']], { padding: 9 }), data(1, 'x', { padding: 99, endStream: true })],
  },
  {
    name: 'interim responses',
    server: [
      headers(1, [[':status', '100']]),
      headers(1, [
        [':status', '103'],
        ['link', '<x>'],
      ]),
      ok(1, true),
    ],
  },
  { name: 'trailers', server: [ok(), data(1, 'x'), headers(1, [['t', 'u']], { endStream: true })] },
  { name: 'trailers without content', server: [ok(), headers(1, [['t', 'u']], { endStream: true })] },
  {
    name: 'a field block in three frames',
    server: [
      headers(1, longBlock.subarray(0, 3), { endHeaders: false, endStream: true }),
      continuation(1, longBlock.subarray(3, 6), { endHeaders: false }),
      continuation(1, longBlock.subarray(6)),
    ],
  },
  {
    name: 'repeated fields keep their order',
    server: [fields(['set-cookie', 'a'], ['x', '1'], ['set-cookie', 'b'], ['x', '2'])],
  },
  { name: 'empty values, and names of one letter', server: [fields(['a', ''], ['b', 'c'])] },
  { name: 'HEAD with content-length', requests: ['HEAD'], server: [fields(['content-length', '5'])] },
  { name: '204', server: [headers(1, [[':status', '204']], { endStream: true })] },
  {
    name: '304 with content-length',
    server: [
      headers(
        1,
        [
          [':status', '304'],
          ['content-length', '5'],
        ],
        { endStream: true },
      ),
    ],
  },
  { name: 'an unknown status', server: [headers(1, [[':status', '999']], { endStream: true })] },
  {
    name: 'three streams, interleaved',
    requests: ['GET', 'GET', 'GET'],
    server: [ok(5), ok(1), data(5, 'a'), data(1, 'b', { endStream: true }), ok(3, true), data(5, 'c', { endStream: true })],
  },
  {
    name: 'content-length equal to the content',
    server: [
      headers(1, [
        [':status', '200'],
        ['content-length', '2'],
      ]),
      data(1, 'ab', { endStream: true }),
    ],
  },
  {
    name: 'content above content-length',
    server: [
      headers(1, [
        [':status', '200'],
        ['content-length', '2'],
      ]),
      data(1, 'abc', { endStream: true }),
    ],
  },
  {
    name: 'content below content-length',
    server: [
      headers(1, [
        [':status', '200'],
        ['content-length', '2'],
      ]),
      data(1, 'a', { endStream: true }),
    ],
  },
  { name: 'an invalid content-length', server: [fields(['content-length', 'x'])] },
  ...['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'REFUSED_STREAM', 'CANCEL', 'ENHANCE_YOUR_CALM', 'HTTP_1_1_REQUIRED'].map(
    (name, i): Exchange => ({
      name: `RST_STREAM ${name} before the response`,
      server: [rstStream(1, [0, 1, 2, 7, 8, 11, 13][i]!)],
      ...(i === 0 && {
        differs: { because: 'a request without a response has failed: it must not hang', oracle: ['1: nothing'] },
      }),
    }),
  ),
  { name: 'RST_STREAM in the middle of the content', server: [ok(), data(1, 'half'), rstStream(1, 2)] },
  {
    name: 'RST_STREAM NO_ERROR after a complete response, during an upload',
    requests: ['POST'],
    server: [ok(1, true), rstStream(1, 0)],
  },
  { name: 'GOAWAY that covers the stream', server: [goaway(1, 0), ok(1, true)], differs: SENDS_GOAWAY },
  { name: 'GOAWAY in two steps', server: [goaway(0x7fff_ffff, 0), goaway(1, 0), ok(1, true)], differs: SENDS_GOAWAY },
  {
    name: 'GOAWAY below the stream',
    server: [goaway(0, 0)],
    close: true,
    differs: {
      because: 'Node answers with two GOAWAY frames, which the closed peer cannot receive',
      oracle: ['1: error', ...GOAWAYS],
    },
  },
  {
    name: 'GOAWAY with an error code that covers the stream',
    server: [goaway(1, 2), ok(1, true)],
    differs: {
      because: 'RFC 9113 §6.8: streams at or below the identifier may still be completed, whatever the code',
      oracle: ['1: error', GOAWAYS[0]],
    },
  },
  { name: 'the end of the connection during the content', server: [ok(), data(1, 'half')], close: true },
  { name: 'the end of the connection before the response', server: [], close: true },
  {
    name: 'DATA before the response',
    server: [data(1, 'x')],
    differs: {
      because: 'RFC 9113 §8.1.1: malformed is a stream error; Node ends the connection, and the request hangs',
      oracle: ['1: nothing', 'server: GOAWAY PROTOCOL_ERROR'],
    },
  },
  { name: 'DATA after an interim response', server: [headers(1, [[':status', '103']]), data(1, 'x')] },
  { name: 'a second final response', server: [ok(), ok()] },
  { name: 'trailers that do not end the stream', server: [ok(), headers(1, [['t', 'u']])] },
  { name: 'a pseudo-field in trailers', server: [ok(), headers(1, [[':status', '200']], { endStream: true })] },
  { name: 'no :status', server: [headers(1, [['a', 'b']], { endStream: true })] },
  {
    name: 'two :status',
    server: [
      headers(
        1,
        [
          [':status', '200'],
          [':status', '200'],
        ],
        { endStream: true },
      ),
    ],
  },
  {
    name: ':status after a field',
    server: [
      headers(
        1,
        [
          ['a', 'b'],
          [':status', '200'],
        ],
        { endStream: true },
      ),
    ],
  },
  { name: 'a pseudo-field of requests', server: [fields([':path', '/'])] },
  { name: 'an upper-case name', server: [fields(['Abc', 'x'])] },
  { name: 'a space in a name', server: [fields(['a b', 'x'])], differs: DROPS_FIELD },
  { name: 'a line feed in a value', server: [fields(['a', 'x\ny'])], differs: DROPS_FIELD },
  { name: 'spaces around a value', server: [fields(['a', ' x '])], differs: DROPS_FIELD },
  { name: 'connection-specific fields', server: [fields(['connection', 'close'])] },
  { name: 'transfer-encoding', server: [fields(['transfer-encoding', 'chunked'])] },
  { name: 'status 101', server: [headers(1, [[':status', '101']])] },
  { name: 'an interim response that ends the stream', server: [headers(1, [[':status', '103']], { endStream: true })] },
  { name: 'content in a response to HEAD', requests: ['HEAD'], server: [ok(), data(1, 'x', { endStream: true })] },
  {
    name: 'DATA after END_STREAM, during an upload',
    requests: ['POST'],
    server: [ok(1, true), data(1, 'x')],
    differs: {
      because: 'RFC 9113 §5.1: half-closed (remote) is a stream error',
      oracle: ['1: response 200 ', '1: content "" trailers ', 'server: GOAWAY STREAM_CLOSED'],
    },
  },
  { name: 'DATA on a closed stream', server: [ok(1, true), data(1, 'x')], differs: IGNORES },
  { name: 'HEADERS on a closed stream', server: [ok(1, true), ok(1, true)], differs: IGNORES },
  {
    name: 'WINDOW_UPDATE, RST_STREAM and PRIORITY on a closed stream',
    server: [ok(1, true), windowUpdate(1, 1), rstStream(1, 8), priority(1, { dependsOn: 0 })],
  },
  { name: 'DATA on an idle stream', server: [data(7, 'x')], differs: hangs('PROTOCOL_ERROR') },
  { name: 'HEADERS on an even stream', server: [ok(2, true)], differs: WRAPPED },
  { name: 'RST_STREAM on an idle stream', server: [rstStream(7, 8)], differs: WRAPPED },
  { name: 'DATA on stream 0', server: [data(0, 'x')], differs: hangs('PROTOCOL_ERROR') },
  {
    name: 'WINDOW_UPDATE of 0 on the stream',
    requests: ['POST'],
    server: [windowUpdate(1, 0)],
    differs: { because: 'RFC 9113 §6.9: a stream error', oracle: WRAPPED.oracle },
  },
  { name: 'WINDOW_UPDATE of 0 on the connection', server: [windowUpdate(0, 0)], differs: WRAPPED },
  {
    name: 'a stream window over 2^31 - 1',
    requests: ['POST'],
    server: [windowUpdate(1, 0x7fff_ffff)],
    differs: {
      because: 'RFC 9113 §6.9.1: only a stream error',
      oracle: ['1: error', 'server: RST_STREAM 1 FLOW_CONTROL_ERROR', 'server: GOAWAY INTERNAL_ERROR'],
    },
  },
  { name: 'a connection window over 2^31 - 1', server: [windowUpdate(0, 0x7fff_ffff)], differs: WRAPPED },
  {
    name: 'SETTINGS_INITIAL_WINDOW_SIZE over 2^31 - 1',
    server: [settings({ initialWindowSize: 0x8000_0000 })],
    differs: WRAPPED,
  },
  { name: 'SETTINGS_MAX_FRAME_SIZE too small', server: [settings({ maxFrameSize: 100 })], differs: WRAPPED },
  { name: 'SETTINGS_ENABLE_PUSH from a server', server: [settings({ enablePush: 1 })], differs: WRAPPED },
  { name: 'unknown settings', server: [settings({ 61453: 1 }), ok(1, true)] },
  {
    name: 'PUSH_PROMISE',
    server: [pushPromise(1, 2, [[':method', 'GET']])],
    differs: {
      because: 'RFC 9113 §8.4: a connection error where push is disabled; Node leaves it enabled',
      oracle: ['1: nothing', 'server: RST_STREAM 2 PROTOCOL_ERROR'],
    },
  },
  { name: 'CONTINUATION without HEADERS', server: [continuation(1, [['a', 'b']])], differs: hangs('PROTOCOL_ERROR') },
  {
    name: 'HEADERS without END_HEADERS, then DATA',
    server: [headers(1, longBlock, { endHeaders: false }), data(1, 'x')],
    differs: hangs('PROTOCOL_ERROR'),
  },
  { name: 'unknown frames', server: [raw(0xbb, 0xff, 0, Buffer.alloc(10)), raw(0xbb, 0, 1), ok(1, true)] },
  { name: 'ORIGIN and ALTSVC', server: [origin(['https://x.test']), altsvc(0, 'https://x.test', 'h2=":1"'), ok(1, true)] },
  { name: 'PRIORITY', server: [priority(1, { dependsOn: 3 }), ok(1, true)] },
  { name: 'PING of seven bytes', server: [raw(6, 0, 0, Buffer.alloc(7))], differs: hangs('FRAME_SIZE_ERROR') },
  { name: 'RST_STREAM of three bytes', server: [raw(3, 0, 1, Buffer.alloc(3))], differs: hangs('FRAME_SIZE_ERROR') },
  { name: 'SETTINGS of five bytes', server: [raw(4, 0, 0, Buffer.alloc(5))], differs: hangs('FRAME_SIZE_ERROR') },
  {
    name: 'a frame over SETTINGS_MAX_FRAME_SIZE',
    server: [raw(0, 0, 1, Buffer.alloc(16_385))],
    differs: hangs('FRAME_SIZE_ERROR'),
  },
  {
    name: 'a field block that is not valid HPACK',
    server: [headers(1, Buffer.from([0x80]), { endStream: true })],
    differs: hangs('COMPRESSION_ERROR'),
  },
  {
    name: 'a second GOAWAY that raises the identifier',
    server: [goaway(1, 0), goaway(3, 0)],
    differs: { because: WRAPPED.because, oracle: ['1: error', GOAWAYS[0], 'server: GOAWAY INTERNAL_ERROR'] },
  },
  {
    name: 'an unsolicited PING acknowledgement',
    server: [ping(undefined, true), ok(1, true)],
    differs: { because: 'RFC 9113 §6.7 does not make it an error', oracle: WRAPPED.oracle },
  },
]

type Open = (socket: Socket, route: Route) => Connection

const SETTINGS = {
  initialWindowBytes: 65_535,
  connectionWindowBytes: 65_535,
  headerTableBytes: 4_096,
  maxFieldSectionBytes: 65_536,
}
const ours: Open = (socket, route) =>
  new H2Connection(socket, route, {
    settings: SETTINGS,
    budget: new WindowBudget(0),
    clock: systemClock,
    pool: POOL,
    record: originRecord(),
  })
const oracle: Open = (socket, route) =>
  new NodeHttp2Connection(socket, route, { id: nextConnectionId(), createBody: (source) => new ResponseBody(source) })

/** Runs an exchange on an engine. Returns the events of each request and the frames, as lines. */
async function run(exchange: Exchange, open: Open): Promise<string[]> {
  const { requests = ['GET'], server, close = false } = exchange
  let script!: (p: ScriptedConnection) => void
  const scripted = new Promise<ScriptedConnection>((resolve) => {
    script = resolve
  })
  const peer = await startScriptedPeer(async (p) => {
    await p.handshake()
    for (const _ of requests) await p.nextRequest()
    p.send(...server)
    if (close) p.end()
    script(p)
  })
  const socket = connect(peer.port, '127.0.0.1')
  await once(socket, 'connect')
  const serialized = `http://127.0.0.1:${peer.port}`
  const connection = open(socket, routeOf(serialized))
  const recorders = requests.map((method) => {
    const recorder = new Recorder()
    const body = method === 'POST' ? endless() : undefined
    recorder.exchange = connection.request(checkRequest({ url: `${serialized}/`, method, body }), recorder)
    recorder.returned = true
    return recorder
  })
  const { received } = await scripted
  await standstill(() => recorders.reduce((sum, { events }) => sum + events.length, received.length))
  const replies = received.flatMap(line)
  const outcomes = await Promise.all(recorders.map((recorder, i) => outcome(recorder, 2 * i + 1)))
  connection.destroy(new Error('the test is over'))
  await peer.close()
  return [...outcomes.flat(), ...replies]
}

function line(frame: Frame): string[] {
  if (frame.typeName === 'RST_STREAM') return [`server: RST_STREAM ${frame.streamId} ${errorCodeName(numberOf(frame))}`]
  if (frame.typeName === 'GOAWAY') return [`server: GOAWAY ${errorCodeName(goawayOf(frame).errorCode)}`]
  return []
}

async function outcome(recorder: Recorder, id: number): Promise<string[]> {
  const { informational, events, error, answer } = recorder
  const lines = informational.map(([status, list]) => `${id}: interim ${status} ${list.join()}`)
  if (error !== undefined) return [...lines, `${id}: error`]
  if (!events.includes('response')) return [...lines, `${id}: nothing`]
  const { status, fields: list, body } = await answer
  lines.push(`${id}: response ${status} ${list.join()}`)
  const pending = Symbol('pending')
  const quiet = new Promise<typeof pending>((resolve) => setImmediate(() => resolve(pending)))
  const content = await Promise.race([read(body).catch((reason: Error) => reason), quiet])
  if (content === pending) return [...lines, `${id}: content goes on`]
  if (content instanceof Error) return [...lines, `${id}: content breaks off`]
  return [
    ...lines,
    `${id}: content ${JSON.stringify((content as Buffer).toString())} trailers ${recorder.exchange.trailers?.join() ?? ''}`,
  ]
}

async function* endless(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x')
  await new Promise(() => undefined)
}

function routeOf(serialized: string): Route {
  const addresses = {
    remoteAddress: '127.0.0.1',
    remotePort: 1,
    localAddress: undefined,
    localPort: undefined,
    certificate: undefined,
  }
  return {
    origin: parseOrigin(serialized),
    reuseKey: '',
    proxy: undefined,
    ...addresses,
    authorized: false,
    lenient: false,
    addresses: [],
    clientCertificate: false,
  }
}

it.each(exchanges.map((exchange): [string, Exchange] => [exchange.name, exchange]))(
  'both engines report the same, or differ as stated: %s',
  async (_name, exchange) => {
    const actual = await run(exchange, ours)
    const expected = await run(exchange, oracle)
    if (exchange.differs === undefined) expect(actual).toEqual(expected)
    else {
      expect(expected).toEqual(exchange.differs.oracle)
      expect(actual).not.toEqual(expected)
    }
  },
)
