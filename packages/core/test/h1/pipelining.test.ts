/**
 * HTTP/1.1 pipelining (RFC 9112 §9.3.2), with servers that support it and servers that break it.
 */

import { createServer, type Socket } from 'node:net'
import { FakeClock } from '@unshard/testkit'
import { mayPipeline, noteBroken, pipelineLimit } from '../../src/h1/pipelining.js'
import type { Client, ClientOptions } from '../../src/index.js'
import { checkRequest } from '../../src/message/request.js'
import type { OriginRecord } from '../../src/transport/target.js'
import { clientFixture } from '../client/fixture.js'
import { originRecord } from '../fixtures.js'

const { client: createClient, defer } = clientFixture()

interface Received {
  readonly method: string
  readonly path: string
}

/** One connection of a raw server. */
interface Line {
  readonly number: number
  readonly socket: Socket
  /** Requests in the order of their arrival; `waiting` has those without a response. */
  readonly received: Received[]
  readonly waiting: Received[]
  /** Answers the oldest request of `waiting`. */
  answer(fields?: string): void
}

const textOf = ({ method, path }: Received): string => `${method} ${path}`

/** Starts a raw server that calls `respond` after each request. */
async function raw(respond: (line: Line) => void): Promise<{ url: string; lines: Line[] }> {
  const lines: Line[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    defer(() => socket.destroy())
    const line: Line = {
      ...{ number: lines.length, socket, received: [], waiting: [] },
      answer(fields = '') {
        const text = textOf(line.waiting.shift()!)
        socket.write(`HTTP/1.1 200 OK\r\n${fields}content-length: ${text.length}\r\n\r\n${text}`)
      },
    }
    lines.push(line)
    let text = ''
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end)
        text = text.slice(end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0))
        const [method, path] = head.split(' ') as [string, string]
        line.received.push({ method, path })
        line.waiting.push({ method, path })
        respond(line)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, lines }
}

const pipeliningClient = (options: ClientOptions = {}): Client =>
  createClient({ pipelining: 5, maxConnectionsPerOrigin: 1, ...options })

/** Requests `/1` to `/count` concurrently; returns the content or error code of each, in order. */
async function requestAll(client: Client, url: string, count: number): Promise<string[]> {
  const answers = Array.from({ length: count }, (_, i) => client.request({ url: `${url}/${i + 1}` }).then((each) => each.text()))
  return (await Promise.allSettled(answers)).map((each) =>
    each.status === 'fulfilled' ? each.value : String((each.reason as { code?: string }).code),
  )
}

/** Waits until the condition holds, one turn of the event loop between two checks. */
async function until(condition: () => boolean): Promise<void> {
  const latest = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > latest) throw new Error(`timed out waiting for ${condition}`)
    await new Promise(setImmediate)
  }
}

const gets = (count: number): string[] => Array.from({ length: count }, (_, i) => `GET /${i + 1}`)
const paths = (line: Line | undefined): string[] => line?.received.map(({ path }) => path) ?? []

