/** Field blocks and responses: rows D, E03 to E12, E18 to E22 of the matrix. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConnectionState } from '../../../src/h2/protocol/connection-state.js'
import { Receiver } from '../../../src/h2/protocol/receiver.js'
import { Sender } from '../../../src/h2/protocol/sender.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import {
  bytesOf,
  continuation,
  data,
  type Field,
  fieldBlock,
  headers,
  indexed,
  inserting,
  LOCAL,
  Peer,
  Recorder,
  request,
  response,
  rstStream,
} from './peer.js'

const corpora = process.env['UNSHARD_CORPORA'] ?? fileURLToPath(new URL('../../../../../../shared/corpora', import.meta.url))

/** A literal that enters the table, so that a block which is refused shows whether HPACK stays in step. */
const insertion = inserting.subarray(1)
const withInsertion = (fields: readonly Field[]): Buffer => Buffer.concat([fieldBlock(fields), insertion])

/** Where the frames themselves had no block to keep step with, one comes first. */
function proveInStep(peer: Peer, frames: readonly Buffer[]): void {
  if (!Buffer.concat(frames).includes(insertion)) peer.exchange()
  peer.proveAlive()
}

describe('malformed responses: RFC 9113 §8.1.1 "MUST be treated as a stream error of type PROTOCOL_ERROR"', () => {
  it.each<[string, Buffer[]]>([
    ['D08 §8.3.2 no :status', [headers(1, withInsertion([['a', 'b']]))]],
    ['D08 an empty field section', [headers(1, Buffer.alloc(0))]],
    [
      'D09 :status twice',
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            [':status', '200'],
          ]),
        ),
      ],
    ],
    ...['20', '2000', '099', '1000', 'abc', '', ' 200', '+20', '2e2'].map((status): [string, Buffer[]] => [
      `D09 :status ${JSON.stringify(status)}`,
      [headers(1, withInsertion([[':status', status]]))],
    ]),
    ['D09 §8.6 101', [headers(1, withInsertion([[':status', '101']]))]],
    [
      'D10 §8.3 "All pseudo-header fields MUST appear ... before all regular field lines"',
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            ['a', 'b'],
            [':status', '200'],
          ]),
        ),
      ],
    ],
    [
      'D10 :status after a regular field alone',
      [
        headers(
          1,
          withInsertion([
            ['a', 'b'],
            [':status', '200'],
          ]),
        ),
      ],
    ],
    [
      'D10 an unknown pseudo-field',
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            [':what', 'x'],
          ]),
        ),
      ],
    ],
    [
      'D10 an unknown pseudo-field first',
      [
        headers(
          1,
          withInsertion([
            [':what', 'x'.repeat(100)],
            [':status', '200'],
          ]),
        ),
      ],
    ],
    [
      'D10 a request pseudo-field',
      [
        headers(
          1,
          withInsertion([
            [':method', 'GET'],
            [':status', '200'],
          ]),
        ),
      ],
    ],
    [
      'D04 an empty name',
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            ['', ''],
          ]),
        ),
      ],
    ],
    ...['A', 'a b', 'a:b', 'a\0', 'é', `${'x'.repeat(80)}X`].map((name): [string, Buffer[]] => [
      `D11 §8.2.1 the field name ${JSON.stringify(name)}`,
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            [name, 'v'],
          ]),
        ),
      ],
    ]),
    ...['a\rb', 'a\nb', 'a\0b', ' a', 'a ', '\ta', 'a\t', '\x7f', '\r\n'].map((value): [string, Buffer[]] => [
      `D11 §8.2.1 the field value ${JSON.stringify(value)}`,
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            ['a', value],
          ]),
        ),
      ],
    ]),
    ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map((name): [string, Buffer[]] => [
      `D12 §8.2.2 ${name}`,
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            [name, 'x'],
          ]),
        ),
      ],
    ]),
    [
      'D13 §8.2.2 te other than trailers',
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            ['te', 'gzip'],
          ]),
        ),
      ],
    ],
    ['D18 §8.1 an interim response with END_STREAM', [headers(1, withInsertion([[':status', '103']]), { endStream: true })]],
    ['D19 §8.1 DATA after an interim response only', [headers(1, withInsertion([[':status', '100']])), data(1, 'x')]],
    ['E04 DATA before HEADERS', [data(1, 'x')]],
    ['E04 an empty DATA with END_STREAM before HEADERS', [data(1, '', { endStream: true })]],
    ['D21 §8.1 a response that ends without a final one', [headers(1, withInsertion([]), { endStream: true })]],
    ...['+5', '5, 6', '0x5', '9223372036854775808', '5,', '', '-1', '5 5', '\xa05', '5\xa0'].map((value): [string, Buffer[]] => [
      `E07 RFC 9110 §8.6 content-length ${JSON.stringify(value)}`,
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            ['content-length', value],
          ]),
        ),
      ],
    ]),
    [
      'E07 content-length twice, different',
      [
        headers(
          1,
          withInsertion([
            [':status', '200'],
            ['content-length', '5'],
            ['content-length', '6'],
          ]),
        ),
      ],
    ],
  ])('%s', (_title, frames) => {
    const peer = new Peer()
    peer.get()
    expect(peer.receive(...frames)).toBeUndefined()
    const events = peer.events().filter((line) => !line.startsWith('informational'))
    expect(events).toEqual(['error 1 PROTOCOL_ERROR local', 'closed 1'])
    expect(peer.sent().at(-1)).toBe('RST_STREAM 1 PROTOCOL_ERROR')
    proveInStep(peer, frames)
  })
})

