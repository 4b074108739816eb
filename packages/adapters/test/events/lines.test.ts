/**
 * Line ends and IDs of event streams according to HTML standard §9.2.5 and §9.2.6, for every reader
 * of event streams.
 */

import { Client, type ProtocolName } from '@unshard/core'
import type { OriginResponse } from '@unshard/testkit'
import { EventLines } from '../../src/events/event-lines.js'
import { createEventSource, readEvents, type ServerSentEvent, streamEvents } from '../../src/events/index.js'
import { createFetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const { server, client, fetch } = testEnvironment()

const ALL = 'id: 1\rdata: a\r\rdata: b\r\n\r\nid\r\ndata: c\n\nid: 2\r\n\rdata: d\rdata: e\r\n\n: note\n\nid: \0\ndata: f\r\r'
const EVENTS = [
  ['a', '1'],
  ['b', '1'],
  ['c', ''],
  ['d\ne', '2'],
  ['f', '2'],
]

it.each([1, 2, 3, 5, 7, 1_000])('every line end in pieces of %i characters, with IDs that persist', async (size) => {
  const { port } = await server({ protocols: ['h2'], handler: (_request, response) => writePieces(response, pieces(ALL, size)) })
  const seen: unknown[] = []
  for await (const { data, id } of readEvents(await fetch()(`https://a.test.example:${port}/`))) seen.push([data, id])
  expect(seen).toEqual(EVENTS)
})

it('EventLines returns the same text however its input is split', () => {
  const whole = new EventLines('0').push(ALL)
  expect(whole).not.toContain('\r')
  for (let size = 1; size < ALL.length; size++) {
    const lines = new EventLines('0')
    expect(
      pieces(ALL, size)
        .map((piece) => lines.push(piece))
        .join(''),
    ).toBe(whole)
    expect(lines.lastEventId).toBe('2')
  }
})

/** The fastest of five runs: a busy machine delays some of them. */
function fastestMs(run: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const startedAt = performance.now()
    run()
    return performance.now() - startedAt
  })
  return Math.min(...times)
}

/** Eight times the input may take at most 32 times as long: quadratic parsing takes 64 times. */
function expectLinear(run: (factor: number) => void): void {
  const [small, large] = [fastestMs(() => run(1)), fastestMs(() => run(8))]
  expect(large).toBeLessThan(Math.max(small, 1) * 32)
}

it.each(['data: x\n', 'data: x\r', '\n', '\r'])('a megabyte of %j is parsed in linear time', (line) => {
  expectLinear((factor) => void new EventLines('1').push(line.repeat(16_000 * factor)))
})

it('a line in small pieces is parsed in linear time', () => {
  expectLinear((factor) => {
    const lines = new EventLines()
    for (let i = 0; i < 12_500 * factor; i++) lines.push('idx: 1234')
  })
})

describe.each<ProtocolName>(['h2', 'http/1.1'])('over %s', (protocol) => {
  it.each(['\r', '\n', '\r\n'])(
    'an event is delivered as soon as its last line ends with %j, while the stream is still open',
    async (end) => {
      const { port } = await server({
        protocols: [protocol],
        handler(_request, response) {
          open(response)
          response.write(`data: x${end}${end}`)
        },
      })
      const url = `https://a.test.example:${port}/`
      const events = readEvents(await fetch()(url))
      expect((await events.next()).value).toMatchObject({ data: 'x' })
      await events.return()
      const EventSource = createEventSource(createFetch(client()))
      const source = new EventSource(url)
      expect(await new Promise((resolve) => source.addEventListener('message', resolve))).toMatchObject({ data: 'x' })
      source.close()
    },
  )

  it('EventSource: lastEventId persists across events without id, an id without data counts, and the next attempt sends it', async () => {
    const ids: unknown[] = []
    const { port } = await server({
      protocols: [protocol],
      handler(request, response) {
        ids.push(request.headers['last-event-id'])
        open(response)
        if (ids.length === 1) response.end('retry: 0\rid: 5\rdata: a\r\rdata: b\r\rid: 6é\r\r')
        else response.write('data: c\n\nid\ndata: d\n\n')
      },
    })
    const source = new (createEventSource(createFetch(client())))(`https://a.test.example:${port}/`)
    const seen: unknown[] = []
    await new Promise<void>((resolve) => {
      source.onmessage = ({ data, lastEventId }) => {
        seen.push([data, lastEventId])
        if (seen.length === 4) resolve()
      }
    })
    source.close()
    expect(seen).toEqual([
      ['a', '5'],
      ['b', '5'],
      ['c', '6é'],
      ['d', ''],
    ])
    expect(ids).toEqual([undefined, Buffer.from('6é').toString('latin1')])
  })

  it('readEvents accepts a response of client.request, and leaving the loop ends the response', async () => {
    const ended: Promise<void>[] = []
    const { port } = await server({
      protocols: [protocol],
      handler(_request, response) {
        ended.push(new Promise((resolve) => response.once('close', resolve)))
        open(response)
        response.write('id: 1\ndata: a\n\ndata: b\n\n')
      },
    })
    const one = client()
    const seen: ServerSentEvent[] = []
    for await (const event of readEvents(await one.request({ url: `https://a.test.example:${port}/` }))) {
      seen.push(event)
      if (seen.length === 2) break
    }
    expect(seen.map(({ data, id }) => [data, id])).toEqual([
      ['a', '1'],
      ['b', '1'],
    ])
    await ended[0]
  })

  it('a response of client.request that is not an event stream is refused and ended', async () => {
    const { port } = await server({
      protocols: [protocol],
      handler: (_request, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).write('data: x'),
    })
    const response = await client().request({ url: `https://a.test.example:${port}/` })
    await expect(readEvents(response).next()).rejects.toMatchObject({ name: 'ResponseError', code: 'ERR_EVENT_STREAM' })
    await expect(response.text()).rejects.toMatchObject({ code: 'ERR_BODY_CANCELLED' })
  })

  it('content that was already read is a UsageError', async () => {
    const { port } = await server({
      protocols: [protocol],
      handler(_request, response) {
        open(response)
        response.end('data: x\n\n')
      },
    })
    const url = `https://a.test.example:${port}/`
    const [read, asked] = [await fetch()(url), await client().request({ url })]
    await Promise.all([read.text(), asked.text()])
    await expect(readEvents(read).next()).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_BODY_USED' })
    await expect(readEvents(asked).next()).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_BODY_USED' })
  })
})

