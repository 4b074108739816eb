/** Server-sent events from a real server that loses its connections: HTML standard §9.2. */

import type { Clock, ProtocolName } from '@unshard/core'
import type { OriginHandler, OriginRequest, OriginResponse } from '@unshard/testkit'
import { readEvents, type ServerSentEvent, type StreamEventsOptions, streamEvents } from '../../src/events/index.js'
import { testEnvironment } from '../environment.js'

const { server, fetch, client } = testEnvironment()

/** A clock whose delays end at once and are recorded. */
function hurry(): Clock & { readonly waits: number[] } {
  const waits: number[] = []
  return {
    waits,
    now: () => performance.now(),
    wallNow: () => Date.now(),
    afterTurn: (callback) => void setImmediate(callback),
    startTimer(delayMs, callback) {
      waits.push(delayMs)
      const immediate = setImmediate(callback)
      return { ref: () => immediate.ref(), unref: () => immediate.unref(), cancel: () => clearImmediate(immediate) }
    },
  }
}

type Answer = (response: OriginResponse, request: OriginRequest) => void

const stream = (response: OriginResponse): void => void response.writeHead(200, { 'content-type': 'text/event-stream' })
const says =
  (text: string): Answer =>
  (response) => {
    stream(response)
    response.end(text)
  }
/** Cuts the connection in the middle of an event. */
const breaks =
  (text: string): Answer =>
  (response) => {
    stream(response)
    response.write(text, () => setImmediate(() => response.stream?.close(2) ?? response.socket?.destroy()))
  }

/** Sends the given responses one after the other and records the request fields. */
function script(...answers: Answer[]): { handler: OriginHandler; asked: OriginRequest['headers'][] } {
  const asked: OriginRequest['headers'][] = []
  const handler: OriginHandler = (request, response) => {
    asked.push(request.headers)
    const answer = answers[asked.length - 1] ?? ((last: OriginResponse) => void last.writeHead(204).end())
    answer(response, request)
  }
  return { handler, asked }
}

async function all(events: AsyncIterable<ServerSentEvent>): Promise<ServerSentEvent[]> {
  const list: ServerSentEvent[] = []
  for await (const event of events) list.push(event)
  return list
}

