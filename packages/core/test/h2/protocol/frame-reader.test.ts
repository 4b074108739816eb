/** Reading frames from bytes: every type, every split and every padding. */

import fc from 'fast-check'
import { FrameReader, type FrameSink } from '../../../src/h2/protocol/frame-reader.js'
import {
  altsvc,
  bytesOf,
  continuation,
  data,
  goaway,
  headers,
  origin,
  ping,
  priority,
  pushPromise,
  raw,
  rstStream,
  settings,
  settingsAck,
  windowUpdate,
} from './peer.js'

/** Logs the calls of a reader; parts of one DATA frame are one entry. */
class Sink implements FrameSink {
  readonly log: string[] = []
  readonly #discard: (type: number) => boolean

  constructor(discard: (type: number) => boolean = () => false) {
    this.#discard = discard
  }
  frameHeader(type: number, flags: number, streamId: number, length: number): boolean {
    this.log.push(`header ${type} ${flags} ${streamId} ${length}`)
    return !this.#discard(type)
  }
  frame(type: number, flags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.log.push(`frame ${type} ${flags} ${streamId} ${bytes.toString('hex', start, end)}`)
  }
  dataPart(streamId: number, bytes: Buffer, start: number, end: number): void {
    const part = bytes.toString('latin1', start, end)
    const last = this.log.at(-1)!
    if (last.startsWith('data ')) this.log[this.log.length - 1] = last + part
    else this.log.push(`data ${streamId} ${part}`)
  }
  dataEnd(streamId: number, flags: number): void {
    this.log.push(`end ${streamId} ${flags}`)
  }
}

function read(chunks: readonly Buffer[], discard?: (type: number) => boolean): string[] {
  const sink = new Sink(discard)
  const reader = new FrameReader(sink)
  for (const chunk of chunks) reader.read(chunk)
  expect(reader.atBoundary).toBe(true)
  return sink.log
}

const everyKind: readonly Buffer[] = [
  settings({ maxFrameSize: 16_384 }),
  settingsAck(),
  headers(1, Buffer.from([0x88])),
  headers(1, Buffer.from([0x88]), { padding: 3, priority: { dependsOn: 0 } }),
  continuation(1, Buffer.from([0x88])),
  data(1, 'content'),
  data(1, 'padded', { padding: 9, endStream: true }),
  data(1, '', { padding: 0 }),
  data(1, '', { padding: 4 }),
  data(3, ''),
  priority(5, { dependsOn: 1 }),
  rstStream(7, 8),
  pushPromise(1, 2, []),
  ping(Buffer.from('12345678')),
  goaway(1, 0, 'bye'),
  windowUpdate(0, 1),
  altsvc(0, 'https://a.test', 'h2=":443"'),
  origin(['https://a.test']),
  raw(0xbb, 0xff, 0x7fff_ffff, bytesOf(20)),
  raw(0xee, 0, 0),
]
const transcript = Buffer.concat(everyKind)

describe('frame format (RFC 9113 §4.1)', () => {
  it('every type of frame is read', () => {
    const [first, last] = [read(everyKind).slice(0, 2), read(everyKind).slice(-2)]
    expect(first).toEqual(['header 4 0 0 6', 'frame 4 0 0 000500004000'])
    expect(last).toEqual(['header 238 0 0 0', 'frame 238 0 0 '])
    expect(read([transcript])).toEqual(read(everyKind))
  })

  it('"The value of the reserved bit MUST be ignored" (B20)', () => {
    const frame = ping()
    frame[5] = 0x80
    expect(read([frame])).toEqual(['header 6 0 0 8', 'frame 6 0 0 0000000000000000'])
  })

  it('a cut at any byte gives the same frames (B22)', () => {
    const wholeLog = read([transcript])
    for (let at = 0; at <= transcript.length; at++) {
      expect(read([transcript.subarray(0, at), transcript.subarray(at)])).toEqual(wholeLog)
    }
  })

  it('single bytes give the same frames (B23)', () => {
    const bytes = Array.from(transcript, (byte) => Buffer.from([byte]))
    expect(read(bytes)).toEqual(read([transcript]))
  })

  it('any split of any transcript gives the same frames', () => {
    const frames = fc.array(fc.constantFrom(...everyKind), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(frames, fc.array(fc.nat(400), { maxLength: 30 }), fc.boolean(), (chosen, cuts, discarding) => {
        const discard = (type: number): boolean => discarding && (type === 0 || type === 0xbb)
        const bytes = Buffer.concat(chosen)
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b)
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i]!, end))
        expect(read(chunks, discard)).toEqual(read([bytes], discard))
      }),
    )
  })

  it('DATA is passed on as it arrives, before the end of its frame', () => {
    const sink = new Sink()
    const reader = new FrameReader(sink)
    reader.read(data(1, 'hello').subarray(0, 11))
    expect(sink.log).toEqual(['header 0 0 1 5', 'data 1 he'])
    expect(reader.atBoundary).toBe(false)
  })

  it('atBoundary is false inside every frame (B24)', () => {
    for (const frame of everyKind) {
      for (let at = 1; at < frame.length; at++) {
        const reader = new FrameReader(new Sink())
        reader.read(frame.subarray(0, at))
        expect(reader.atBoundary).toBe(false)
      }
    }
  })
})

describe('padding (RFC 9113 §6.1)', () => {
  it.each([false, true])('padding of 0 to 255 bytes is removed; byte by byte: %s (E20)', (byByte) => {
    for (let padding = 0; padding < 256; padding++) {
      const frame = data(1, 'x', { padding })
      const chunks = byByte ? Array.from(frame, (byte) => Buffer.from([byte])) : [frame]
      expect(read(chunks)).toEqual([`header 0 8 1 ${2 + padding}`, 'data 1 x', 'end 1 8'])
    }
  })

  it('DATA of only padding has no content', () => {
    expect(read([data(1, '', { padding: 255 })])).toEqual(['header 0 8 1 256', 'end 1 8'])
  })

  it.each([
    [1, [1]],
    [255, [255, 1, 2]],
    [3, [3, 0, 0]],
  ])(
    '"If the length of the padding is the length of the frame payload or greater", the frame is an error: %i (B02)',
    (_pad, payload) => {
      expect(() => read([raw(0, 0x8, 1, Buffer.from(payload))])).toThrow('DATA padding exceeds its payload')
    },
  )
})

describe('"MUST ignore and discard frames of unknown types" (RFC 9113 §5.5)', () => {
  it.each([0, 1, 9, 16_384])('%i bytes that the sink discards are skipped, in pieces too (B19)', (length) => {
    const bytes = Buffer.concat([raw(0xbb, 0xff, 9, bytesOf(length)), ping()])
    const expected = [`header 187 255 9 ${length}`, 'header 6 0 0 8', 'frame 6 0 0 0000000000000000']
    const discard = (type: number): boolean => type === 0xbb
    expect(read([bytes], discard)).toEqual(expected)
    const middle = 9 + Math.floor(length / 2)
    expect(read([bytes.subarray(0, middle), bytes.subarray(middle)], discard)).toEqual(expected)
  })
})