describe('a server that supports pipelining', () => {
  it('receives requests up to the limit before it answers, and each request receives its own response', async () => {
    const { url, lines } = await raw((line) => {
      if (line.received.length % 5 === 0) while (line.waiting.length > 0) line.answer()
    })
    expect(await requestAll(pipeliningClient(), url, 20)).toEqual(gets(20))
    expect(lines).toHaveLength(1)
  })

  it('has connections whose capacity is the number of requests that may still start', async () => {
    const { url, lines } = await raw(() => undefined)
    const client = pipeliningClient()
    const answers = requestAll(client, url, 3)
    await until(() => paths(lines[0]).length >= 3)
    expect(client.stats().connections).toMatchObject([{ active: 3, capacity: 2 }])
    while (lines[0]!.waiting.length > 0) lines[0]!.answer()
    expect(await answers).toEqual(gets(3))
    expect(client.stats().connections).toMatchObject([{ active: 0, capacity: 5 }])
  })

  it.each([
    ['POST', 'x'],
    ['PUT', 'x'],
    ['POST', undefined],
    ['HEAD', undefined],
  ])('receives %s with content %s alone: after all earlier responses, and before any later request', async (method, body) => {
    const { url, lines } = await raw(() => undefined)
    const client = pipeliningClient()
    const statusOf = (how: string, path: string, content?: string) =>
      client.request({ url: url + path, method: how, body: content ?? null }).then((each) => each.status)
    const answers = [statusOf('GET', '/1'), statusOf('GET', '/2')]
    await until(() => paths(lines[0]).length >= 2)
    answers.push(statusOf(method, '/3', body), statusOf('GET', '/4'))
    expect(client.stats().connections).toMatchObject([{ active: 3, capacity: 0 }])
    const line = lines[0]!
    line.answer()
    await answers[0]
    expect(paths(line)).toEqual(['/1', '/2'])
    line.answer()
    await until(() => paths(line).length >= 3)
    expect([paths(line), client.stats().connections[0]!.capacity]).toEqual([['/1', '/2', '/3'], 0])
    if (method === 'HEAD') {
      line.waiting.shift()
      line.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    } else line.answer()
    await until(() => paths(line).length >= 4)
    line.answer()
    expect(await Promise.all(answers)).toEqual([200, 200, 200, 200])
  })

  it('closes after three responses: the later requests are sent again, and pipelining continues', async () => {
    const { url, lines } = await raw((line) => {
      if (line.received.length === 3) {
        for (let i = 0; i < 3; i++) line.answer()
        line.socket.end()
      }
    })
    const client = pipeliningClient()
    const answers = requestAll(client, url, 5)
    await until(() => paths(lines[1]).length >= 2)
    expect(paths(lines[1])).toEqual(['/4', '/5'])
    while (lines[1]!.waiting.length > 0) lines[1]!.answer()
    expect(await answers).toEqual(gets(5))
    expect(client.stats().connections).toMatchObject([{ capacity: 5 }])
  })

  it.each([
    ['the first request', 1, ['GET /2', 'GET /3'], ['/2', '/3']],
    ['the second request: the first one still gets its response', 2, ['GET /1', 'GET /3'], ['/3']],
    ['the last request: the others still get their responses', 3, ['GET /1', 'GET /2'], []],
  ])('keeps pipelining after the caller has aborted %s', async (_title, which, answered, sentAgain) => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0) line.answer()
    })
    const client = pipeliningClient()
    const abort = new AbortController()
    const responses = [1, 2, 3].map((i) =>
      client.request({ url: `${url}/${i}`, ...(i === which && { signal: abort.signal }) }).then((each) => each.text()),
    )
    const settled = Promise.allSettled(responses)
    await until(() => paths(lines[0]).length >= 3)
    abort.abort('enough')
    for (let before = 1; before < which; before++) lines[0]!.answer()
    const [aborted, others] = [(await settled)[which - 1], (await settled).filter((_, i) => i !== which - 1)]
    expect(aborted).toMatchObject({ status: 'rejected', reason: 'enough' })
    expect(others.map((each) => each.status === 'fulfilled' && each.value)).toEqual(answered)
    expect(paths(lines[1])).toEqual(sentAgain)
    await client.request({ url: `${url}/after` })
    expect([lines.length, client.stats().connections[0]!.capacity]).toEqual([2, 5])
  })
})

describe('a response that is not read', () => {
  it('does not hold up the requests behind it for more than 10 s: they are sent again, and no other follows it', async () => {
    const size = 1_000_000
    const { url, lines } = await raw((line) => {
      if (line.number > 0) line.answer()
    })
    const clock = new FakeClock()
    const client = pipeliningClient({ maxConnectionsPerOrigin: 2, clock })
    const [large, behind] = [1, 2].map((i) => client.request({ url: `${url}/${i}` }))
    await until(() => paths(lines[0]).length >= 2)
    lines[0]!.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`)
    const response = await large!
    await until(() => client.stats().connections[0]!.capacity === 0)
    expect(await (await client.request({ url: `${url}/other` })).text()).toBe('GET /other')
    expect(paths(lines[0])).toEqual(['/1', '/2'])
    clock.advance(10_000)
    expect(await (await behind!).text()).toBe('GET /2')
    expect((await response.bytes()).length).toBe(size)
    await until(() => client.stats().connections.length === 1)
    expect(clock.pending).toBeLessThan(4)
  })

  it('that is read in time delays the requests behind it, and the connection stays', async () => {
    const size = 1_000_000
    const { url, lines } = await raw(() => undefined)
    const clock = new FakeClock()
    const client = pipeliningClient({ clock })
    const [large, behind] = [1, 2].map((i) => client.request({ url: `${url}/${i}` }))
    await until(() => paths(lines[0]).length >= 2)
    lines[0]!.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n${'x'.repeat(size)}`)
    lines[0]!.waiting.shift()
    const response = await large!
    clock.advance(9_999)
    expect((await response.bytes()).length).toBe(size)
    clock.advance(10_000)
    lines[0]!.answer()
    expect(await (await behind!).text()).toBe('GET /2')
    expect(client.stats().connections).toMatchObject([{ capacity: 5 }])
  })
})

