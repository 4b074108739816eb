/** The cases 1 to 7 and 10 of the Autobahn test suite for clients, restated. */

import { type Case, close, fragmented, frame, note, Opcode } from './frames.js'
import { UTF8_GROUPS } from './utf8-cases.js'

const { continuation, text, binary, ping, pong } = Opcode
const more = { fin: false } as const
const NORMAL = 1_000
const PROTOCOL_ERROR = 1_002
const INVALID_PAYLOAD = 1_007

const hello = 'Hello, world!'
const mixed = Buffer.from('00fffefdfcfb00ff', 'hex')

const sizes = [0, 125, 126, 127, 128, 65_535, 65_536]
const framing: Case[] = (
  [
    [text, 'text', '*'],
    [binary, 'binary', '\x7e'],
  ] as const
).flatMap(([opcode, kind, byte], group) =>
  [...sizes, 65_536].map((size, i) => ({
    ...{ id: `1.${group + 1}.${i + 1}`, title: `a ${kind} message of ${size} bytes${i === 7 ? ' in parts of 997 bytes' : ''}` },
    ...{ parts: [frame(opcode, byte.repeat(size))], received: [note(kind, byte.repeat(size))], code: NORMAL },
    ...(i === 7 && { chop: 997 }),
  })),
)

function echoedPing(id: string, title: string, payload: Uint8Array | string, chop?: number): Case {
  const both = { id, title, parts: [frame(ping, payload)], received: [note('pong', payload)], code: NORMAL }
  return { ...both, ...(chop !== undefined && { chop }) }
}

const tenPings = Array.from({ length: 10 }, (_, i) => `payload-${i}`)
const pings: Case[] = [
  echoedPing('2.1', 'an empty Ping', ''),
  echoedPing('2.2', 'a Ping with text', hello),
  echoedPing('2.3', 'a Ping with bytes', mixed),
  echoedPing('2.4', 'a Ping of 125 bytes', Buffer.alloc(125, 0xfe)),
  { id: '2.5', title: 'a Ping of 126 bytes', parts: [frame(ping, Buffer.alloc(126, 0xfe))], received: [], code: PROTOCOL_ERROR },
  echoedPing('2.6', 'a Ping of 125 bytes in parts of a byte', Buffer.alloc(125, 0xfe), 1),
  { id: '2.7', title: 'an unsolicited Pong', parts: [frame(pong), close(1_000)], received: [], code: NORMAL, closes: true },
  {
    id: '2.8',
    title: 'an unsolicited Pong with content',
    parts: [frame(pong, 'unsolicited'), close(1_000)],
    received: [],
    code: NORMAL,
    closes: true,
  },
  {
    id: '2.9',
    title: 'an unsolicited Pong, then a Ping',
    parts: [frame(pong, 'unsolicited'), frame(ping, 'ping')],
    received: [note('pong', 'ping')],
    code: NORMAL,
  },
  ...[undefined, 1].map((chop, i) => ({
    ...{ id: `2.${10 + i}`, title: `ten Pings${i === 1 ? ' in parts of a byte' : ''}`, code: NORMAL },
    ...{ parts: tenPings.map((payload) => frame(ping, payload)), received: tenPings.map((payload) => note('pong', payload)) },
    ...(chop !== undefined && { chop }),
  })),
]

/** A message, an invalid frame and a Ping: the message is echoed, the Ping is not answered. */
function failsAfterMessage(id: string, title: string, invalid: Buffer, chop?: number): Case {
  const parts = [frame(text, hello), invalid, frame(ping)]
  return { id, title, parts, received: [note('text', hello)], code: PROTOCOL_ERROR, ...(chop !== undefined && { chop }) }
}

function fails(id: string, title: string, parts: readonly Buffer[], code: number = PROTOCOL_ERROR, chop?: number): Case {
  return { id, title, parts, received: [], code, ...(chop !== undefined && { chop }) }
}

const reserved: Case[] = [
  fails('3.1', 'RSV 1 without an extension', [frame(text, hello, { rsv: 1 })]),
  failsAfterMessage('3.2', 'RSV 2', frame(text, hello, { rsv: 2 })),
  failsAfterMessage('3.3', 'RSV 3', frame(text, hello, { rsv: 3 })),
  failsAfterMessage('3.4', 'RSV 4 in parts of a byte', frame(text, hello, { rsv: 4 }), 1),
  fails('3.5', 'RSV 5 in a binary message', [frame(binary, mixed, { rsv: 5 })]),
  fails('3.6', 'RSV 6 in a Ping', [frame(ping, hello, { rsv: 6 })]),
  fails('3.7', 'RSV 7 in a Close', [frame(Opcode.close, '', { rsv: 7 })]),
  fails('4.1.1', 'the opcode 3', [frame(3)]),
  fails('4.1.2', 'the opcode 4', [frame(4, 'reserved')]),
  failsAfterMessage('4.1.3', 'the opcode 5', frame(5)),
  failsAfterMessage('4.1.4', 'the opcode 6', frame(6, hello)),
  failsAfterMessage('4.1.5', 'the opcode 7 in parts of a byte', frame(7, hello), 1),
  fails('4.2.1', 'the opcode 11', [frame(11)]),
  fails('4.2.2', 'the opcode 12', [frame(12, 'reserved')]),
  failsAfterMessage('4.2.3', 'the opcode 13', frame(13)),
  failsAfterMessage('4.2.4', 'the opcode 14', frame(14, hello)),
  failsAfterMessage('4.2.5', 'the opcode 15 in parts of a byte', frame(15, hello), 1),
]

