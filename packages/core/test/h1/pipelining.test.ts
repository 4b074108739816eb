/** HTTP/1.1 pipelining (RFC 9112 §9.3.2), with servers that do as they please with what is behind the first request. */

import { createServer, type Socket } from 'node:net'
import { mayPipeline, noteBroken, pipelineLimit } from '../../src/h1/pipelining.js'
import type { Client, ClientOptions } from '../../src/index.js'
import { checkRequest } from '../../src/message/request.js'
import type { OriginRecord } from '../../src/transport/target.js'
import { clientFixture } from '../client/fixture.js'
import { originRecord } from '../fixtures.js'

const { client, defer } = clientFixture()

interface Received {
  readonly method: string
  readonly path: string
}

/** One connection of a raw server. */
interface Line {
  readonly number: number
  readonly socket: Socket
  /** What came on it, in order; `waiting` has not been answered. */
  readonly received: Received[]
  readonly waiting: Received[]
  /** Answers the request that has waited longest. */
  answer(fields?: string): void
}

const textOf = ({ method, path }: Received): string => `${method} ${path}`

/** A raw server: `act` is called after each request, and says or closes what it likes. */
async function raw(act: (line: Line) => void): Promise<{ url: string; lines: Line[] }> {
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
        act(line)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, lines }
}

const one = (options: ClientOptions = {}): Client => client({ pipelining: 5, maxConnectionsPerOrigin: 1, ...options })

/** Asks for `/1` to `/count` at once; what came of each, in order. */
async function askAll(using: Client, url: string, count: number): Promise<string[]> {
  const answers = Array.from({ length: count }, (_, i) => using.request({ url: `${url}/${i + 1}` }).then((each) => each.text()))
  return (await Promise.allSettled(answers)).map((each) =>
    each.status === 'fulfilled' ? each.value : String((each.reason as { code?: string }).code),
  )
}

/** Turns of the event loop, until it is so. */
async function until(condition: () => boolean): Promise<void> {
  const latest = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > latest) throw new Error(`waited in vain for ${condition}`)
    await new Promise(setImmediate)
  }
}

const gets = (count: number): string[] => Array.from({ length: count }, (_, i) => `GET /${i + 1}`)
const paths = (line: Line | undefined): string[] => line?.received.map(({ path }) => path) ?? []