describe('a server that announces the end of the connection with a response', () => {
  it('gets no further request on it, and those behind are sent again (RFC 9112 §9.6)', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0) line.answer()
    })
    const client = pipeliningClient({ maxConnectionsPerOrigin: 2 })
    const [first, second] = [1, 2].map((i) => client.request({ url: `${url}/${i}` }))
    await until(() => paths(lines[0]).length >= 2)
    lines[0]!.socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n')
    const begun = await first!
    expect(await (await second!).text()).toBe('GET /2')
    expect(await (await client.request({ url: `${url}/3` })).text()).toBe('GET /3')
    expect([paths(lines[0]), paths(lines[1])]).toEqual([
      ['/1', '/2'],
      ['/2', '/3'],
    ])
    lines[0]!.socket.write('0\r\n\r\n')
    expect(await begun.text()).toBe('part')
    await until(() => client.stats().connections.length === 1)
  })
})

describe('a server that breaks pipelining', () => {
  /** Expects that the origin receives one request at a time. */
  const expectOneAtATime = (client: Client): void => expect(client.stats().connections).toMatchObject([{ capacity: 1 }])

  it('and closes after the first response: the others are sent again, one at a time', async () => {
    const { url, lines } = await raw((line) => {
      line.answer()
      if (line.number === 0) line.socket.end()
    })
    const client = pipeliningClient()
    expect(await requestAll(client, url, 5)).toEqual(gets(5))
    expect(lines).toHaveLength(2)
    expect(paths(lines[1])).toEqual(['/2', '/3', '/4', '/5'])
    expectOneAtATime(client)
    expect(client.stats().totals.replayed).toBe(4)
  })

  it('and closes again after the second request: each request uses its own connection', async () => {
    // The server answers the first request of each connection and closes at the second.
    const { url, lines } = await raw((line) => {
      if (line.received.length === 1) line.answer()
      else line.socket.destroy()
    })
    const client = pipeliningClient()
    expect(await requestAll(client, url, 6)).toEqual(gets(6))
    const dialed = lines.length
    expect(await requestAll(client, url, 4)).toEqual(gets(4))
    // An unused connection may have been dialed as well.
    expect(
      lines
        .slice(dialed)
        .map(paths)
        .filter(({ length }) => length > 0),
    ).toEqual([['/1'], ['/2'], ['/3'], ['/4']])
  })

  it('and ignores later requests, then closes: the others are sent again, one at a time', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0) line.answer()
      else if (line.received.length === 5) {
        line.answer()
        line.socket.end()
      }
    })
    const client = pipeliningClient()
    expect(await requestAll(client, url, 5)).toEqual(gets(5))
    expect(lines).toHaveLength(2)
    expectOneAtATime(client)
  })

  it('and ignores later requests without closing: only requests that reach their deadline fail', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0 || line.received.length === 1) line.answer()
    })
    const client = pipeliningClient({ timeouts: { headers: 300 } })
    const [first, second, ...laterResults] = await requestAll(client, url, 5)
    expect(first).toBe('GET /1')
    // All requests have the same deadline, so each later one is sent again or times out as well.
    expect(second).toBe('ERR_TIMEOUT_HEADERS')
    for (const [i, answer] of laterResults.entries()) expect([`GET /${i + 3}`, 'ERR_TIMEOUT_HEADERS']).toContain(answer)
    expect(await requestAll(client, url, 5)).toEqual(gets(5))
    expectOneAtATime(client)
    expect(lines.length).toBeGreaterThan(1)
  })

  it('and sends other bytes between two responses: the second request fails, and the others are sent again', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0) return line.answer()
      if (line.received.length < 5) return
      line.answer()
      line.socket.write('garbage\r\n\r\n')
      while (line.waiting.length > 0) line.answer()
    })
    const client = pipeliningClient()
    const [first, second, ...laterResults] = await requestAll(client, url, 5)
    expect([first, second, laterResults]).toEqual(['GET /1', 'ERR_MALFORMED_RESPONSE', ['GET /3', 'GET /4', 'GET /5']])
    expect(lines).toHaveLength(2)
    expectOneAtATime(client)
  })

  it('and a client with replay 0: the later request fails with processed: unknown', async () => {
    const { url } = await raw((line) => {
      if (line.number > 0) return line.answer()
      if (line.received.length < 2) return
      line.answer()
      line.socket.end()
    })
    const client = pipeliningClient({ replay: 0 })
    const [first, second] = [client.request({ url: `${url}/1` }), client.request({ url: `${url}/2` })]
    expect(await (await first).text()).toBe('GET /1')
    await expect(second).rejects.toMatchObject({ name: 'ConnectionError', processed: 'unknown' })
    expect(await requestAll(client, url, 2)).toEqual(gets(2))
  })

  it('and closes during the first response: the later request fails with ERR_PIPELINE_LOST', async () => {
    const { url } = await raw((line) => {
      if (line.received.length < 2) return
      line.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab')
    })
    const client = pipeliningClient({ replay: 0 })
    const [first, second] = [client.request({ url: `${url}/1` }), client.request({ url: `${url}/2` })]
    const text = (await first).text()
    await Promise.all([
      expect(second).rejects.toMatchObject({ code: 'ERR_PIPELINE_LOST', processed: 'unknown' }),
      expect(text).rejects.toMatchObject({ processed: 'yes' }),
    ])
  })

  it('and closes before a queued request was sent: the request is sent again whatever its method', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0) line.answer()
    })
    const client = pipeliningClient({ replay: 0 })
    const first = client.request({ url: `${url}/1` })
    await until(() => paths(lines[0]).length >= 1)
    const post = client.request({ url: `${url}/2`, method: 'POST', body: 'x' })
    await new Promise(setImmediate)
    lines[0]!.socket.destroy()
    await expect(first).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    expect(await (await post).text()).toBe('POST /2')
  })
})