/** The same frames in one write each, and in parts of a byte. */
function twice(ids: readonly [string, string, string], each: Omit<Case, 'id' | 'chop'>): Case[] {
  return ids.map((id, i) => ({
    ...each,
    id,
    ...(i === 2 && { chop: 1 }),
    title: `${each.title}${['', ', in one write', ', in parts of a byte'][i]}`,
  }))
}

const [one, two] = ['fragment1', 'fragment2']
const nothingToContinue = 'a continuation without a message'
const fragments: Case[] = [
  fails('5.1', 'a Ping in two fragments', [frame(ping, one, more), frame(continuation, two)]),
  fails('5.2', 'a Pong in two fragments', [frame(pong, one, more), frame(continuation, two)]),
  ...twice(['5.3', '5.4', '5.5'], {
    title: 'a message in two fragments',
    parts: [frame(text, one, more), frame(continuation, two)],
    received: [note('text', one + two)],
    code: NORMAL,
  }),
  ...twice(['5.6', '5.7', '5.8'], {
    ...{ title: 'a Ping between two fragments', code: NORMAL, received: [note('pong', 'ping'), note('text', one + two)] },
    parts: [frame(text, one, more), frame(ping, 'ping'), frame(continuation, two)],
  }),
  ...twice(['5.9', '5.10', '5.11'], {
    title: nothingToContinue,
    parts: [frame(continuation, one), frame(text, hello)],
    received: [],
    code: PROTOCOL_ERROR,
  }),
  ...twice(['5.12', '5.13', '5.14'], {
    title: `${nothingToContinue}, with more`,
    parts: [frame(continuation, one, more), frame(text, hello)],
    received: [],
    code: PROTOCOL_ERROR,
  }),
  {
    ...{ id: '5.15', title: `${nothingToContinue}, after one`, received: [note('text', one + two)], code: PROTOCOL_ERROR },
    parts: [frame(text, one, more), frame(continuation, two), frame(continuation, one, more), frame(text, two)],
  },
  fails('5.16', `${nothingToContinue}, twice`, [
    frame(continuation, one, more),
    frame(text, two, more),
    frame(continuation, 'fragment3'),
  ]),
  fails('5.17', `${nothingToContinue}, at its end`, [
    frame(continuation, one),
    frame(text, two, more),
    frame(continuation, 'fragment3'),
  ]),
  fails('5.18', 'a second message within a message', [frame(text, one, more), frame(text, two)]),
  ...[undefined, 1].map((chop, i) => ({
    ...{ id: `5.${19 + i}`, title: `five fragments and two Pings${i === 1 ? ' in parts of a byte' : ''}`, code: NORMAL },
    parts: [
      frame(text, '1', more),
      frame(continuation, '2', more),
      frame(ping, 'a'),
      frame(continuation, '3', more),
      frame(continuation, '4', more),
      frame(ping, 'b'),
      frame(continuation, '5'),
    ],
    ...{ received: [note('pong', 'a'), note('pong', 'b'), note('text', '12345')], ...(chop !== undefined && { chop }) },
  })),
]

const umlauts = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!')
const outOfRange = Buffer.from('cebae1bdb9cf83cebcceb5f490808065646974656464', 'hex')
const surrogate = Buffer.from('cebae1bdb9cf83cebcceb5eda080656469746564', 'hex')
function isUtf8(hex: string): boolean {
  const bytes = Buffer.from(hex, 'hex')
  return Buffer.from(bytes.toString()).equals(bytes)
}