describe('a server that takes it', () => {
  it('gets as many requests as the limit says before it has answered one; each answer goes to its request', async () => {
    const { url, lines } = await raw((line) => {
      if (line.received.length % 5 === 0) while (line.waiting.length > 0) line.answer()
    })
    expect(await askAll(one(), url, 20)).toEqual(gets(20))
    expect(lines).toHaveLength(1)
  })

  it('capacity says how many more may start', async () => {
    const { url, lines } = await raw(() => undefined)
    const using = one()
    const answers = askAll(using, url, 3)
    await until(() => paths(lines[0]).length >= 3)
    expect(using.stats().connections).toMatchObject([{ active: 3, capacity: 2 }])
    while (lines[0]!.waiting.length > 0) lines[0]!.answer()
    expect(await answers).toEqual(gets(3))
    expect(using.stats().connections).toMatchObject([{ active: 0, capacity: 5 }])
  })

  it.each([
    ['POST', 'x'],
    ['PUT', 'x'],
    ['POST', undefined],
    ['HEAD', undefined],
  ])(
    '%s with content %s waits until the connection is empty, and nothing follows it until its response',
    async (method, body) => {
      const { url, lines } = await raw(() => undefined)
      const using = one()
      const ask = (how: string, path: string, content?: string) =>
        using.request({ url: url + path, method: how, body: content ?? null }).then((each) => each.status)
      const answers = [ask('GET', '/1'), ask('GET', '/2')]
      await until(() => paths(lines[0]).length >= 2)
      answers.push(ask(method, '/3', body), ask('GET', '/4'))
      expect(using.stats().connections).toMatchObject([{ active: 3, capacity: 0 }])
      const line = lines[0]!
      line.answer()
      await answers[0]
      expect(paths(line)).toEqual(['/1', '/2'])
      line.answer()
      await until(() => paths(line).length >= 3)
      expect([paths(line), using.stats().connections[0]!.capacity]).toEqual([['/1', '/2', '/3'], 0])
      if (method === 'HEAD') {
        line.waiting.shift()
        line.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
      } else line.answer()
      await until(() => paths(line).length >= 4)
      line.answer()
      expect(await Promise.all(answers)).toEqual([200, 200, 200, 200])
    },
  )

  it('closes after so many requests, as servers do: those behind are sent again, and pipelining goes on', async () => {
    const { url, lines } = await raw((line) => {
      if (line.received.length === 3) {
        for (let i = 0; i < 3; i++) line.answer()
        line.socket.end()
      }
    })
    const using = one()
    const answers = askAll(using, url, 5)
    await until(() => paths(lines[1]).length >= 2)
    expect(paths(lines[1])).toEqual(['/4', '/5'])
    while (lines[1]!.waiting.length > 0) lines[1]!.answer()
    expect(await answers).toEqual(gets(5))
    expect(using.stats().connections).toMatchObject([{ capacity: 5 }])
  })

  it('an abort ends the connection; the others are sent again, and nobody is blamed', async () => {
    let silent = true
    const { url, lines } = await raw((line) => {
      if (!silent) line.answer()
    })
    const using = one()
    const abort = new AbortController()
    const asked = [1, 2, 3].map((i) =>
      using.request({ url: `${url}/${i}`, ...(i === 2 && { signal: abort.signal }) }).then((each) => each.text()),
    )
    await until(() => paths(lines[0]).length >= 3)
    silent = false
    abort.abort('enough')
    expect((await Promise.allSettled(asked)).map((each) => (each.status === 'fulfilled' ? each.value : each.reason))).toEqual([
      ...['GET /1', 'enough', 'GET /3'],
    ])
    expect(using.stats().connections).toMatchObject([{ capacity: 5 }])
  })
})