describe('values that are not a response or a valid option', () => {
  it.each<[string, () => AsyncGenerator<unknown>, string]>([
    ['readEvents(5)', () => readEvents(5 as never), 'ERR_INVALID_BODY'],
    ['readEvents(response, { max })', () => readEvents(new Response(), { max: 1 } as never), 'ERR_UNKNOWN_OPTION'],
    [
      'readEvents(response, { maxEventLength: 0 })',
      () => readEvents(new Response(), { maxEventLength: 0 }),
      'ERR_INVALID_OPTION',
    ],
    ['streamEvents({ retry })', () => streamEvents('https://a.test.example', {}, { retry: 1 } as never), 'ERR_UNKNOWN_OPTION'],
    ['streamEvents({ retryMs })', () => streamEvents('https://a.test.example', {}, { retryMs: -1 }), 'ERR_INVALID_OPTION'],
    [
      'streamEvents({ lastEventId })',
      () => streamEvents('https://a.test.example', {}, { lastEventId: 'a\nb' }),
      'ERR_INVALID_OPTION',
    ],
    [
      'streamEvents({ fetch })',
      () => streamEvents('https://a.test.example', {}, { fetch: new Client() as never }),
      'ERR_INVALID_OPTION',
    ],
  ])('%s', async (_title, call, code) => {
    await expect(call().next()).rejects.toMatchObject({ name: 'UsageError', code })
  })
})

it('a server that sends retry: 0 and one event per response receives at most one request every 100 ms', async () => {
  const { port } = await server({
    handler(_request, response) {
      open(response)
      response.end('retry: 0\ndata: x\n\n')
    },
  })
  const waits: number[] = []
  const clock = {
    now: () => performance.now(),
    wallNow: () => Date.now(),
    afterTurn: (callback: () => void) => void setImmediate(callback),
    startTimer(delayMs: number, callback: () => void) {
      waits.push(delayMs)
      const immediate = setImmediate(callback)
      return { ref: () => immediate.ref(), unref: () => immediate.unref(), cancel: () => clearImmediate(immediate) }
    },
  }
  let seen = 0
  for await (const _event of streamEvents(`https://a.test.example:${port}/`, {}, { fetch: createFetch(client()), clock })) {
    if (++seen === 4) break
  }
  expect(waits).toEqual([100, 100, 100])
})

function open(response: OriginResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
}

function pieces(text: string, size: number): string[] {
  const list: string[] = []
  for (let i = 0; i < text.length; i += size) list.push(text.slice(i, i + size))
  return list
}

/** Writes each piece in its own event-loop turn. */
function writePieces(response: OriginResponse, left: string[]): void {
  open(response)
  const next = (): void => {
    const piece = left.shift()
    if (piece === undefined) return void response.end()
    response.write(piece, () => setImmediate(next))
  }
  next()
}