const utf8: Case[] = [
  { id: '6.1.1', title: 'an empty message', parts: [frame(text)], received: [note('text', '')], code: NORMAL },
  {
    id: '6.1.2',
    title: 'three empty fragments',
    parts: [frame(text, '', more), frame(continuation, '', more), frame(continuation)],
    received: [note('text', '')],
    code: NORMAL,
  },
  {
    id: '6.1.3',
    title: 'a fragment between two empty ones',
    parts: [frame(text, '', more), frame(continuation, 'middle', more), frame(continuation)],
    received: [note('text', 'middle')],
    code: NORMAL,
  },
  {
    id: '6.2.1',
    title: 'text of several bytes a character',
    parts: [frame(text, umlauts)],
    received: [note('text', umlauts)],
    code: NORMAL,
  },
  {
    id: '6.2.2',
    title: 'the same in fragments at a character',
    parts: [frame(text, umlauts.subarray(0, 14), more), frame(continuation, umlauts.subarray(14))],
    received: [note('text', umlauts)],
    code: NORMAL,
  },
  {
    id: '6.2.3',
    title: 'the same in fragments of a byte',
    parts: fragmented(text, umlauts, 1),
    received: [note('text', umlauts)],
    code: NORMAL,
  },
  {
    id: '6.2.4',
    title: 'Greek in fragments of a byte',
    parts: fragmented(text, Buffer.from('κόσμε'), 1),
    received: [note('text', 'κόσμε')],
    code: NORMAL,
  },
  fails('6.3.1', 'invalid text', [frame(text, surrogate)], INVALID_PAYLOAD),
  fails('6.3.2', 'invalid text in fragments of a byte', fragmented(text, surrogate, 1), INVALID_PAYLOAD),
  fails(
    '6.4.1',
    'a code point out of range in the second of three fragments',
    [
      frame(text, outOfRange.subarray(0, 11), more),
      frame(continuation, outOfRange.subarray(11, 15), more),
      frame(continuation, outOfRange.subarray(15)),
    ],
    INVALID_PAYLOAD,
  ),
  fails(
    '6.4.2',
    'the same up to the byte that makes it invalid',
    [
      frame(text, outOfRange.subarray(0, 12), more),
      frame(continuation, outOfRange.subarray(12, 13), more),
      frame(continuation, outOfRange.subarray(13)),
    ],
    INVALID_PAYLOAD,
  ),
  fails('6.4.3', 'the same in one frame in parts of 13 bytes', [frame(text, outOfRange)], INVALID_PAYLOAD, 13),
  fails('6.4.4', 'the same in one frame in parts of 14 bytes', [frame(text, outOfRange)], INVALID_PAYLOAD, 14),
  ...UTF8_GROUPS.flatMap(([title, isValid, texts], group) =>
    texts.map((hex, i): Case => {
      const [id, bytes] = [`6.${group + 5}.${i + 1}`, Buffer.from(hex, 'hex')]
      if (!(isValid === 'decode' ? isUtf8(hex) : isValid)) return fails(id, title, [frame(text, bytes)], INVALID_PAYLOAD)
      return { id, title, parts: [frame(text, bytes)], received: [note('text', bytes)], code: NORMAL }
    }),
  ),
]

/** A Close frame of the server, which is answered with its code. */
function closed(
  id: string,
  title: string,
  parts: readonly Buffer[],
  code: number = NORMAL,
  received: readonly string[] = [],
): Case {
  return { id, title, parts, received, code, closes: true }
}

const large = Buffer.alloc(256 * 1024, 'B')
const closes: Case[] = [
  {
    id: '7.1.1',
    title: 'a message, then a Close frame',
    parts: [frame(text, hello)],
    received: [note('text', hello)],
    code: NORMAL,
  },
  closed('7.1.2', 'two Close frames', [close(1_000), frame(Opcode.close)]),
  closed('7.1.3', 'a Ping after the Close frame', [close(1_000), frame(ping)]),
  closed('7.1.4', 'a message after the Close frame', [close(1_000), frame(text, hello)]),
  closed('7.1.5', 'a fragment before the Close frame, and one after it', [
    frame(text, one, more),
    close(1_000),
    frame(continuation, two),
  ]),
  closed(
    '7.1.6',
    'a large message, a small one, a Close frame and a Ping',
    [frame(text, large), frame(text, hello), close(1_000), frame(ping)],
    NORMAL,
    [note('text', large), note('text', hello)],
  ),
  closed('7.3.1', 'a Close frame without a code', [frame(Opcode.close)], 1_005),
  fails('7.3.2', 'a Close frame of one byte', [frame(Opcode.close, 'a')]),
  closed('7.3.3', 'a code alone', [close(1_000)]),
  closed('7.3.4', 'a code and a reason', [close(1_000, hello)]),
  closed('7.3.5', 'a reason of 123 bytes', [close(1_000, '*'.repeat(123))]),
  fails('7.3.6', 'a reason of 124 bytes', [close(1_000, '*'.repeat(124))]),
  fails('7.5.1', 'a reason that is not UTF-8', [close(1_000, surrogate)], INVALID_PAYLOAD),
  ...[1_000, 1_001, 1_002, 1_003, 1_007, 1_008, 1_009, 1_010, 1_011, 3_000, 3_999, 4_000, 4_999].map((code, i) =>
    closed(`7.7.${i + 1}`, `the code ${code}`, [close(code)], code),
  ),
  ...[0, 999, 1_004, 1_005, 1_006, 1_016, 1_100, 2_000, 2_999].map((code, i) =>
    fails(`7.9.${i + 1}`, `the code ${code}`, [close(code)]),
  ),
  fails('7.13.1', 'the code 5000', [close(5_000)]),
  fails('7.13.2', 'the code 65535', [close(65_535)]),
]

const auto: Case = {
  ...{
    id: '10.1.1',
    title: 'a message of 65,536 bytes in fragments of 1,300',
    parts: fragmented(text, Buffer.alloc(65_536, '*'), 1_300),
  },
  ...{ received: [note('text', Buffer.alloc(65_536, '*'))], code: NORMAL },
}

/** All cases. */
export const CASES: readonly Case[] = [...framing, ...pings, ...reserved, ...fragments, ...utf8, ...closes, auto]