describe('a server that breaks it', () => {
  /** It is asked for one at a time from then on. */
  const careful = (using: Client): void => expect(using.stats().connections).toMatchObject([{ capacity: 1 }])

  it('closes after the first response: the others are sent again, one at a time', async () => {
    const { url, lines } = await raw((line) => {
      line.answer()
      if (line.number === 0) line.socket.end()
    })
    const using = one()
    expect(await askAll(using, url, 5)).toEqual(gets(5))
    expect(lines).toHaveLength(2)
    expect(paths(lines[1])).toEqual(['/2', '/3', '/4', '/5'])
    careful(using)
    expect(using.stats().totals.replayed).toBe(4)
  })

  it('closes after the second request as well: then each request has a connection of its own', async () => {
    // It answers the first request of each connection, and hangs up when there is a second.
    const { url, lines } = await raw((line) => {
      if (line.received.length === 1) line.answer()
      else line.socket.destroy()
    })
    const using = one()
    expect(await askAll(using, url, 6)).toEqual(gets(6))
    const before = lines.length
    expect(await askAll(using, url, 4)).toEqual(gets(4))
    // One that nobody had a use for any more may have been dialed as well.
    expect(
      lines
        .slice(before)
        .map(paths)
        .filter(({ length }) => length > 0),
    ).toEqual([['/1'], ['/2'], ['/3'], ['/4']])
  })

  it('ignores what is behind the first, and closes when it has nothing to do', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0) line.answer()
      else if (line.received.length === 5) {
        line.answer()
        line.socket.end()
      }
    })
    const using = one()
    expect(await askAll(using, url, 5)).toEqual(gets(5))
    expect(lines).toHaveLength(2)
    careful(using)
  })

  it('ignores what is behind the first, for good: it costs the second its deadline, and nobody else anything', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0 || line.received.length === 1) line.answer()
    })
    const using = one({ timeouts: { headers: 300 } })
    const [first, second, ...others] = await askAll(using, url, 5)
    expect(first).toBe('GET /1')
    // All of them have the same deadline; a request that is not sent again has run out of time itself.
    expect(second).toBe('ERR_TIMEOUT_HEADERS')
    for (const [i, other] of others.entries()) expect([`GET /${i + 3}`, 'ERR_TIMEOUT_HEADERS']).toContain(other)
    expect(await askAll(using, url, 5)).toEqual(gets(5))
    careful(using)
    expect(lines.length).toBeGreaterThan(1)
  })

  it('says something between two responses: that is the answer to the second, which fails, and the others are sent again', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0) return line.answer()
      if (line.received.length < 5) return
      line.answer()
      line.socket.write('garbage\r\n\r\n')
      while (line.waiting.length > 0) line.answer()
    })
    const using = one()
    const [first, second, ...others] = await askAll(using, url, 5)
    expect([first, second, others]).toEqual(['GET /1', 'ERR_MALFORMED_RESPONSE', ['GET /3', 'GET /4', 'GET /5']])
    expect(lines).toHaveLength(2)
    careful(using)
  })

  it('is not asked again by a client that replays nothing: what is behind fails, and nobody knows what became of it', async () => {
    const { url } = await raw((line) => {
      if (line.number > 0) return line.answer()
      if (line.received.length < 2) return
      line.answer()
      line.socket.end()
    })
    const using = one({ replay: 0 })
    const [first, second] = [using.request({ url: `${url}/1` }), using.request({ url: `${url}/2` })]
    expect(await (await first).text()).toBe('GET /1')
    await expect(second).rejects.toMatchObject({ name: 'ConnectionError', processed: 'unknown' })
    expect(await askAll(using, url, 2)).toEqual(gets(2))
  })

  it('a connection lost during the first response: requests behind it fail with ERR_PIPELINE_LOST', async () => {
    const { url } = await raw((line) => {
      if (line.received.length < 2) return
      line.socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab')
    })
    const using = one({ replay: 0 })
    const [first, second] = [using.request({ url: `${url}/1` }), using.request({ url: `${url}/2` })]
    const text = (await first).text()
    await Promise.all([
      expect(second).rejects.toMatchObject({ code: 'ERR_PIPELINE_LOST', processed: 'unknown' }),
      expect(text).rejects.toMatchObject({ processed: 'yes' }),
    ])
  })

  it('a request that was not written yet is sent again whatever its method: it was certainly not processed', async () => {
    const { url, lines } = await raw((line) => {
      if (line.number > 0) line.answer()
    })
    const using = one({ replay: 0 })
    const first = using.request({ url: `${url}/1` })
    await until(() => paths(lines[0]).length >= 1)
    const post = using.request({ url: `${url}/2`, method: 'POST', body: 'x' })
    await new Promise(setImmediate)
    lines[0]!.socket.destroy()
    await expect(first).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    expect(await (await post).text()).toBe('POST /2')
  })
})

it('without the option there is none', async () => {
  const { url, lines } = await raw((line) => {
    expect(line.waiting).toHaveLength(1)
    line.answer()
  })
  expect(await askAll(client({ maxConnectionsPerOrigin: 1 }), url, 5)).toEqual(gets(5))
  expect(lines).toHaveLength(1)
})

it.each([
  ['GET', undefined, true],
  ['DELETE', undefined, true],
  ['PUT', 'x', false],
  ['POST', undefined, false],
  ['HEAD', undefined, false],
])('%s with content %s may be one of several: %s', (method, body, expected) => {
  expect(mayPipeline(checkRequest({ url: 'http://a.example/', method, body: body ?? null }))).toBe(expected)
})

describe('what is remembered', () => {
  it('holds for five minutes; a break by one who is asked with care already is the second', () => {
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