describe('responses that are malformed after they have begun', () => {
  it.each<[string, string, Buffer[]]>([
    ['D20 §8.1 a second final response without END_STREAM', 'PROTOCOL_ERROR', [headers(1, inserting)]],
    ['D20 a second final response with END_STREAM', 'PROTOCOL_ERROR', [headers(1, inserting, { endStream: true })]],
    ['D20 an interim response after the final one', 'PROTOCOL_ERROR', [headers(1, withInsertion([[':status', '100']]))]],
    ['D21 trailers with a pseudo-field', 'PROTOCOL_ERROR', [headers(1, withInsertion([[':path', '/']]), { endStream: true })]],
    ['D21 trailers with a bad :status', 'PROTOCOL_ERROR', [headers(1, withInsertion([[':status', 'x']]), { endStream: true })]],
    ['D21 trailers without END_STREAM', 'PROTOCOL_ERROR', [headers(1, insertion)]],
    [
      'D21 trailers with a connection-specific field',
      'PROTOCOL_ERROR',
      [headers(1, withInsertion([['connection', 'x']]), { endStream: true })],
    ],
    ['E06 §8.1.1 content shorter than content-length', 'PROTOCOL_ERROR', [data(1, '1234', { endStream: true })]],
    [
      'E06 content shorter than content-length, ended by trailers',
      'PROTOCOL_ERROR',
      [data(1, '1234'), headers(1, insertion, { endStream: true })],
    ],
    ['E06 content longer than content-length', 'PROTOCOL_ERROR', [data(1, '123456')]],
    [
      'E06 content longer than content-length, in the second frame',
      'PROTOCOL_ERROR',
      [data(1, '12345'), data(1, '6', { endStream: true })],
    ],
    [
      'F02 §6.9 more than the stream window allows',
      'FLOW_CONTROL_ERROR',
      Array.from({ length: 5 }, () => data(1, bytesOf(16_000))),
    ],
  ])('%s: %s', (title, code, frames) => {
    const peer = new Peer({ local: { connectionWindowBytes: 1_000_000 } })
    peer.get()
    const fields: Field[] = title.startsWith('E06')
      ? [
          [':status', '200'],
          ['content-length', '5'],
        ]
      : [[':status', '200']]
    peer.receive(headers(1, fields))
    peer.events()
    expect(peer.receive(...frames)).toBeUndefined()
    expect(peer.events().filter((line) => !line.startsWith('data'))).toEqual([`error 1 ${code} local`, 'closed 1'])
    expect(peer.sent().filter((line) => line.startsWith('RST'))).toEqual([`RST_STREAM 1 ${code}`])
    proveInStep(peer, frames)
  })
})