describe.each<ProtocolName>(['h2', 'http/1.1'])('over %s', (protocol) => {
  const start = async (...answers: Answer[]) => {
    const { handler, asked } = script(...answers)
    const { port } = await server({ protocols: [protocol], handler })
    const url = `https://a.test.example:${port}/`
    const clock = hurry()
    const options: StreamEventsOptions = { fetch: fetch(), clock }
    return { url, asked, clock, options }
  }

  it('parses names, data, IDs and lines as HTML standard §9.2.6 says', async () => {
    const text =
      '\ufeff: comment\ndata: one\ndata:two\r\nid: 1\r\n\r\nevent: named\rdata\r\runknown: x\n\ndata: äöü\nid\n\ndata: never dispatched'
    const { url, options } = await start(says(text))
    expect(await all(streamEvents(url, {}, { ...options, reconnect: false }))).toEqual([
      { event: 'message', data: 'one\ntwo', id: '1' },
      { event: 'named', data: '', id: '1' },
      { event: 'message', data: 'äöü', id: '' },
    ])
  })

  it('a server that sends retry: 0 and nothing else is not flooded with requests', async () => {
    const { url, options, clock } = await start(...Array.from({ length: 5 }, () => says('retry: 0\n\n')))
    expect(await all(streamEvents(url, {}, options))).toEqual([])
    expect(clock.waits).toEqual([100, 200, 400, 800, 1_600])
  })

  it('a retry value that exceeds the range of a timer does not become one of a millisecond', async () => {
    const { url, options, clock } = await start(says('retry: 99999999999\n\n'))
    expect(await all(streamEvents(url, {}, options))).toEqual([])
    expect(clock.waits).toEqual([0x7fff_ffff])
  })

  it('reconnects from the last event on after the end or a lost connection, after the delay set by the server', async () => {
    const { url, options, asked, clock } = await start(
      says('id: 7é\ndata: a\n\n'),
      breaks('retry: 1234\nid: 8\ndata: b\n\ndata: half'),
      says('data: c\n\n'),
    )
    expect((await all(streamEvents(url, {}, options))).map(({ data }) => data)).toEqual(['a', 'b', 'c'])
    const ids = asked.map(({ 'last-event-id': id }) => (id === undefined ? id : Buffer.from(id as string, 'latin1').toString()))
    expect(ids).toEqual([undefined, '7é', '8', '8'])
    expect(asked.map(({ accept }) => accept)).toEqual(new Array(4).fill('text/event-stream'))
    expect(clock.waits).toEqual([3_000, 1_234, 1_234])
  })

  it('attempts without events are spaced further and further apart, at most a minute', async () => {
    const { url, options, clock } = await start(...new Array<Answer>(7).fill(says('')), says('data: x\n\n'), says(''))
    await all(streamEvents(url, {}, options))
    expect(clock.waits).toEqual([3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000, 3_000, 6_000])
  })

  it.each<[string, Answer, RegExp]>([
    ['another status', (response) => void response.writeHead(503, { 'content-type': 'text/event-stream' }).end(), /status 503/],
    [
      'another type',
      (response) => void response.writeHead(200, { 'content-type': 'text/plain' }).end('data: x\n\n'),
      /"text\/plain"/,
    ],
    [
      'a longer type',
      (response) => void response.writeHead(200, { 'content-type': 'text/event-streams' }).end(),
      /event-streams/,
    ],
  ])('%s is not an event stream, and the request is not sent again', async (_what, answer, message) => {
    const { url, options, asked } = await start(answer)
    const failing = all(streamEvents(url, {}, options))
    await expect(failing).rejects.toMatchObject({ name: 'ResponseError', code: 'ERR_EVENT_STREAM', origin: new URL(url).origin })
    await expect(failing).rejects.toThrow(message)
    expect(asked).toHaveLength(1)
  })

  it('an event that never ends is not buffered forever; the events before it are delivered', async () => {
    const { url, options } = await start(says(`data: first\n\ndata: ${'x'.repeat(100_000)}`))
    const seen: string[] = []
    const reading = (async () => {
      for await (const { data } of streamEvents(url, {}, { ...options, maxEventLength: 50_000 })) seen.push(data)
    })()
    await expect(reading).rejects.toMatchObject({ name: 'ResponseError', code: 'ERR_EVENT_TOO_LARGE' })
    expect(seen).toEqual(['first'])
  })

  it('a POST is sent again with the same content', async () => {
    const bodies: string[] = []
    const answer: Answer = (response, request) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        bodies.push(`${request.method} ${body}`)
        says('data: x\n\n')(response, request)
      })
    }
    const { url, options } = await start(answer, answer)
    await all(streamEvents(url, { method: 'POST', body: '{"stream":true}' }, options))
    expect(bodies).toEqual(['POST {"stream":true}', 'POST {"stream":true}'])
  })

  it('an abort ends the iteration with its reason, both during a delay and during a read', async () => {
    const { url, options, clock } = await start(says(''), (response) => {
      stream(response)
      response.write('data: x\n\n')
    })
    const reason = new Error('enough')
    const waiting = new AbortController()
    const patient: Clock = {
      ...clock,
      startTimer() {
        queueMicrotask(() => waiting.abort(reason))
        return { ref() {}, unref() {}, cancel() {} }
      },
    }
    await expect(all(streamEvents(url, { signal: waiting.signal }, { ...options, clock: patient }))).rejects.toBe(reason)
    const reading = new AbortController()
    const events = streamEvents(url, { signal: reading.signal }, options)
    expect((await events.next()).value).toMatchObject({ data: 'x' })
    const next = events.next()
    reading.abort(reason)
    await expect(next).rejects.toBe(reason)
  })

  it('leaving the loop ends the response, and the connection is reused where the protocol allows it', async () => {
    const { handler } = script(
      (response) => {
        stream(response)
        response.write('data: x\n\n')
      },
      (response) => void response.end('next'),
    )
    const { port } = await server({ protocols: [protocol], handler })
    const url = `https://a.test.example:${port}/`
    const one = client()
    const { createFetch } = await import('../../src/index.js')
    const send = createFetch(one)
    for await (const { data } of streamEvents(url, {}, { fetch: send })) {
      expect(data).toBe('x')
      break
    }
    expect(await (await send(url)).text()).toBe('next')
    expect(one.stats().totals.dials).toBe(protocol === 'h2' ? 1 : 2)
  })

  it('an invalid request is not sent again', async () => {
    const { options, clock } = await start()
    await expect(all(streamEvents('ftp://a.test.example/', {}, options))).rejects.toBeInstanceOf(TypeError)
    expect(clock.waits).toEqual([])
  })

  it('readEvents accepts any response', async () => {
    const { url } = await start(says('data: x\n\n'))
    expect(await all(readEvents(await fetch()(url)))).toEqual([{ event: 'message', data: 'x', id: '' }])
  })
})

it('a server that cannot be reached is tried again', async () => {
  const clock = hurry()
  const gone = await server()
  await gone.close()
  let attempts = 0
  const flaky: StreamEventsOptions['fetch'] = (input, init) =>
    fetch()(++attempts < 3 ? `https://a.test.example:${gone.port}/` : input, init)
  const { handler } = script(says('data: x\n\n'))
  const alive = await server({ handler })
  const events = streamEvents(`https://a.test.example:${alive.port}/`, {}, { fetch: flaky, clock })
  expect((await events.next()).value).toMatchObject({ data: 'x' })
  await events.return()
  expect(clock.waits).toEqual([3_000, 6_000])
})
