/**
 * Field blocks and responses: rows D, E03 to E12 and E18 to E22 of the matrix of hostile servers.
 */

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

/**
 * A literal that enters the table, so that the block after a refused block shows whether HPACK is
 * in step.
 */
const insertion = inserting.subarray(1)
const withInsertion = (fields: readonly Field[]): Buffer => Buffer.concat([fieldBlock(fields), insertion])

/** Proves that HPACK is in step; frames without an insertion need an exchange before. */
function proveInStep(peer: Peer, frames: readonly Buffer[]): void {
  if (!Buffer.concat(frames).includes(insertion)) peer.exchange()
  peer.proveAlive()
}

describe('malformed responses "MUST be treated as a stream error of type PROTOCOL_ERROR" (RFC 9113 §8.1.1)', () => {
  it.each<[string, Buffer[]]>([
    ['a section without :status (D08, §8.3.2)', [headers(1, withInsertion([['a', 'b']]))]],
    ['an empty field section (D08)', [headers(1, Buffer.alloc(0))]],
    [
      'a repeated :status (D09)',
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
      `:status ${JSON.stringify(status)} (D09)`,
      [headers(1, withInsertion([[':status', status]]))],
    ]),
    [':status 101 (D09, §8.6)', [headers(1, withInsertion([[':status', '101']]))]],
    [
      '"All pseudo-header fields MUST appear ... before all regular field lines" (D10, §8.3)',
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
      'only a :status after a regular field (D10)',
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
      'an unknown pseudo-field (D10)',
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
      'an unknown pseudo-field before :status (D10)',
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
      'a request pseudo-field (D10)',
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
      'an empty name (D04)',
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
      `the field name ${JSON.stringify(name)} (D11, §8.2.1)`,
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
      `the field value ${JSON.stringify(value)} (D11, §8.2.1)`,
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
      `the field ${name} (D12, §8.2.2)`,
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
      'te other than trailers (D13, §8.2.2)',
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
    ['an interim response with END_STREAM (D18, §8.1)', [headers(1, withInsertion([[':status', '103']]), { endStream: true })]],
    ['DATA after only an interim response (D19, §8.1)', [headers(1, withInsertion([[':status', '100']])), data(1, 'x')]],
    ['DATA before HEADERS (E04)', [data(1, 'x')]],
    ['empty DATA with END_STREAM before HEADERS (E04)', [data(1, '', { endStream: true })]],
    ['trailers without a final response (D21, §8.1)', [headers(1, withInsertion([]), { endStream: true })]],
    ...['+5', '5, 6', '0x5', '9223372036854775808', '5,', '', '-1', '5 5', '\xa05', '5\xa0'].map((value): [string, Buffer[]] => [
      `content-length ${JSON.stringify(value)} (E07, RFC 9110 §8.6)`,
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
      'two different content-length fields (E07)',
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

describe('frames that make a response malformed after its start', () => {
  it.each<[string, string, Buffer[]]>([
    ['a second final response without END_STREAM (D20, §8.1)', 'PROTOCOL_ERROR', [headers(1, inserting)]],
    ['a second final response with END_STREAM (D20)', 'PROTOCOL_ERROR', [headers(1, inserting, { endStream: true })]],
    ['an interim response after the final one (D20)', 'PROTOCOL_ERROR', [headers(1, withInsertion([[':status', '100']]))]],
    [
      'a trailer section with a pseudo-field (D21)',
      'PROTOCOL_ERROR',
      [headers(1, withInsertion([[':path', '/']]), { endStream: true })],
    ],
    [
      'a trailer section with an invalid :status (D21)',
      'PROTOCOL_ERROR',
      [headers(1, withInsertion([[':status', 'x']]), { endStream: true })],
    ],
    ['a trailer section without END_STREAM (D21)', 'PROTOCOL_ERROR', [headers(1, insertion)]],
    [
      'a trailer section with a connection-specific field (D21)',
      'PROTOCOL_ERROR',
      [headers(1, withInsertion([['connection', 'x']]), { endStream: true })],
    ],
    ['content shorter than content-length (E06, §8.1.1)', 'PROTOCOL_ERROR', [data(1, '1234', { endStream: true })]],
    [
      'content shorter than content-length, ended by trailers (E06)',
      'PROTOCOL_ERROR',
      [data(1, '1234'), headers(1, insertion, { endStream: true })],
    ],
    ['content longer than content-length (E06)', 'PROTOCOL_ERROR', [data(1, '123456')]],
    [
      'content longer than content-length, in the second frame (E06)',
      'PROTOCOL_ERROR',
      [data(1, '12345'), data(1, '6', { endStream: true })],
    ],
    [
      'content over the stream window (F02, §6.9)',
      'FLOW_CONTROL_ERROR',
      Array.from({ length: 5 }, () => data(1, bytesOf(16_000))),
    ],
  ])('%s: RST_STREAM %s', (title, code, frames) => {
    const peer = new Peer({ local: { connectionWindowBytes: 1_000_000 } })
    peer.get()
    const fields: Field[] = title.includes('(E06')
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

describe('"A decoding error in a field block MUST be treated as a connection error" (RFC 9113 §4.3)', () => {
  const path = join(corpora, 'vectors', 'hpack-negative.json')
  type Vector = { id: string; wire: string; expect: string; settings_header_table_size: number }
  const vectors = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Vector[]) : []
  const errors = vectors.filter(({ expect: outcome }) => outcome === 'error')
  if (errors.length === 0) it.todo(`the vectors of ${path}: skipped because the folder is missing (D01)`)
  else {
    it.each(errors.map((vector): [string, Vector] => [vector.id, vector]))(
      'the vector %s causes COMPRESSION_ERROR (D01)',
      (_id, vector) => {
        const peer = new Peer({ local: { headerTableBytes: vector.settings_header_table_size } })
        peer.get()
        expect(peer.receive(headers(1, Buffer.from(vector.wire, 'hex')))).toBe('COMPRESSION_ERROR')
      },
    )
  }

  it('a decoding error on a stream that was reset causes COMPRESSION_ERROR (D01)', () => {
    const peer = new Peer()
    peer.client.resetStream(peer.get(), 8)
    expect(peer.receive(headers(1, Buffer.from('80', 'hex')))).toBe('COMPRESSION_ERROR')
    expect(peer.sent().at(-1)).toBe('GOAWAY 0 COMPRESSION_ERROR index 0')
  })

  it('an exception in the decoder is thrown and is not a COMPRESSION_ERROR', () => {
    const state = new ConnectionState(new Recorder(), LOCAL, new WindowBudget(0))
    const sender = new Sender(state)
    const receiver = new Receiver(state, sender)
    sender.open({ onStreamError: () => undefined, onClosed: () => undefined } as never, request(), true)
    state.decoder.decode = () => {
      throw new RangeError('a defect')
    }
    expect(() => receiver.frame(1, 0x4, 1, Buffer.alloc(0), 0, 0)).toThrow(RangeError)
  })

  it('an exception in the listener of a field block causes INTERNAL_ERROR', () => {
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
    // The block inserts an entry of 4,000 bytes and refers to it 2,000 times.
    [
      'an HPACK bomb, many references to one large entry (D02)',
      Buffer.concat([Buffer.from([0x88, 0x40, 1, 0x62, 0x7f, 0xa1, 0x1e]), bytesOf(4_000), Buffer.alloc(2_000, 0xbe), insertion]),
    ],
    [
      'a section of thousands of tiny indexed fields (D03, CVE-2026-49975)',
      Buffer.concat([Buffer.from([0x88]), Buffer.alloc(3_000, 0x90), insertion]),
    ],
    [
      'a section of more than 1,000 fields under the byte limit (D03)',
      Buffer.concat([Buffer.from([0x88]), fieldBlock(Array.from({ length: 1_001 }, () => ['a', ''])), insertion]),
    ],
    [
      'a section over the local SETTINGS_MAX_HEADER_LIST_SIZE (D22, §6.5.2)',
      Buffer.concat([
        Buffer.from([0x88]),
        Buffer.from([0x40, 1, 0x62, 0x7f, 0xa1, 0x1e]),
        bytesOf(4_000),
        Buffer.alloc(16, 0xbe),
        insertion,
      ]),
    ],
  ])('%s causes a stream error, and HPACK stays in step', (_title, block) => {
    const peer = new Peer()
    peer.get()
    expect(peer.receive(headers(1, block))).toBeUndefined()
    expect(peer.events()).toEqual(['error 1 ENHANCE_YOUR_CALM local', 'closed 1'])
    peer.proveAlive()
  })

  it('empty values are allowed (D04)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1, [['a', '']]))
    expect(peer.events()).toEqual(['response 1 200 a='])
  })

  it.each([
    ['CONTINUATION without end (D05)', bytesOf(10), 9],
    ['empty CONTINUATION without end (D06)', Buffer.alloc(0), 9],
    ['64 KiB of CONTINUATION in fewer frames (D05)', bytesOf(16_384), 4],
  ])('%s causes ENHANCE_YOUR_CALM (CVE-2024-27316)', (_title, part, refusedAt) => {
    const peer = new Peer()
    peer.get()
    peer.receive(headers(1, part, { endHeaders: false }))
    for (let i = 1; i < refusedAt; i++) expect(peer.receive(continuation(1, part, { endHeaders: false }))).toBeUndefined()
    expect(peer.receive(continuation(1, part, { endHeaders: false }))).toBe('ENHANCE_YOUR_CALM')
  })

  it('eight CONTINUATION frames are read (D05)', () => {
    const peer = new Peer()
    peer.get()
    const parts = Array.from({ length: 7 }, () => continuation(1, Buffer.alloc(0), { endHeaders: false }))
    peer.receive(headers(1, Buffer.from([0x88]), { endHeaders: false, endStream: true }), ...parts, continuation(1, insertion))
    expect(peer.events()).toEqual(['response 1 200 in=step', 'end 1', 'closed 1'])
  })

  it('te with the value trailers is accepted (D13, §8.2.2)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1, [['te', 'trailers']]))
    expect(peer.events()).toEqual(['response 1 200 te=trailers'])
  })

  it('names like __proto__ are ordinary names (D14)', () => {
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

  it('999 set-cookie fields stay separate, and 1,000 with :status are over the limit (D15)', () => {
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

describe('interim responses (RFC 9110 §15.2)', () => {
  const interim = (status: string): Buffer => headers(1, [[':status', status]])

  it('are passed on up to 64 KiB, and more of them cause a stream error; the limit grows with time (D16)', () => {
    const largeInterim = headers(1, [
      [':status', '103'],
      ['link', 'x'.repeat(9_900)],
    ])
    const peer = new Peer()
    peer.get()
    peer.receive(...Array.from({ length: 100 }, () => interim('103')))
    expect(peer.events()).toHaveLength(100)
    peer.receive(...Array.from({ length: 6 }, () => largeInterim))
    expect(peer.events()).toHaveLength(6)
    peer.client.refillLimits(10_000)
    peer.receive(largeInterim)
    expect(peer.events()).toHaveLength(1)
    peer.receive(largeInterim)
    expect(peer.events()).toEqual(['error 1 ENHANCE_YOUR_CALM local', 'closed 1'])
  })

  it('have no limit for a request with wantsInformational (D16)', () => {
    const peer = new Peer()
    peer.open({ path: '/', wantsInformational: true })
    for (let i = 0; i < 5_000; i++) peer.receive(interim('102'))
    expect([peer.events().length, peer.fault]).toEqual([5_000, undefined])
  })

  it('of status 100, 103 and 199 are passed on before the final response (D17)', () => {
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
  it('content-length "5, 5" and repeated equal fields are that value (E07)', () => {
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

  it('spaces beside a comma of content-length belong to the list (E07, RFC 9110 §5.6.1)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1, [['content-length', '5 \t, \t5']]), data(1, '12345', { endStream: true }))
    expect(peer.events().slice(1)).toEqual(['data 1 12345', 'end 1', 'closed 1'])
  })

  it.each([
    ['204', 'GET'],
    ['304', 'GET'],
    ['200', 'HEAD'],
  ])(
    'DATA in a %s to %s causes a stream error, and its content-length is not checked (E08, RFC 9110 §6.4.1)',
    (status, method) => {
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
      const headersOnly = peer.open({ method })
      peer.receive(
        headers(
          headersOnly.id,
          [
            [':status', status],
            ['content-length', '5'],
          ],
          { endStream: true },
        ),
      )
      expect(peer.events().slice(1)).toEqual([`end ${headersOnly.id}`, `closed ${headersOnly.id}`])
    },
  )

  it('HEADERS and an empty DATA answer HEAD (E09)', () => {
    const peer = new Peer()
    peer.open({ method: 'HEAD' })
    peer.receive(response(1, [['content-length', '5']]), data(1, '', { endStream: true }))
    expect(peer.events().slice(1)).toEqual(['end 1', 'closed 1'])
  })

  it('padding of every size on HEADERS is removed (E20)', () => {
    const peer = new Peer()
    for (let padding = 0; padding < 256; padding++) {
      const { id } = peer.get()
      peer.receive(response(id, [['a', 'b']], { padding, endStream: true, priority: { dependsOn: 0 } }))
      expect(peer.events()).toEqual([`response ${id} 200 a=b`, `end ${id}`, `closed ${id}`])
    }
  })

  it('a response before the end of the upload completes, and the upload continues (E18)', () => {
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
  it('with NO_ERROR after a complete response keeps the response and stops the upload (E10, §8.1)', () => {
    const peer = new Peer()
    peer.post()
    peer.receive(response(1, [], { endStream: true }), rstStream(1, 0))
    expect(peer.events()).toEqual(['response 1 200', 'end 1', 'stopped 1', 'closed 1'])
  })

  it('with NO_ERROR before the response is an error (E11)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(rstStream(1, 0))
    expect(peer.events()).toEqual(['error 1 NO_ERROR peer', 'closed 1'])
  })

  it.each([
    [8, 'CANCEL'],
    [2, 'INTERNAL_ERROR'],
    [0xbad, '0xbad'],
  ])('with code %i during the content is an error after the received content (E12)', (code, name) => {
    const peer = new Peer()
    peer.get()
    peer.receive(headers(1, inserting), data(1, 'some'), rstStream(1, code), rstStream(1, code))
    expect(peer.events()).toEqual(['response 1 200 in=step', 'data 1 some', `error 1 ${name} peer`, 'closed 1'])
    expect(peer.sent().slice(1)).toEqual([])
    peer.proveAlive()
  })

  it('with REFUSED_STREAM means unprocessed: "the request can be safely retried" (§8.7)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(rstStream(1, 7))
    expect(peer.events()).toEqual(['error 1 REFUSED_STREAM peer unprocessed', 'closed 1'])
  })

  it('with REFUSED_STREAM after the start of a response does not mean unprocessed', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1), rstStream(1, 7))
    expect(peer.events()).toEqual(['response 1 200', 'error 1 REFUSED_STREAM peer', 'closed 1'])
  })
})

describe('a request with trimFieldValues', () => {
  const padded: Field[] = [['a', ' \tb\t ']]

  it('receives fields and trailers without the spaces that make other responses malformed', () => {
    const peer = new Peer()
    const [trimmed, strict] = [peer.open({ trimFieldValues: true }), peer.get()]
    for (const { id } of [trimmed, strict]) {
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

  it('receives a response without such spaces unchanged', () => {
    const peer = new Peer()
    peer.open({ trimFieldValues: true })
    peer.receive(response(1, [['a', 'b c']], { endStream: true }))
    expect(peer.events()).toEqual(['response 1 200 a=b c', 'end 1', 'closed 1'])
  })

  it('receives no response that is malformed for another reason', () => {
    const peer = new Peer()
    peer.open({ trimFieldValues: true })
    peer.receive(response(1, [...padded, ['Upper', 'case']]))
    expect(peer.events()).toEqual(['error 1 PROTOCOL_ERROR local', 'closed 1'])
  })
})

describe('small frames', () => {
  it('1,001 empty DATA frames without END_STREAM cause ENHANCE_YOUR_CALM (E21, CVE-2019-9518)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1))
    expect(peer.receive(...Array.from({ length: 1_000 }, () => data(1, '')))).toBeUndefined()
    expect(peer.receive(data(1, ''))).toBe('ENHANCE_YOUR_CALM')
  })

  it('1,001 DATA frames of only padding cause ENHANCE_YOUR_CALM (E22)', () => {
    const peer = new Peer()
    peer.get()
    peer.receive(response(1))
    expect(peer.receive(...Array.from({ length: 1_001 }, () => data(1, '', { padding: 1 })))).toBe('ENHANCE_YOUR_CALM')
  })

  it('content in frames of one byte is accepted, with few WINDOW_UPDATE frames (E22)', () => {
    const peer = new Peer()
    const stream = peer.get()
    peer.recorder.during = (line) => {
      if (line.startsWith('data')) peer.client.consumed(stream, 1)
    }
    peer.receive(response(1))
    for (let i = 0; i < 20; i++) expect(peer.receive(...Array.from({ length: 2_000 }, () => data(1, 'x')))).toBeUndefined()
    expect(peer.sent().filter((line) => line.startsWith('WINDOW_UPDATE'))).toHaveLength(2)
  })

  it('a repeated indexed block is passed on for each response', () => {
    const peer = new Peer()
    peer.exchange()
    for (const id of [3, 5, 7]) {
      peer.get()
      peer.receive(headers(id, indexed, { endStream: true }))
      expect(peer.events()[0]).toBe(`response ${id} 200 in=step`)
    }
  })
})