describe('RFC 9113 §4.3 "A decoding error in a field block MUST be treated as a connection error"', () => {
  const path = join(corpora, 'vectors', 'hpack-negative.json')
  type Vector = { id: string; wire: string; expect: string; settings_header_table_size: number }
  const vectors = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Vector[]) : []
  const errors = vectors.filter(({ expect: wanted }) => wanted === 'error')
  if (errors.length === 0) it.todo(`D01 the vectors of ${path}: the folder is not there`)
  else {
    it.each(errors.map((vector): [string, Vector] => [vector.id, vector]))('D01 %s: COMPRESSION_ERROR', (_id, vector) => {
      const peer = new Peer({ local: { headerTableBytes: vector.settings_header_table_size } })
      peer.get()
      expect(peer.receive(headers(1, Buffer.from(vector.wire, 'hex')))).toBe('COMPRESSION_ERROR')
    })
  }

  it("D01 on a stream that was reset, too: the compression state is the connection's", () => {
    const peer = new Peer()
    peer.client.resetStream(peer.get(), 8)
    expect(peer.receive(headers(1, Buffer.from('80', 'hex')))).toBe('COMPRESSION_ERROR')
    expect(peer.sent().at(-1)).toBe('GOAWAY 0 COMPRESSION_ERROR index 0')
  })

  it('a defect of the decoder is none either', () => {
    const state = new ConnectionState(new Recorder(), LOCAL, new WindowBudget(0))
    const sender = new Sender(state)
    const receiver = new Receiver(state, sender)
    sender.open({ onStreamError: () => undefined, onClosed: () => undefined } as never, request(), true)
    state.decoder.decode = () => {
      throw new RangeError('a defect')
    }
    expect(() => receiver.frame(1, 0x4, 1, Buffer.alloc(0), 0, 0)).toThrow(RangeError)
  })

  it('a defect of the listener inside a field block is no COMPRESSION_ERROR', () => {
    const peer = new Peer()
    peer.get()
    peer.recorder.during = () => {
      throw new Error('mine')
    }
    expect(peer.receive(response(1))).toBe('INTERNAL_ERROR')
  })
})