it('without the option each request waits for the previous response', async () => {
  const { url, lines } = await raw((line) => {
    expect(line.waiting).toHaveLength(1)
    line.answer()
  })
  expect(await requestAll(createClient({ maxConnectionsPerOrigin: 1 }), url, 5)).toEqual(gets(5))
  expect(lines).toHaveLength(1)
})

it.each([
  ['GET', undefined, true],
  ['DELETE', undefined, true],
  ['PUT', 'x', false],
  ['POST', undefined, false],
  ['HEAD', undefined, false],
])('%s with content %s may be pipelined: %s', (method, body, expected) => {
  expect(mayPipeline(checkRequest({ url: 'http://a.example/', method, body: body ?? null }))).toBe(expected)
})

describe('the record of broken pipelining', () => {
  it('lasts five minutes, and a second break limits each connection to one request', () => {
    const origin: OriginRecord = originRecord()
    const limit = (at: number) => pipelineLimit(origin, 5, at)
    expect(limit(0)).toEqual({ depth: 5, once: false })
    noteBroken(origin, limit(0), 0)
    expect(limit(1)).toEqual({ depth: 1, once: false })
    noteBroken(origin, limit(1), 10)
    expect(limit(300_009)).toEqual({ depth: 1, once: true })
    expect(limit(300_010)).toEqual({ depth: 5, once: false })
    expect(pipelineLimit(origin, 1, 20)).toEqual({ depth: 1, once: false })
  })
})
