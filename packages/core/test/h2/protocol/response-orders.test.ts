/**
 * Every order of the frames of a response (RFC 9113 §8.1, E19), with every segmentation of its
 * bytes.
 */

import { continuation, data, type Field, fieldBlock, headers, Peer } from './peer.js'

interface Order {
  readonly interims: number
  /** CONTINUATION frames after HEADERS. */
  readonly continuations: number
  readonly contents: number
  readonly trailers: boolean
}

const orders: Order[] = []
for (const interims of [0, 1, 2]) {
  for (const continuations of [0, 1, 2]) {
    for (const contents of [0, 1, 2]) {
      for (const trailers of [false, true]) orders.push({ interims, continuations, contents, trailers })
    }
  }
}

const FIELDS: Field[] = [
  [':status', '200'],
  ['a', 'b'],
]
const TRAILERS: Field[] = [['t', 'u']]
const CONTENTS = ['first', 'second']

/** One field section as HEADERS and this many CONTINUATION frames, with cuts inside fields. */
function section(fields: readonly Field[], continuations: number, endStream: boolean): Buffer[] {
  const block = fieldBlock(fields)
  const size = Math.ceil(block.length / (continuations + 1))
  return Array.from({ length: continuations + 1 }, (_, i) => {
    const part = block.subarray(i * size, (i + 1) * size)
    const endHeaders = i === continuations
    return i === 0 ? headers(1, part, { endHeaders, endStream }) : continuation(1, part, { endHeaders })
  })
}

function framesOf({ interims, continuations, contents, trailers }: Order): Buffer[] {
  const content = CONTENTS.slice(0, contents)
  return [
    ...Array.from({ length: interims }, () => headers(1, [[':status', '100']])),
    ...section(FIELDS, continuations, contents === 0 && !trailers),
    ...content.map((text, i) => data(1, text, { endStream: i === contents - 1 && !trailers })),
    ...(trailers ? section(TRAILERS, continuations, true) : []),
  ]
}

function eventsOf({ interims, contents, trailers }: Order): string[] {
  return [
    ...Array.from({ length: interims }, () => 'informational 1 100'),
    'response 1 200 a=b',
    ...(contents === 0 ? [] : [`data 1 ${CONTENTS.slice(0, contents).join('')}`]),
    trailers ? 'end 1 trailers t=u' : 'end 1',
    'closed 1',
  ]
}

/** Cuts the bytes at pseudo-random positions, which are the same for each run. */
function* pseudoRandomCuts(bytes: Buffer, seed: number): Generator<Buffer> {
  let state = seed
  for (let at = 0; at < bytes.length; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const size = 1 + ((state >>> 16) % 13)
    yield bytes.subarray(at, at + size)
    at += size
  }
}

const segmentations: [string, (frames: Buffer[], seed: number) => Iterable<Buffer>][] = [
  ['one byte', (frames) => Array.from(Buffer.concat(frames), (byte) => Buffer.of(byte))],
  ['one frame', (frames) => frames],
  ['a random length', (frames, seed) => pseudoRandomCuts(Buffer.concat(frames), seed + 1)],
  ['the whole response', (frames) => [Buffer.concat(frames)]],
]

describe.each(segmentations)('a response in pieces of %s', (_name, cut) => {
  it.each(orders.map((order, i): [string, Order, number] => [JSON.stringify(order), order, i]))(
    'with %s has its events (E19)',
    (_title, order, seed) => {
      const peer = new Peer()
      peer.get()
      for (const part of cut(framesOf(order), seed)) expect(peer.receive(part)).toBeUndefined()
      expect(peer.events()).toEqual(eventsOf(order))
    },
  )
})