describe('limits on field sections', () => {
  it.each<[string, Buffer]>([
    // Dynamic entry 62 has 32 + 2 + 4 bytes; 62 of 4,000 bytes each make the bomb.
    [
      'D02 HPACK bomb: one large entry named many times',
      Buffer.concat([Buffer.from([0x88, 0x40, 1, 0x62, 0x7f, 0xa1, 0x1e]), bytesOf(4_000), Buffer.alloc(2_000, 0xbe), insertion]),
    ],
    [
      'D03 thousands of tiny indexed fields (CVE-2026-49975)',
      Buffer.concat([Buffer.from([0x88]), Buffer.alloc(3_000, 0x90), insertion]),
    ],
    [
      'D03 more than 1,000 fields under the byte limit',
      Buffer.concat([Buffer.from([0x88]), fieldBlock(Array.from({ length: 1_001 }, () => ['a', ''])), insertion]),
    ],
    [
      'D22 §6.5.2 fields over our SETTINGS_MAX_HEADER_LIST_SIZE',
      Buffer.concat([
        Buffer.from([0x88]),
        Buffer.from([0x40, 1, 0x62, 0x7f, 0xa1, 0x1e]),
        bytesOf(4_000),
        Buffer.alloc(16, 0xbe),
        insertion,
      ]),
    ],
  ])('%s: a stream error, and HPACK stays in step', (_title, block) => {
    const peer = new Peer()
    peer.get()
    expect(peer.receive(headers(1, block))).toBeUndefined()
    expect(peer.events()).toEqual(['error 1 ENHANCE_YOUR_CALM local', 'closed 1'])
    peer.proveAlive()
  })

  it('D04 empty values are allowed', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1, [['a', '']]))
    expect(peer.events()).toEqual(['response 1 200 a='])
  })

  it.each([
    ['D05 CONTINUATION without end', bytesOf(10), 9],
    ['D06 empty CONTINUATION without end', Buffer.alloc(0), 9],
    ['D05 64 KiB in fewer frames', bytesOf(16_384), 4],
  ])('%s (CVE-2024-27316): ENHANCE_YOUR_CALM', (_title, part, refusedAt) => {
    const peer = new Peer()
    peer.get()
    peer.receive(headers(1, part, { endHeaders: false }))
    for (let i = 1; i < refusedAt; i++) expect(peer.receive(continuation(1, part, { endHeaders: false }))).toBeUndefined()
    expect(peer.receive(continuation(1, part, { endHeaders: false }))).toBe('ENHANCE_YOUR_CALM')
  })

  it('D05 eight CONTINUATION frames are read', () => {
    const peer = new Peer()
    peer.get()
    const parts = Array.from({ length: 7 }, () => continuation(1, Buffer.alloc(0), { endHeaders: false }))
    peer.receive(headers(1, Buffer.from([0x88]), { endHeaders: false, endStream: true }), ...parts, continuation(1, insertion))
    expect(peer.events()).toEqual(['response 1 200 in=step', 'end 1', 'closed 1'])
  })

  it('D13 §8.2.2 te may say trailers', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1, [['te', 'trailers']]))
    expect(peer.events()).toEqual(['response 1 200 te=trailers'])
  })

  it('D14 __proto__ and its like are plain names', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(
      response(1, [
        ['__proto__', 'x'],
        ['constructor', 'y'],
        ['tostring', 'z'],
      ]),
    )
    expect(peer.events()).toEqual(['response 1 200 __proto__=x constructor=y tostring=z'])
  })

  it('D15 999 set-cookie fields stay apart, 1,000 with :status are too many', () => {
    const peer = new Peer()
    const respond = (count: number): void => {
      const block = fieldBlock([[':status', '200'], ...Array.from({ length: count }, (): Field => ['set-cookie', 'c=1'])])
      const { id } = peer.get()
      const first = headers(id, block.subarray(0, 16_000), { endHeaders: false, endStream: true })
      expect(peer.receive(first, continuation(id, block.subarray(16_000)))).toBeUndefined()
    }
    respond(999)
    expect(peer.events()[0]!.match(/set-cookie=/g)).toHaveLength(999)
    respond(1_000)
    expect(peer.events()).toEqual(['error 3 ENHANCE_YOUR_CALM local', 'closed 3'])
  })
})

describe('RFC 9110 §15.2 interim responses', () => {
  const interim = (status: string): Buffer => headers(1, [[':status', status]])

  it('D16 a hundred are passed on; over 64 KiB of them are a stream error, and time allows more', () => {
    const large = headers(1, [
      [':status', '103'],
      ['link', 'x'.repeat(9_900)],
    ])
    const peer = new Peer()
    peer.get()
    peer.receive(...Array.from({ length: 100 }, () => interim('103')))
    expect(peer.events()).toHaveLength(100)
    peer.receive(...Array.from({ length: 6 }, () => large))
    expect(peer.events()).toHaveLength(6)
    peer.client.refillLimits(10_000)
    peer.receive(large)
    expect(peer.events()).toHaveLength(1)
    peer.receive(large)
    expect(peer.events()).toEqual(['error 1 ENHANCE_YOUR_CALM local', 'closed 1'])
  })

  it('D16 a caller who wants them has no limit', () => {
    const peer = new Peer()
    peer.open({ path: '/', wantsInformational: true })
    for (let i = 0; i < 5_000; i++) peer.receive(interim('102'))
    expect([peer.events().length, peer.fault]).toEqual([5_000, undefined])
  })

  it('D17 100, 103 and unknown ones are told, and the final response is whole', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(
      interim('100'),
      headers(1, [
        [':status', '103'],
        ['link', '</a>'],
      ]),
      interim('199'),
      response(1, [], { endStream: true }),
    )
    expect(peer.events()).toEqual([
      'informational 1 100',
      'informational 1 103 link=</a>',
      'informational 1 199',
      'response 1 200',
      'end 1',
      'closed 1',
    ])
  })
})

describe('content', () => {
  it('E07 "5, 5" and content-length twice with one value is that value', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(
      response(1, [
        ['content-length', '5, 5'],
        ['content-length', '5'],
      ]),
      data(1, '12345', { endStream: true }),
    )
    expect(peer.events().slice(1)).toEqual(['data 1 12345', 'end 1', 'closed 1'])
  })

  it('E07 RFC 9110 §5.6.1: blanks on either side of a comma belong to the list, not to the length', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1, [['content-length', '5 \t, \t5']]), data(1, '12345', { endStream: true }))
    expect(peer.events().slice(1)).toEqual(['data 1 12345', 'end 1', 'closed 1'])
  })

  it.each([
    ['204', 'GET'],
    ['304', 'GET'],
    ['200', 'HEAD'],
  ])('E08 RFC 9110 §6.4.1 %s to %s has no content: DATA is a stream error, content-length is not judged', (status, method) => {
    const peer = new Peer()
    peer.exchange()
    peer.open({ method })
    const head = headers(
      3,
      withInsertion([
        [':status', status],
        ['content-length', '5'],
      ]),
    )
    peer.receive(head, data(3, 'x'))
    expect(peer.events().slice(1)).toEqual(['error 3 PROTOCOL_ERROR local', 'closed 3'])
    expect(peer.recorder.ends[0]!.reason).toBe('content in a response that must not have any')
    peer.proveAlive()
    const other = peer.open({ method })
    peer.receive(
      headers(
        other.id,
        [
          [':status', status],
          ['content-length', '5'],
        ],
        { endStream: true },
      ),
    )
    expect(peer.events().slice(1)).toEqual([`end ${other.id}`, `closed ${other.id}`])
  })

  it('E09 HEAD answered with HEADERS and an empty DATA', () => {
    const peer = new Peer()
    peer.open({ method: 'HEAD' })
    peer.receive(response(1, [['content-length', '5']]), data(1, '', { endStream: true }))
    expect(peer.events().slice(1)).toEqual(['end 1', 'closed 1'])
  })

  it('E20 padding of every size on HEADERS', () => {
    const peer = new Peer()
    for (let padding = 0; padding < 256; padding++) {
      const { id } = peer.get()
      peer.receive(response(id, [['a', 'b']], { padding, endStream: true, priority: { dependsOn: 0 } }))
      expect(peer.events()).toEqual([`response ${id} 200 a=b`, `end ${id}`, `closed ${id}`])
    }
  })

  it('E18 a response before the request is done: both go on', () => {
    const peer = new Peer()
    const stream = peer.post()
    peer.receive(response(1, [], { endStream: true }))
    expect(peer.events()).toEqual(['response 1 200', 'end 1'])
    expect(peer.client.active).toBe(1)
    expect(peer.client.sendData(stream, bytesOf(3), true)).toBe(true)
    expect(peer.sent().slice(1)).toEqual(['DATA 1 3 END_STREAM'])
    expect(peer.events()).toEqual(['closed 1'])
  })
})

describe('RST_STREAM from the peer', () => {
  it('E10 §8.1 NO_ERROR after a complete response, while we upload: a success, and the upload stops', () => {
    const peer = new Peer()
    peer.post()
    peer.receive(response(1, [], { endStream: true }), rstStream(1, 0))
    expect(peer.events()).toEqual(['response 1 200', 'end 1', 'stopped 1', 'closed 1'])
  })

  it('E11 NO_ERROR before the response is an error', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(rstStream(1, 0))
    expect(peer.events()).toEqual(['error 1 NO_ERROR peer', 'closed 1'])
  })

  it.each([
    [8, 'CANCEL'],
    [2, 'INTERNAL_ERROR'],
    [0xbad, '0xbad'],
  ])('E12 %i in the middle of content: what came before it is readable', (code, name) => {
    const peer = new Peer()
    peer.get()
    peer.receive(headers(1, inserting), data(1, 'some'), rstStream(1, code), rstStream(1, code))
    expect(peer.events()).toEqual(['response 1 200 in=step', 'data 1 some', `error 1 ${name} peer`, 'closed 1'])
    expect(peer.sent().slice(1)).toEqual([])
    peer.proveAlive()
  })

  it('§8.7 REFUSED_STREAM: "the request can be safely retried"', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(rstStream(1, 7))
    expect(peer.events()).toEqual(['error 1 REFUSED_STREAM peer unprocessed', 'closed 1'])
  })

  it('REFUSED_STREAM after the response has begun proves nothing: it was processed', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1), rstStream(1, 7))
    expect(peer.events()).toEqual(['response 1 200', 'error 1 REFUSED_STREAM peer', 'closed 1'])
  })
})

describe('a request that wants field values without blanks around them', () => {
  const padded: Field[] = [['a', ' \tb\t ']]

  it('gets the response that others refuse, in fields and in trailers', () => {
    const peer = new Peer()
    const [fetch, other] = [peer.open({ trimFieldValues: true }), peer.get()]
    for (const { id } of [fetch, other]) {
      peer.receive(response(id, padded), headers(id, padded, { endStream: true }))
    }
    expect(peer.events()).toEqual([
      'response 1 200 a=b',
      'end 1 trailers a=b',
      'closed 1',
      'error 3 PROTOCOL_ERROR local',
      'closed 3',
    ])
  })

  it('gets a response without blanks unchanged', () => {
    const peer = new Peer()
    peer.open({ trimFieldValues: true })
    peer.receive(response(1, [['a', 'b c']], { endStream: true }))
    expect(peer.events()).toEqual(['response 1 200 a=b c', 'end 1', 'closed 1'])
  })

  it('gets no response that is malformed for another reason', () => {
    const peer = new Peer()
    peer.open({ trimFieldValues: true })
    peer.receive(response(1, [...padded, ['Upper', 'case']]))
    expect(peer.events()).toEqual(['error 1 PROTOCOL_ERROR local', 'closed 1'])
  })
})

describe('frames that bring nothing', () => {
  it('E21 empty DATA without END_STREAM (CVE-2019-9518)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1))
    expect(peer.receive(...Array.from({ length: 1_000 }, () => data(1, '')))).toBeUndefined()
    expect(peer.receive(data(1, ''))).toBe('ENHANCE_YOUR_CALM')
  })

  it('E22 DATA of padding alone is as empty', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1))
    expect(peer.receive(...Array.from({ length: 1_001 }, () => data(1, '', { padding: 1 })))).toBe('ENHANCE_YOUR_CALM')
  })

  it('E22 content one byte at a time is slow, not hostile: few WINDOW_UPDATE frames', () => {
    const peer = new Peer()
    const stream = peer.get()
    peer.recorder.during = (line) => {
      if (line.startsWith('data')) peer.client.consumed(stream, 1)
    }
    peer.receive(response(1))
    for (let i = 0; i < 20; i++) expect(peer.receive(...Array.from({ length: 2_000 }, () => data(1, 'x')))).toBeUndefined()
    expect(peer.sent().filter((line) => line.startsWith('WINDOW_UPDATE'))).toHaveLength(2)
  })

  it('indexed blocks are decoded once and told every time', () => {
    const peer = new Peer()
    peer.exchange()
    for (const id of [3, 5, 7]) {
      peer.get()
      peer.receive(headers(id, indexed, { endStream: true }))
      expect(peer.events()[0]).toBe(`response ${id} 200 in=step`)
    }
  })
})
